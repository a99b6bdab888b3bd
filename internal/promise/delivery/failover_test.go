package delivery

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"countersign/internal/app"
)

var messages = flag.Int("messages", 20, "messages for each fault")

// faults are those of docs/promises.md, row 18. The carrier has the request in all of
// them; of those that are clear it has surely not taken the message.
func faults(c *carrier) map[string]fault {
	status := func(code int) fault { return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) } }
	hang := func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-c.free:
		}
	}
	return map[string]fault{
		"is slow":            hang, // longer than anybody waits
		"resets":             reset,
		"answers 500":        status(http.StatusInternalServerError),
		"answers 503":        status(http.StatusServiceUnavailable),
		"answers 429":        status(http.StatusTooManyRequests),
		"drips its answer":   drip(c),
		"answers no JSON":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"data":`)) },
		"refuses its caller": status(http.StatusUnauthorized),
	}
}

// reset breaks the connection with what TCP has for it.
func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// drip begins an answer and does not end it.
func drip(c *carrier) fault {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("{"))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-c.free:
		}
	}
}

func hedged(c *app.Config) {
	r := app.RouteConfig{Channel: "sms", HedgeAfter: "2s"}
	for _, k := range c.Carriers {
		r.Carriers = append(r.Carriers, app.ChoiceConfig{Name: k.Name})
	}
	c.Routes = []app.RouteConfig{r}
}

func TestWithOneCarrierThatWorksEveryCodeArrives(t *testing.T) {
	for name := range faults(nil) {
		for _, broken := range []int{1, 2} {
			if says := name == "answers no JSON" || name == "drips its answer"; says && broken == 2 {
				// A status of success is a carrier's word that it took the message. Two such
				// words are all that are paid for.
				continue
			}
			t.Run(fmt.Sprintf("%d of 3 %s", broken, name), func(t *testing.T) {
				t.Parallel()
				s := serve(t, 3, hedged)
				for _, c := range s.carriers[:broken] {
					c.set(faults(c)[name])
				}
				took := s.deliver(s.carriers[broken], *messages)
				slices.Sort(took)
				t.Logf("%d messages: median %s, 95th percentile %s, last %s", len(took), took[len(took)/2], took[len(took)*95/100], took[len(took)-1])
			})
		}
	}
}

// patience ends a test that would hang.
const patience = time.Minute

// deliver starts verifications one after the other and returns how long each code took
// to the first carrier that works. None may come twice.
func (s *service) deliver(to *carrier, n int) []time.Duration {
	s.t.Helper()
	works := to.api
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	took := make([]time.Duration, n)
	var all sync.WaitGroup
	for i := range n {
		answered, err := s.start(s.t.Context(), number(i))
		if err != nil {
			s.t.Fatal(err)
		}
		all.Go(func() {
			if _, err := works.Wait(ctx, number(i)); err != nil {
				s.t.Errorf("%s has no code: %v", number(i), err)
			}
			took[i] = time.Since(answered)
		})
	}
	all.Wait()
	seen := map[string]int{}
	for _, m := range works.Messages() {
		if seen[m.To]++; seen[m.To] > 1 {
			s.t.Errorf("%s has a second message", m.To)
		}
	}
	return took
}
