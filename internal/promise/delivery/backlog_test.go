package delivery

import (
	"context"
	"flag"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"countersign/internal/app"
)

var backlog = flag.Int("backlog", 200, "messages behind a dead carrier")

// TestWhatWaitsBehindADeadCarrierGoesWhenItIsBack starts verifications while the only
// carrier is down, at its pace once it is back.
func TestWhatWaitsBehindADeadCarrierGoesWhenItIsBack(t *testing.T) {
	t.Parallel()
	s := serve(t, 1, func(c *app.Config) {
		c.Carriers[0].Pace, c.Carriers[0].Burst = "400", 20
		c.Limits.Backlog = max(c.Limits.Backlog, *backlog+1)
	})
	only := s.carriers[0]
	only.set(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	numbers := make(chan int)
	var starters sync.WaitGroup
	for range 16 {
		starters.Go(func() {
			for i := range numbers {
				if _, err := s.start(t.Context(), number(i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range *backlog {
		numbers <- i
	}
	close(numbers)
	starters.Wait()
	only.set(nil)
	back := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	var took []time.Duration
	for i := range *backlog {
		if _, err := only.api.Wait(ctx, number(i)); err != nil {
			t.Fatalf("%s has no code: %v", number(i), err)
		}
		took = append(took, time.Since(back))
	}
	if n := len(only.api.Messages()); n != *backlog {
		t.Errorf("%d messages for %d codes", n, *backlog)
	}
	slices.Sort(took)
	t.Logf("%d messages after the carrier was back: the median after %s, the last after %s", len(took), took[len(took)/2], took[len(took)-1])
}
