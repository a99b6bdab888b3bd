package verify_test

import (
	"errors"
	"time"

	"countersign/internal/verify"
)

// outbox is what a node knows of deliveries: package deliver without goroutines.
type outbox struct {
	held    map[verify.DeliveryKey]bool
	jobs    []simJob
	flights []*flight
	orphans bool // the next look takes those of the dead: this node is alone
}

// simJob is a job with the true time at which it was claimed.
type simJob struct {
	verify.Job
	claimedAt time.Time
}

// flight is a message that a carrier has in hand.
type flight struct {
	simJob
	landsAt   time.Time
	renewedAt time.Time
	refusal   *verify.SendError // nil: the carrier took it
}

func newOutbox() outbox { return outbox{held: map[verify.DeliveryKey]bool{}, orphans: true} }

func (n *simNode) hand(j verify.Job) {
	if !n.held[j.Delivery.Key] {
		n.held[j.Delivery.Key] = true
		n.jobs = append(n.jobs, simJob{j, n.sim.now})
	}
}

// work begins to send the oldest job, or claims it again if it has waited long.
func (n *simNode) work() {
	if len(n.jobs) == 0 {
		return
	}
	j := n.jobs[0]
	n.jobs = n.jobs[1:]
	if !n.now().Add(verify.RenewEvery).After(j.Delivery.DueAt) {
		n.send(j)
		return
	}
	key := j.Delivery.Key
	n.claim(verify.Claim{Key: key}, func(again *verify.Job) {
		if again == nil {
			delete(n.held, key)
			return
		}
		n.send(simJob{*again, n.sim.now})
	})
}

// send hands a message to the carrier, whose answer comes later if at all.
func (n *simNode) send(j simJob) {
	m, err := j.Message(n.env.Keys, n.now())
	if err != nil {
		n.sim.fail("no message could be made: %v", err)
		return
	}
	f := &flight{simJob: j, renewedAt: n.sim.now}
	var took time.Duration
	took, f.refusal = n.sim.carrier(m)
	f.landsAt = n.sim.now.Add(took)
	n.sim.trace("%s hands over %s, back in %s: %v", n.env.Node, m.ID, took, f.refusal)
	n.sim.seen.handed(m, j.Delivery.Key, j.claimedAt, n.sim.now)
	n.flights = append(n.flights, f)
}

// land reports the sends that have ended.
func (n *simNode) land() {
	var still []*flight
	for _, f := range n.flights {
		if n.sim.now.Before(f.landsAt) {
			still = append(still, f)
			continue
		}
		key := f.Delivery.Key
		cmd := verify.Report{Key: key, Handovers: []verify.Handover{verify.Handed("c", verify.Submission{}, f.refusal)}, Refusal: f.refusal, ExpiresAt: f.Verification.ExpiresAt, Events: f.Verification.Details.Events}
		env := n.env
		call(n, cmd, func(after *verify.Delivery, err error) {
			delete(n.held, key)
			n.sim.seen.reported(env.Node, f, after, err, n.sim.now)
		})
	}
	n.flights = still
}

// renew keeps the leases of sends that take long.
func (n *simNode) renew() {
	for _, f := range n.flights {
		if n.sim.now.Sub(f.renewedAt) >= verify.RenewEvery {
			f.renewedAt = n.sim.now
			n.claim(verify.Claim{Key: f.Delivery.Key}, func(*verify.Job) {})
		}
	}
}

// scan claims what is due.
func (n *simNode) scan() {
	orphan := n.orphans && len(n.sim.nodes) == 1
	n.orphans = false
	for _, key := range n.sim.store.due(n.now(), orphan) {
		if n.held[key] {
			continue
		}
		n.claim(verify.Claim{Key: key, Orphan: orphan}, func(j *verify.Job) {
			if j != nil {
				n.hand(*j)
			}
		})
	}
}

// claim asks for a delivery and tells then whether this node has it.
func (n *simNode) claim(cmd verify.Claim, then func(*verify.Job)) {
	m := n.sim.seen.message(cmd.Key)
	if m.owner != n.env.Node || n.sim.now.Sub(m.ownedAt) >= verify.Lease-slack {
		m.tries++ // else it is a renewal
	}
	call(n, cmd, func(j *verify.Job, err error) {
		if err != nil && !unknown(err) {
			n.sim.fail("a claim was refused: %v", err)
		}
		if err != nil {
			j, m.unheard = nil, true
		}
		if j != nil {
			n.sim.seen.claimed(n, *j, n.sim.now)
		}
		then(j)
	})
}

// seenDead tells the observer that the leases of this life are nobody's.
func (n *simNode) seenDead() { n.sim.seen.died(n.env.Node) }

// carrier draws what a carrier does with a message.
func (s *sim) carrier(verify.Message) (took time.Duration, refusal *verify.SendError) {
	took = time.Duration(s.rand.IntN(1500)) * time.Millisecond
	if s.healthy || s.rand.IntN(100) >= s.trouble {
		return took, nil
	}
	switch s.rand.IntN(4) {
	case 0: // the answer does not come, and nobody knows
		return 10 * time.Second, &verify.SendError{Class: verify.Temporary, Ambiguous: true, Err: errors.New("time-out")}
	case 1: // it never comes at all: the node hangs until it dies
		return 24 * time.Hour, nil
	}
	classes := verify.Classes()
	refusal = &verify.SendError{Class: classes[s.rand.IntN(len(classes))], Err: errors.New("no")}
	if s.rand.IntN(2) == 0 {
		refusal.Class = verify.Temporary
	}
	if s.rand.IntN(3) == 0 {
		refusal.Wait = time.Duration(s.rand.IntN(40)) * time.Second
	}
	return took, refusal
}
