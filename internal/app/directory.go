package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// directoryAge is how old what a node knows of profiles and keys may be: so long does
// it take until a key that was revoked at another node is refused at this one.
const directoryAge = 5 * time.Second

// database's handle: what verifications are kept in, and what tenants set up.
type handle interface {
	verify.Store
	tenant.Store
}

// directory is what tenants have set up, with what the configuration adds to it: the
// default profile, API keys, and the price of a message.
func (c *Config) directory(s settings, st tenant.Store, keys *secret.Ring, now func() time.Time) *tenant.Directory {
	var configured []string
	for _, k := range c.APIKeys {
		configured = append(configured, k.Reveal())
	}
	return tenant.New(tenant.Config{
		Store: st, Keys: keys, Now: now, Random: rand.Reader,
		Fixed: []tenant.Profile{fixed(s.profile, c.Template, c.ReturnURLs)}, Configured: configured, Price: s.price, MaxAge: directoryAge,
	})
}

// warnWithoutKeys says that the API refuses everybody, if it does. A database that does
// not answer will say so elsewhere.
func (a *App) warnWithoutKeys(ctx context.Context, o *operator) {
	if len(a.config.APIKeys) > 0 || a.config.dev {
		return
	}
	r, err := o.listKeys(ctx, order{})
	live := slices.ContainsFunc(r.Keys, func(k APIKey) bool { return k.RevokedAt.IsZero() })
	if err == nil && !live {
		a.config.warn("there is no API key, so the API refuses every request; make one with «countersign keys create NAME»")
	}
}

// openDirectory makes the directory and, in development, the key that opens it.
func (a *App) openDirectory(ctx context.Context, st tenant.Store) error {
	c := a.config
	if c.dev {
		var err error
		if a.devKey, err = developmentKey(a.keys); err != nil {
			return err
		}
		c.APIKeys = append(c.APIKeys[:len(c.APIKeys):len(c.APIKeys)], NewSecret(a.devKey))
	}
	a.directory = c.directory(a.settings, st, a.keys, a.clock)
	if a.devKey == "" {
		return nil
	}
	p, ok, err := a.directory.Bearer(ctx, a.devKey)
	if err != nil || !ok {
		return fmt.Errorf("the development key cannot be used: %w", err)
	}
	a.account = p.Account
	return nil
}
