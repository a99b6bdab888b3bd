package smpp

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"countersign/internal/verify"
)

// Why a session ended, where it is not for an error of the network's.
var (
	errClosed  = errors.New("the session was closed by us")
	errUnbound = errors.New("the centre ended the session")
	errSilent  = errors.New("the centre does not answer any more")
	errStuck   = errors.New("the centre does not read what is written")
	errAnswer  = errors.New("the centre gave an answer of another kind than was asked for")
	errForgot  = errors.New("the centre has forgotten the bind")
)

// session is one connection to a centre, from before its bind to its end. Whoever
// asks waits for the answer of his sequence number; one goroutine reads, another one
// writes, so that nobody who gives up waits for a write to end.
type session struct {
	conn    net.Conn
	timeout time.Duration
	heard   listener
	out     chan *frame
	slots   chan struct{} // one is held for each submit_sm without an answer
	done    chan struct{} // closed at the end, after cause was set
	once    sync.Once
	cause   error
	proved  atomic.Bool // it has been of use since its bind
	running sync.WaitGroup

	mu        sync.Mutex
	sequence  uint32
	waiting   map[uint32]*question
	abandoned int // submit_sm whose answer nobody waits for any more
}

// listener is told what comes unasked or late, by the goroutine that reads. It does
// not block.
type listener interface {
	// taken hears the answer to a part of a message, before whoever asked does; late
	// says that nobody waits for it any more.
	taken(m *sent, p pdu, late bool)
	// delivered hears a deliver_sm and says what to answer, now or by reply.
	delivered(p pdu, reply func(status))
}

// question is a request that has no answer yet.
type question struct {
	command   command
	answer    chan pdu // holds one
	message   *sent    // of a submit_sm
	abandoned bool
}

// frame is a PDU on its way to the writer.
type frame struct {
	bytes []byte
	last  error // if set, the session ends for it once the frame is written
	state atomic.Int32
}

// The states of a frame. One that is queued can still be taken back.
const (
	queued int32 = iota
	writing
	written
	takenBack
	failed // not all of it was written, so that the centre cannot have read it
)

// unsent says whether the frame surely did not go out, and sees to it if it can.
func (f *frame) unsent() bool {
	return f.state.CompareAndSwap(queued, takenBack) || f.state.Load() == failed
}

// begin starts a session on a connection; end ends it.
func begin(conn net.Conn, window int, timeout time.Duration, heard listener) *session {
	s := &session{
		conn: conn, timeout: timeout, heard: heard, out: make(chan *frame, 2*window+64), slots: make(chan struct{}, window),
		done: make(chan struct{}), waiting: map[uint32]*question{},
	}
	s.running.Go(s.read)
	s.running.Go(s.write)
	return s
}

// end closes the connection and wakes all who wait. The first cause counts.
func (s *session) end(cause error) {
	s.once.Do(func() {
		s.cause = cause
		close(s.done)
		_ = s.conn.Close()
	})
}

func (s *session) over() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

func (s *session) write() {
	for {
		select {
		case <-s.done:
			return
		case f := <-s.out:
			if !f.state.CompareAndSwap(queued, writing) {
				continue
			}
			stuck := time.AfterFunc(s.timeout, func() { s.end(errStuck) })
			_, err := s.conn.Write(f.bytes)
			stuck.Stop()
			if err != nil {
				f.state.Store(failed)
				s.end(err)
				return
			}
			f.state.Store(written)
			if f.last != nil {
				s.end(f.last)
				return
			}
		}
	}
}

// send queues what is said unasked. Who asks us without reading our answers is left.
func (s *session) send(p pdu, last error) {
	select {
	case s.out <- &frame{bytes: p.bytes(), last: last}:
	default:
		s.end(errStuck)
	}
}

func (s *session) read() {
	r := bufio.NewReader(s.conn)
	for {
		p, err := readPDU(r)
		if err == nil {
			s.handle(p)
			continue
		}
		if errors.Is(err, errLength) {
			s.send(pdu{command: genericNack, status: invalidLength, sequence: p.sequence}, err)
		} else {
			s.end(err)
		}
		return
	}
}

func (s *session) handle(p pdu) {
	switch {
	case p.command&response != 0:
		s.answered(p)
	case p.command == enquireLink:
		s.send(pdu{command: enquireLink | response, sequence: p.sequence}, nil)
	case p.command == deliverSM:
		s.heard.delivered(p, func(st status) {
			// A message_id that is not used (SMPP v3.4, 4.6.2).
			s.send(pdu{command: deliverSM | response, status: st, sequence: p.sequence, body: []byte{0}}, nil)
		})
	case p.command == unbind:
		s.send(pdu{command: unbind | response, sequence: p.sequence}, errUnbound)
	case p.command == alertNotification, p.command == outbind: // no answer is due
	default:
		s.send(pdu{command: genericNack, status: invalidCommand, sequence: p.sequence}, nil)
	}
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
