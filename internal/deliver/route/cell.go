package route

import (
	"fmt"
	"math/bits"
	"time"
)

// The breakers' figures. Why they are these: docs/decisions/0013-routing.md.
const (
	window     = 8                // outcomes that are remembered
	mostFailed = 5                // of them open a breaker
	inARow     = 3                // failures without a success between them open one too
	shortest   = 5 * time.Second  // for which one opens first; then twice that
	longest    = 20 * time.Second // for which it opens at most, unless the carrier asks for more
	askedMost  = 10 * time.Minute // that a carrier can ask for
	probeFor   = 30 * time.Second // after which nobody waits any more for what a probe brings
	lookAgain  = time.Second      // after which to ask what a probe has brought, if nobody told
	stale      = 10 * time.Minute // after which outcomes say nothing of now
	restFirst  = time.Second      // after which a carrier that was too busy is asked again; then twice that
	restMost   = 30 * time.Second // after which it is asked at the latest, unless it asks for more
)

// cell is one breaker: what is known of a carrier in a country, or in all of them. A
// nil cell is closed.
type cell struct {
	failed  uint8 // a bit for each of the last outcomes, the newest lowest
	seen    int   // of them, at most window
	row     int   // failures since the last success
	touched time.Time

	open  bool
	epoch int       // changes when it opens and closes: what began before says nothing new
	level int       // how often it has opened since it was closed
	until time.Time // before which there is no probe
	probe time.Time // until when a probe's outcome is waited for
	why   string    // it opened

	rested    time.Time // until when the carrier is too busy
	restLevel int       // how often it was too busy since the last success
}

// ticket is what a breaker gives to a message that it lets through.
type ticket struct {
	epoch int
	probe bool
}

// aside says why the carrier is put aside at now, and after how long that may end. It
// returns no words for one that is not.
func (c *cell) aside(now time.Time) (why string, wait time.Duration) {
	switch {
	case c == nil:
		return "", 0
	case c.rested.After(now):
		wait = c.rested.Sub(now)
		return "it said that it is too busy; next try in " + span(wait), wait
	case !c.open:
		return "", 0
	}
	why = c.why
	if c.level > 1 {
		why += fmt.Sprintf(", and %s since", count(c.level-1, "try", "tries"))
	}
	switch {
	case c.until.After(now):
		wait = c.until.Sub(now)
		return why + "; next try in " + span(wait), wait
	case c.probe.After(now):
		return why + "; another message is finding out whether it is back", min(c.probe.Sub(now), lookAgain)
	}
	return "", 0
}

// begin lets a message through that is not to be put aside.
func (c *cell) begin(now time.Time) ticket {
	if c == nil {
		return ticket{}
	}
	if c.open {
		c.probe = now.Add(probeFor)
	}
	return ticket{epoch: c.epoch, probe: c.open}
}

// success closes the breaker if the message was its probe, and says so.
func (c *cell) success(t ticket) (closed bool) {
	if t.epoch != c.epoch {
		return false
	}
	c.restLevel = 0
	if !c.open {
		c.push(0)
		return false
	}
	c.open, c.level, c.why, c.probe = false, 0, "", time.Time{}
	c.epoch++
	return true
}

// failure counts one, and opens the breaker if it is enough. The words in of say which
// messages are meant: " to GB".
func (c *cell) failure(t ticket, of string, asked time.Duration, now time.Time) (opened bool) {
	switch {
	case t.epoch != c.epoch:
		return false // it began before the breaker opened or closed
	case c.open:
		c.trip(c.why, asked, now)
		return true
	}
	c.push(1)
	failed := bits.OnesCount8(c.failed)
	switch {
	case failed == c.seen && c.row >= inARow:
		c.trip(fmt.Sprintf("its last %d messages%s failed", c.row, of), asked, now)
	case c.row >= inARow, failed >= mostFailed:
		c.trip(fmt.Sprintf("%d of its last %d messages%s failed", failed, c.seen, of), asked, now)
	}
	return c.open
}

func (c *cell) push(failed uint8) {
	c.failed = c.failed<<1 | failed
	c.seen = min(c.seen+1, window)
	c.row = (c.row + 1) * int(failed)
}

// trip opens the breaker, for twice as long as the last time or as the carrier asked.
func (c *cell) trip(why string, asked time.Duration, now time.Time) {
	wait := min(shortest<<min(c.level, 8), longest)
	c.until = now.Add(max(wait, min(asked, askedMost)))
	c.open, c.why, c.probe = true, why, time.Time{}
	c.epoch++
	c.level++
	c.failed, c.seen, c.row = 0, 0, 0
}

// tire lets the carrier rest: it is well, and said that it is too busy. Of many that
// it said so at once, only those count as again that were begun after its last rest.
func (c *cell) tire(begun time.Time, asked time.Duration, now time.Time) {
	if !begun.Before(c.rested) {
		c.restLevel++
	}
	wait := min(restFirst<<min(max(c.restLevel-1, 0), 8), restMost)
	if until := now.Add(max(wait, min(asked, askedMost))); until.After(c.rested) {
		c.rested = until
	}
}

// release gives a probe back that brought no word on whether the carrier is back.
func (c *cell) release(t ticket) {
	if c != nil && t.probe && t.epoch == c.epoch {
		c.probe = time.Time{}
	}
}

// age forgets outcomes that are too old to say anything of now.
func (c *cell) age(now time.Time) {
	if now.Sub(c.touched) > stale {
		c.failed, c.seen, c.row = 0, 0, 0
	}
	c.touched = now
}
