package smpp

import (
	"context"
	"time"

	"countersign/internal/verify"
)

// question is a request that has no answer yet.
type question struct {
	command   command
	answer    chan pdu // holds one
	message   *sent    // of a submit_sm
	abandoned bool
}

// lost is why a question has no answer.
type lost struct {
	unsent bool // the request surely did not go out
	cause  error
}

// ask writes a request and waits for its answer, until ctx ends. A submit_sm names its
// message and holds a slot.
func (s *session) ask(ctx context.Context, c command, body []byte, m *sent) (pdu, *lost) {
	q := &question{command: c, answer: make(chan pdu, 1), message: m}
	number := s.enter(q)
	f := &frame{bytes: pdu{command: c, sequence: number, body: body}.bytes()}
	select {
	case s.out <- f:
	case <-ctx.Done():
		return s.leave(number, q, f, ctx.Err())
	case <-s.done:
		return s.leave(number, q, f, s.cause)
	}
	select {
	case p := <-q.answer:
		return p, nil
	case <-ctx.Done():
		return s.leave(number, q, f, ctx.Err())
	case <-s.done:
		return s.leave(number, q, f, s.cause)
	}
}

// enter gives a question its number (SMPP v3.4, 5.1.4).
func (s *session) enter(q *question) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		s.sequence = s.sequence%maxSequence + 1
		if s.waiting[s.sequence] == nil {
			s.waiting[s.sequence] = q
			return s.sequence
		}
	}
}

// leave gives a question up, unless its answer has just come. The slot of one that was
// written stays taken: to the centre it is open, and when all are so, it has gone deaf.
func (s *session) leave(number uint32, q *question, f *frame, cause error) (pdu, *lost) {
	s.mu.Lock()
	if s.waiting[number] == nil {
		s.mu.Unlock()
		return <-q.answer, nil
	}
	unsent := f.unsent()
	deaf := false
	switch {
	case unsent:
		delete(s.waiting, number)
		if q.message != nil {
			<-s.slots
		}
	case q.message == nil:
		delete(s.waiting, number)
	default:
		q.abandoned = true
		s.abandoned++
		deaf = s.abandoned == cap(s.slots)
	}
	s.mu.Unlock()
	if deaf {
		s.end(errSilent)
	}
	return pdu{}, &lost{unsent, cause}
}

// answered hands an answer to whoever asked.
func (s *session) answered(p pdu) {
	s.mu.Lock()
	q := s.waiting[p.sequence]
	if q == nil || p.command != q.command|response && p.command != genericNack {
		s.mu.Unlock()
		if q != nil {
			s.end(errAnswer)
		}
		return // to nothing that we asked; a nack of what cannot be read has no number
	}
	delete(s.waiting, p.sequence)
	late := q.abandoned
	if q.message != nil {
		<-s.slots
		if late {
			s.abandoned--
		}
	}
	s.mu.Unlock()
	if q.message != nil {
		s.proved.Store(true)
		s.heard.taken(q.message, p, late)
	}
	q.answer <- p
	if q.message != nil && p.status == notBound {
		s.end(errForgot)
	}
}

// submit hands one part over. The error is one of the centre's answer or of its lack.
func (s *session) submit(ctx context.Context, body []byte, m *sent) (pdu, *lost) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return pdu{}, &lost{true, ctx.Err()}
	case <-s.done:
		return pdu{}, &lost{true, s.cause}
	}
	return s.ask(ctx, submitSM, body, m)
}

// deliver hands a message over, part by part, so that what the first one is refused
// for leaves nothing behind.
func (s *session) deliver(ctx context.Context, c composed, m *sent) *verify.SendError {
	for i, body := range c.bodies {
		answer, none := s.submit(ctx, body, m)
		if none == nil && answer.taken() {
			continue
		}
		e := unanswered("submit_sm", none)
		if none == nil {
			e = refuse(answer.status.class(), refused{"submit_sm", answer.status})
		}
		e.Ambiguous = e.Ambiguous || i > 0 // a part of it is on its way
		return e
	}
	return nil
}

// unanswered is the error of a request without an answer.
func unanswered(to string, none *lost) *verify.SendError {
	if none == nil {
		return nil
	}
	e := refuse(verify.Temporary, &silence{to, reason(none.cause)})
	e.Ambiguous = !none.unsent
	return e
}

// watch asks the centre every so often whether it is there, until the session ends.
func (s *session) watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-tick.C:
		}
		asked, cancel := context.WithTimeout(ctx, s.timeout)
		_, none := s.ask(asked, enquireLink, nil, nil)
		cancel()
		if none != nil {
			s.end(errSilent)
			return
		}
		s.proved.Store(true)
	}
}

// unbind takes leave, and ends the session in any case.
func (s *session) unbind(ctx context.Context) {
	_, _ = s.ask(ctx, unbind, nil, nil)
	s.end(errClosed)
}
