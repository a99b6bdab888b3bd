// Package sendertest says, as tests, what every verify.Sender that speaks HTTP
// must do: sort each status, tell a message that surely did not go out from one
// that may have, stop when told, and let no secret into an error.
//
// The one idea: a sender meets a real server on loopback that behaves badly in
// one way at a time, and every error it returns on the way is searched for
// canaries. What a carrier's own codes mean is for the carrier's own tests.
package sendertest

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"countersign/internal/code"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

// Harness is what the suite must know of a sender.
type Harness struct {
	// New makes a sender that speaks to a server, given as http://127.0.0.1:port,
	// and gives a whole Send up after timeout. It must hold every one of Secrets.
	New func(t *testing.T, server string, timeout time.Duration) verify.Sender

	// Take answers as the carrier does when it takes a message, and CarrierID is
	// the name it gives the message.
	Take      http.HandlerFunc
	CarrierID string

	// Secrets are the sender's credentials, also joined where they travel so.
	Secrets []string

	// Channel is how the message goes: SMS if empty.
	Channel verify.Channel

	// Statuses are those to which the carrier gives another meaning than usual.
	Statuses map[int]Outcome
}

// Outcome is what came of one Send: the message was taken, or else it has a class.
type Outcome struct {
	Taken     bool
	Class     verify.Class
	Ambiguous bool
}

// usual is what a status means, with nothing in the body to add to it. What is
// not here is unknown, and surely not taken.
func usual() map[int]Outcome {
	table := map[int]Outcome{
		http.StatusUnauthorized:    {Class: verify.Credentials},
		http.StatusPaymentRequired: {Class: verify.NoMoney},
		http.StatusForbidden:       {Class: verify.Credentials},
		http.StatusRequestTimeout:  {Class: verify.Temporary},
		http.StatusTooEarly:        {Class: verify.Temporary},
		http.StatusTooManyRequests: {Class: verify.Throttled},
	}
	for status := 200; status < 300; status++ {
		table[status] = Outcome{Taken: true}
	}
	for status := 500; status < 600; status++ {
		// A gateway may say so after its back end took the message.
		table[status] = Outcome{Class: verify.Temporary, Ambiguous: true}
	}
	table[http.StatusServiceUnavailable] = Outcome{Class: verify.Temporary}
	return table
}

// Outcomes of a connection that gave no status.
var (
	notSent = Outcome{Class: verify.Temporary}
	unknown = Outcome{Class: verify.Temporary, Ambiguous: true}
)

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	s := &suite{Harness: h, table: usual()}
	maps.Copy(s.table, h.Statuses)
	if s.Channel == "" {
		s.Channel = verify.SMS
	}
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"a message that is taken bears the carrier's name for it", s.taken},
		{"the same message twice makes the same request", s.sameRequest},
		{"many messages may be sent at once", s.manyAtOnce},
		{"each status has its class", s.statuses},
		{"an interim answer is passed over", s.interim},
		{"a switch of protocols is not waited on", s.switchProtocols},
		{"a redirect is not followed", s.redirects},
		{"a body that makes no sense leaves the status to speak", s.wrongBodies},
		{"a body that breaks off leaves the status to speak", s.brokenBodies},
		{"a body that does not come leaves the status to speak", s.missingBodies},
		{"a body that drips is not waited on for ever", s.drippingBody},
		{"a body that never ends is not read to the end", s.endlessBodies},
		{"a carrier that echoes the request gives nothing away", s.echoes},
		{"a refused connection is surely nothing sent", s.refusedConnection},
		{"a connection reset before the request is temporary", s.resetBefore},
		{"a connection lost after the request leaves the outcome unknown", s.lostAfter},
		{"an answer that is not HTTP leaves the outcome unknown", s.notHTTP},
		{"a server that never answers leaves the outcome unknown", s.neverAnswers},
		{"a context that has ended sends nothing", s.cancelledBefore},
		{"a context that ends before the answer leaves the outcome unknown", s.cancelledDuring},
		{"a context that ends within the answer does not make it a sure refusal", s.cancelledWithin},
	} {
		t.Run(test.name, test.run)
	}
}

type suite struct {
	Harness
	table map[int]Outcome
}

func (s *suite) of(status int) Outcome {
	if o, ok := s.table[status]; ok {
		return o
	}
	return Outcome{Class: verify.UnknownClass}
}

// patience is a time-out that no test is meant to reach.
const patience = time.Minute

func (s *suite) sender(t *testing.T, server string, timeout time.Duration) verify.Sender {
	t.Helper()
	sender := s.New(t, server, timeout)
	s.search(t, "the sender", sender)
	return sender
}

// send sends the suite's message and checks what holds for every error.
func (s *suite) send(ctx context.Context, t *testing.T, sender verify.Sender) Outcome {
	t.Helper()
	submission, err := sender.Send(ctx, s.message())
	if err == nil {
		return Outcome{Taken: true}
	}
	s.searchError(t, err)
	e, ok := errors.AsType[*verify.SendError](err)
	if !ok {
		t.Fatalf("the error is a %T, not a *verify.SendError", err)
	}
	if !slices.Contains(verify.Classes(), e.Class) {
		t.Errorf("%q is no class", e.Class)
	}
	if e.Err == nil {
		t.Errorf("an error of class %q gives no reason", e.Class)
	}
	if submission != (verify.Submission{}) {
		t.Errorf("a message that was not sent is called %q", submission.CarrierID)
	}
	return Outcome{Class: e.Class, Ambiguous: e.Ambiguous}
}

// check sends with patience and compares.
func (s *suite) check(t *testing.T, server string, want Outcome) {
	t.Helper()
	if got := s.send(t.Context(), t, s.sender(t, server, patience)); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// eventually sends with growing time-outs until the outcome is as wanted: on a
// slow machine a short one may run out at an earlier stage than the test's.
func (s *suite) eventually(t *testing.T, server string, want Outcome) {
	t.Helper()
	for timeout := 50 * time.Millisecond; ; timeout *= 4 {
		got := s.send(t.Context(), t, s.sender(t, server, timeout))
		if got == want {
			return
		}
		if timeout > 10*time.Second {
			t.Errorf("got %+v, want %+v", got, want)
			return
		}
	}
}

// The canaries. The application's name stands for the text: whoever shows a part
// of it shows that.
const (
	canaryCode   = "731946"
	canaryNumber = "+12025550147"
	canaryName   = "Quokkasoft"
)

// message makes the suite's message anew, so that nobody relies on its identity.
func (s *suite) message() verify.Message {
	c, err := code.Custom(canaryCode)
	if err != nil {
		panic(err)
	}
	values := message.Values{Code: c, AppName: canaryName, Validity: 10 * time.Minute}
	return verify.Message{
		ID:      "0198c0de-0000-7000-8000-000000000001",
		Channel: s.Channel,
		To:      verify.Phone(phone.Trusted(canaryNumber)),
		Code:    c,
		Text:    message.Render(message.Branded, values),
	}
}
