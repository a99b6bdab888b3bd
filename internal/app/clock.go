package app

import (
	"sync"
	"time"
)

// Clock tells the time to everything below app. It never goes backwards while
// the process runs and goes on at the pace of the system's monotonic clock, so
// that setting the wall clock back brings no expired code to life. A wall clock
// that is ahead, as after the machine slept, is believed: then a code may expire
// early, which is the harmless way to be wrong.
type Clock struct {
	mu   sync.Mutex
	base time.Time // a reading with its monotonic part
	at   time.Time // what was told for base
	wall func() time.Time
}

// NewClock returns a clock that reads wall, which is time.Now but in tests.
func NewClock(wall func() time.Time) *Clock {
	now := wall()
	return &Clock{base: now, at: now.Round(0).UTC(), wall: wall}
}

// Now returns the time in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	read := c.wall()
	told := c.at.Add(max(0, read.Sub(c.base)))
	if wall := read.Round(0).UTC(); wall.After(told) {
		told = wall
	}
	c.base, c.at = read, told
	return told
}
