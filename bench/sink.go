package main

import (
	"bufio"
	"bytes"
	"net"
	"strings"
	"sync"
	"sync/atomic"
)

// code is what a text asks its reader to type.
type code struct {
	digits [10]byte
	length int
}

func (c *code) text() []byte { return c.digits[:c.length] }

// sink imitates the carrier: POST /v2/messages as Telnyx answers it. It runs in
// the generator's process, because the caller must learn its code: from another
// process that would cost a second message over a socket per cycle, more than
// the sink itself does. Its work therefore counts as the generator's. It is a
// loop over raw connections and not net/http for the same reason as the client,
// and serves the POST floor too.
type sink struct {
	listener net.Listener
	received atomic.Int64 // messages from the service
	served   atomic.Int64 // all of them, which makes the ids unique

	mu      sync.Mutex
	waiting map[number]chan<- code
}

// The paths of the carrier. The floor posts elsewhere, so that its messages are
// not taken for the service's.
const (
	sinkPath      = "/v2/messages"
	sinkFloorPath = "/floor/messages"
)

func newSink() (*sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{listener: l, waiting: map[number]chan<- code{}}
	go s.accept()
	return s, nil
}

func (s *sink) addr() string { return s.listener.Addr().String() }

func (s *sink) close() { _ = s.listener.Close() }

// expect has the next text to n put into to, which must have room for it.
func (s *sink) expect(n number, to chan<- code) {
	s.mu.Lock()
	s.waiting[n] = to
	s.mu.Unlock()
}

// forget stops waiting for a text to n.
func (s *sink) forget(n number) {
	s.mu.Lock()
	delete(s.waiting, n)
	s.mu.Unlock()
}

func (s *sink) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		go s.serve(conn)
	}
}

func (s *sink) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReaderSize(conn, 4096)
	var in message
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 54\r\n\r\n" +
		`{"data":{"id":"40385f64-5717-4562-b3fc-000000000000"}}`)
	id := answer[len(answer)-len(`000000000000"}}`):][:12]
	for {
		if err := in.read(r); err != nil {
			return
		}
		putDigits(id, int(s.served.Add(1)%1e12))
		_, path, _ := bytes.Cut(in.first, []byte(" "))
		path, _, _ = bytes.Cut(path, []byte(" "))
		if string(path) != sinkPath && string(path) != sinkFloorPath {
			_, _ = conn.Write([]byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
			return
		}
		s.deliver(in.body)
		if string(path) == sinkPath {
			s.received.Add(1)
		}
		if _, err := conn.Write(answer); err != nil || in.closes {
			return
		}
	}
}

// deliver passes the code of a message on to whoever waits for it.
func (s *sink) deliver(body []byte) {
	to := field(body, `"to"`)
	var n number
	if len(to) != len(n) {
		return
	}
	copy(n[:], to)
	s.mu.Lock()
	waiting, found := s.waiting[n]
	delete(s.waiting, n)
	s.mu.Unlock()
	if !found {
		return
	}
	// A text without a code arrives too, empty: the caller then fails at once and
	// says so, instead of waiting for its time to run out.
	waiting <- codeIn(field(body, `"text"`))
}

// codeIn returns the first run of four to ten digits, the lengths of our codes.
func codeIn(text []byte) code {
	var c code
	for i := 0; i < len(text); {
		end := i
		for end < len(text) && strings.IndexByte("0123456789", text[end]) >= 0 {
			end++
		}
		if n := end - i; n >= 4 && n <= len(c.digits) {
			c.length = copy(c.digits[:], text[i:end])
			return c
		}
		i = end + 1
	}
	return c
}
