package app

import (
	"bytes"
	"context"
	"slices"
	"time"

	"countersign/internal/deliver"
	"countersign/internal/deliver/inbox"
	"countersign/internal/ledger"
	"countersign/internal/secret"
	"countersign/internal/verify"
)

// engine gives the adapters what they ask for, each in its own interface: it
// runs commands on the ledger and reads from the store.
type engine struct {
	ledger     *ledger.Ledger
	store      verify.Store
	dispatcher *deliver.Dispatcher
	keys       *secret.Ring

	// Of development alone, else nil: the inbox shows each message's time line.
	box *inbox.Inbox
	now func() time.Time
}

// follow has the inbox show how far a verification is. It is a picture for developers:
// where it cannot be drawn nothing else suffers.
func (e *engine) follow(ctx context.Context, id verify.ID) {
	if e.box == nil || id == (verify.ID{}) {
		return
	}
	v, err := e.store.Verification(ctx, id)
	if v == nil || err != nil {
		return
	}
	if rows, err := e.store.Deliveries(ctx, id); err == nil {
		e.box.Tell(id, verify.Timeline(*v, rows, e.now()))
	}
}

// maxHistory bounds how many rows a look at a subject's past reads.
const maxHistory = 1000

func (e *engine) Start(ctx context.Context, cmd verify.Start) (verify.Started, error) {
	cmd.Backlog = e.dispatcher.Backlog()
	answer, err := ledger.Do(ctx, e.ledger, cmd)
	e.follow(ctx, answer.Verification.ID)
	return answer, err
}

func (e *engine) Resend(ctx context.Context, cmd verify.Resend) (verify.Started, error) {
	cmd.Backlog = e.dispatcher.Backlog()
	answer, err := ledger.Do(ctx, e.ledger, cmd)
	e.follow(ctx, answer.Verification.ID)
	return answer, err
}

func (e *engine) Check(ctx context.Context, cmd verify.Check) (verify.Checked, error) {
	answer, err := ledger.Do(ctx, e.ledger, cmd)
	if err == nil && answer.Outcome == verify.OutcomeAccepted {
		e.dispatcher.Verified(answer.Verification.ID)
	}
	e.follow(ctx, answer.Verification.ID)
	return answer, err
}

func (e *engine) StartSession(ctx context.Context, cmd verify.SessionStart) (verify.Started, error) {
	cmd.Start.Backlog = e.dispatcher.Backlog()
	answer, err := ledger.Do(ctx, e.ledger, cmd)
	e.follow(ctx, answer.Verification.ID)
	return answer, err
}

func (e *engine) ResendSession(ctx context.Context, cmd verify.SessionResend) (verify.Started, error) {
	cmd.Resend.Backlog = e.dispatcher.Backlog()
	answer, err := ledger.Do(ctx, e.ledger, cmd)
	e.follow(ctx, answer.Verification.ID)
	return answer, err
}

func (e *engine) CheckSession(ctx context.Context, cmd verify.SessionCheck) (verify.Checked, error) {
	answer, err := ledger.Do(ctx, e.ledger, cmd)
	if err == nil && answer.Outcome == verify.OutcomeAccepted {
		e.dispatcher.Verified(answer.Verification.ID)
	}
	e.follow(ctx, answer.Verification.ID)
	return answer, err
}

func (e *engine) OpenSession(ctx context.Context, cmd verify.OpenSession) (verify.Session, error) {
	return ledger.Do(ctx, e.ledger, cmd)
}

func (e *engine) EndSession(ctx context.Context, cmd verify.EndSession) (verify.Session, error) {
	return ledger.Do(ctx, e.ledger, cmd)
}

func (e *engine) Redeem(ctx context.Context, cmd verify.Redeem) (verify.Session, error) {
	return ledger.Do(ctx, e.ledger, cmd)
}

func (e *engine) Session(ctx context.Context, id verify.ID) (*verify.Session, error) {
	s, err := e.store.Session(ctx, id)
	return s, unavailable(err)
}

func (e *engine) Receive(ctx context.Context, cmd verify.Receive) (*verify.Delivery, error) {
	answer, err := ledger.Do(ctx, e.ledger, cmd)
	e.follow(ctx, cmd.Key.Verification)
	return answer, err
}

func (e *engine) Found(ctx context.Context, by string) (*verify.DeliveryKey, error) {
	return e.store.Found(ctx, by)
}

// farBack is how many verifications of an address are looked at before a message,
// besides the message's own.
const farBack = 3

// Past reads the messages before a job's: of its own verification, and of those before.
func (e *engine) Past(ctx context.Context, j verify.Job) (past []verify.Job, err error) {
	add := func(v verify.Verification) error {
		rows, err := e.store.Deliveries(ctx, v.ID)
		for _, d := range slices.Backward(rows) {
			if d.Key != j.Delivery.Key {
				past = append(past, verify.Job{Delivery: d, Verification: v})
			}
		}
		return err
	}
	if j.Delivery.Key.Number > 1 {
		err = add(j.Verification)
	}
	before := j.Verification.Previous
	for n := 0; err == nil && n < farBack && before != (verify.ID{}); n++ {
		var v *verify.Verification
		if v, err = e.store.Verification(ctx, before); v == nil || err != nil {
			break
		}
		err = add(*v)
		before = v.Previous
	}
	return past, err
}

func (e *engine) Cancel(ctx context.Context, cmd verify.Cancel) (verify.Verification, error) {
	answer, err := ledger.Do(ctx, e.ledger, cmd)
	e.follow(ctx, answer.ID)
	return answer, err
}

func (e *engine) Approve(ctx context.Context, cmd verify.Approve) (verify.Verification, error) {
	answer, err := ledger.Do(ctx, e.ledger, cmd)
	e.follow(ctx, answer.ID)
	return answer, err
}

func (e *engine) Claim(ctx context.Context, cmd verify.Claim) (*verify.Job, error) {
	return ledger.Do(ctx, e.ledger, cmd)
}

func (e *engine) Report(ctx context.Context, cmd verify.Report) (*verify.Delivery, error) {
	answer, err := ledger.Do(ctx, e.ledger, cmd)
	e.follow(ctx, cmd.Key.Verification)
	return answer, err
}

func (e *engine) Verification(ctx context.Context, id verify.ID) (*verify.Verification, error) {
	v, err := e.store.Verification(ctx, id)
	return v, unavailable(err)
}

func (e *engine) Deliveries(ctx context.Context, id verify.ID) ([]verify.Delivery, error) {
	list, err := e.store.Deliveries(ctx, id)
	return list, unavailable(err)
}

// Newest reads the newest verification of a subject. While a key is rotated the
// subject may stand under either key, or under both.
func (e *engine) Newest(ctx context.Context, to verify.Target) (*verify.Verification, error) {
	now, other, err := to.Keys(&verify.Env{Keys: e.keys.Frozen()})
	if err != nil {
		return nil, err
	}
	newest, err := e.store.Live(ctx, now)
	if err != nil || other == (verify.SubjectKey{}) {
		return newest, unavailable(err)
	}
	v, err := e.store.Live(ctx, other)
	if err != nil {
		return nil, unavailable(err)
	}
	if newest == nil || v != nil && bytes.Compare(v.ID[:], newest.ID[:]) > 0 { // ids begin with their time
		newest = v
	}
	return newest, nil
}

// History reads a subject's verifications, the newest first. It ends where one has
// been deleted: what came before that one is older and was deleted as well.
func (e *engine) History(ctx context.Context, to verify.Target, limit int) ([]verify.Verification, error) {
	v, err := e.Newest(ctx, to)
	var out []verify.Verification
	for limit = min(limit, maxHistory); v != nil && len(out) < limit; {
		out = append(out, *v)
		if v.Previous == (verify.ID{}) || len(out) == limit {
			break
		}
		v, err = e.Verification(ctx, v.Previous)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (e *engine) Attempts(ctx context.Context, q verify.AttemptQuery) ([]verify.Job, error) {
	list, err := e.store.Attempts(ctx, q)
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
