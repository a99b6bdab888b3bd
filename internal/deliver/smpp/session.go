package smpp

import (
	"bufio"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
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
