// Package simulator is a carrier to rehearse with: it takes messages of every
// channel, brings them to nobody, and behaves as carriers do on good days and bad.
//
// The one idea is that the address says what happens. The last digits of a number
// that is nobody's, or the name of a mailbox that is nobody's, choose a row of one
// table: delivered at once, late, twice, refused, lost. Outages can be scripted on
// top, for all addresses alike.
//
// It knows nothing of the inbox, which is told through a function of its Config. In
// production it takes only listed numbers: a code that it took would reach nobody.
package simulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"countersign/internal/verify"
)

var _ verify.Sender = (*Carrier)(nil)

// Carrier is a simulator. It is safe for concurrent use.
type Carrier struct {
	config Config
	listed []verify.Address
	table  []Behaviour
	start  time.Time

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup // of calls to Receipts and Show
}

// Refusals of New's carrier that are not in the table.
var (
	errListed  = errors.New("not a number of the simulator")
	errTable   = errors.New("refused, as the simulator's table says")
	errSilence = errors.New("no answer, as the simulator's table says")
	errEnded   = errors.New("the context ended before the simulator answered")
)

// New makes a carrier, or says in a sentence which field is wrong. Outages count
// from now on.
func New(c Config) (*Carrier, error) {
	listed, err := c.check()
	if err != nil {
		return nil, fmt.Errorf("simulator: %w", err)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.After == nil {
		c.After = func(d time.Duration, f func()) { time.AfterFunc(d, f) }
	}
	s := &Carrier{config: c, listed: listed, table: Behaviours()}
	if c.Now != nil {
		s.start = c.Now()
	}
	return s, nil
}

// Close lets no receipt come any more, and waits for those that are being told until
// ctx ends, whose error it then returns.
func (s *Carrier) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Send does with a message what the table says of its address. Every error is a
// *verify.SendError.
func (s *Carrier) Send(ctx context.Context, m verify.Message) (verify.Submission, error) {
	if ctx.Err() != nil {
		return verify.Submission{}, &verify.SendError{Class: verify.Temporary, Err: errEnded}
	}
	if !s.takes(m.To) {
		return verify.Submission{}, &verify.SendError{Class: verify.BadNumber, Err: errListed}
	}
	b := s.behaviour(m.To)
	s.config.Log.Debug("simulated", "carrier", s.config.Name, "message", m.ID, "like", b.Name)
	s.show(m, false)
	if err := s.pause(ctx, b.wait); err != nil {
		return verify.Submission{}, err // nothing follows: a caller that hung up is told of nothing
	}
	if b.early {
		s.show(m, true)
		s.tell(m, b, b.receipts[0])
		return s.submission(m, b), nil
	}
	s.follow(m, b)
	if b.refusal == nil {
		return s.submission(m, b), nil
	}
	refusal := *b.refusal
	if refusal.Err = errTable; refusal.Ambiguous {
		refusal.Err = errSilence
	}
	return verify.Submission{}, &refusal
}

func (s *Carrier) takes(to verify.Address) bool {
	if !s.config.Production {
		return true
	}
	for _, a := range s.listed {
		if a.Equal(to) {
			return true
		}
	}
	return false
}

// behaviour is that of the outage that there is, or else of the address.
func (s *Carrier) behaviour(to verify.Address) Behaviour {
	for _, o := range s.config.Outages {
		if since := s.config.Now().Sub(s.start); since >= o.After && since < o.After+o.For {
			b, _ := named(s.table, o.like()) // New knows that there is one
			return b
		}
	}
	return of(s.table, to)
}

// pause waits, or returns that nobody knows what came of the message: it may be with
// the carrier already when its caller hangs up.
func (s *Carrier) pause(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	over := make(chan struct{})
	s.config.After(d, func() { close(over) })
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return &verify.SendError{Class: verify.Temporary, Ambiguous: true, Err: errEnded}
	}
}

// follow lets the message arrive and its receipts come, in the order of the table:
// each begins when the one before it has been told.
func (s *Carrier) follow(m verify.Message, b Behaviour) {
	if len(b.receipts) == 0 {
		if !b.lost {
			s.config.After(soon, func() { s.show(m, true) })
		}
		return
	}
	s.next(m, b, 0)
}

func (s *Carrier) next(m verify.Message, b Behaviour, i int) {
	s.config.After(b.receipts[i].after, func() {
		if b.receipts[i].state == verify.Delivered {
			s.show(m, true)
		}
		s.tell(m, b, b.receipts[i])
		if i+1 < len(b.receipts) {
			s.next(m, b, i+1)
		}
	})
}

func (s *Carrier) submission(m verify.Message, b Behaviour) verify.Submission {
	return verify.Submission{CarrierID: s.name(m), Unnamed: b.unnamed}
}

// name is the carrier's name for a message, the same for the same message as is that
// of a carrier that knows it again.
func (s *Carrier) name(m verify.Message) string { return "sim-" + s.config.Name + "-" + m.ID }

// tell gives a receipt, unless the carrier has been closed.
func (s *Carrier) tell(m verify.Message, b Behaviour, p planned) {
	if s.config.Receipts == nil || !s.begin() {
		return
	}
	defer s.running.Done()
	r := verify.Receipt{Message: m.ID, CarrierID: s.name(m), State: p.state, Class: p.class, Line: p.line}
	if b.unnamed {
		r.Message = ""
	}
	if isMail(m.To) {
		r.Line = "" // a mailbox is on no line
	}
	s.config.Receipts(r)
}

func (s *Carrier) show(m verify.Message, arrived bool) {
	if s.config.Show == nil || s.config.Production || !s.begin() {
		return
	}
	defer s.running.Done()
	s.config.Show(m, arrived)
}

func (s *Carrier) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running.Add(1)
	return true
}
