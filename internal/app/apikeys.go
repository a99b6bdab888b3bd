package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// APIKey is an API key as an operator sees it: never its text.
type APIKey struct {
	SID         string    `json:"sid"`
	Name        string    `json:"name"`
	AccountSID  string    `json:"account_sid"`
	AccountName string    `json:"account_name"`
	Scopes      []string  `json:"scopes"` // none: all
	CreatedAt   time.Time `json:"created_at"`
	UsedAt      time.Time `json:"used_at,omitzero"` // to within ten minutes
	RevokedAt   time.Time `json:"revoked_at,omitzero"`
}

// Account is a tenant as an operator sees it.
type Account struct {
	SID       string    `json:"sid"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
}

// NewKey is an API key that was just made. Text is shown this once.
type NewKey struct {
	APIKey
	Text Secret `json:"-"`
}

// CreateKey makes an API key of an account, which is named by its sid or its name, or
// of the first one. No scopes are all scopes. Errors are sentences for the operator.
func CreateKey(ctx context.Context, c Config, account, name string, scopes []string) (NewKey, error) {
	r, err := c.operate(ctx, "keys-create", order{Account: account, Name: name, Scopes: scopes})
	if err == nil && len(r.Keys) != 1 {
		err = errors.New("the running service does not say what it has made; is it of another release?")
	}
	if err != nil {
		return NewKey{}, err
	}
	return NewKey{r.Keys[0], NewSecret(r.Text)}, nil
}

// ListKeys lists the API keys of an account, or of all. Those of the configuration
// are not among them. Errors are sentences for the operator.
func ListKeys(ctx context.Context, c Config, account string) ([]APIKey, error) {
	r, err := c.operate(ctx, "keys-list", order{Account: account})
	return r.Keys, err
}

// RevokeKey ends an API key, which is named by its sid. Errors are sentences for the
// operator.
func RevokeKey(ctx context.Context, c Config, sid string) (APIKey, error) {
	r, err := c.operate(ctx, "keys-revoke", order{Key: sid})
	if err != nil || len(r.Keys) != 1 {
		return APIKey{}, err
	}
	return r.Keys[0], nil
}

// CreateAccount makes a tenant. Errors are sentences for the operator.
func CreateAccount(ctx context.Context, c Config, name string) (Account, error) {
	r, err := c.operate(ctx, "accounts-create", order{Name: name})
	if err != nil || len(r.Accounts) != 1 {
		return Account{}, err
	}
	return r.Accounts[0], nil
}

// ListAccounts lists the tenants, the first one first. Errors are sentences for the
// operator.
func ListAccounts(ctx context.Context, c Config) ([]Account, error) {
	r, err := c.operate(ctx, "accounts-list", order{})
	return r.Accounts, err
}

func (o *operator) createKey(ctx context.Context, what order) (report, error) {
	a, err := o.account(ctx, what.Account)
	if err != nil {
		return report{}, err
	}
	var scopes []tenant.Scope
	for _, s := range what.Scopes {
		scopes = append(scopes, tenant.Scope(s))
	}
	key, text, err := o.directory.CreateKey(ctx, a.Tenant, what.Name, scopes)
	if err != nil {
		return report{}, sentence(err, map[verify.Kind]string{
			verify.Invalid: "the key cannot be made",
			verify.Full:    "the account has two live keys of that name, or as many keys as it may have; revoke one with «countersign keys revoke»",
		})
	}
	return report{Keys: []APIKey{shown(key, a)}, Text: text}, nil
}

func (o *operator) listKeys(ctx context.Context, what order) (report, error) {
	accounts, err := o.accounts(ctx)
	if what.Account != "" && err == nil {
		var a tenant.Account
		a, err = o.account(ctx, what.Account)
		accounts = []tenant.Account{a}
	}
	var r report
	for _, a := range accounts {
		if err != nil {
			break
		}
		err = eachPage(func(q tenant.Query) (int, error) {
			keys, _, err := o.directory.APIKeys.List(ctx, a.Tenant, q)
			for _, k := range keys {
				r.Keys = append(r.Keys, shown(k, a))
			}
			return len(keys), err
		})
	}
	return r, err
}

// revokeKey looks for the key in every account: its sid is enough.
func (o *operator) revokeKey(ctx context.Context, what order) (report, error) {
	none := fmt.Errorf("no API key is called %q; «countersign keys list» shows the sids (SK…). Keys of the configuration end when they leave api_keys", what.Key)
	id, err := parseSID(what.Key)
	if err != nil {
		return report{}, none
	}
	accounts, err := o.accounts(ctx)
	if err != nil {
		return report{}, err
	}
	for _, a := range accounts {
		key, err := o.directory.RevokeKey(ctx, a.Tenant, id)
		if verify.KindOf(err) == verify.NotFound {
			continue
		}
		return report{Count: 1, Keys: []APIKey{shown(key, a)}}, err
	}
	return report{}, none
}

func (o *operator) createAccount(ctx context.Context, what order) (report, error) {
	a, err := o.directory.AddAccount(ctx, what.Name)
	if err != nil {
		return report{}, sentence(err, map[verify.Kind]string{
			verify.Invalid: "the account cannot be made",
			verify.Taken:   "another account has that name",
			verify.Full:    "there are as many accounts as there may be",
		})
	}
	return report{Accounts: []Account{shownAccount(a)}}, nil
}

func (o *operator) listAccounts(ctx context.Context, _ order) (report, error) {
	accounts, err := o.accounts(ctx)
	var r report
	for _, a := range accounts {
		r.Accounts = append(r.Accounts, shownAccount(a))
	}
	return r, err
}

// account finds an account by its sid or its name; the first one if text is empty.
func (o *operator) account(ctx context.Context, text string) (tenant.Account, error) {
	accounts, err := o.accounts(ctx)
	if err != nil {
		return tenant.Account{}, err
	}
	for _, a := range accounts {
		if text == "" && a.Tenant == tenant.Default || text != "" && (text == a.Name || text == sid("AC", a.ID)) {
			return a, nil
		}
	}
	return tenant.Account{}, fmt.Errorf("no account is called %q; «countersign accounts list» shows them", text)
}

func (o *operator) accounts(ctx context.Context) (all []tenant.Account, err error) {
	err = eachPage(func(q tenant.Query) (int, error) {
		page, _, err := o.directory.AllAccounts(ctx, q)
		all = append(all, page...)
		return len(page), err
	})
	return all, err
}

// profiles does something with every profile of every tenant.
func (o *operator) profiles(ctx context.Context, do func(tenant.Profile) error) error {
	accounts, err := o.accounts(ctx)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		err := eachPage(func(q tenant.Query) (int, error) {
			page, _, err := o.directory.Profiles(ctx, a.Tenant, q)
			for _, p := range page {
				if err == nil {
					err = do(p)
				}
			}
			return len(page), err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachPage asks for page after page until one is not full.
func eachPage(read func(tenant.Query) (int, error)) error {
	for q := (tenant.Query{Limit: keepLimit}); ; q.Offset += q.Limit {
		if n, err := read(q); err != nil || n < q.Limit {
			return err
		}
	}
}

func shown(k tenant.APIKey, a tenant.Account) APIKey {
	out := APIKey{
		SID: sid("SK", k.ID), Name: k.Name, AccountSID: sid("AC", a.ID), AccountName: a.Name, Scopes: []string{},
		CreatedAt: k.CreatedAt, UsedAt: k.UsedAt, RevokedAt: k.RevokedAt,
	}
	for _, s := range k.Scopes {
		out.Scopes = append(out.Scopes, string(s))
	}
	return out
}

func shownAccount(a tenant.Account) Account {
	return Account{SID: sid("AC", a.ID), Name: a.Name, CreatedAt: a.CreatedAt}
}

// sid writes an id as the Twilio dialect does.
func sid(prefix string, id verify.ID) string { return prefix + hex.EncodeToString(id[:]) }

// parseSID reads an id as either dialect writes it.
func parseSID(text string) (verify.ID, error) {
	const length = 34
	if len(text) == length && strings.ToUpper(text[:2]) == text[:2] {
		text = text[2:]
	}
	return uuid.Parse(text)
}

// sentence puts what a refusal means for an operator before its reason.
func sentence(err error, words map[verify.Kind]string) error {
	if e, ok := errors.AsType[*verify.Error](err); ok && words[e.Kind] != "" {
		if e.Err != nil {
			return fmt.Errorf("%s: %w", words[e.Kind], e.Err)
		}
		return errors.New(words[e.Kind])
	}
	return err
}
