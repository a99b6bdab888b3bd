package history

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/app"
	"countersign/internal/store/pgtest"
	"countersign/internal/verify"
)

// slack is how far a node's clock may be from the true time.
const slack = verify.ClockSlack

// lyingClock is a node's wall clock: true time and an error, which a step changes.
type lyingClock struct {
	world *world
	off   atomic.Int64
	told  *app.Clock
}

// newLyingClock starts as its node does, already wrong by off.
func newLyingClock(w *world, off time.Duration) *lyingClock {
	l := &lyingClock{world: w}
	l.off.Store(int64(off))
	l.told = app.NewClock(func() time.Time { return w.now().Add(time.Duration(l.off.Load())) })
	return l
}

// step sets the wall clock, at an instant of which the node took note before, as
// the monotonic clock of a machine does.
func (l *lyingClock) step(d time.Duration) {
	l.told.Now()
	l.off.Add(int64(d))
	l.told.Now()
}

// pair is two nodes, a and b, with a clock each.
type pair struct {
	*world
	a, b           *node
	aClock, bClock *lyingClock
	lost           atomic.Bool // a's next start is done and a does not learn of it
	kept           chan bool   // a has ended a round of housekeeping
}

func newPair(t *testing.T, a, b time.Duration) *pair {
	p := &pair{world: emptyWorld(t, pgtest.URL(t)), kept: make(chan bool, 1000)}
	p.aClock, p.bClock = newLyingClock(p.world, a), newLyingClock(p.world, b)
	p.a = &node{world: p.world, now: p.aClock.told.Now, wrap: func(s verify.Store) verify.Store { return &losing{s, p} }}
	p.b = &node{world: p.world, now: p.bClock.told.Now}
	p.a.open()
	p.b.open()
	p.nodes = []*node{p.a, p.b}
	return p
}

// losing commits and, where told so, forgets: what it leaves in the database is
// what a node leaves that dies at that moment. It also says when a round of
// housekeeping is over, of which Forget is the last deed.
type losing struct {
	verify.Store
	pair *pair
}

// Commit commits.
func (l *losing) Commit(ctx context.Context, needs []verify.Needs, decide func(*verify.Snapshot) error) error {
	starts := false
	err := l.Store.Commit(ctx, needs, func(s *verify.Snapshot) error {
		err := decide(s)
		starts = slices.ContainsFunc(s.DirtyDeliveries(), func(d verify.Dirty[verify.Delivery]) bool { return d.New })
		return err
	})
	if err == nil && starts && l.pair.lost.CompareAndSwap(true, false) {
		return verify.ErrOutcomeUnknown
	}
	return err
}

// Forget forgets.
func (l *losing) Forget(ctx context.Context, before time.Time) error {
	err := l.Store.Forget(ctx, before)
	l.pair.kept <- true
	return err
}

// pass lets true time go by, of which both nodes take note.
func (p *pair) pass(d time.Duration) {
	p.world.pass(d)
	p.aClock.told.Now()
	p.bClock.told.Now()
}

// begun is a verification that has begun, and its code.
type begun struct{ number, id, code string }

func (p *pair) begin(n *node) begun {
	p.t.Helper()
	number := p.number()
	id := n.start(number)
	return begun{number, id, p.code(number)}
}

// refusedEverywhere demands that a right code is good at no node.
func (p *pair) refusedEverywhere(v begun, when string) {
	p.t.Helper()
	for i, n := range p.nodes {
		if s := n.check(v.id, v.code); s.Reason == accepted {
			p.t.Errorf("%s the code is accepted by node %d", when, i)
		}
		if s := n.checkNumber(v.number, v.code); s.Reason == accepted {
			p.t.Errorf("%s the code is accepted by node %d, by number", when, i)
		}
	}
}

// TestNodesWhoseClocksDifferByFiveSecondsStayRight plays each promise that has to
// do with time, begun at one node and ended at the other.
func TestNodesWhoseClocksDifferByFiveSecondsStayRight(t *testing.T) {
	for _, c := range []struct{ a, b time.Duration }{
		{slack, 0}, {0, slack}, {-slack, 0}, {0, -slack}, {slack / 2, -slack / 2},
	} {
		t.Run(fmt.Sprintf("a %s b %s", c.a, c.b), func(t *testing.T) {
			t.Parallel()
			p := newPair(t, c.a, c.b)
			for i, n := range p.nodes {
				other := p.nodes[1-i]
				p.isGoodAtBoth(n, other)
				p.endsInTime(n)
				p.isSentAgainInTime(n, other)
			}
			p.takesOver(slack)
		})
	}
}

// isGoodAtBoth: a code is good where it did not begin, at once and until just
// before its end, and once.
func (p *pair) isGoodAtBoth(n, other *node) {
	p.t.Helper()
	for _, wait := range []time.Duration{0, verify.MaxValidity - slack - time.Second} {
		v := p.begin(n)
		p.pass(wait)
		if s := other.check(v.id, v.code); s.Reason != accepted {
			p.t.Errorf("after %s the other node says %+v", wait, s)
		}
		for _, n := range p.nodes {
			if s := n.check(v.id, v.code); s.Reason != used {
				p.t.Errorf("an accepted code once more: %+v", s)
			}
		}
	}
}

// endsInTime: no node takes a code after its time and the slack.
func (p *pair) endsInTime(n *node) {
	p.t.Helper()
	v := p.begin(n)
	p.pass(verify.MaxValidity + slack)
	p.refusedEverywhere(v, "after its time")
}

// isSentAgainInTime: nobody waits longer for a message than the cooldown and the
// slack, whichever node is asked.
func (p *pair) isSentAgainInTime(n, other *node) {
	p.t.Helper()
	v := p.begin(n)
	p.pass(30*time.Second + slack)
	if again := other.start(v.number); again != v.id || p.code(v.number) != v.code {
		p.t.Errorf("the other node begins another verification while one is pending")
	}
}

// takesOver: a message that a has decided on and forgotten, as if it had died, is
// sent by b once a's lease has run out, late being how far a may be ahead.
func (p *pair) takesOver(late time.Duration) {
	p.t.Helper()
	number := p.number()
	p.lost.Store(true)
	if s := p.a.tryStart(number, ""); !s.unknown() {
		p.t.Fatalf("the start was to be unknown: %+v", s)
	}
	p.a.stop()
	p.pass(verify.Lease + late)
	code := p.code(number) // of b: nobody else is there
	if s := p.b.checkNumber(number, code); s.Reason != accepted {
		p.t.Errorf("the code of a message taken over: %+v", s)
	}
}

// TestAClockThatIsSetBreaksNothing sets the clock of node a while verifications are
// live, and sets it right again by a restart.
func TestAClockThatIsSetBreaksNothing(t *testing.T) {
	for _, step := range []time.Duration{-24 * time.Hour, -time.Hour, time.Hour} {
		t.Run(fmt.Sprintf("by %s", step), func(t *testing.T) {
			t.Parallel()
			p := newPair(t, 0, 0)
			atA, atB := p.begin(p.a), p.begin(p.b)
			toUse := p.begin(p.a)
			p.aClock.step(step)
			after := p.begin(p.a) // of a clock that is wrong, or holds

			if s := p.b.check(toUse.id, toUse.code); s.Reason != accepted {
				t.Errorf("the node whose clock is right says %+v", s)
			}
			p.refusedEverywhere(toUse, "once used,")
			p.nobodyIsLockedOut(after)

			p.pass(verify.MaxValidity + slack)
			for _, v := range []begun{atA, atB, after} {
				p.refusedEverywhere(v, "after its time")
			}
			if step < 0 { // and when a clock that went back would come by again
				p.pass(time.Hour - verify.MaxValidity - 35*time.Second)
				p.refusedEverywhere(atA, "an hour later")
				p.refusedEverywhere(atB, "an hour later")
			}
			p.setRight()
			for _, when := range []time.Duration{0, time.Hour - verify.MaxValidity, verify.MaxValidity - time.Second, 24 * time.Hour} {
				p.pass(when)
				for _, v := range []begun{atA, atB, toUse, after} {
					p.refusedEverywhere(v, fmt.Sprintf("%s after the restart", p.now().Sub(p.begun)))
				}
			}
			p.isGoodAtBoth(p.a, p.b)
			p.takesOver(slack)
		})
	}
}

// setRight restarts a with the true time, and waits until it has kept house once.
func (p *pair) setRight() {
	p.t.Helper()
	p.a.stop()
	p.aClock = newLyingClock(p.world, 0)
	p.a.now = p.aClock.told.Now
	for len(p.kept) > 0 {
		<-p.kept
	}
	p.a.open()
	select {
	case <-p.kept:
	case <-time.After(patience):
		p.t.Fatal("nobody keeps house")
	}
}

// nobodyIsLockedOut: the node whose clock is right sends another message after the
// usual wait, to a number that the other one has sent to, and its code is good.
func (p *pair) nobodyIsLockedOut(v begun) {
	p.t.Helper()
	p.pass(30*time.Second + slack)
	p.b.start(v.number)
	fresh := p.code(v.number)
	if s := p.b.checkNumber(v.number, fresh); s.Reason != accepted {
		p.t.Errorf("a number that the wrong clock has seen: %+v", s)
	}
}

// TestAMessageDecidedBeforeItsNodesClockWasSetIsTakenOver kills the node whose
// clock was set while it had a message in hand.
func TestAMessageDecidedBeforeItsNodesClockWasSetIsTakenOver(t *testing.T) {
	for _, step := range []time.Duration{-24 * time.Hour, -time.Hour} {
		t.Run(fmt.Sprintf("by %s", step), func(t *testing.T) {
			t.Parallel()
			p := newPair(t, 0, 0)
			p.aClock.step(step)
			p.takesOver(slack)
		})
	}
}
