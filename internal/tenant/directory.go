package tenant

import (
	"context"
	"io"
	"time"

	"countersign/internal/secret"
	"countersign/internal/verify"
)

// Config is what a Directory needs.
type Config struct {
	Store  Store
	Keys   *secret.Ring
	Now    func() time.Time
	Random io.Reader
	// Fixed are the profiles of the operator's configuration. They cannot be changed
	// and come first in lists.
	Fixed []Profile
	// Configured are API keys of the operator's configuration, of the first tenant.
	Configured []string
	// Price is what one message is taken to cost; zero: not known, and then no profile
	// can have a spend limit.
	Price Money
	// MaxAge is how old what is read of profiles, templates and keys may be.
	MaxAge time.Duration
}

// Directory is everything that tenants have set up.
type Directory struct {
	Accounts   *Set[Account, *Account]
	APIKeys    *Set[APIKey, *APIKey]
	Templates  *Set[Template, *Template]
	RateLimits *Set[RateLimit, *RateLimit]
	Buckets    *Set[Bucket, *Bucket]
	Senders    *Set[Sender, *Sender]
	Webhooks   *Set[Webhook, *Webhook]
	// profiles and safe numbers have rules over and above those of a Set.
	profiles *Set[Profile, *Profile]
	safe     *Set[SafeNumber, *SafeNumber]
	config   Config
}

// Principal is who asks: an API key, and whose it is.
type Principal struct {
	Tenant  string
	Account verify.ID // of the tenant: AC… of the Twilio dialect
	Key     verify.ID // SK…
	Scopes  []Scope   // none: all
}

// May refuses with Forbidden what the key has no scope for. A key that may change
// settings may read them, and one that may verify may read verifications.
func (p Principal) May(s Scope) error { panic("not yet") }

// Bearer finds who has an API key, such as KEY…; ok is false for nobody: unknown,
// revoked. The error is Unavailable.
func (d *Directory) Bearer(ctx context.Context, key string) (p Principal, ok bool, err error) {
	panic("not yet")
}

// Basic finds who has a user name and a password: an account sid (AC and 32 hex digits)
// or a key sid (SK and 32 hex digits) with the text of a key of that account.
func (d *Directory) Basic(ctx context.Context, user, password string) (p Principal, ok bool, err error) {
	panic("not yet")
}

// CreateKey makes an API key and returns its text, which is shown this once: KEY and
// letters and digits, so that both vendors' SDKs take it. At most two live keys of a
// tenant have one name. Refusals: Invalid, Full.
func (d *Directory) CreateKey(ctx context.Context, tenant, name string, scopes []Scope) (APIKey, string, error) {
	panic("not yet")
}

// RevokeKey ends a key. Refusals: NotFound.
func (d *Directory) RevokeKey(ctx context.Context, tenant string, id verify.ID) (APIKey, error) {
	panic("not yet")
}

// Profile reads a profile, one of the operator's configuration included. Refusals:
// NotFound.
func (d *Directory) Profile(ctx context.Context, tenant string, id verify.ID) (Profile, error) {
	panic("not yet")
}

// Profiles reads a page of profiles and how many there are. Of q only Name, Offset and
// Limit count.
func (d *Directory) Profiles(ctx context.Context, tenant string, q Query) ([]Profile, int, error) {
	panic("not yet")
}

// AddProfile stores a new profile. Refusals: Invalid, Taken, Full.
func (d *Directory) AddProfile(ctx context.Context, tenant string, p Profile) (Profile, error) {
	panic("not yet")
}

// ChangeProfile changes a profile. Refusals: NotFound, Invalid, Taken, and Forbidden for
// one that comes from the operator's configuration.
func (d *Directory) ChangeProfile(ctx context.Context, tenant string, id verify.ID, change func(*Profile) error) (Profile, error) {
	panic("not yet")
}

// DropProfile deletes a profile with all that belongs to it. Refusals: NotFound,
// Forbidden.
func (d *Directory) DropProfile(ctx context.Context, tenant string, id verify.ID) (Profile, error) {
	panic("not yet")
}

// Rules are what the core needs to know of a profile for one channel: its template's
// text in its language, its code, its time, its countries, its spend limit as a quota,
// and whether anybody wants to know of events. template and locale come before the
// profile's own if they are given. Refusals: NotFound (template), Invalid (locale).
func (d *Directory) Rules(ctx context.Context, p Profile, ch verify.Channel, template verify.ID, locale string) (verify.Profile, error) {
	panic("not yet")
}

// Quotas are the rate limits of a profile that a caller names with the value that is to
// be limited, such as {"end_user_ip": "192.0.2.1"}. Refusals: NotFound (a name that the
// profile has not), Invalid.
func (d *Directory) Quotas(ctx context.Context, p Profile, values map[string]string) ([]verify.Quota, error) {
	panic("not yet")
}

// Template reads one of the tenant's, or of the six stock templates that are everybody's.
// Refusals: NotFound.
func (d *Directory) Template(ctx context.Context, tenant string, id verify.ID) (Template, error) {
	panic("not yet")
}

// Stock are the stock templates, under the ids that Telnyx gives them.
func Stock() []Template { panic("not yet") }

// Safe says whether a number is on the tenant's safe list; AddSafe and DropSafe change
// that. Refusals of the others: Taken, NotFound.
func (d *Directory) Safe(ctx context.Context, tenant, e164 string) (SafeNumber, error) {
	panic("not yet")
}

// AddSafe puts a number on the safe list.
func (d *Directory) AddSafe(ctx context.Context, tenant, e164 string) (SafeNumber, error) {
	panic("not yet")
}

// DropSafe takes a number off the safe list.
func (d *Directory) DropSafe(ctx context.Context, tenant, e164 string) error { panic("not yet") }
