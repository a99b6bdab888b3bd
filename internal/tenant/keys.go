package tenant

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"countersign/internal/verify"
)

// Principal is who asks: an API key, and whose it is.
type Principal struct {
	Tenant  string
	Account verify.ID // of the tenant: AC… of the Twilio dialect
	Key     verify.ID // SK…
	Scopes  []Scope   // none: all
}

// May refuses with Forbidden what the key has no scope for. A key that may change
// settings may read them, and one that may verify may read verifications; so any key
// may read.
func (p Principal) May(s Scope) error {
	if len(p.Scopes) == 0 || slices.Contains(p.Scopes, s) || s == ScopeRead {
		return nil
	}
	return &verify.Error{Kind: verify.Forbidden, Err: fmt.Errorf("it has no scope %q; make another key that has", s)}
}

const (
	keyPrefix   = "KEY"
	keyLength   = 40 // characters after the prefix: 238 bits
	keyAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	keysOfAName = 2
	// usedEvery is how exact UsedAt is.
	usedEvery = 10 * time.Minute
)

// keyID is the id of the key that has a hash, so that it is found by its text without
// that text standing anywhere.
func keyID(hash [sha256.Size]byte) verify.ID { return verify.ID(hash[:16]) }

// Bearer finds who has an API key, such as KEY…; ok is false for nobody: unknown,
// revoked. The error is Unavailable.
func (d *Directory) Bearer(ctx context.Context, key string) (p Principal, ok bool, err error) {
	hash := sha256.Sum256([]byte(key))
	for _, h := range d.configured {
		if subtle.ConstantTimeCompare(h[:], hash[:]) == 1 {
			a, err := d.EnsureAccount(ctx, Default, Default)
			return Principal{Tenant: Default, Account: a.ID, Key: keyID(hash)}, err == nil, err
		}
	}
	r, err := d.store.Record(ctx, APIKeys, keyID(hash))
	if err != nil || r == nil {
		return Principal{}, false, unavailable(err)
	}
	k, err := open[APIKey](*r)
	if err != nil {
		return Principal{}, false, err
	}
	if subtle.ConstantTimeCompare(k.Hash, hash[:]) != 1 || !k.RevokedAt.IsZero() {
		return Principal{}, false, nil
	}
	a, err := d.Account(ctx, k.Tenant)
	if verify.KindOf(err) == verify.NotFound {
		return Principal{}, false, nil // a key without a tenant opens nothing
	}
	if err != nil {
		return Principal{}, false, err
	}
	d.touch(ctx, k)
	return Principal{Tenant: k.Tenant, Account: a.ID, Key: k.ID, Scopes: k.Scopes}, true, nil
}

// Basic finds who has a user name and a password: an account sid (AC and 32 hex digits)
// or a key sid (SK and 32 hex digits) with the text of a key of that account.
func (d *Directory) Basic(ctx context.Context, user, password string) (p Principal, ok bool, err error) {
	const prefix = 2
	if len(user) != prefix+hex.EncodedLen(len(verify.ID{})) {
		return Principal{}, false, nil
	}
	var id verify.ID
	if _, err := hex.Decode(id[:], []byte(user[prefix:])); err != nil {
		return Principal{}, false, nil
	}
	p, ok, err = d.Bearer(ctx, password)
	if !ok || err != nil {
		return Principal{}, false, err
	}
	if user[:prefix] == "AC" && id == p.Account || user[:prefix] == "SK" && id == p.Key {
		return p, true, nil
	}
	return Principal{}, false, nil
}

// errUsed says that another request has written the use down.
var errUsed = errors.New("tenant: the use is written down")

// touch writes that a key was used. It must never fail a request, and a store that
// takes no writes is asked no more often than one that does.
func (d *Directory) touch(ctx context.Context, k APIKey) {
	now := d.APIKeys.instant()
	d.mu.Lock()
	last := d.used[k.ID]
	due := now.Sub(k.UsedAt) >= usedEvery && now.Sub(last) >= usedEvery
	if due {
		if len(d.used) >= maxCached {
			clear(d.used)
		}
		d.used[k.ID] = now
	}
	d.mu.Unlock()
	if !due {
		return
	}
	_, _ = d.APIKeys.Change(ctx, k.Tenant, k.ID, func(k *APIKey) error {
		if now.Sub(k.UsedAt) < usedEvery {
			return errUsed
		}
		k.UsedAt = now
		return nil
	})
}

// CreateKey makes an API key and returns its text, which is shown this once: KEY and
// letters and digits, so that both vendors' SDKs take it. At most two live keys of a
// tenant have one name. Refusals: Invalid, Full, and NotFound for a tenant without an
// account.
func (d *Directory) CreateKey(ctx context.Context, tenant, name string, scopes []Scope) (APIKey, string, error) {
	if _, err := d.Account(ctx, tenant); err != nil {
		return APIKey{}, "", err
	}
	text, err := newKey(d.config.Random)
	if err != nil {
		return APIKey{}, "", err
	}
	hash := sha256.Sum256([]byte(text))
	for place := 1; place <= keysOfAName; place++ {
		k := APIKey{Meta: Meta{ID: keyID(hash)}, Name: name, Hash: hash[:], Place: place, Scopes: scopes}
		k, err = d.APIKeys.Add(ctx, tenant, k)
		if verify.KindOf(err) == verify.Full && d.dropRevoked(ctx, tenant) {
			k, err = d.APIKeys.Add(ctx, tenant, k)
		}
		if verify.KindOf(err) == verify.Taken {
			continue
		}
		if err != nil {
			return APIKey{}, "", err
		}
		return k, text, nil
	}
	return APIKey{}, "", &verify.Error{
		Kind: verify.Full, Field: verify.FieldName,
		Err: fmt.Errorf("%d live keys have this name; revoke one", keysOfAName),
	}
}

// dropRevoked makes room for a key: of those that are revoked the one made first goes.
func (d *Directory) dropRevoked(ctx context.Context, tenant string) bool {
	all, _, err := d.APIKeys.List(ctx, tenant, Query{Limit: math.MaxInt32})
	all = slices.DeleteFunc(all, func(k APIKey) bool { return k.RevokedAt.IsZero() })
	if err != nil || len(all) == 0 {
		return false
	}
	oldest := slices.MinFunc(all, func(a, b APIKey) int { return a.CreatedAt.Compare(b.CreatedAt) })
	_, err = d.APIKeys.Drop(ctx, tenant, oldest.ID)
	return err == nil
}

// newKey draws the text of a key. Bytes that would favour some characters are thrown
// away.
func newKey(random io.Reader) (string, error) {
	const fair = 256 - 256%len(keyAlphabet)
	out := []byte(keyPrefix)
	var buf [keyLength]byte
	for len(out) < len(keyPrefix)+keyLength {
		if _, err := io.ReadFull(random, buf[:]); err != nil {
			return "", fmt.Errorf("tenant: %w", err)
		}
		for _, b := range buf {
			if int(b) < fair && len(out) < len(keyPrefix)+keyLength {
				out = append(out, keyAlphabet[int(b)%len(keyAlphabet)])
			}
		}
	}
	return string(out), nil
}

// RevokeKey ends a key: on this node at once, on others within MaxAge. One that has
// ended stays as it is. Refusals: NotFound, and Forbidden for one that comes from the
// operator's configuration.
func (d *Directory) RevokeKey(ctx context.Context, tenant string, id verify.ID) (APIKey, error) {
	for _, h := range d.configured {
		if tenant == Default && keyID(h) == id {
			return APIKey{}, errFixed()
		}
	}
	return d.APIKeys.Change(ctx, tenant, id, func(k *APIKey) error {
		if k.RevokedAt.IsZero() {
			k.RevokedAt = d.APIKeys.instant()
		}
		return nil
	})
}

// Account reads the account of a tenant. The first tenant's is made when it is first
// asked for. Refusals: NotFound.
func (d *Directory) Account(ctx context.Context, tenant string) (Account, error) {
	if tenant == Default {
		return d.EnsureAccount(ctx, Default, Default)
	}
	return d.Accounts.Named(ctx, tenant, verify.ID{}, tenant)
}

// EnsureAccount reads the account of a tenant, and makes it under a name if there is
// none. Refusals: Invalid.
func (d *Directory) EnsureAccount(ctx context.Context, tenant, name string) (Account, error) {
	a, err := d.Accounts.Named(ctx, tenant, verify.ID{}, tenant)
	if verify.KindOf(err) != verify.NotFound {
		return a, err
	}
	a, err = d.Accounts.Add(ctx, tenant, Account{Name: name})
	if kind := verify.KindOf(err); kind == verify.Taken || kind == verify.Full {
		return d.Accounts.Named(ctx, tenant, verify.ID{}, tenant) // another node was faster
	}
	return a, err
}

// AddAccount makes a tenant, which is called by the id of its account. Refusals:
// Invalid, and Taken, since operators call accounts by their names.
func (d *Directory) AddAccount(ctx context.Context, name string) (Account, error) {
	all, _, err := d.AllAccounts(ctx, Query{Name: name, Limit: math.MaxInt32})
	if err != nil {
		return Account{}, err
	}
	if slices.ContainsFunc(all, func(a Account) bool { return strings.EqualFold(a.Name, name) }) {
		return Account{}, &verify.Error{Kind: verify.Taken, Field: verify.FieldName}
	}
	id, err := verify.NewID(d.Accounts.instant(), d.config.Random)
	if err != nil {
		return Account{}, err
	}
	return d.Accounts.Add(ctx, id.String(), Account{Meta: Meta{ID: id}, Name: name})
}

// AllAccounts reads a page of the accounts of all tenants, the oldest first, and how
// many there are. It is for the operator. Of q only Name, Offset and Limit count.
func (d *Directory) AllAccounts(ctx context.Context, q Query) ([]Account, int, error) {
	if _, err := d.EnsureAccount(ctx, Default, Default); err != nil {
		return nil, 0, err
	}
	var all []Account
	err := d.every(ctx, Accounts, func(r Record) error {
		a, err := open[Account](r)
		if err == nil && contains(a.Name, q.Name) {
			all = append(all, a)
		}
		return err
	})
	return cut(all, q), len(all), err
}

// every does something with each record of a kind, of all tenants.
func (d *Directory) every(ctx context.Context, kind Kind, do func(Record) error) error {
	const stretch = 1000
	for after := (verify.ID{}); ; {
		page, err := d.store.EveryRecord(ctx, kind, after, stretch)
		if err != nil {
			return unavailable(err)
		}
		for _, r := range page {
			if err := do(r); err != nil {
				return err
			}
			after = r.ID
		}
		if len(page) < stretch {
			return nil
		}
	}
}
