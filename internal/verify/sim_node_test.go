package verify_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"countersign/internal/verify"
)

// simNode is one process of the service. What it holds in memory goes when it
// dies; what it has stored does not.
type simNode struct {
	sim   *sim
	env   *verify.Env
	ahead time.Duration // of the true time
	lives int           // how often it was started
	queue []*simCall    // not yet in a batch
	outbox
}

// simCall is one command on its way through a batch, as a call of package ledger.
type simCall struct {
	text   string
	needs  verify.Needs
	decide func(verify.Rows, time.Time) (verify.Changes, error)
	answer func(error) // called once; nil means that the command was carried out
	jobs   []verify.Job
	err    error
}

// errHungUp is what a client sees of a process that died with its request.
var errHungUp = errors.New("sim: the connection was closed")

func (n *simNode) now() time.Time { return n.sim.now.Add(n.ahead).Truncate(time.Millisecond) }

// call puts a command into the node's queue. The answer comes in a later batch, or
// at once where Needs refuses.
func call[A any](n *simNode, cmd verify.Command[A], answer func(A, error)) {
	env := n.current() // a command decides with the keys that it named its rows with
	text := fmt.Sprintf("%s %T", env.Node, cmd)
	var got A
	needs, err := cmd.Needs(env)
	if err != nil {
		n.sim.trace("%s refused before rows: %v", text, err)
		answer(got, err)
		return
	}
	n.queue = append(n.queue, &simCall{
		text: text, needs: needs,
		decide: func(rows verify.Rows, now time.Time) (changes verify.Changes, err error) {
			changes, got, err = cmd.Decide(env, rows, now)
			return changes, err
		},
		answer: func(err error) { answer(got, err) },
	})
}

// current is the node's Env with the key that is current by its clock.
func (n *simNode) current() *verify.Env {
	keys := n.sim.ring
	if !n.now().Before(n.sim.takeover) {
		keys = n.sim.after
	}
	if n.env.Keys != keys {
		env := *n.env
		env.Keys = keys
		n.env = &env
	}
	return n.env
}

// flush runs what is queued as one batch, with a fault or none.
func (n *simNode) flush(fault simFault) {
	batch := n.queue
	n.queue = nil
	if len(batch) == 0 {
		return
	}
	n.sim.trace("%s runs a batch of %d, fault %d", n.env.Node, len(batch), fault)
	n.sim.store.fault = fault
	n.sim.commit(n, batch)
	n.sim.store.fault = noFault
	if n.sim.store.died {
		n.sim.store.died = false
		n.die()
	}
}

// commitDirectly is what package ledger does with a batch, without its goroutines.
func commitDirectly(n *simNode, batch []*simCall) {
	needs := make([]verify.Needs, len(batch))
	for i, c := range batch {
		needs[i] = c.needs
	}
	err := n.sim.store.Commit(context.Background(), needs, func(snap *verify.Snapshot) error {
		now := n.now()
		for _, c := range batch {
			n.decide(c, snap, now)
		}
		return nil
	})
	if err != nil && len(batch) > 1 && !errors.Is(err, verify.ErrOutcomeUnknown) {
		for _, c := range batch {
			commitDirectly(n, []*simCall{c})
		}
		return
	}
	for _, c := range batch {
		n.finish(c, err)
	}
}

// decide lets one command decide, and demands that a refusal changes nothing.
func (n *simNode) decide(c *simCall, snap *verify.Snapshot, now time.Time) {
	var changes verify.Changes
	changes, c.err = c.decide(snap.Rows(c.needs), now)
	c.jobs = nil
	if c.err != nil {
		none := changes.Subject == nil && changes.Bucket == nil && changes.Replay == nil
		if !none || len(changes.Verifications)+len(changes.Deliveries)+len(changes.Jobs) > 0 {
			n.sim.fail("%s was refused (%v) and changes rows", c.text, c.err)
		}
		return
	}
	snap.Apply(changes)
	c.jobs = changes.Jobs
}

// finish answers one command once its batch is over.
func (n *simNode) finish(c *simCall, err error) {
	switch {
	case n.sim.store.died:
		n.sim.trace("%s: nobody is told", c.text)
		c.answer(errHungUp)
	case err != nil:
		n.sim.trace("%s: %v", c.text, err)
		c.answer(&verify.Error{Kind: verify.Unavailable, Wait: time.Second, Err: err})
	default:
		if c.err != nil && verify.KindOf(c.err) == "" {
			n.sim.fail("%s: not a refusal: %v", c.text, c.err)
		}
		for _, j := range c.jobs {
			n.sim.seen.claimed(n, j, n.sim.now)
			n.hand(j)
		}
		n.sim.trace("%s: refusal %v", c.text, c.err)
		c.answer(c.err)
	}
}

// die loses everything that is in memory and starts the process anew.
func (n *simNode) die() {
	n.sim.trace("%s dies", n.env.Node)
	lost := n.queue
	n.queue = nil
	for _, c := range lost {
		c.answer(errHungUp)
	}
	n.queue = nil // what an answer has asked for meanwhile dies as well
	n.seenDead()
	n.outbox = newOutbox()
	n.lives++
	env := *n.env
	env.Node = env.Node[:2] + "." + strconv.Itoa(n.lives)
	n.env = &env
}

// unknown says whether an error leaves open if the command was carried out.
func unknown(err error) bool {
	return errors.Is(err, errHungUp) || verify.KindOf(err) == verify.Unavailable
}
