//go:build unix

package process

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const maxGuesses = 5

// What check answers, in the dialect's words.
const (
	saidAccepted  = "accepted"
	saidWrong     = "wrong_code"
	saidExhausted = "max_attempts_exceeded"
	saidUsed      = "already_used"
)

// record is what one client was told of one verification, and what it asked
// without being told.
type record struct {
	number, id, code string

	before, after int64 // kills before it began and until it was over

	accepted   int  // answers that said so, to different requests
	maybeRight bool // a right guess was asked and not answered
	wrong      int  // wrong guesses that were counted for certain
	maybeWrong int  // wrong guesses that may have been counted
	over       bool // told that no guess is left
}

func (r *record) settled() bool { return r.accepted > 0 || r.maybeRight }

// book is everything that was acknowledged, and what was found to contradict it.
type book struct {
	kills *atomic.Int64
	// strict: nobody is killed, so that what was not answered was not carried out.
	strict bool

	mu       sync.Mutex
	records  []*record
	live     map[*record]bool
	done     []*record // those that are closed, in that order
	breaches map[string]int
	details  []string
	failed   chan struct{} // closed with the first breach
	stop     func()        // called with the first breach

	starts, guesses, acceptances, audited int
}

// The kinds of breach; a run's figures name them.
const (
	lost      = "lost"   // acknowledged, and not there
	undone    = "undone" // a counted guess or an acceptance that is forgotten
	twice     = "accepted twice"
	overcount = "counted twice" // a guess that cost two
	doubled   = "sent too often"
	unsent    = "never sent"
	broken    = "answered wrongly"
)

var kinds = []string{lost, undone, twice, overcount, doubled, unsent, broken}

func newBook(kills *atomic.Int64, strict bool) *book {
	return &book{kills: kills, strict: strict, breaches: map[string]int{}, live: map[*record]bool{}, failed: make(chan struct{}), stop: func() {}}
}

func (b *book) open(number string) *record {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &record{number: number, before: b.kills.Load()}
	b.records = append(b.records, r)
	b.live[r] = true
	return r
}

func (b *book) close(r *record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r.after = b.kills.Load()
	b.done = append(b.done, r)
	delete(b.live, r)
}

func (b *book) breach(kind string, r *record, format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note(kind, r, format, args...)
}

// note is breach for who has the lock.
func (b *book) note(kind string, r *record, format string, args ...any) {
	if b.hasFailed() && slices.ContainsFunc(args, canceled) {
		return // nobody waits for the rest
	}
	if !b.hasFailed() {
		close(b.failed)
		b.stop()
	}
	b.breaches[kind]++
	if len(b.details) < 20 {
		b.details = append(b.details, fmt.Sprintf("%s: %s: %+v", kind, fmt.Sprintf(format, args...), *r))
	}
}

func canceled(v any) bool {
	err, ok := v.(error)
	return ok && errors.Is(err, context.Canceled)
}

func (b *book) hasFailed() bool {
	select {
	case <-b.failed:
		return true
	default:
		return false
	}
}

// started writes an acknowledged start down.
func (b *book) started(r *record, a answer) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.status != http.StatusOK || a.data.ID == "" || a.data.Status != "pending" {
		b.note(broken, r, "a start: %s", a)
		return false
	}
	r.id = a.data.ID
	b.starts++
	return true
}

// guessed writes the answer to a wrong guess down. Under an Idempotency-Key the
// guess was counted once, however often it was asked.
func (b *book) guessed(r *record, a answer, keyed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !keyed && !b.strict {
		r.maybeWrong += a.cuts
	}
	switch said := a.said(); said {
	case saidWrong:
		r.wrong++
		b.guesses++
		if r.wrong >= maxGuesses || r.settled() {
			b.note(undone, r, "a wrong guess is evaluated that should not be")
		}
	case saidExhausted:
		if r.wrong+r.maybeWrong+1 < maxGuesses {
			b.note(overcount, r, "told that no guess is left")
		}
		if !r.over {
			b.guesses++
		}
		r.over = true
	default:
		b.note(kindOf(a), r, "a wrong guess: %s", said)
	}
}

// answered writes the answer to a right guess down: what its first asking was
// told, not what a repetition of an Idempotency-Key was.
func (b *book) answered(r *record, a answer, keyed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !keyed && !b.strict && a.cuts > 0 {
		r.maybeRight = true
	}
	switch said := a.said(); said {
	case saidAccepted:
		r.accepted++
		b.acceptances++
		if r.accepted > 1 {
			b.note(twice, r, "a code was accepted again")
		}
		if r.over || r.wrong >= maxGuesses {
			b.note(undone, r, "accepted although no guess was left")
		}
	case saidUsed:
		if !r.settled() {
			b.note(broken, r, "a code is used that nobody was told to be right")
		}
	case saidExhausted:
		if r.settled() && !r.maybeRight {
			b.note(undone, r, "an acceptance is forgotten")
		}
		if r.wrong+r.maybeWrong < maxGuesses && !r.over {
			b.note(overcount, r, "told that no guess is left")
		}
		r.over = true
	default:
		b.note(kindOf(a), r, "a right guess: %s", said)
	}
}

func kindOf(a answer) string {
	if a.status == http.StatusNotFound {
		return lost
	}
	return broken
}

// seen holds what GET shows against what was acknowledged.
func (b *book) seen(r *record, a answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.audited++
	want := "accepted"
	if r.over {
		want = "invalid"
	}
	switch {
	case a.status == http.StatusNotFound:
		b.note(lost, r, "an acknowledged start")
	case a.status != http.StatusOK:
		b.note(broken, r, "a look at it: %s", a)
	case a.data.Status != want:
		b.note(undone, r, "it should be %s: %s", want, a)
	}
}

// newest returns the n records that were closed last: those that a kill is
// likeliest to have taken something from.
func (b *book) newest(n int) []*record {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.done[max(0, len(b.done)-n):])
}

// pending returns the ids of acknowledged starts that clients are not through with.
func (b *book) pending() map[string]*record {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]*record{}
	for r := range b.live {
		if r.id != "" {
			out[r.id] = r
		}
	}
	return out
}

// messages holds what the carrier got against what was started: each start's
// message at least once, once more at the most for each kill while it was
// pending, always with the same code, and none that nobody started.
func (b *book) messages(sent map[string][]string) (more int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.records {
		codes := sent[r.number]
		delete(sent, r.number)
		if len(codes) == 0 {
			b.note(unsent, r, "no message")
			continue
		}
		more += len(codes) - 1
		if allowed := 1 + int(r.after-r.before); len(codes) > allowed {
			b.note(doubled, r, "%d messages, and no more than %d can be explained", len(codes), allowed)
		}
		if slices.ContainsFunc(codes, func(c string) bool { return c != r.code }) {
			b.note(broken, r, "messages of a verification that is not the one acknowledged")
		}
	}
	for number, codes := range sent {
		b.note(broken, &record{number: number}, "%d messages that nobody asked for", len(codes))
	}
	return more
}

// report fails the test for what was found and prints the figures.
func (b *book) report(t testing.TB, more int, met *figures) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.details) == 0 && (b.starts == 0 || b.guesses == 0 || b.acceptances == 0) {
		t.Error("there was no load")
	}
	var found []string
	for _, kind := range kinds {
		found = append(found, fmt.Sprintf("%d %s", b.breaches[kind], kind))
	}
	t.Logf("%d kills; acknowledged: %d starts, %d wrong guesses, %d acceptances; %d audits; found: %s; %d messages went out once more; clients were refused %d times, cut off %d, told to come back %d",
		b.kills.Load(), b.starts, b.guesses, b.acceptances, b.audited, strings.Join(found, ", "), more,
		met.refused.Load(), met.cut.Load(), met.unavailable.Load())
	for _, d := range b.details {
		t.Error(d)
	}
}
