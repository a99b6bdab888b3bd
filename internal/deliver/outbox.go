package deliver

import (
	"time"

	"countersign/internal/verify"
)

// ticket is one turn at sending a delivery.
type ticket struct {
	key  verify.DeliveryKey
	job  *verify.Job // nil: to be claimed when the turn comes
	gate *gate       // that it waited at; nil if it comes straight from the outbox
}

// hand puts a ticket into memory unless the delivery is there already.
func (d *Dispatcher) hand(t ticket) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || d.held[t.key] {
		// A receipt wants another carrier asked while the last one's answer is being
		// written down: that turn comes next.
		if t.job != nil && t.job.Delivery.Onward && !d.closed {
			d.again[t.key] = t
		}
		return
	}
	d.held[t.key] = true
	d.enter(t)
}

// enter gives a held ticket to the workers. The caller has the lock.
func (d *Dispatcher) enter(t ticket) {
	select {
	case d.jobs <- t:
	default:
		t.job = nil
		d.later = append(d.later, t)
	}
}

func (d *Dispatcher) holds(key verify.DeliveryKey) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.held[key]
}

// next takes the oldest of what waits for room.
func (d *Dispatcher) next() (t ticket, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.later) == 0 || d.closed {
		return t, false
	}
	t, d.later = d.later[0], d.later[1:]
	return t, true
}

func (d *Dispatcher) release(key verify.DeliveryKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t, ok := d.again[key]; ok && !d.closed {
		delete(d.again, key)
		d.enter(t)
		return
	}
	delete(d.held, key)
}

// heldNow is how many deliveries are in memory.
func (d *Dispatcher) heldNow() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.held)
}

// scan looks for deliveries that are due: those of nodes that died, those to be
// tried again, and those for which there was no room.
func (d *Dispatcher) scan() {
	tick := time.NewTicker(scanEvery)
	defer tick.Stop()
	orphans := d.Alone
	var counted time.Time
	for {
		if d.takeDue(orphans) {
			orphans = false
		}
		if now := d.Now(); now.Sub(counted) >= countEvery {
			d.recount()
			counted = now
		}
		select {
		case <-d.stop:
			return
		case <-tick.C:
		}
	}
}

// takeDue claims what is due, page by page, and says whether it saw to the end.
func (d *Dispatcher) takeDue(orphans bool) bool {
	for {
		// What waits at a gate is due again and again: it must not hide the rest.
		limit := scanLimit + d.heldNow()
		due, err := d.Outbox.Due(d.ctx, d.Now(), orphans, limit)
		if err != nil {
			d.Log.Error("the outbox could not be read", "cause", err)
			return false
		}
		claimed := 0
		for _, row := range due {
			if d.stopped() {
				return false // what is due is the next process's
			}
			if d.holds(row.Key) {
				continue
			}
			job, err := d.Outbox.Claim(d.ctx, verify.Claim{Key: row.Key, Orphan: orphans})
			if err != nil {
				d.Log.Error("a delivery could not be claimed", "delivery", row.Key.String(), "cause", err)
				return false
			}
			if job != nil {
				claimed++
				d.hand(ticket{key: row.Key, job: job})
			}
		}
		if claimed == 0 || len(due) < limit {
			return true
		}
	}
}

// recount corrects the backlog: other nodes and forgotten jobs make it drift.
func (d *Dispatcher) recount() {
	n, err := d.Outbox.Queued(d.ctx)
	if err != nil {
		d.Log.Error("the outbox could not be counted", "cause", err)
		return
	}
	d.waiting.Store(int64(n))
}
