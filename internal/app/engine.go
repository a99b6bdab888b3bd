package app

import (
	"context"
	"time"

	"countersign/internal/deliver"
	"countersign/internal/ledger"
	"countersign/internal/verify"
)

// engine gives the adapters what they ask for, each in its own interface: it
// runs commands on the ledger and reads from the store.
type engine struct {
	ledger     *ledger.Ledger
	store      verify.Store
	dispatcher *deliver.Dispatcher
}

func (e *engine) Start(ctx context.Context, cmd verify.Start) (verify.Started, error) {
	cmd.Backlog = e.dispatcher.Backlog()
	return ledger.Do(ctx, e.ledger, cmd)
}

func (e *engine) Resend(ctx context.Context, cmd verify.Resend) (verify.Started, error) {
	cmd.Backlog = e.dispatcher.Backlog()
	return ledger.Do(ctx, e.ledger, cmd)
}

func (e *engine) Check(ctx context.Context, cmd verify.Check) (verify.Checked, error) {
	return ledger.Do(ctx, e.ledger, cmd)
}

func (e *engine) Claim(ctx context.Context, cmd verify.Claim) (*verify.Job, error) {
	return ledger.Do(ctx, e.ledger, cmd)
}

func (e *engine) Report(ctx context.Context, cmd verify.Report) (*verify.Delivery, error) {
	return ledger.Do(ctx, e.ledger, cmd)
}

func (e *engine) Verification(ctx context.Context, id verify.ID) (*verify.Verification, error) {
	v, err := e.store.Verification(ctx, id)
	return v, unavailable(err)
}

func (e *engine) Deliveries(ctx context.Context, id verify.ID) ([]verify.Delivery, error) {
	list, err := e.store.Deliveries(ctx, id)
	return list, unavailable(err)
}

func (e *engine) Due(ctx context.Context, now time.Time, all bool, limit int) ([]verify.Delivery, error) {
	return e.store.Due(ctx, now, all, limit)
}

func (e *engine) Queued(ctx context.Context) (int, error) { return e.store.Queued(ctx) }

// unavailable makes a failure to read the refusal that a failure to store is: the
// caller is to come again.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return &verify.Error{Kind: verify.Unavailable, Wait: time.Second, Err: err}
}
