package deliver

import (
	"container/heap"
	"time"

	"countersign/internal/verify"
)

// A gate is where deliveries wait while none of the carriers that may take them can be
// asked: all of them are put aside, or their pace is reached. It lets the oldest one
// through when its time has come, and more and more of them, always the oldest first,
// as long as they pass. So the backlog behind a carrier that comes back is drained at
// once, and one behind a carrier that does not costs next to nothing.
type gate struct {
	waiting parked
	opens   time.Time
	window  int // how many may be with the workers at a time
	inside  int // how many are
}

// gateKey is what decides which carriers may be asked.
type gateKey struct {
	channel verify.Channel
	rule    int
	country string
	spent   string // carriers that had the message already
}

// parked are the deliveries at a gate, a heap of the oldest first: ids begin with their
// time.
type parked []waiter

type waiter struct {
	key     verify.DeliveryKey
	expires time.Time
}

func (p parked) Len() int           { return len(p) }
func (p parked) Less(i, j int) bool { return p[i].key.Compare(p[j].key) < 0 }
func (p parked) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *parked) Push(x any)        { *p = append(*p, x.(waiter)) } //nolint:forcetypeassert // heap.Push of this package alone
func (p *parked) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}

// closedGate says whether older deliveries wait at the gate, so that one that does not
// come from it has to queue up, and until when.
func (d *Dispatcher) closedGate(at gateKey, from *gate) (until time.Time, closed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.gates[at]
	if g == nil || g == from || len(g.waiting) == 0 {
		return until, false
	}
	return g.opens, true
}

// park has a delivery wait. The one that came from the gate itself found that it is
// closed still.
func (d *Dispatcher) park(key verify.DeliveryKey, expires time.Time, b blockage, from *gate) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.gates[b.at]
	if g == nil {
		g = &gate{opens: b.until, window: 1}
		d.gates[b.at] = g
	}
	if from != nil {
		from.inside--
		from.window = 1
		from.opens = b.until
	}
	heap.Push(&g.waiting, waiter{key, expires})
	d.wake()
}

// passed says that a delivery which came through a gate did not have to go back.
func (d *Dispatcher) passed(g *gate) {
	if g == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	g.inside--
	g.window = min(2*g.window, d.Workers)
	d.letThrough(g, d.Now())
}

// openGates lets the first ones try at once: a carrier is back.
func (d *Dispatcher) openGates() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, g := range d.gates {
		g.opens = time.Time{}
	}
	d.wake()
}

// letThrough gives the workers what may go. The caller has the lock.
func (d *Dispatcher) letThrough(g *gate, now time.Time) {
	for len(g.waiting) > 0 && !d.closed {
		late := !now.Before(g.waiting[0].expires) // it is dropped, and in nobody's way
		if !late && (now.Before(g.opens) || g.inside >= g.window) {
			return
		}
		w := heap.Pop(&g.waiting).(waiter) //nolint:forcetypeassert // as Push
		g.inside++
		d.enter(ticket{key: w.key, gate: g})
	}
}

func (d *Dispatcher) wake() {
	select {
	case d.woken <- struct{}{}:
	default:
	}
}

// keepGates opens gates when their time comes.
func (d *Dispatcher) keepGates() {
	timer := time.NewTimer(scanEvery)
	defer timer.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-d.woken:
		case <-timer.C:
		}
		timer.Reset(d.tendGates())
	}
}

// tendGates lets through what may go, forgets gates that nobody waits at, and says when
// to look again.
func (d *Dispatcher) tendGates() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, again := d.Now(), scanEvery
	for at, g := range d.gates {
		d.letThrough(g, now)
		if len(g.waiting) == 0 && g.inside == 0 {
			delete(d.gates, at)
			continue
		}
		if wait := g.opens.Sub(now); wait > 0 {
			again = min(again, wait)
		}
	}
	return max(again, time.Millisecond)
}
