package sendertest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func (s *suite) taken(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request, _ []byte) { s.Take(w, r) })
	submission, err := s.sender(t, server, patience).Send(t.Context(), s.message())
	if err != nil {
		t.Fatal(err)
	}
	if submission.CarrierID != s.CarrierID {
		t.Errorf("the message is called %q, want %q", submission.CarrierID, s.CarrierID)
	}
}

// sameRequest leaves headers out but for one: some credentials hold an instant.
func (s *suite) sameRequest(t *testing.T) {
	requests := make(chan string, 2)
	server := serve(t, func(w http.ResponseWriter, r *http.Request, body []byte) {
		requests <- fmt.Sprintf("%s %s\n%s\n\n%s", r.Method, r.RequestURI, r.Header.Get("Content-Type"), body)
		s.Take(w, r)
	})
	for range 2 { // two senders, as when another node finishes what one began
		s.check(t, server, Outcome{Taken: true})
	}
	if first, second := <-requests, <-requests; first != second {
		t.Errorf("first:\n%s\nthen:\n%s", first, second)
	}
}

func (s *suite) manyAtOnce(t *testing.T) {
	var count atomic.Int64
	server := serve(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		count.Add(1)
		s.Take(w, r)
	})
	sender := s.sender(t, server, patience)
	const senders, each = 16, 8
	var running sync.WaitGroup
	for range senders {
		running.Go(func() {
			for range each {
				if submission, err := sender.Send(t.Context(), s.message()); err != nil || submission.CarrierID != s.CarrierID {
					t.Errorf("taken as %q with error %v", submission.CarrierID, err)
				}
			}
		})
	}
	running.Wait()
	if got := count.Load(); got != senders*each {
		t.Errorf("%d requests for %d messages", got, senders*each)
	}
}

func (s *suite) statuses(t *testing.T) {
	var status atomic.Int64
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) { w.WriteHeader(int(status.Load())) })
	sender := s.sender(t, server, patience)
	for n := 200; n < 600; n++ {
		status.Store(int64(n))
		if got, want := s.send(t.Context(), t, sender), s.of(n); got != want {
			t.Errorf("%d %s: got %+v, want %+v", n, http.StatusText(n), got, want)
		}
	}
}

func (s *suite) interim(t *testing.T) {
	s.check(t, serve(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		w.WriteHeader(http.StatusProcessing)
		w.WriteHeader(http.StatusEarlyHints)
		s.Take(w, r)
	}), Outcome{Taken: true})
}

// switchProtocols holds the connection open: what follows a 101 has no end, and
// Go's transport does not end it with the context either.
func (s *suite) switchProtocols(t *testing.T) {
	s.check(t, afterRequest(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", hold),
		s.of(http.StatusSwitchingProtocols))
}

func (s *suite) redirects(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		var asked, elsewhere atomic.Int64
		other := serve(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
			elsewhere.Add(1)
			s.Take(w, r)
		})
		for _, location := range []string{other, "/elsewhere", "http://[", "//" + canaryCode + "/"} {
			asked.Store(0)
			s.check(t, serve(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
				asked.Add(1)
				w.Header().Set("Location", location)
				w.WriteHeader(status)
			}), s.of(status))
			if asked.Load() != 1 || elsewhere.Load() != 0 {
				t.Errorf("%d to %s was followed", status, location)
			}
		}
	}
}

func (s *suite) wrongBodies(t *testing.T) {
	for _, body := range []string{
		"", "{", "[]", "null", `"text"`, "0", "true", "{}", "\x00\xff", "<html><body>Bad gateway</body></html>",
		`{"data":[],"errors":{},"code":[],"message":{},"messages":0,"id":{}}`,
		`{"data":{"id":[],"to":{},"errors":7},"errors":[null,0,"x",[],{"code":{}}]}`,
		strings.Repeat("[", 20_000), strings.Repeat(" ", 1<<20),
	} {
		for _, status := range []int{200, 404, 503} {
			server := answer(t, status, body)
			if got, want := s.send(t.Context(), t, s.sender(t, server, patience)), s.of(status); got != want {
				t.Errorf("%d with %.40q: got %+v, want %+v", status, body, got, want)
			}
		}
	}
}

func (s *suite) brokenBodies(t *testing.T) {
	for _, status := range []int{200, 404, 500} {
		s.check(t, afterRequest(t, cutShort(status), hangUp), s.of(status))
	}
}

func (s *suite) missingBodies(t *testing.T) {
	for _, status := range []int{200, 404, 500} {
		s.eventually(t, afterRequest(t, cutShort(status), hold), s.of(status))
	}
}

func cutShort(status int) string {
	return fmt.Sprintf("HTTP/1.1 %d Whatever\r\nContent-Length: 100\r\n\r\n{", status)
}

func (s *suite) drippingBody(t *testing.T) {
	s.eventually(t, serve(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		drops := time.NewTicker(5 * time.Millisecond)
		defer drops.Stop()
		for {
			_, _ = io.WriteString(w, " ")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-drops.C:
			case <-r.Context().Done():
				return
			}
		}
	}), s.of(http.StatusOK))
}

// endlessBodies offers far more than the sockets between the two can hold.
func (s *suite) endlessBodies(t *testing.T) {
	for _, status := range []int{200, 404} {
		s.check(t, serve(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.WriteHeader(status)
			chunk := make([]byte, 1<<20)
			for range 64 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
			t.Errorf("the sender read 64 MiB of an answer of %d", status)
		}), s.of(status))
	}
}

// echoes looks at the errors only: what an echo means is the carrier's matter.
func (s *suite) echoes(t *testing.T) {
	for _, status := range []int{200, 301, 400, 401, 404, 422, 429, 500, 503} {
		server := serve(t, func(w http.ResponseWriter, r *http.Request, body []byte) {
			w.Header().Set("Retry-After", canaryCode)
			w.Header().Set("X-Request-Id", canaryNumber)
			w.WriteHeader(status)
			_, _ = w.Write(echo(r, body))
		})
		s.send(t.Context(), t, s.sender(t, server, patience))
	}
}

// echo puts the request into every field in which a carrier explains itself.
func echo(r *http.Request, body []byte) []byte {
	var dump strings.Builder
	_ = r.Header.Write(&dump)
	dump.Write(body)
	dump.WriteString(base64.StdEncoding.EncodeToString(body))
	text := dump.String()
	fault := map[string]any{
		"code": canaryCode, "title": text, "detail": text, "message": text, "status": text, "type": text,
		"more_info": text, "error_message": text, "error-text": text, "meta": map[string]any{"url": text},
	}
	all := map[string]any{
		"errors": []any{fault, map[string]any{"code": json.Number(canaryCode)}}, "id": text, "sid": text,
		"data": map[string]any{"id": text, "to": []any{map[string]any{"status": "sending_failed"}}, "errors": []any{fault}},
	}
	for k, v := range fault {
		all[k] = v
	}
	out, _ := json.Marshal(all) // of maps and strings alone
	return out
}
