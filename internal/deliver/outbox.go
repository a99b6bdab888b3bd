package deliver

import (
	"time"

	"countersign/internal/verify"
)

// hand puts a job into memory unless it is there.
func (d *Dispatcher) hand(j verify.Job) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || d.held[j.Delivery.Key] {
		return
	}
	d.held[j.Delivery.Key] = true
	select {
	case d.jobs <- j:
	default:
		d.later = append(d.later, j.Delivery.Key)
	}
}

func (d *Dispatcher) holds(key verify.DeliveryKey) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.held[key]
}

// next takes the oldest of what waits for room.
func (d *Dispatcher) next() (key verify.DeliveryKey, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.later) == 0 || d.closed {
		return key, false
	}
	key, d.later = d.later[0], d.later[1:]
	return key, true
}

func (d *Dispatcher) release(key verify.DeliveryKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.held, key)
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
		due, err := d.Outbox.Due(d.ctx, d.Now(), orphans, scanLimit)
		if err != nil {
			d.Log.Error("the outbox could not be read", "cause", err)
			return false
		}
		claimed := 0
		for _, row := range due {
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
				d.hand(*job)
			}
		}
		if claimed == 0 || len(due) < scanLimit {
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
