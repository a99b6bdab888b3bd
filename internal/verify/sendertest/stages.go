package sendertest

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"countersign/internal/verify"
)

func (s *suite) refusedConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	s.check(t, "http://"+listener.Addr().String(), notSent)
}

// resetBefore leaves open whether the outcome is unknown: the request may have
// been written before the sender is told of the reset.
func (s *suite) resetBefore(t *testing.T) {
	server := listen(t, reset)
	if got := s.send(t.Context(), t, s.sender(t, server, patience)); got.Taken || got.Class != verify.Temporary {
		t.Errorf("got %+v", got)
	}
}

func (s *suite) lostAfter(t *testing.T) {
	s.check(t, afterRequest(t, "", reset), unknown)
	s.check(t, afterRequest(t, "", hangUp), unknown)
	s.check(t, afterRequest(t, "HTTP/1.1 20", hangUp), unknown)
	s.check(t, afterRequest(t, "HTTP/1.1 200 OK\r\nContent-Le", hangUp), unknown)
}

func (s *suite) notHTTP(t *testing.T) {
	for _, bytes := range []string{
		"220 mail.example ESMTP " + canaryCode + "\r\n",
		"HTTP/1.1 " + canaryCode + " " + canaryNumber + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\n" + canaryNumber + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: " + canaryNumber + "x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + canaryCode + "\r\n\r\n",
		"HTTP/9.9 200 OK " + canaryCode,
		"\x15\x03\x01\x00\x02\x02\x46",
	} {
		s.check(t, afterRequest(t, bytes, hangUp), unknown)
	}
}

func (s *suite) neverAnswers(t *testing.T) { s.eventually(t, afterRequest(t, "", hold), unknown) }

func (s *suite) cancelledBefore(t *testing.T) {
	var asked atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	t.Run("and the server is not asked", func(t *testing.T) {
		// Within a test of its own, so that the server has ended when we count.
		server := serve(t, func(http.ResponseWriter, *http.Request, []byte) { asked.Add(1) })
		if got := s.send(ctx, t, s.sender(t, server, patience)); got != notSent {
			t.Errorf("got %+v, want %+v", got, notSent)
		}
	})
	if asked.Load() != 0 {
		t.Error("the server was asked")
	}
}

func (s *suite) cancelledDuring(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server := serve(t, func(_ http.ResponseWriter, r *http.Request, _ []byte) {
		cancel()
		<-r.Context().Done() // the sender hangs up: if it did not, the test would hang
	})
	if got := s.send(ctx, t, s.sender(t, server, patience)); got != unknown {
		t.Errorf("got %+v, want %+v", got, unknown)
	}
}

// cancelledWithin cancels when the headers are on their way: the sender has met
// them or not, but it cannot be sure that nothing was taken.
func (s *suite) cancelledWithin(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		_ = http.NewResponseController(w).Flush()
		cancel()
		<-r.Context().Done()
	})
	if got := s.send(ctx, t, s.sender(t, server, patience)); !got.Taken && !got.Ambiguous {
		t.Errorf("got %+v", got)
	}
}
