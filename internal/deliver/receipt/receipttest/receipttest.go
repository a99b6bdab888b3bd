// Package receipttest says, as tests, what every receipt.Receiver must do: take what is
// the carrier's, and nothing that was changed, put together or kept for later.
//
// The one idea: a few requests that the carrier would make are broken in more than five
// hundred ways, one at a time, and each is refused as forged, without a word of it in the
// error. What a receipt means is for the carrier's own tests.
package receipttest

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/deliver/receipt"
	"countersign/internal/verify"
)

// Valid is a request that is the carrier's, and what it says.
type Valid struct {
	Posted receipt.Posted
	Want   []verify.Receipt
}

// Harness is what the suite must know of a receiver.
type Harness struct {
	Receiver receipt.Receiver
	Valid    []Valid // at least two that differ in body and signature

	// Signed names the headers that hold the signature, or that it is over.
	Signed []string
	// SignsURL: the signature is over the address. If it is not, the address must not
	// change what is said.
	SignsURL bool
	// SignsForm: the signature is over what the form in the body says, and not over its
	// bytes, so that another spelling of the same form is the same request.
	SignsForm bool
	// Dated: the time is signed, which is Now in each Valid, and a request is good for
	// receipt.Window.
	Dated bool

	// Forgeries are requests that only this carrier's tests can make, by name: signed
	// with another key, by another algorithm, long ago.
	Forgeries map[string]receipt.Posted
}

// Least is how many changed requests a run must have made.
const Least = 500

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	if len(h.Valid) < 2 || len(h.Signed) == 0 || len(h.Forgeries) == 0 {
		t.Fatal("the suite needs two valid requests, a signed header and forgeries")
	}
	s := &suite{Harness: h}
	for _, part := range s.parts() {
		t.Run(part.name, func(t *testing.T) { part.run(t) })
	}
}

type part struct {
	name string
	run  func(reporter)
}

func (s *suite) parts() []part {
	list := []part{
		{"what is the carrier's is taken, also twice and at once", s.valid},
		{"nothing that was changed is taken", s.changed},
		{"what is not signed says nothing", s.unsigned},
		{"a forgery is not taken", s.forged},
	}
	if s.Dated {
		list = append(list, part{"a request is good for five minutes", s.dated})
	}
	return list
}

// reporter is what a part needs of a testing.T.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

type suite struct {
	Harness
	tried int
}

func (s *suite) valid(t reporter) {
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for i, v := range s.Valid {
				s.accept(t, v.Posted, v.Want, "valid request ", i)
			}
		})
	}
	running.Wait()
}

func (s *suite) changed(t reporter) {
	for i, v := range s.Valid {
		for _, m := range s.mutations(v.Posted) {
			s.refuse(t, m.posted, m.name, i)
		}
		// What is whole in itself, but of another request.
		for j, other := range s.Valid {
			if i == j {
				continue
			}
			p := clone(v.Posted)
			if p.Body = other.Posted.Body; string(p.Body) != string(v.Posted.Body) {
				s.refuse(t, p, "the body of another request", i, j)
			}
			for _, name := range s.Signed {
				p := clone(v.Posted)
				if p.Header.Set(name, other.Posted.Header.Get(name)); p.Header.Get(name) != v.Posted.Header.Get(name) {
					s.refuse(t, p, "the "+name+" of another request", i, j)
				}
			}
		}
	}
	if s.tried < Least {
		t.Errorf("%d changed requests were tried, want %d or more", s.tried, Least)
	}
}

func (s *suite) unsigned(t reporter) {
	v := s.Valid[0]
	p := clone(v.Posted)
	p.Header.Set("X-Forwarded-Host", "evil.example")
	p.Header.Set("Host", "evil.example")
	p.Header.Set("X-Message", "01010101-0101-7101-8101-010101010101-1")
	s.accept(t, p, v.Want, "with other headers")
	if !s.SignsURL {
		for _, m := range addresses(v.Posted) {
			s.accept(t, m.posted, v.Want, m.name)
		}
	}
	if s.SignsForm {
		for _, m := range spellings(v.Posted) {
			s.accept(t, m.posted, v.Want, m.name)
		}
	}
}

func (s *suite) forged(t reporter) {
	for name, p := range s.Forgeries {
		s.refuse(t, p, name)
	}
}

func (s *suite) dated(t reporter) {
	for i, v := range s.Valid {
		for _, off := range []time.Duration{receipt.Window + time.Second, -receipt.Window - 2*time.Second, time.Hour, 1e6 * time.Hour, -time.Hour} {
			p := clone(v.Posted)
			p.Now = p.Now.Add(off)
			s.refuse(t, p, "read at another time: "+off.String(), i)
		}
		for _, off := range []time.Duration{receipt.Window - 2*time.Second, -receipt.Window + 2*time.Second} {
			p := clone(v.Posted)
			p.Now = p.Now.Add(off)
			s.accept(t, p, v.Want, "read within the window: ", off)
		}
	}
}

func (s *suite) accept(t reporter, p receipt.Posted, want []verify.Receipt, what ...any) {
	t.Helper()
	got, err := s.Receiver.Receive(clone(p))
	if err != nil {
		t.Errorf("%v: %v", what, err)
	} else if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("%v: it says %+v, want %+v", what, got, want)
	}
}

func (s *suite) refuse(t reporter, p receipt.Posted, what ...any) {
	t.Helper()
	s.tried++
	got, err := s.Receiver.Receive(clone(p))
	if len(got) > 0 || !errors.Is(err, receipt.ErrForged) {
		t.Errorf("%v: it says %+v with error %v, want it refused as forged", what, got, err)
		return
	}
	for _, text := range s.quotable(p) {
		if strings.Contains(err.Error(), text) {
			t.Errorf("%v: the error quotes the request: %v", what, err)
		}
	}
}

// quotable are parts of a request that are long enough not to be a word by chance.
func (s *suite) quotable(p receipt.Posted) []string {
	parts := strings.FieldsFunc(string(p.Body), func(r rune) bool { return strings.ContainsRune(`"&={}[]:,`, r) })
	for _, name := range s.Signed {
		parts = append(parts, p.Header[http.CanonicalHeaderKey(name)]...)
	}
	var long []string
	for _, part := range parts {
		if len(part) >= 10 {
			long = append(long, part)
		}
	}
	return long
}

func clone(p receipt.Posted) receipt.Posted {
	p.Header = p.Header.Clone()
	p.Body = []byte(string(p.Body))
	return p
}
