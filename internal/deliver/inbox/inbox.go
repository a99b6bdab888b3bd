// Package inbox is the carrier of development: it takes every message, delivers
// it to nobody, and shows it to whoever asks, as a page and as JSON. With it the
// code path that is tested is the one that is shipped.
//
// It shows whole numbers and codes on purpose, to anyone who can reach it. It is
// therefore for development only: package app refuses it on a public listener.
//
// The one idea: the newest messages are kept in memory, and whoever waits for one
// is woken by it. Nothing here polls or sleeps.
package inbox

import (
	"context"
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
	arrived  chan struct{}    // closed when a message comes, and replaced
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
	at      time.Time
}

// New returns an empty inbox under the name that the operator gave the carrier.
func New(name string, now func() time.Time) *Inbox {
	ended := make(chan struct{})
	return &Inbox{
		name: name, now: now, ended: ended, close: sync.OnceFunc(func() { close(ended) }),
		ids: map[string]int64{}, arrived: make(chan struct{}),
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
	if id, has := b.ids[m.ID]; has {
		return verify.Submission{CarrierID: name(id)}, nil
	}
	kept := message{
		id: b.nextID(), sent: m.ID, to: m.To, code: m.Code.Text(), subject: m.Subject, text: m.Text.Reveal(),
		keys:    m.Keys,
		channel: m.Channel, at: b.now(),
	}
	if len(b.messages) == keep {
		delete(b.ids, b.messages[0].sent)
		b.messages = b.messages[1:]
	}
	b.messages = append(b.messages, kept)
	if m.ID != "" {
		b.ids[m.ID] = kept.id
	}
	close(b.arrived)
	b.arrived = make(chan struct{})
	return verify.Submission{CarrierID: name(kept.id)}, nil
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

// list returns the messages to a number, the oldest first.
func (b *Inbox) list(to verify.Address) []message {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]message, 0, len(b.messages))
	for _, m := range b.messages {
		if to.IsZero() || m.to.Equal(to) {
			out = append(out, m)
		}
	}
	return out
}

// wait returns the first message to a number that is newer than after or, where
// after is negative, the latest. Where there is none it waits for one to come; ok
// is false if ctx ended first, or the inbox was closed.
func (b *Inbox) wait(ctx context.Context, to verify.Address, after int64) (m message, ok bool) {
	for {
		b.mu.Lock()
		arrived := b.arrived
		m, ok = find(b.messages, to, after)
		b.mu.Unlock()
		if ok {
			return m, true
		}
		select {
		case <-arrived:
		case <-b.ended:
			return message{}, false
		case <-ctx.Done():
			return message{}, false
		}
	}
}

func find(messages []message, to verify.Address, after int64) (found message, ok bool) {
	for _, m := range messages {
		if !to.IsZero() && !m.to.Equal(to) || m.id <= after {
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
