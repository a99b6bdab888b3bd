package verify_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"countersign/internal/ledger"
	"countersign/internal/verify"
)

// TestSimulatedHistoriesThroughTheLedger plays some of the histories once more, with
// the real ledger between commands and store: its goroutines, its batches, its way
// of running a batch again one by one.
func TestSimulatedHistoriesThroughTheLedger(t *testing.T) {
	n := max(1, *seeds/5)
	batches, together := 0, 0
	for seed := *first; seed < *first+n; seed++ {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(seed)
			via := &throughLedger{sim: s, ledgers: map[*simNode]*ledger.Ledger{}}
			s.commit = via.commit
			s.run()
			for _, l := range via.ledgers {
				l.Close()
			}
			batches, together = batches+via.batches, max(together, via.together)
			if s.failure != nil {
				t.Fatalf("seed %d, step %d: %v\nagain: go test ./internal/verify -run ThroughTheLedger -args -first %d -seeds 1", seed, s.step, s.failure, seed)
			}
		})
	}
	t.Logf("%d histories, %d batches, the largest of %d", n, batches, together)
	if together < 2 && n > 10 {
		t.Error("no two commands were ever in one batch")
	}
}

// throughLedger runs the batches of every node through a ledger of its own.
type throughLedger struct {
	sim       *sim
	ledgers   map[*simNode]*ledger.Ledger
	open      chan struct{} // closed when commits may go on
	delivered map[verify.DeliveryKey]int
	decided   []*simCall // in the order in which they were
	batches   int
	together  int
}

// gated is the simulated database, which waits until a crowd has gathered.
type gated struct {
	verify.Store // no other method is called
	via          *throughLedger
}

func (g gated) Commit(ctx context.Context, needs []verify.Needs, decide func(*verify.Snapshot) error) error {
	<-g.via.open
	g.via.batches++
	g.via.together = max(g.via.together, len(needs))
	return g.via.sim.store.Commit(ctx, needs, decide)
}

// viaLedger is a call as a command.
type viaLedger struct {
	call *simCall
	via  *throughLedger
}

func (c viaLedger) Needs(*verify.Env) (verify.Needs, error) { return c.call.needs, nil }

func (c viaLedger) Decide(_ *verify.Env, rows verify.Rows, now time.Time) (verify.Changes, struct{}, error) {
	changes, err := c.call.decide(rows, now)
	c.call.jobs = changes.Jobs
	c.via.decided = append(c.via.decided, c.call)
	return changes, struct{}{}, err
}

// commit hands all calls to the ledger, one of them at a time, while its first
// commit waits, and then lets it go.
func (v *throughLedger) commit(n *simNode, batch []*simCall) {
	l := v.ledgers[n]
	if l == nil {
		l = ledger.New(ledger.Config{
			Store: gated{via: v}, Env: n.env, Now: n.now,
			Deliver: func(j verify.Job) { v.delivered[j.Delivery.Key]++ },
		})
		v.ledgers[n] = l
	}
	v.open, v.delivered, v.decided = make(chan struct{}), map[verify.DeliveryKey]int{}, nil
	answers := make(map[*simCall]error, len(batch))
	done := make([]chan error, len(batch))
	for i, c := range batch {
		done[i] = make(chan error, 1)
		go func() {
			_, err := ledger.Do(context.Background(), l, verify.Command[struct{}](viaLedger{c, v}))
			done[i] <- err
		}()
		synctest.Wait()
	}
	close(v.open)
	for i, c := range batch {
		answers[c] = <-done[i]
	}
	v.finish(n, batch, answers)
}

// finish answers the calls in the order in which they were decided at last, and
// demands that the jobs of those that are durable were delivered, each once.
func (v *throughLedger) finish(n *simNode, batch []*simCall, answers map[*simCall]error) {
	last := map[*simCall]int{}
	for i, c := range v.decided {
		last[c] = i
	}
	var order []*simCall
	for i, c := range v.decided {
		if last[c] == i {
			order = append(order, c)
		}
	}
	for _, c := range batch {
		if _, ok := last[c]; !ok {
			order = append(order, c) // never decided
		}
	}
	for _, c := range order {
		err := answers[c]
		c.err = nil
		failed := verify.KindOf(err) == verify.Unavailable
		if !failed {
			c.err, err = err, nil
		}
		for _, j := range c.jobs {
			if !failed && c.err == nil {
				v.delivered[j.Delivery.Key]--
			}
		}
		n.finish(c, err)
	}
	for key, off := range v.delivered {
		if off != 0 {
			n.sim.fail("the job of %s was delivered %+d times more than it is durable", key, off)
		}
	}
}
