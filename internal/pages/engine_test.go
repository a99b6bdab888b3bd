package pages_test

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign/internal/code"
	"countersign/internal/ledger"
	"countersign/internal/limit"
	"countersign/internal/message"
	"countersign/internal/secret"
	"countersign/internal/store"
	"countersign/internal/verify"
)

// engine is the real core on a real store, with a clock that the test moves and
// faults that it puts in.
type engine struct {
	*ledger.Ledger
	store *store.SQLite
	keys  *secret.Ring

	mu         sync.Mutex
	now        time.Time
	err        error            // of every command, if set
	outcome    verify.Outcome   // of every check, if set
	deliveries *verify.Delivery // the only one, if set
	unreadable error            // of every read, if set
	forgotten  bool             // no verification is there
	checks     int
	messages   int
}

func newEngine(t *testing.T) *engine {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{store: db, keys: secret.Generate(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	env := &verify.Env{
		Keys: e.keys, Random: rand.Reader, Node: "test", Channels: []verify.Channel{verify.SMS, verify.Call, verify.Email},
		Limits: verify.Limits{Hour: limit.Rule{Count: 20, Per: time.Hour}},
	}
	e.Ledger = ledger.New(ledger.Config{Store: db, Env: env, Now: e.clock, Deliver: func(verify.Job) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.messages++
	}})
	t.Cleanup(func() {
		e.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func (e *engine) clock() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now
}

func (e *engine) pass(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now = e.now.Add(d)
}

func (e *engine) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = err
}

func (e *engine) fault() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// sent is how many messages went out.
func (e *engine) sent() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.messages
}

func (e *engine) Start(ctx context.Context, c verify.Start) (verify.Started, error) {
	if err := e.fault(); err != nil {
		return verify.Started{}, err
	}
	return ledger.Do(ctx, e.Ledger, c)
}

func (e *engine) Resend(ctx context.Context, c verify.Resend) (verify.Started, error) {
	if err := e.fault(); err != nil {
		return verify.Started{}, err
	}
	return ledger.Do(ctx, e.Ledger, c)
}

func (e *engine) Check(ctx context.Context, c verify.Check) (verify.Checked, error) {
	if err := e.fault(); err != nil {
		return verify.Checked{}, err
	}
	e.mu.Lock()
	e.checks++
	outcome := e.outcome
	e.mu.Unlock()
	if outcome != "" {
		return verify.Checked{Outcome: outcome}, nil
	}
	return ledger.Do(ctx, e.Ledger, c)
}

func (e *engine) StartSession(ctx context.Context, c verify.SessionStart) (verify.Started, error) {
	if err := e.fault(); err != nil {
		return verify.Started{}, err
	}
	return ledger.Do(ctx, e.Ledger, c)
}

func (e *engine) ResendSession(ctx context.Context, c verify.SessionResend) (verify.Started, error) {
	if err := e.fault(); err != nil {
		return verify.Started{}, err
	}
	return ledger.Do(ctx, e.Ledger, c)
}

func (e *engine) CheckSession(ctx context.Context, c verify.SessionCheck) (verify.Checked, error) {
	if err := e.fault(); err != nil {
		return verify.Checked{}, err
	}
	return ledger.Do(ctx, e.Ledger, c)
}

func (e *engine) Session(ctx context.Context, id verify.ID) (*verify.Session, error) {
	if e.unreadable != nil {
		return nil, e.unreadable
	}
	return e.store.Session(ctx, id)
}

func (e *engine) Verification(ctx context.Context, id verify.ID) (*verify.Verification, error) {
	if e.forgotten || e.unreadable != nil {
		return nil, e.unreadable
	}
	return e.store.Verification(ctx, id)
}

func (e *engine) Deliveries(ctx context.Context, id verify.ID) ([]verify.Delivery, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.deliveries != nil {
		return []verify.Delivery{*e.deliveries}, nil
	}
	return e.store.Deliveries(ctx, id)
}

// profile is what the pages start.
var profile = verify.Profile{
	ID: uuid.MustParse("01890000-0000-7000-8000-000000000001"), Tenant: "acme", Name: "default", AppName: "Acme",
	Template: message.Branded, Code: code.Default, Validity: 10 * time.Minute,
}
