// Package inbox is the carrier of development: it takes every message, delivers
// it to nobody, and shows it to whoever asks, as a page and as JSON. With it the
// code path that is tested is the one that is shipped.
//
// It shows whole numbers and codes on purpose, to anyone who can reach it. It is
// therefore for development only: package app refuses it on a public listener.
//
// The one idea: the newest messages are kept in memory, and whoever waits for one
// is woken by it. Nothing here polls or sleeps. What became of a message on the way is
// told to it, step by step, and so are messages of other carriers that reach nobody.
package inbox

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"countersign/internal/verify"
)

// keep is how many messages are kept.
const keep = 1000

// Inbox is a verify.Sender for every channel. It is safe for concurrent use.
type Inbox struct {
	name  string
	now   func() time.Time
	close func() // closes ended, once
	ended chan struct{}

	mu       sync.Mutex
	messages []message        // the oldest first
	ids      map[string]int64 // of messages, by the sender's own name
	steps    map[string][]step
	order    []string      // of the keys of steps, the oldest first
	changes  int64         // the newest change's number
	arrived  chan struct{} // closed when something changes, and replaced
}

// message is one message as it is shown.
type message struct {
	id      int64
	sent    string // the sender's own name for it, the same over all attempts
	to      verify.Address
	code    string
	subject string
	text    string
	keys    string
	channel verify.Channel
	at      time.Time // when it arrived, or was last handed to a carrier
	carrier string
	arrived bool
	changed int64 // the number of its last change
	steps   []step
}

// New returns an empty inbox under the name that the operator gave the carrier.
func New(name string, now func() time.Time) *Inbox {
	ended := make(chan struct{})
	return &Inbox{
		name: name, now: now, ended: ended, close: sync.OnceFunc(func() { close(ended) }),
		ids: map[string]int64{}, steps: map[string][]step{}, arrived: make(chan struct{}),
	}
}

// Close sends away whoever waits for a message, now and later, so that a server
// that is told to stop need not wait for them. The messages stay.
func (b *Inbox) Close() { b.close() }

// Send keeps the message. A further attempt at the same one is known by its id and
// kept once, as carriers do. It fails only if ctx has ended.
func (b *Inbox) Send(ctx context.Context, m verify.Message) (verify.Submission, error) {
	if err := ctx.Err(); err != nil {
		return verify.Submission{}, &verify.SendError{Class: verify.Temporary, Err: err}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return verify.Submission{CarrierID: name(b.put(b.name, m, true))}, nil
}

// nextID counts on from the clock, so that ids go on increasing over a restart:
// who waits for the message after the last one seen is not left waiting.
func (b *Inbox) nextID() int64 {
	next := max(1, b.now().UnixMilli())
	if n := len(b.messages); n > 0 {
		next = max(next, b.messages[n-1].id+1)
	}
	return next
}

func name(id int64) string { return strconv.FormatInt(id, 10) }

// anyone stands for every address.
var anyone verify.Address

// list returns the messages to an address that have arrived, the oldest first.
func (b *Inbox) list(to verify.Address) []message {
	return slices.DeleteFunc(b.since(to, 0), func(m message) bool { return !m.arrived })
}

// since returns the messages to an address that changed after a change, the oldest
// first, each with its time line.
func (b *Inbox) since(to verify.Address, after int64) []message {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]message, 0, len(b.messages))
	for _, m := range b.messages {
		if m.changed > after && (to.IsZero() || m.to.Equal(to)) {
			m.steps = b.steps[m.sent]
			out = append(out, m)
		}
	}
	return out
}

// wait returns the first message to a number that arrived after another or, where
// after is negative, the latest. Where there is none it waits for one to come; ok
// is false if ctx ended first, or the inbox was closed.
func (b *Inbox) wait(ctx context.Context, to verify.Address, after int64) (m message, ok bool) {
	ok = b.until(ctx, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		m, ok = find(b.messages, to, after)
		m.steps = b.steps[m.sent]
		return ok
	})
	return m, ok
}

// news is since, once there is any. ok is as in wait.
func (b *Inbox) news(ctx context.Context, to verify.Address, after int64) (changed []message, ok bool) {
	ok = b.until(ctx, func() bool {
		changed = b.since(to, after)
		return len(changed) > 0
	})
	return changed, ok
}

// until waits, from one change to the next, until holds does.
func (b *Inbox) until(ctx context.Context, holds func() bool) bool {
	for {
		b.mu.Lock()
		arrived := b.arrived
		b.mu.Unlock()
		if holds() {
			return true
		}
		select {
		case <-arrived:
		case <-b.ended:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

func find(messages []message, to verify.Address, after int64) (found message, ok bool) {
	for _, m := range messages {
		if !to.IsZero() && !m.to.Equal(to) || m.id <= after || !m.arrived {
			continue
		}
		if after >= 0 {
			return m, true
		}
		found, ok = m, true
	}
	return found, ok
}

var _ verify.Sender = (*Inbox)(nil)
