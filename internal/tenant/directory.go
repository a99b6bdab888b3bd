package tenant

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"countersign/internal/code"
	"countersign/internal/secret"
	"countersign/internal/verify"
)

// Default is the first tenant: what was there before tenants were is its, and so are
// the operator's profiles and the keys of the configuration.
const Default = "default"

// Config is what a Directory needs.
type Config struct {
	Store  Store
	Keys   *secret.Ring
	Now    func() time.Time
	Random io.Reader
	// Fixed are the profiles of the operator's configuration. They cannot be changed
	// and come first in lists. What the first of them says of codes, validity, retention
	// and countries holds for the profiles of tenants too: they may say less, not more.
	Fixed []Profile
	// Configured are API keys of the operator's configuration, of the first tenant.
	Configured []string
	// Price is what one message is taken to cost; zero: not known, and then no profile
	// can have a spend limit.
	Price Money
	// MaxAge is how old what is read of profiles, templates and keys may be, where
	// another node has changed it; zero: not at all.
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

	config     Config // without Configured
	configured [][sha256.Size]byte
	store      *cache

	mu   sync.Mutex
	used map[verify.ID]time.Time // when this node last wrote that a key was used
}

// How many of a kind a tenant may have, or a profile or rate limit of it.
const (
	maxAccounts   = 1
	maxKeys       = 200
	maxProfiles   = 1000
	maxTemplates  = 1000
	maxRateLimits = 10
	maxBuckets    = 10
	maxSenders    = 300 // there are fewer countries
	maxWebhooks   = 10
	maxSafe       = 100_000
)

// New makes a Directory.
func New(c Config) *Directory {
	d := &Directory{store: newCache(c), used: map[verify.ID]time.Time{}}
	for _, text := range c.Configured {
		if text != "" {
			d.configured = append(d.configured, sha256.Sum256([]byte(text)))
		}
	}
	c.Configured = nil // hashes are enough from here on
	c.Fixed = slices.Clone(c.Fixed)
	for i := range c.Fixed {
		c.Fixed[i].Fixed = true
	}
	d.config = c
	d.Accounts = newSet[Account](d, Accounts, maxAccounts)
	d.APIKeys = newSet[APIKey](d, APIKeys, maxKeys)
	d.Templates = newSet[Template](d, Templates, maxTemplates)
	d.RateLimits = newSet[RateLimit](d, RateLimits, maxRateLimits)
	d.Buckets = newSet[Bucket](d, Buckets, maxBuckets)
	d.Senders = newSet[Sender](d, Senders, maxSenders)
	d.Webhooks = newSet[Webhook](d, Webhooks, maxWebhooks)
	d.profiles = newSet[Profile](d, Profiles, maxProfiles)
	d.safe = newSet[SafeNumber](d, SafeList, maxSafe)

	d.RateLimits.belongs, d.Senders.belongs, d.Webhooks.belongs = d.hasProfile, d.hasProfile, d.hasProfile
	d.Buckets.belongs = func(ctx context.Context, tenant string, id verify.ID) error {
		_, err := d.RateLimits.find(ctx, d.store.Store, tenant, id)
		return err
	}
	return d
}

func newSet[T any, P row[T]](d *Directory, kind Kind, most int) *Set[T, P] {
	return &Set[T, P]{kind: kind, max: most, store: d.store, now: d.config.Now, random: d.config.Random}
}

func (d *Directory) hasProfile(ctx context.Context, tenant string, id verify.ID) error {
	if _, ok := d.fixed(tenant, id); ok {
		return nil
	}
	_, err := d.profiles.find(ctx, d.store.Store, tenant, id)
	return err
}

// fixed finds a profile of the operator's configuration.
func (d *Directory) fixed(tenant string, id verify.ID) (Profile, bool) {
	for _, p := range d.config.Fixed {
		if p.ID == id && p.Tenant == tenant {
			p.Channels = maps.Clone(p.Channels)
			return p, true
		}
	}
	return Profile{}, false
}

// operator is the profile that says what holds for tenants' own.
func (d *Directory) operator() Profile {
	if len(d.config.Fixed) == 0 {
		return Profile{Code: code.Default}
	}
	return d.config.Fixed[0]
}

// completed fills in what is the operator's and is not stored.
func (d *Directory) completed(p Profile) Profile {
	o := d.operator()
	p.Code, p.Retention = o.Code, o.Retention
	return p
}

// Profile reads a profile, one of the operator's configuration included. Refusals:
// NotFound.
func (d *Directory) Profile(ctx context.Context, tenant string, id verify.ID) (Profile, error) {
	if p, ok := d.fixed(tenant, id); ok {
		return p, nil
	}
	p, err := d.profiles.Find(ctx, tenant, id)
	return d.completed(p), err
}

// Profiles reads a page of profiles and how many there are. Of q only Name, Offset and
// Limit count.
func (d *Directory) Profiles(ctx context.Context, tenant string, q Query) ([]Profile, int, error) {
	var out []Profile
	for _, p := range d.config.Fixed {
		if p.Tenant == tenant && contains(p.Name, q.Name) {
			p.Channels = maps.Clone(p.Channels)
			out = append(out, p)
		}
	}
	n := len(out)
	out = cut(out, q)
	page, total, err := d.profiles.List(ctx, tenant, Query{Name: q.Name, Offset: max(0, q.Offset-n), Limit: max(0, q.Limit-len(out))})
	if err != nil {
		return nil, 0, err
	}
	for _, p := range page {
		out = append(out, d.completed(p))
	}
	return out, n + total, nil
}

// AddProfile stores a new profile. Refusals: Invalid, Taken, Full.
func (d *Directory) AddProfile(ctx context.Context, tenant string, p Profile) (Profile, error) {
	if err := d.fits(ctx, tenant, p); err != nil {
		return p, err
	}
	p, err := d.profiles.Add(ctx, tenant, p)
	return d.completed(p), err
}

// ChangeProfile changes a profile. Refusals: NotFound, Invalid, Taken, and Forbidden for
// one that comes from the operator's configuration.
func (d *Directory) ChangeProfile(ctx context.Context, tenant string, id verify.ID, change func(*Profile) error) (Profile, error) {
	if _, ok := d.fixed(tenant, id); ok {
		return Profile{}, errFixed()
	}
	p, err := d.profiles.Change(ctx, tenant, id, func(p *Profile) error {
		if err := change(p); err != nil {
			return err
		}
		return d.fits(ctx, tenant, *p)
	})
	return d.completed(p), err
}

// DropProfile deletes a profile with all that belongs to it. Refusals: NotFound,
// Forbidden.
func (d *Directory) DropProfile(ctx context.Context, tenant string, id verify.ID) (Profile, error) {
	if _, ok := d.fixed(tenant, id); ok {
		return Profile{}, errFixed()
	}
	p, err := d.profiles.Drop(ctx, tenant, id)
	return d.completed(p), err
}

func errFixed() error {
	return &verify.Error{Kind: verify.Forbidden, Err: fmt.Errorf("it comes from the configuration (file, environment or flags): change it there")}
}

// fits refuses a profile that is right in itself and wrong here: with a template that
// the tenant has not, or a spend limit that nothing can be counted against.
func (d *Directory) fits(ctx context.Context, tenant string, p Profile) error {
	for _, s := range append(slices.Collect(maps.Values(p.Channels)), p.Base) {
		if s.Template == (verify.ID{}) {
			continue
		}
		if _, err := d.Template(ctx, tenant, s.Template); verify.KindOf(err) == verify.NotFound {
			return invalid(verify.FieldTemplate, "must be the id of a template that there is")
		} else if err != nil {
			return err
		}
	}
	switch {
	case !p.SpendLimited && p.SpendLimit == 0:
		return nil
	case p.SpendLimit <= 0:
		return invalid(verify.FieldSpendLimit, "must be more than zero")
	case !p.SpendLimited:
		return nil
	case d.config.Price <= 0:
		return invalid(verify.FieldSpendLimit, "cannot be kept: what a message costs is not known. The operator must set price_per_message")
	case p.SpendLimit < d.config.Price:
		return invalid(verify.FieldSpendLimit, "must be at least what one message costs")
	}
	return nil
}
