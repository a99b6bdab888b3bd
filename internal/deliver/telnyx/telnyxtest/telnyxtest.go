// Package telnyxtest imitates the message endpoint of api.telnyx.com, for tests
// and for load: it checks requests as Telnyx does, answers in full, and remembers
// what it took.
//
// The one idea: an API is an http.Handler that a test puts behind a server of its
// own, scripts by number and asks afterwards. It sends nothing, calls no webhook
// and has no clock: the times in its answers are always the same.
package telnyxtest

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
)

// Message is one message that was taken.
type Message struct {
	ID        string // as in the answer
	To        string
	From      string
	Text      string
	ProfileID string
	Raw       []byte // the request's body
}

// API is the imitation. It is safe for concurrent use.
type API struct {
	apiKey   string
	requests atomic.Int64

	mu       sync.Mutex
	messages []Message
	byNumber map[string]*mailbox
	failures map[string]failure
	next     failure
	nextLeft int
}

// mailbox is what came for one number.
type mailbox struct {
	messages []Message
	waited   int           // how many of them Wait has returned
	arrival  chan struct{} // closed when the next one comes; nil if nobody waits
}

type failure struct {
	status int
	code   string
}

// New makes an imitation that takes apiKey and no other.
func New(apiKey string) *API {
	return &API{apiKey: apiKey, byNumber: map[string]*mailbox{}, failures: map[string]failure{}}
}

// Fail lets every message to a number fail with a status and one of Telnyx's
// codes, or none if code is empty, until Mend. A 2xx status with a code is an
// answer that took the message and gave it up at once (sending_failed). Status 0
// takes the message and breaks the connection, so that no answer comes.
func (a *API) Fail(to string, status int, code string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failures[to] = failure{status, code}
}

// FailNext lets the next n messages fail, to whatever number, as Fail does.
func (a *API) FailNext(n int, status int, code string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next, a.nextLeft = failure{status, code}, n
}

// Mend ends what Fail began for a number.
func (a *API) Mend(to string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.failures, to)
}

// Messages returns what was taken, in order.
func (a *API) Messages() []Message {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]Message(nil), a.messages...)
}

// Requests counts what was asked, well-formed or not, taken or not.
func (a *API) Requests() int { return int(a.requests.Load()) }

// Wait returns the first message to a number that Wait has not returned before,
// and waits for one if there is none. The error is that of ctx.
func (a *API) Wait(ctx context.Context, to string) (Message, error) {
	for {
		m, arrival := a.pick(to)
		if arrival == nil {
			return m, nil
		}
		select {
		case <-arrival:
		case <-ctx.Done():
			return Message{}, ctx.Err()
		}
	}
}

// pick returns a message, or a channel to wait on.
func (a *API) pick(to string) (Message, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	box := a.mailbox(to)
	if box.waited < len(box.messages) {
		box.waited++
		return box.messages[box.waited-1], nil
	}
	if box.arrival == nil {
		box.arrival = make(chan struct{})
	}
	return Message{}, box.arrival
}

// Forget drops what was taken so far, so that a long run under load stays small.
// Who waits goes on waiting.
func (a *API) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.messages = nil
	for to, box := range a.byNumber {
		box.messages, box.waited = nil, 0
		if box.arrival == nil {
			delete(a.byNumber, to)
		}
	}
}

func (a *API) mailbox(to string) *mailbox {
	box := a.byNumber[to]
	if box == nil {
		box = &mailbox{}
		a.byNumber[to] = box
	}
	return box
}

// script returns how a message to a number shall fail, if it shall.
func (a *API) script(to string) (failure, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.nextLeft > 0 {
		a.nextLeft--
		return a.next, true
	}
	f, ok := a.failures[to]
	return f, ok
}

func (a *API) keep(m Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.messages = append(a.messages, m)
	box := a.mailbox(m.To)
	box.messages = append(box.messages, m)
	if box.arrival != nil {
		close(box.arrival)
		box.arrival = nil
	}
}

var _ http.Handler = (*API)(nil)
