package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"countersign/internal/ledger"
	"countersign/internal/phone"
	"countersign/internal/secret"
	"countersign/internal/verify"
)

// operator does what an operator asks for on the command line.
type operator struct {
	store   verify.Store
	ledger  *ledger.Ledger
	keys    *secret.Ring
	profile verify.Profile
	region  string
}

// operations are what can be asked for, by name. Each takes a number and says how
// many it found of what it was to do away with; errors are sentences.
var operations = map[string]func(*operator, context.Context, phone.Number) (int, error){
	"unlock": (*operator).unlock,
	"erase":  (*operator).erase,
}

// Unlock forgets the wrong guesses in a row of a number, which lock it when they
// are too many. It says whether there were any. Errors are sentences for the
// operator.
func Unlock(ctx context.Context, c Config, number string) (found bool, err error) {
	n, err := c.operate(ctx, "unlock", number)
	return n > 0, err
}

// Erase deletes all that is stored of a number, whatever its state, and says how
// many verifications that were. Errors are sentences for the operator.
func Erase(ctx context.Context, c Config, number string) (int, error) {
	return c.operate(ctx, "erase", number)
}

// operate has the service that runs on the database's file do it, or does it
// itself where there is none.
func (c *Config) operate(ctx context.Context, name, number string) (n int, err error) {
	s, err := c.checkData()
	if err != nil {
		return 0, err
	}
	if _, err := phone.Parse(number, s.region); err != nil {
		return 0, err
	}
	// «Nothing is stored» must not be said of a database that was made to say so.
	if path := s.database.path; path != "" {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return 0, fmt.Errorf("there is no database at %s: use the configuration of the service, and start the command where the service starts", path)
		}
	}
	if n, served, err := s.database.ask(ctx, name, number); served {
		return n, err
	}
	ring, err := c.openKeys()
	if err != nil {
		return 0, err
	}
	now := NewClock(time.Now).Now
	keys := ring.At(now())
	st, err := s.database.open(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if err := markKeys(ctx, st, keys); err != nil {
		return 0, err
	}
	if err := openProfile(ctx, st, &s.profile, now()); err != nil {
		return 0, err
	}
	l := ledger.New(ledger.Config{Store: st, Env: &verify.Env{Keys: keys, Random: rand.Reader}, Now: now})
	defer l.Close()
	return (&operator{st, l, keys, s.profile, s.region}).do(ctx, name, number)
}

func (o *operator) do(ctx context.Context, name, number string) (int, error) {
	to, err := phone.Parse(number, o.region)
	if err != nil {
		return 0, err
	}
	return operations[name](o, ctx, to)
}

func (o *operator) unlock(ctx context.Context, to phone.Number) (int, error) {
	found, err := ledger.Do(ctx, o.ledger, verify.Unlock{
		Target: verify.Target{Tenant: o.profile.Tenant, Profile: o.profile.ID, Address: verify.Phone(to)},
	})
	if verify.KindOf(err) == verify.NotFound {
		return 0, fmt.Errorf("no verification of %s was ever begun here", to)
	}
	if found {
		return 1, err
	}
	return 0, err
}

// erase reads through all verifications: a number can be found by its hash under
// every profile and key that is known, but what is to be forgotten must not
// depend on what is known.
func (o *operator) erase(ctx context.Context, to phone.Number) (int, error) {
	erased := 0
	var unread error
	for after := (verify.ID{}); ; {
		rows, err := o.store.Verifications(ctx, after, "", keepLimit)
		if err != nil {
			return erased, err
		}
		// One after the other: the subject goes with its newest, which comes last.
		for _, v := range rows {
			held, err := v.To(o.keys)
			if err != nil {
				unread = fmt.Errorf("verification %s, and perhaps others, cannot be read and may be of this number: %w", v.ID, err)
				continue
			}
			if !held.Equal(verify.Phone(to)) {
				continue
			}
			gone, err := ledger.Do(ctx, o.ledger, verify.Erase{Verification: v.ID})
			if err != nil {
				return erased, err
			}
			if gone {
				erased++
			}
		}
		if len(rows) < keepLimit {
			return erased, unread
		}
		after = rows[len(rows)-1].ID
	}
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
	p.ID, err = s.Profile(ctx, tenant, p.Name, want)
	return err
}
