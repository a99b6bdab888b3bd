package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"countersign/internal/ledger"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

// Unlock forgets the wrong guesses in a row of a number, which lock it when they
// are too many. It says whether there were any. The service must not be running
// on the same SQLite file. Errors are sentences for the operator.
func Unlock(ctx context.Context, c Config, number string) (found bool, err error) {
	s, err := c.check()
	if err != nil {
		return false, err
	}
	to, err := phone.Parse(number, s.region)
	if err != nil {
		return false, err
	}
	keys, err := c.openKeys()
	if err != nil {
		return false, err
	}
	st, err := s.database.open(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	now := NewClock(time.Now).Now
	profile := s.profile
	if profile.ID == (verify.ID{}) {
		want, err := verify.NewID(now(), rand.Reader)
		if err != nil {
			return false, err
		}
		if profile.ID, err = st.Profile(ctx, tenant, profile.Name, want); err != nil {
			return false, err
		}
	}
	l := ledger.New(ledger.Config{Store: st, Env: &verify.Env{Keys: keys, Random: rand.Reader}, Now: now})
	defer l.Close()
	found, err = ledger.Do(ctx, l, verify.Unlock{Target: verify.Target{Tenant: tenant, Profile: profile.ID, Number: to}})
	if verify.KindOf(err) == verify.NotFound {
		return false, fmt.Errorf("no verification of %s was ever begun here", to)
	}
	return found, err
}
