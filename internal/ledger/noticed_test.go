package ledger_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/ledger"
	"countersign/internal/verify"
)

// lateStore does all that a commit does, and then fails.
type lateStore struct{ verify.Store }

var errLate = errors.New("disk full")

func (lateStore) Commit(_ context.Context, _ []verify.Needs, decide func(*verify.Snapshot) error) error {
	if err := decide(verify.NewSnapshot()); err != nil {
		return err
	}
	return errLate
}

func TestNobodyIsAnsweredOrSentAMessageBeforeTheCommit(t *testing.T) {
	var jobs atomic.Int32
	l := open(t, lateStore{}, func(verify.Job) { jobs.Add(1) })
	if _, err := ledger.Do(t.Context(), l, start(1)); !errors.Is(err, errLate) || verify.KindOf(err) != verify.Unavailable {
		t.Errorf("answered %v", err)
	}
	if jobs.Load() != 0 {
		t.Errorf("%d messages of a commit that failed", jobs.Load())
	}
}

// contextStore tells which context it was given.
type contextStore struct {
	verify.Store
	seen chan context.Context
}

func (s contextStore) Commit(ctx context.Context, n []verify.Needs, decide func(*verify.Snapshot) error) error {
	s.seen <- ctx
	return s.Store.Commit(ctx, n, decide)
}

func TestABatchOutlivesTheContextOfItsCallers(t *testing.T) {
	s := contextStore{openStore(t), make(chan context.Context, 1)}
	l := open(t, s, nil)
	ctx, hangUp := context.WithCancel(t.Context())
	if _, err := ledger.Do(ctx, l, start(1)); err != nil {
		t.Fatal(err)
	}
	hangUp()
	if err := (<-s.seen).Err(); err != nil {
		t.Errorf("a caller's end is the batch's: %v", err)
	}
}

// unknownStore does not know what became of a batch of more than one command.
type unknownStore struct {
	verify.Store
	batches, commands atomic.Int32
}

func (u *unknownStore) Commit(ctx context.Context, n []verify.Needs, decide func(*verify.Snapshot) error) error {
	u.commands.Add(int32(len(n)))
	if len(n) > 1 {
		u.batches.Add(1)
		return verify.ErrOutcomeUnknown
	}
	return u.Store.Commit(ctx, n, decide)
}

func TestABatchOfUnknownOutcomeIsNotRunAgain(t *testing.T) {
	u := &unknownStore{Store: openStore(t)}
	l := open(t, u, nil)
	all(64, func(i int) {
		if _, err := ledger.Do(t.Context(), l, start(i)); err != nil && verify.KindOf(err) != verify.Unavailable {
			t.Error(err)
		}
	})
	if u.batches.Load() == 0 {
		t.Error("no batch was made of 64 commands at once")
	}
	if n := u.commands.Load(); n != 64 {
		t.Errorf("64 commands were carried out %d times", n)
	}
}

// careless is a command with a defect: it changes rows and refuses all the same.
type careless struct{}

func (careless) Needs(*verify.Env) (verify.Needs, error) { return verify.Needs{}, nil }

func (careless) Decide(*verify.Env, verify.Rows, time.Time) (verify.Changes, int, error) {
	v := verify.Verification{ID: verify.ID{1}, Status: verify.Pending}
	return verify.Changes{Jobs: []verify.Job{{Verification: v}}, Verifications: []verify.Verification{v}}, 1,
		&verify.Error{Kind: verify.Settled}
}

func TestARefusedCommandChangesAndSendsNothing(t *testing.T) {
	s := openStore(t)
	var jobs atomic.Int32
	l := open(t, s, func(verify.Job) { jobs.Add(1) })
	if got, err := ledger.Do(t.Context(), l, careless{}); verify.KindOf(err) != verify.Settled || got != 0 {
		t.Errorf("answered %d, %v", got, err)
	}
	if v, err := s.Verification(t.Context(), verify.ID{1}); v != nil || err != nil || jobs.Load() != 0 {
		t.Errorf("stored %v, %v; %d messages", v, err, jobs.Load())
	}
}

// twiceStore runs decide once in vain, as after a conflict: see verify.Store.
type twiceStore struct{ verify.Store }

func (s twiceStore) Commit(ctx context.Context, n []verify.Needs, decide func(*verify.Snapshot) error) error {
	if err := decide(verify.NewSnapshot()); err != nil {
		return err
	}
	return s.Store.Commit(ctx, n, decide)
}

// fickle sends a message at the first try and refuses at the second.
type fickle struct{ tries *int }

func (fickle) Needs(*verify.Env) (verify.Needs, error) { return verify.Needs{}, nil }

func (f fickle) Decide(*verify.Env, verify.Rows, time.Time) (verify.Changes, int, error) {
	if *f.tries++; *f.tries == 1 {
		return verify.Changes{Jobs: []verify.Job{{}}, EventJobs: []verify.EventJob{{}}}, 1, nil
	}
	return verify.Changes{}, 0, &verify.Error{Kind: verify.Settled}
}

func TestOnlyTheLastTryOfABatchCounts(t *testing.T) {
	var jobs atomic.Int32
	l := open(t, twiceStore{openStore(t)}, func(verify.Job) { jobs.Add(1) })
	if _, err := ledger.Do(t.Context(), l, fickle{new(int)}); verify.KindOf(err) != verify.Settled || jobs.Load() != 0 {
		t.Errorf("answered %v, %d messages of the abandoned try", err, jobs.Load())
	}
	if _, err := ledger.Do(t.Context(), l, start(1)); err != nil || jobs.Load() != 1 {
		t.Errorf("answered %v, %d messages of one start", err, jobs.Load())
	}
}
