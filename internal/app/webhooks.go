package app

import (
	"context"
	"crypto/rand"
	"time"

	"countersign/internal/events"
	"countersign/internal/ledger"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// receivers are whom the events of a profile are told.
type receivers struct{ directory *tenant.Directory }

// Profile returns the URLs that a profile has.
func (r receivers) Profile(ctx context.Context, owner string, id verify.ID) (webhook, failover string, err error) {
	p, err := r.directory.Profile(ctx, owner, id)
	return p.WebhookURL, p.WebhookFailoverURL, err
}

// openEvents makes what tells tenants' webhooks; it is not running yet.
func (a *App) openEvents(e *engine, st tenant.Store) {
	a.signer = events.NewSigner(st, a.keys, a.clock, rand.Reader)
	a.events = events.New(events.Config{
		Outbox: e, Profiles: receivers{a.directory}, Signer: a.signer, Keys: a.keys, Now: a.clock, Log: a.log,
		AllowLoopback: a.config.development(), Deny: a.settings.denied,
	})
}

func (e *engine) ClaimEvent(ctx context.Context, cmd verify.ClaimEvent) (*verify.EventJob, error) {
	return ledger.Do(ctx, e.ledger, cmd)
}

func (e *engine) ReportEvent(ctx context.Context, cmd verify.ReportEvent) (*verify.Event, error) {
	return ledger.Do(ctx, e.ledger, cmd)
}

func (e *engine) DueEvents(ctx context.Context, now time.Time, limit int) ([]verify.Event, error) {
	return e.store.DueEvents(ctx, now, limit)
}
