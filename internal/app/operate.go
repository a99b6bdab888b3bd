package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"countersign/internal/deliver/route"
	"countersign/internal/ledger"
	"countersign/internal/mailbox"
	"countersign/internal/phone"
	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// operator does what an operator asks for on the command line.
type operator struct {
	store     verify.Store
	ledger    *ledger.Ledger
	keys      *secret.Ring
	directory *tenant.Directory
	region    string
	now       func() time.Time
	// explainer tells what the running service knows of a route; nil where none runs.
	explainer func(verify.Channel, verify.Address) route.Explanation
}

// order is what a command asks for, and report what came of it. Which fields count
// depends on the operation.
type (
	order struct {
		Address string   `json:"address,omitzero"` // a number, or a mailbox
		Profile string   `json:"profile,omitzero"` // an id; empty: all
		Account string   `json:"account,omitzero"` // a sid or a name; empty: the first
		Name    string   `json:"name,omitzero"`
		Scopes  []string `json:"scopes,omitzero"`
		Key     string   `json:"key,omitzero"` // a sid or an id
		Last    int      `json:"last,omitzero"`
		Channel string   `json:"channel,omitzero"`
	}
	report struct {
		Count    int       `json:"count"`         // of what was to be done away with
		Safe     int       `json:"safe,omitzero"` // safe lists that no longer have the number
		Sessions int       `json:"sessions,omitzero"`
		Keys     []APIKey  `json:"keys,omitzero"`
		Text     string    `json:"text,omitzero"` // of a new key
		Accounts []Account `json:"accounts,omitzero"`
		Error    string    `json:"error,omitzero"`

		Explained []Explained        `json:"explained,omitzero"`
		Route     *route.Explanation `json:"route,omitzero"`
	}
)

// operations are what can be asked for, by name. Errors are sentences.
var operations = map[string]func(*operator, context.Context, order) (report, error){
	"unlock":          (*operator).unlock,
	"erase":           (*operator).erase,
	"keys-create":     (*operator).createKey,
	"keys-list":       (*operator).listKeys,
	"keys-revoke":     (*operator).revokeKey,
	"accounts-create": (*operator).createAccount,
	"accounts-list":   (*operator).listAccounts,
	"explain":         (*operator).explain,
	"route":           (*operator).explainRoute,
}

// Unlock forgets the wrong guesses in a row of a number or a mailbox, which lock it
// when they are too many: those at one profile, or at all of every tenant if profile
// is empty. It says whether there were any. Errors are sentences for the operator.
func Unlock(ctx context.Context, c Config, address, profile string) (found bool, err error) {
	r, err := c.operate(ctx, "unlock", order{Address: address, Profile: profile})
	return r.Count > 0, err
}

// Erased is what Erase has deleted.
type Erased struct {
	Verifications int
	SafeLists     int // of how many tenants the number was on the safe list
	Sessions      int
}

// Erase deletes all that is stored of a number or a mailbox, whatever its state and
// whoever's it is. Errors are sentences for the operator.
func Erase(ctx context.Context, c Config, address string) (Erased, error) {
	r, err := c.operate(ctx, "erase", order{Address: address})
	return Erased{r.Count, r.Safe, r.Sessions}, err
}

// operate has the service that runs on the database's file do it, or does it
// itself where there is none.
func (c *Config) operate(ctx context.Context, name string, what order) (r report, err error) {
	s, err := c.checkData()
	if err != nil {
		return r, err
	}
	if err := what.check(s.region); err != nil {
		return r, err
	}
	// «Nothing is stored» must not be said of a database that was made to say so.
	if path := s.database.path; path != "" {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return r, fmt.Errorf("there is no database at %s: use the configuration of the service, and start the command where the service starts", path)
		}
	}
	if r, served, err := s.database.ask(ctx, name, what); served {
		return r, err
	}
	ring, err := c.openKeys()
	if err != nil {
		return r, err
	}
	now := NewClock(time.Now).Now
	keys := ring.At(now())
	st, err := s.database.open(ctx)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if err := markKeys(ctx, st, keys); err != nil {
		return r, err
	}
	if err := openProfile(ctx, st, &s.profile, now()); err != nil {
		return r, err
	}
	l := ledger.New(ledger.Config{Store: st, Env: &verify.Env{Keys: keys, Random: rand.Reader}, Now: now})
	defer l.Close()
	o := &operator{store: st, ledger: l, keys: keys, directory: c.directory(s, st, keys, now), region: s.region, now: now}
	return operations[name](o, ctx, what)
}

// check refuses what no service would understand, before one is asked.
func (o order) check(region string) error {
	if o.Address != "" {
		if _, err := address(o.Address, region); err != nil {
			return err
		}
	}
	if o.Profile != "" {
		if _, err := parseSID(o.Profile); err != nil {
			return errors.New("--profile: not the id of a profile: a UUID, or VA and 32 characters")
		}
	}
	return nil
}

// address reads what an operator writes for a person: a number, or a mailbox.
func address(text, region string) (verify.Address, error) {
	if strings.Contains(text, "@") {
		m, err := mailbox.Parse(text)
		return verify.Mail(m), err
	}
	n, err := phone.Parse(text, region)
	return verify.Phone(n), err
}

// unlock asks every profile there is: whoever is locked is so at one of them, and
// an operator who answers the telephone does not know at which.
func (o *operator) unlock(ctx context.Context, what order) (report, error) {
	var r report
	to, err := address(what.Address, o.region)
	if err != nil {
		return r, err
	}
	var only verify.ID
	if what.Profile != "" {
		if only, err = parseSID(what.Profile); err != nil {
			return r, err
		}
	}
	known, chosen := false, what.Profile == ""
	err = o.profiles(ctx, func(p tenant.Profile) error {
		if what.Profile != "" && p.ID != only {
			return nil
		}
		chosen = true
		found, err := ledger.Do(ctx, o.ledger, verify.Unlock{
			Target: verify.Target{Tenant: p.Tenant, Profile: p.ID, Address: to},
		})
		if verify.KindOf(err) == verify.NotFound {
			return nil
		}
		known = known || err == nil
		if found {
			r.Count++
		}
		return err
	})
	switch {
	case err != nil:
		return r, err
	case !chosen:
		return r, fmt.Errorf("no profile has the id %s", what.Profile)
	case !known:
		return r, fmt.Errorf("no verification of %s was ever begun here", to)
	}
	return r, nil
}

// erase reads through all verifications: a number can be found by its hash under
// every profile and key that is known, but what is to be forgotten must not
// depend on what is known.
func (o *operator) erase(ctx context.Context, what order) (report, error) {
	var r report
	to, err := address(what.Address, o.region)
	if err != nil {
		return r, err
	}
	if r.Safe, err = o.unsafe(ctx, to); err != nil {
		return r, err
	}
	unread, err := o.eraseSessions(ctx, to, &r)
	if err != nil {
		return r, err
	}
	for after := (verify.ID{}); ; {
		rows, err := o.store.Verifications(ctx, after, "", keepLimit)
		if err != nil {
			return r, err
		}
		// One after the other: the subject goes with its newest, which comes last.
		for _, v := range rows {
			held, err := v.To(o.keys)
			if err != nil {
				unread = fmt.Errorf("verification %s, and perhaps others, cannot be read and may be of this number: %w", v.ID, err)
				continue
			}
			if !held.Equal(to) {
				continue
			}
			gone, err := ledger.Do(ctx, o.ledger, verify.Erase{Verification: v.ID})
			if err != nil {
				return r, err
			}
			if gone {
				r.Count++
			}
		}
		if len(rows) < keepLimit {
			return r, unread
		}
		after = rows[len(rows)-1].ID
	}
}

// eraseSessions deletes the sessions of an address. unread says that there are some that
// cannot be read.
func (o *operator) eraseSessions(ctx context.Context, to verify.Address, r *report) (unread, err error) {
	for after := (verify.ID{}); ; {
		rows, err := o.store.Sessions(ctx, after, keepLimit)
		if err != nil {
			return nil, err
		}
		for _, s := range rows {
			held, err := s.To(o.keys)
			if err != nil {
				unread = fmt.Errorf("session %s, and perhaps others, cannot be read and may be of this number: %w", s.ID, err)
				continue
			}
			if held.IsZero() || !held.Equal(to) {
				continue
			}
			gone, err := ledger.Do(ctx, o.ledger, verify.EraseSession{Session: s.ID})
			if err != nil {
				return nil, err
			}
			if gone {
				r.Sessions++
			}
		}
		if len(rows) < keepLimit {
			return unread, nil
		}
		after = rows[len(rows)-1].ID
	}
}

// unsafe takes a number off every tenant's safe list, and says off how many.
func (o *operator) unsafe(ctx context.Context, to verify.Address) (lists int, err error) {
	number, ok := to.Number()
	if !ok {
		return 0, nil
	}
	accounts, err := o.accounts(ctx)
	for _, a := range accounts {
		switch dropped := o.directory.DropSafe(ctx, a.Tenant, number.E164()); {
		case dropped == nil:
			lists++
		case verify.KindOf(dropped) != verify.NotFound:
			err = errors.Join(err, dropped)
		}
	}
	return lists, err
}

// openProfile finds the id of a profile that the configuration gives none.
func openProfile(ctx context.Context, s verify.Store, p *verify.Profile, now time.Time) error {
	if p.ID != (verify.ID{}) {
		return nil
	}
	want, err := verify.NewID(now, rand.Reader)
	if err != nil {
		return err
	}
	p.ID, err = s.Profile(ctx, tenant.Default, p.Name, want)
	return err
}
