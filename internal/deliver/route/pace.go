package route

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Rate is how fast a carrier may be given messages: so many a second, after so many at
// once. A Burst of 0 is 1.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Pace spaces the messages to each carrier. It is safe for concurrent use.
type Pace struct {
	mu    sync.Mutex
	lanes map[string]*lane
}

// lane is a carrier's queue as one instant, after the generic cell rate algorithm. It
// counts in nanoseconds, where package limit counts the milliseconds that fit into a
// row: 300 a second would be 333 there, and 2000 no limit at all.
type lane struct {
	step, slack time.Duration
	next        time.Time // when the queue is empty again
}

// NewPace returns a Pace for the carriers that have a rate; others are not held up. The
// error names a carrier whose rate is none.
func NewPace(rates map[string]Rate) (*Pace, error) {
	p := &Pace{lanes: map[string]*lane{}}
	var errs []error
	for name, r := range rates {
		if !(r.PerSecond >= 0.01 && r.PerSecond <= 1e6) || r.Burst < 0 || r.Burst > 1e6 {
			errs = append(errs, fmt.Errorf("carrier %s: %g messages a second and %d at once are no pace; "+
				"give 0.01 to 1000000 a second, and up to 1000000 at once", name, r.PerSecond, r.Burst))
			continue
		}
		step := time.Duration(float64(time.Second) / r.PerSecond)
		p.lanes[name] = &lane{step: step, slack: step * time.Duration(max(r.Burst, 1)-1)}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return p, errors.Join(errs...)
}

// Reserve takes the next place in a carrier's queue, and says how long to wait until it
// is the message's turn: places are handed out in the order in which they are asked
// for. If the wait is longer than within, it takes none and ok is false: the message may
// go to another carrier, or ask again later.
func (p *Pace) Reserve(carrier string, within time.Duration, now time.Time) (wait time.Duration, ok bool) {
	if p == nil {
		return 0, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lanes[carrier]
	if l == nil {
		return 0, true
	}
	next := l.next
	if next.Before(now) {
		next = now
	}
	wait = max(0, next.Sub(now)-l.slack)
	if wait > within {
		return wait, false
	}
	l.next = next.Add(l.step)
	return wait, true
}
