package route_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"countersign/internal/deliver/route"
)

func pace(t *testing.T, r route.Rate) *route.Pace {
	t.Helper()
	p, err := route.NewPace(map[string]route.Rate{"a": r})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestABurstGoesAtOnceAndTheRestInOrderAtThePace(t *testing.T) {
	p := pace(t, route.Rate{PerSecond: 10, Burst: 3})
	for i, want := range []time.Duration{0, 0, 0, 100, 200, 300} {
		if wait, ok := p.Reserve("a", time.Minute, noon); !ok || wait != want*time.Millisecond {
			t.Errorf("message %d waits %s, want %dms", i+1, wait, want)
		}
	}
	if wait, ok := p.Reserve("b", 0, noon); !ok || wait != 0 {
		t.Errorf("a carrier without a pace waits %s", wait)
	}
}

func TestWhoWillNotWaitSoLongTakesNoPlace(t *testing.T) {
	p := pace(t, route.Rate{PerSecond: 1})
	p.Reserve("a", 0, noon)
	for range 5 {
		if wait, ok := p.Reserve("a", 999*time.Millisecond, noon); ok || wait != time.Second {
			t.Errorf("%s, %t", wait, ok)
		}
	}
	if wait, ok := p.Reserve("a", time.Second, noon); !ok || wait != time.Second {
		t.Errorf("after some that did not wait: %s, %t", wait, ok)
	}
}

func TestAPaceIsKeptToTheMessage(t *testing.T) {
	for _, rate := range []float64{0.5, 3, 300, 7000} {
		p := pace(t, route.Rate{PerSecond: rate})
		n := 0
		for {
			if _, ok := p.Reserve("a", 100*time.Second-1, noon); !ok {
				break
			}
			n++
		}
		if want := 100 * rate; math.Abs(float64(n)-want) > 1 {
			t.Errorf("at %g a second %d go in 100 s", rate, n)
		}
	}
}

// However messages come: each has a place, no second sees more than the rate and the
// burst, and places come in order.
func TestPropertyNoSecondSeesMoreThanThePace(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 5))
		rate := route.Rate{PerSecond: 1 + float64(r.IntN(50)), Burst: r.IntN(10)}
		p := pace(t, rate)
		now := noon
		var at []time.Time
		for range 400 {
			now = now.Add(time.Duration(r.Int64N(int64(60 * time.Millisecond))))
			if wait, ok := p.Reserve("a", 2*time.Second, now); ok {
				at = append(at, now.Add(wait))
			}
		}
		for i := range at {
			if i > 0 && at[i].Before(at[i-1]) {
				t.Fatalf("seed %d: message %d goes before the one that asked first", seed, i)
			}
			n := 0
			for j := i; j < len(at) && at[j].Sub(at[i]) < time.Second; j++ {
				n++
			}
			if float64(n) > rate.PerSecond+float64(max(rate.Burst, 1)) {
				t.Fatalf("seed %d: %d messages in a second at %+v", seed, n, rate)
			}
		}
	}
}

func TestAPaceThatIsNoneIsRefused(t *testing.T) {
	for _, r := range []route.Rate{{}, {PerSecond: -1}, {PerSecond: math.NaN()}, {PerSecond: math.Inf(1)}, {PerSecond: 1, Burst: -1}, {PerSecond: 1, Burst: 1e9}} {
		if _, err := route.NewPace(map[string]route.Rate{"a": r}); err == nil || !strings.HasPrefix(err.Error(), "carrier a: ") {
			t.Errorf("%+v: %v", r, err)
		}
	}
}
