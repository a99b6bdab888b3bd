package ledger_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/code"
	"countersign/internal/ledger"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/secret"
	"countersign/internal/store"
	"countersign/internal/verify"
)

var profile = verify.Profile{
	ID: verify.ID{15: 1}, Tenant: "t", Template: message.Plain, Code: code.Default, Validity: verify.MaxValidity,
}

func newEnv() *verify.Env {
	return &verify.Env{Keys: secret.Generate(), Random: rand.Reader, Node: "n1", Channels: []verify.Channel{verify.SMS}}
}

func openStore(t testing.TB) *store.SQLite {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "c.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func open(t testing.TB, s verify.Store, deliver func(verify.Job)) *ledger.Ledger {
	t.Helper()
	l := ledger.New(ledger.Config{Store: s, Env: newEnv(), Now: time.Now, Deliver: deliver})
	t.Cleanup(l.Close)
	return l
}

func number(n int) phone.Number {
	to, err := phone.ParseE164(fmt.Sprintf("+44740%07d", n))
	if err != nil {
		panic(err)
	}
	return to
}

func start(n int) verify.Start {
	return verify.Start{Profile: profile, Channel: verify.SMS, Address: verify.Phone(number(n))}
}

func begin(t *testing.T, l *ledger.Ledger, n int) (verify.Verification, string) {
	t.Helper()
	s, err := ledger.Do(t.Context(), l, start(n))
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Verification.Reveal(l.Env.Keys)
	if err != nil {
		t.Fatal(err)
	}
	return s.Verification, c.Text()
}

// all runs f in n goroutines that begin at one moment.
func all(n int, f func(i int)) {
	var wait sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wait.Go(func() {
			<-begin
			f(i)
		})
	}
	close(begin)
	wait.Wait()
}

func TestOfManyRightAnswersAtOnceOneIsAccepted(t *testing.T) {
	l := open(t, openStore(t), nil)
	for round := range 50 {
		v, right := begin(t, l, round)
		var accepted atomic.Int32
		all(64, func(int) {
			got, err := ledger.Do(t.Context(), l, verify.Check{Tenant: "t", Verification: v.ID, Guess: right})
			if err != nil {
				t.Error(err)
			}
			if got.Outcome == verify.OutcomeAccepted {
				accepted.Add(1)
			}
		})
		if accepted.Load() != 1 {
			t.Fatalf("round %d: accepted %d times", round, accepted.Load())
		}
	}
}

func TestOfManyWrongAnswersAtOnceFiveAreEvaluated(t *testing.T) {
	s := openStore(t)
	l := open(t, s, nil)
	for round := range 20 {
		v, right := begin(t, l, round)
		all(64, func(i int) {
			guess := fmt.Sprintf("%06d", i)
			if guess == right {
				guess = "999999"
			}
			if _, err := ledger.Do(t.Context(), l, verify.Check{Tenant: "t", Verification: v.ID, Guess: guess}); err != nil {
				t.Error(err)
			}
		})
		got, err := s.Verification(t.Context(), v.ID)
		if err != nil || got.Guesses != 5 || got.Status != verify.Exhausted {
			t.Fatalf("round %d: %d guesses, %s, %v", round, got.Guesses, got.Status, err)
		}
	}
}

func TestManyStartsOfOneNumberAtOnceSendOneMessage(t *testing.T) {
	var jobs atomic.Int32
	l := open(t, openStore(t), func(verify.Job) { jobs.Add(1) })
	ids := make([]verify.ID, 64)
	all(64, func(i int) {
		s, err := ledger.Do(t.Context(), l, start(1))
		if err != nil {
			t.Error(err)
		}
		ids[i] = s.Verification.ID
	})
	for _, id := range ids {
		if id != ids[0] {
			t.Fatal("two verifications of one number")
		}
	}
	if jobs.Load() != 1 {
		t.Errorf("%d messages", jobs.Load())
	}
}

func TestACallerThatHangsUpTakesNoGuessBack(t *testing.T) {
	s := openStore(t)
	held := &heldStore{Store: s, enter: make(chan struct{}), leave: make(chan struct{})}
	close(held.leave)
	l := open(t, held, nil)
	go func() { <-held.enter }()
	v, _ := begin(t, l, 1)

	held.leave = make(chan struct{})
	ctx, hangUp := context.WithCancel(t.Context())
	told := make(chan error)
	go func() {
		_, err := ledger.Do(ctx, l, verify.Check{Tenant: "t", Verification: v.ID, Guess: "nothing"})
		told <- err
	}()
	<-held.enter // the batch has begun
	hangUp()
	if err := <-told; !errors.Is(err, context.Canceled) {
		t.Errorf("told %v", err)
	}
	close(held.leave)
	l.Close()
	if got, err := s.Verification(t.Context(), v.ID); err != nil || got.Guesses != 1 {
		t.Errorf("%d guesses counted, %v", got.Guesses, err)
	}
}

// heldStore lets a test stand between the beginning and the end of a commit.
type heldStore struct {
	verify.Store
	enter, leave chan struct{}
}

func (h *heldStore) Commit(ctx context.Context, n []verify.Needs, decide func(*verify.Snapshot) error) error {
	h.enter <- struct{}{}
	<-h.leave
	return h.Store.Commit(ctx, n, decide)
}

// poison is a command with a defect.
type poison struct{}

func (poison) Needs(*verify.Env) (verify.Needs, error) { return verify.Needs{}, nil }

func (poison) Decide(*verify.Env, verify.Rows, time.Time) (verify.Changes, int, error) {
	panic("poison")
}

// failingStore fails every batch that holds more than one command.
type failingStore struct {
	verify.Store
	batches, singles atomic.Int32
}

func (f *failingStore) Commit(ctx context.Context, n []verify.Needs, decide func(*verify.Snapshot) error) error {
	if len(n) > 1 {
		f.batches.Add(1)
		return errors.New("this batch cannot be stored")
	}
	f.singles.Add(1)
	return f.Store.Commit(ctx, n, decide)
}

func TestABatchThatFailsIsRunOneByOne(t *testing.T) {
	f := &failingStore{Store: openStore(t)}
	var jobs atomic.Int32
	l := open(t, f, func(verify.Job) { jobs.Add(1) })
	all(64, func(i int) {
		if _, err := ledger.Do(t.Context(), l, start(i)); err != nil {
			t.Error(err)
		}
	})
	if f.batches.Load() == 0 {
		t.Error("no batch was made of 64 commands at once")
	}
	if jobs.Load() != 64 || f.singles.Load() != 64 {
		t.Errorf("%d messages of %d commits", jobs.Load(), f.singles.Load())
	}
}

// Each alone would wait for the same time-out, and the last of many for an hour.
func TestABatchThatFindsTheStoreAwayIsNotRunOneByOne(t *testing.T) {
	b := &brokenStore{Store: openStore(t), err: fmt.Errorf("the server hangs: %w", verify.ErrAway), gather: make(chan struct{})}
	l := open(t, b, nil)
	var wait sync.WaitGroup
	const callers = 64
	for i := range callers {
		wait.Go(func() {
			if _, err := ledger.Do(t.Context(), l, start(i)); verify.KindOf(err) != verify.Unavailable {
				t.Errorf("told %v", err)
			}
		})
	}
	for l.Queued()+int(b.first.Load()) < callers { // the first are in the store's hands
		runtime.Gosched()
	}
	close(b.gather)
	wait.Wait()
	if n := b.tries.Load(); n > 2 {
		t.Errorf("%d commits, of the first commands and of the rest", n)
	}
}

func TestAPanicOfOneCommandIsItsOwnError(t *testing.T) {
	l := open(t, openStore(t), nil)
	all(16, func(i int) {
		if i == 7 {
			if _, err := ledger.Do(t.Context(), l, poison{}); err == nil || verify.KindOf(err) != "" {
				t.Errorf("the panic came back as %v", err)
			}
			return
		}
		if _, err := ledger.Do(t.Context(), l, start(i)); err != nil {
			t.Error(err)
		}
	})
}

// brokenStore cannot store anything, or does not know whether it did.
type brokenStore struct {
	verify.Store
	err    error
	tries  atomic.Int32
	gather chan struct{} // nil, or what a commit waits for
	first  atomic.Int32  // commands of the first commit
}

func (b *brokenStore) Commit(_ context.Context, n []verify.Needs, _ func(*verify.Snapshot) error) error {
	if b.tries.Add(1) == 1 {
		b.first.Store(int32(len(n)))
	}
	if b.gather != nil {
		<-b.gather
	}
	return b.err
}

func TestAStoreThatFailsIsNeverASuccess(t *testing.T) {
	for _, cause := range []error{errors.New("disk full"), verify.ErrOutcomeUnknown} {
		jobs := 0
		b := &brokenStore{Store: openStore(t), err: cause}
		l := open(t, b, func(verify.Job) { jobs++ })
		_, err := ledger.Do(t.Context(), l, start(1))
		if verify.KindOf(err) != verify.Unavailable || !errors.Is(err, cause) {
			t.Errorf("%v came back as %v", cause, err)
		}
		if jobs != 0 || b.tries.Load() != 1 {
			t.Errorf("%v: %d messages, %d tries", cause, jobs, b.tries.Load())
		}
	}
}

func TestCloseCarriesOutWhatIsQueuedAndRefusesTheRest(t *testing.T) {
	s := openStore(t)
	l := open(t, s, nil)
	var done atomic.Int32
	var refused atomic.Int32
	all(65, func(i int) {
		if i == 64 {
			l.Close()
			return
		}
		switch _, err := ledger.Do(t.Context(), l, start(i)); {
		case err == nil:
			done.Add(1)
		case errors.Is(err, ledger.ErrClosed) && verify.KindOf(err) == verify.Unavailable:
			refused.Add(1)
		default:
			t.Error(err)
		}
	})
	if n, err := s.Queued(t.Context()); err != nil || n != int(done.Load()) || done.Load()+refused.Load() != 64 {
		t.Errorf("%d were told yes, %d no; %d are stored, %v", done.Load(), refused.Load(), n, err)
	}
}
