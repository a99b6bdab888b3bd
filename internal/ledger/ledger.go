// Package ledger carries out the core's commands on a Store, many in one commit.
//
// The one idea is group commit: while one batch is being made durable the next
// one gathers, so that many callers share one fsync or one pair of round trips,
// and a lone caller waits for nobody. Commands of a batch decide in turn, each on
// the rows as the last one left them, so the outcome is that of running them one
// after the other. Nobody is answered before the commit is durable.
//
// The package holds no rule. What a command decides is the core's affair, and
// what becomes of its deliveries the caller's.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"countersign/internal/verify"
)

// MaxBatch bounds the commands of one commit, so that no caller waits for a
// crowd that keeps coming.
const MaxBatch = 256

// ErrClosed is wrapped in the refusal of a command that came after Close.
var ErrClosed = errors.New("ledger: the service is shutting down")

// Config is what a Ledger needs. Deliver, Tell and Log may be nil.
type Config struct {
	Store verify.Store
	Env   *verify.Env
	Now   func() time.Time
	// Deliver is told of every job once it is durable, whether or not its caller
	// still waits. It must not block.
	Deliver func(verify.Job)
	// Tell is told likewise of every event for a tenant's webhook.
	Tell func(verify.EventJob)
	Log  *slog.Logger
	// Writers is how many batches are in the Store's hands at a time; 0 means one.
	// With more, the Store must make batches that name the same rows wait for each
	// other, as it does for those of several nodes.
	Writers int
}

// Ledger runs commands. It is safe for concurrent use.
type Ledger struct {
	Config
	queue  chan *call
	done   sync.WaitGroup
	mu     sync.RWMutex // held for reading while a call is put into the queue
	closed bool
	frozen atomic.Pointer[verify.Env]
}

// env is Env with the keys of the moment. A command decides with the keys that it
// named its rows with, whatever becomes of the ring meanwhile.
func (l *Ledger) env() *verify.Env {
	keys := l.Env.Keys.Frozen()
	if e := l.frozen.Load(); e != nil && e.Keys == keys {
		return e
	}
	e := *l.Env
	e.Keys = keys
	l.frozen.Store(&e)
	return &e
}

// call is one command with its answer's way home.
type call struct {
	needs  verify.Needs
	decide func(verify.Rows, time.Time) (verify.Changes, error)
	finish chan error        // buffered: the batch never waits for a caller
	jobs   []verify.Job      // of decide in the latest try of the batch
	events []verify.EventJob // likewise
	err    error             // likewise
}

// New returns a running Ledger. Close ends it.
func New(c Config) *Ledger {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Deliver == nil {
		c.Deliver = func(verify.Job) {}
	}
	if c.Tell == nil {
		c.Tell = func(verify.EventJob) {}
	}
	l := &Ledger{Config: c, queue: make(chan *call, 4*MaxBatch)}
	for range max(1, c.Writers) {
		l.done.Go(l.run)
	}
	return l
}

// Do carries out a command and returns its answer once it is durable. A caller
// whose context ends stops waiting; the command is carried out all the same, so
// that nobody takes back a guess by hanging up. Errors are the command's
// refusals, verify.Unavailable where the store failed, or the context's.
func Do[A any](ctx context.Context, l *Ledger, cmd verify.Command[A]) (A, error) {
	var answer, none A
	env := l.env()
	needs, err := cmd.Needs(env)
	if err != nil {
		return none, err
	}
	c := &call{
		needs:  needs,
		finish: make(chan error, 1),
		decide: func(rows verify.Rows, now time.Time) (changes verify.Changes, err error) {
			changes, answer, err = cmd.Decide(env, rows, now)
			return changes, err
		},
	}
	if err := l.enqueue(ctx, c); err != nil {
		return none, err
	}
	select {
	case err := <-c.finish:
		if err != nil {
			return none, err
		}
		return answer, nil
	case <-ctx.Done():
		return none, ctx.Err() // answer may still be written: nobody reads it
	}
}

func (l *Ledger) enqueue(ctx context.Context, c *call) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return &verify.Error{Kind: verify.Unavailable, Wait: time.Second, Err: ErrClosed}
	}
	select {
	case l.queue <- c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close carries out what is queued and ends the Ledger. The Store stays open.
func (l *Ledger) Close() {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.queue)
	}
	l.mu.Unlock()
	l.done.Wait()
}

func (l *Ledger) run() {
	batch := make([]*call, 0, MaxBatch)
	for c := range l.queue {
		batch = append(batch[:0], c)
		for open := true; open && len(batch) < MaxBatch; {
			select {
			case c, ok := <-l.queue:
				if ok {
					batch = append(batch, c)
				}
				open = ok
			default:
				open = false
			}
		}
		l.commit(batch)
		clear(batch)
	}
}

// commit runs a batch, and one command at a time if the batch as a whole fails:
// a command that cannot be stored must not take others with it.
func (l *Ledger) commit(batch []*call) {
	err := l.try(batch)
	// Where the store is away each alone would fail as well, and take its time.
	if err != nil && len(batch) > 1 && !errors.Is(err, verify.ErrOutcomeUnknown) && !errors.Is(err, verify.ErrAway) {
		l.Log.Warn("a batch failed and is run one by one", "commands", len(batch), "cause", err)
		for _, c := range batch {
			l.commit([]*call{c})
		}
		return
	}
	for _, c := range batch {
		switch {
		case err != nil:
			c.finish <- &verify.Error{Kind: verify.Unavailable, Wait: time.Second, Err: err}
		default:
			for _, j := range c.jobs {
				l.Deliver(j)
			}
			for _, e := range c.events {
				l.Tell(e)
			}
			c.finish <- c.err
		}
	}
}

func (l *Ledger) try(batch []*call) error {
	needs := make([]verify.Needs, len(batch))
	for i, c := range batch {
		needs[i] = c.needs
	}
	// The batch serves many callers: it has no caller's context.
	return l.Store.Commit(context.Background(), needs, func(s *verify.Snapshot) error {
		now := l.Now().UTC().Truncate(time.Millisecond) // what a database can hold
		for _, c := range batch {
			var changes verify.Changes
			changes, c.err = decide(c, s.Rows(c.needs), now)
			c.events = nil
			c.jobs = nil
			if c.err == nil {
				s.Apply(changes)
				c.events = changes.EventJobs
				c.jobs = changes.Jobs
			}
		}
		return nil
	})
}

// decide keeps a panic of one command from ending the others.
func decide(c *call, rows verify.Rows, now time.Time) (changes verify.Changes, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("ledger: a command panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return c.decide(rows, now)
}
