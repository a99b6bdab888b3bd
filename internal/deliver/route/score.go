package route

import (
	"math"
	"sync"
	"time"
)

// The scores' figures. Why they are these: docs/decisions/0013-routing.md.
const (
	halfLife   = 30 * time.Minute // after which a message counts half
	minSent    = 30               // messages before anything is concluded
	z          = 1.96             // of the bounds: 95 of 100 times the rate is within
	hintWeight = 0.1              // of a receipt, where a message weighs 1
	patience   = 2 * time.Minute  // that people get before their message counts
	slots      = 9                // in which those messages are counted; the newest is begun, the others are whole
	slot       = patience / (slots - 1)
)

// Scores count how many of a carrier's messages to a country were answered with the
// right code: the one sign of arrival that no carrier can make up. What was counted
// halves every half hour. They are safe for concurrent use.
type Scores struct {
	mu    sync.Mutex
	cells map[place]*tally
}

// tally is what is counted of a carrier in a country.
type tally struct {
	sent, verified float64 // as they weighed at the instant at
	at             time.Time
	young          [slots]young // of the last two minutes
}

// young is what was sent in one slot of time. It does not count yet: else a carrier that
// has just been given much to do would seem to lose all of it.
type young struct {
	slot           int64
	sent, verified float64
}

// NewScores returns Scores that know nothing.
func NewScores() *Scores { return &Scores{cells: map[place]*tally{}} }

// Sent counts a message that a carrier took at now.
func (s *Scores) Sent(carrier, country string, now time.Time) {
	s.add(place{carrier, country}, now, now, young{sent: 1})
}

// Verified counts a message, taken at sent, whose code was then typed in rightly.
func (s *Scores) Verified(carrier, country string, sent, now time.Time) {
	s.add(place{carrier, country}, sent, now, young{verified: 1})
}

// Receipt counts a carrier's word that a message, taken at sent, arrived or failed. It is
// a hint and weighs little: receipts go missing, and are made up.
func (s *Scores) Receipt(p Received, now time.Time) {
	hint := young{sent: hintWeight}
	if p.Arrived {
		hint.verified = hintWeight
	}
	s.add(place{p.Carrier, p.Country}, p.Sent, now, hint)
}

// Received is what a receipt says of a message.
type Received struct {
	Carrier, Country string
	Sent             time.Time
	Arrived          bool
}

// Conversion is the share of messages that were answered with the right code.
type Conversion struct {
	Sent      float64 `json:"sent"` // how many it is drawn from, old ones counting less
	Rate      float64 `json:"rate"`
	Low, High float64 // between which it lies 95 of 100 times (Wilson's interval)
}

// Known says whether it is drawn from enough messages to be relied upon.
func (c Conversion) Known() bool { return c.Sent >= minSent }

// Worse says whether c is clearly worse than d: so much that chance hardly explains it.
func (c Conversion) Worse(d Conversion) bool { return c.Known() && d.Known() && c.High < d.Low }

// Conversion is what is known of a carrier in a country at now.
func (s *Scores) Conversion(carrier, country string, now time.Time) Conversion {
	if s == nil {
		return Conversion{High: 1}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.cells[place{carrier, country}]
	if t == nil {
		return Conversion{High: 1}
	}
	t.ripen(now)
	return wilson(t.sent, t.verified)
}

// wilson bounds a rate by E. B. Wilson's score interval, which holds for few messages
// and near 0 and 1 too.
func wilson(n, hits float64) Conversion {
	if n <= 0 {
		return Conversion{High: 1}
	}
	rate := min(hits/n, 1)
	middle := (rate + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(rate*(1-rate)/n+z*z/(4*n*n))
	return Conversion{Sent: n, Rate: rate, Low: max(0, middle-half), High: min(1, middle+half)}
}

func (s *Scores) add(p place, sent, now time.Time, what young) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.cells[p]
	if t == nil {
		if len(s.cells) >= mostCells {
			s.forget()
		}
		t = &tally{at: now}
		s.cells[p] = t
	}
	// Two callers may come in another order than that in which they read the clock.
	if now.Before(t.at) {
		now = t.at
	}
	if sent.After(now) {
		sent = now
	}
	t.ripen(now)
	at := slotOf(sent)
	if at <= slotOf(now)-slots {
		// It has counted as sent already, and weighs what that weighs by now.
		weight := fading(now.Sub(sent) - patience)
		t.sent += what.sent * weight
		t.verified += what.verified * weight
		return
	}
	y := &t.young[at%slots]
	y.slot = at
	y.sent += what.sent
	y.verified += what.verified
}

// ripen lets what has counted fade, and adds what has become old enough to count.
func (t *tally) ripen(now time.Time) {
	if now.Before(t.at) {
		return
	}
	weight := fading(now.Sub(t.at))
	t.sent *= weight
	t.verified *= weight
	t.at = now
	for i := range t.young {
		if y := &t.young[i]; y.slot <= slotOf(now)-slots {
			t.sent += y.sent
			t.verified += y.verified
			*y = young{}
		}
	}
}

func slotOf(t time.Time) int64 { return t.UnixNano() / int64(slot) }

// fading is what is left of a count after d.
func fading(d time.Duration) float64 {
	return math.Exp2(-max(0, d).Seconds() / halfLife.Seconds())
}

// forget drops what was not counted in for longest.
func (s *Scores) forget() {
	var oldest place
	var of *tally
	for p, t := range s.cells {
		if of == nil || t.at.Before(of.at) {
			oldest, of = p, t
		}
	}
	delete(s.cells, oldest)
}
