package route

import (
	"fmt"
	"sync"
	"time"

	"countersign/internal/verify"
)

const (
	failsIn   = 3    // countries at once, and most of those in use, so that it fails as a whole
	mostCells = 4096 // that are remembered: some 250 countries for each of 16 carriers
	wide      = "*"  // stands for all countries of a carrier; none is called so
)

// Breakers put a carrier aside that fails in a country, or as a whole, and let one
// message at a time find out whether it is back. They are safe for concurrent use.
type Breakers struct {
	mu    sync.Mutex
	cells map[place]*cell
}

// place is a carrier in a country. The country is empty for e-mails.
type place struct{ carrier, country string }

// NewBreakers returns Breakers that are all closed.
func NewBreakers() *Breakers { return &Breakers{cells: map[place]*cell{}} }

// Attempt is a message that was let through, of which End is to be told the outcome.
type Attempt struct {
	place
	begun     time.Time
	here, all ticket
}

// Begin asks to hand a message to a carrier at now. It is refused while the carrier is
// put aside, or while another message finds out whether it is back. An Attempt whose
// outcome nobody tells stands in the way of the next probe for half a minute at most.
func (b *Breakers) Begin(carrier, country string, now time.Time) (a Attempt, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a = Attempt{place: place{carrier, country}, begun: now}
	if why, _ := b.aside(a.place, now); why != "" {
		return a, false
	}
	a.here, a.all = b.cells[a.place].begin(now), b.cells[place{carrier, wide}].begin(now)
	return a, true
}

// End tells what came of an attempt: nil if the carrier took the message. It says
// whether that brought the carrier back, so that all that waits for it can go at once.
func (b *Breakers) End(a Attempt, refusal *verify.SendError, now time.Time) (recovered bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	here, all := b.cell(a.place, now), b.cell(place{a.carrier, wide}, now)
	var asked time.Duration
	if refusal != nil {
		asked = refusal.Wait
	}
	switch about(refusal) {
	case itself:
		if all.success(a.all) {
			b.wake(a.carrier, now)
			recovered = true
		}
		return here.success(a.here) || recovered
	case itsLoad:
		all.tire(a.begun, asked, now)
		all.release(a.all)
		here.release(a.here)
	case itsAccount:
		here.failure(a.here, to(a.country), asked, now)
		all.failure(a.all, "", asked, now)
	case aCountry:
		// One large country's trouble must not close the small ones: for the carrier as a
		// whole it only counts in how many it fails.
		opened := here.failure(a.here, to(a.country), asked, now)
		if a.all.probe {
			all.failure(a.all, "", asked, now)
		} else if n := b.failing(a.carrier, now); opened && n > 0 && !all.open {
			all.trip(fmt.Sprintf("it fails in %d countries", n), 0, now)
		}
	}
	return false
}

// Cancel takes an attempt back whose message was not handed over after all.
func (b *Breakers) Cancel(a Attempt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cells[a.place].release(a.here)
	b.cells[place{a.carrier, wide}].release(a.all)
}

// about is what an outcome speaks about.
func about(refusal *verify.SendError) subject {
	if refusal == nil {
		return itself
	}
	if refusal.Ambiguous {
		return aCountry
	}
	return subjects[refusal.Class]
}

type subject int

const (
	itself     subject = iota // the carrier works: it took the message, or it refused the person or the text
	itsLoad                   // it has too much to do
	itsAccount                // it refuses us, whatever the message
	aCountry                  // it fails, for all we know in this country
)

// subjects says what the classes speak about. What is not in it, such as an invalid
// number, says that the carrier works: else whoever asks for codes to bad numbers
// could put a carrier aside for everybody.
var subjects = map[verify.Class]subject{
	verify.Temporary:     aCountry,
	verify.SenderUnready: aCountry,
	verify.UnknownClass:  aCountry,
	verify.Throttled:     itsLoad,
	verify.NoMoney:       itsAccount,
	verify.Credentials:   itsAccount,
}

// Aside says why a carrier is put aside in a country at now, and after how long to ask
// again. There are no words for one that may be tried.
func (b *Breakers) Aside(carrier, country string, now time.Time) (why string, wait time.Duration) {
	if b == nil {
		return "", 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.aside(place{carrier, country}, now)
}

func (b *Breakers) aside(p place, now time.Time) (why string, wait time.Duration) {
	why, wait = b.cells[place{p.carrier, wide}].aside(now)
	if here, more := b.cells[p].aside(now); here != "" && (why == "" || more > wait) {
		return here, more
	}
	return why, wait
}

// wake lets every country of a carrier that is back be tried at once.
func (b *Breakers) wake(carrier string, now time.Time) {
	for p, c := range b.cells {
		if p.carrier == carrier && c.until.After(now) {
			c.until = now
		}
	}
}

// failing is in how many countries a carrier fails: 0 if they are too few, or not most
// of those in which it was used of late.
func (b *Breakers) failing(carrier string, now time.Time) int {
	open, used := 0, 0
	for p, c := range b.cells {
		switch {
		case p.carrier != carrier || p.country == wide:
		case c.open:
			open++
			used++
		case now.Sub(c.touched) <= stale:
			used++
		}
	}
	if open < failsIn || 2*open <= used {
		return 0
	}
	return open
}

// cell returns a place's breaker, and makes room for it.
func (b *Breakers) cell(p place, now time.Time) *cell {
	c := b.cells[p]
	if c == nil {
		if len(b.cells) >= mostCells {
			b.forget()
		}
		c = &cell{touched: now}
		b.cells[p] = c
	}
	c.age(now)
	return c
}

// forget drops the breaker that was not used for longest, of those that are closed if
// there are any.
func (b *Breakers) forget() {
	var oldest place
	var of *cell
	for p, c := range b.cells {
		if of == nil || of.open && !c.open || of.open == c.open && c.touched.Before(of.touched) {
			oldest, of = p, c
		}
	}
	delete(b.cells, oldest)
}
