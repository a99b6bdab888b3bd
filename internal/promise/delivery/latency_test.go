package delivery

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"countersign/internal/app"
)

var (
	rate   = flag.Int("rate", 100, "starts a second")
	starts = flag.Int("starts", 100, "starts in all")
)

// TestEveryMessageIsHandedOverBehindItsAnswer starts verifications at a steady rate, and
// tells how long after its answer each message is at the carrier's socket. It judges
// that each is there, once; the figure is for a quiet machine.
func TestEveryMessageIsHandedOverBehindItsAnswer(t *testing.T) {
	s := serve(t, 1, func(*app.Config) {})
	only := s.carriers[0]
	var mu sync.Mutex
	arrived := map[string][]time.Time{}
	only.set(func(w http.ResponseWriter, r *http.Request) {
		at := time.Now()
		body, err := io.ReadAll(r.Body)
		var m struct{ To string }
		if err != nil || json.Unmarshal(body, &m) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		mu.Lock()
		arrived[m.To] = append(arrived[m.To], at)
		mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		only.api.ServeHTTP(w, r)
	})
	answered := make([]time.Time, *starts)
	var all sync.WaitGroup
	tick := time.NewTicker(time.Second / time.Duration(*rate))
	defer tick.Stop()
	for i := range *starts {
		<-tick.C
		all.Go(func() {
			var err error
			if answered[i], err = s.start(t.Context(), number(i)); err != nil {
				t.Error(err)
			}
			if _, err := only.api.Wait(t.Context(), number(i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var took []time.Duration
	mu.Lock()
	defer mu.Unlock()
	for i, at := range answered {
		times := arrived[number(i)]
		if len(times) != 1 {
			t.Errorf("%d messages to %s", len(times), number(i))
			continue
		}
		took = append(took, max(0, times[0].Sub(at))) // it may be there before its answer is read
	}
	slices.Sort(took)
	t.Logf("%d starts at %d a second: from the answer to the socket, median %s, 99th percentile %s", len(took), *rate, took[len(took)/2], took[len(took)*99/100])
}
