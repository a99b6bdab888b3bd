package store_test

import (
	"context"
	"errors"
	"flag"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/store"
	"countersign/internal/verify"
)

// The long forms are asked for with -args.
var (
	kills     = flag.Int("kills", 2, "how often a server is killed")
	failovers = flag.Int("failovers", 1, "how often a standby takes over, for each way to lose a primary")
)

// callers is how many keep two nodes busy, each with a subject of its own.
const callers = 6

// traffic counts in subjects, and remembers what it was told.
type traffic struct {
	t        *testing.T
	promised [callers]atomic.Int64 // counts that were acknowledged
	unknown  [callers]atomic.Int64 // counts of which nobody knows
	progress chan struct{}
	stop     func()
	all      sync.WaitGroup
}

// drive keeps nodes busy until settle.
func drive(t *testing.T, nodes ...*store.Postgres) *traffic {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	l := &traffic{t: t, progress: make(chan struct{}, 1), stop: stop}
	for i := range callers {
		l.all.Go(func() {
			for ctx.Err() == nil {
				l.count(ctx, nodes[i%len(nodes)], i)
			}
		})
	}
	t.Cleanup(func() { stop(); l.all.Wait() })
	return l
}

func (l *traffic) count(ctx context.Context, node *store.Postgres, i int) {
	switch err := bump(l.t.Context(), node, byte(i+1)); {
	case err == nil:
		l.promised[i].Add(1)
		select {
		case l.progress <- struct{}{}:
		default:
		}
	case errors.Is(err, verify.ErrOutcomeUnknown):
		l.unknown[i].Add(1)
	default: // it is told at once, and a real caller would wait a second
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// await returns when every caller was served a few times more, and gives up when
// the longest time that is promised is over.
func (l *traffic) await() {
	l.t.Helper()
	const each = 5
	late := time.After(45 * time.Second)
	for i := range callers {
		for until := l.promised[i].Load() + each; l.promised[i].Load() < until; {
			select {
			case <-l.progress:
			case <-late:
				l.t.Fatalf("caller %d is not served", i)
			}
		}
	}
}

// settle ends the traffic and compares what is stored with what was promised.
func (l *traffic) settle(fresh *store.Postgres) {
	l.t.Helper()
	l.stop()
	l.all.Wait()
	var total, unknown int64
	for i := range callers {
		n, p, u := int64(streak(l.t, fresh, byte(i+1))), l.promised[i].Load(), l.unknown[i].Load()
		if n < p || n > p+u {
			l.t.Errorf("caller %d was promised %d, told of %d that nobody knows, and has %d", i, p, u, n)
		}
		total, unknown = total+p, unknown+u
	}
	l.t.Logf("%d promised and kept, %d of unknown outcome", total, unknown)
}

// recovers tries until it is served, within the time that is promised.
func recovers(t *testing.T, do func() error) {
	t.Helper()
	late := time.After(10 * time.Second)
	for err := do(); err != nil; err = do() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-late:
			t.Fatalf("it did not recover: %v", err)
		}
	}
}
