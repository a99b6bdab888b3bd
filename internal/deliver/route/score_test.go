package route_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"countersign/internal/deliver/route"
)

func TestOnlyMessagesThatHadTheirTimeCount(t *testing.T) {
	s := route.NewScores()
	for range 100 {
		s.Sent("b", "GB", noon)
	}
	if c := s.Conversion("b", "GB", noon.Add(110*time.Second)); c.Sent != 0 || c.Known() {
		t.Errorf("a carrier that was just given 100 messages loses them all: %+v", c)
	}
	for range 80 {
		s.Verified("b", "GB", noon, noon.Add(time.Minute))
	}
	c := s.Conversion("b", "GB", noon.Add(3*time.Minute))
	if !c.Known() || math.Abs(c.Rate-0.8) > 1e-9 || c.Sent < 95 || c.Sent > 100 {
		t.Errorf("80 of 100: %+v", c)
	}
	// Typed in late, it is as old as its message.
	for range 10 {
		s.Verified("b", "GB", noon, noon.Add(5*time.Minute))
	}
	if c := s.Conversion("b", "GB", noon.Add(5*time.Minute)); math.Abs(c.Rate-0.9) > 0.01 {
		t.Errorf("90 of 100: %+v", c)
	}
}

func TestCountsHalveEveryHalfHour(t *testing.T) {
	s := scored(t, "a 100 50")
	now := s.Conversion("a", "GB", noon)
	later := s.Conversion("a", "GB", noon.Add(30*time.Minute))
	if math.Abs(later.Sent-now.Sent/2) > 1e-9 || math.Abs(later.Rate-0.5) > 1e-9 {
		t.Errorf("%+v and half an hour later %+v", now, later)
	}
	if later.High-later.Low <= now.High-now.Low {
		t.Error("less is known as surely")
	}
	if s.Conversion("a", "GB", noon.Add(time.Hour)).Known() {
		t.Error("25 messages are enough")
	}
}

func TestReceiptsWeighLittle(t *testing.T) {
	s := scored(t, "a 100 50")
	for range 100 {
		s.Receipt(route.Received{Carrier: "a", Country: "GB", Sent: noon.Add(-3 * time.Minute), Arrived: true}, noon)
	}
	up := s.Conversion("a", "GB", noon).Rate
	if up <= 0.5 || up > 0.56 {
		t.Errorf("100 messages said to have arrived make %.2f of 0.50", up)
	}
	for range 100 {
		s.Receipt(route.Received{Carrier: "a", Country: "GB", Sent: noon.Add(-3 * time.Minute)}, noon)
	}
	if down := s.Conversion("a", "GB", noon).Rate; down >= up || down < 0.48 {
		t.Errorf("100 said to have failed make %.2f", down)
	}
}

func TestBoundsAreWilsons(t *testing.T) {
	for _, c := range []struct {
		sent, verified int
		low, high      float64
	}{{0, 0, 0, 1}, {100, 80, 0.7112, 0.8667}, {10, 0, 0, 0.2775}, {10, 10, 0.7225, 1}} {
		s := route.NewScores()
		for i := range c.sent {
			s.Sent("a", "GB", noon)
			if i < c.verified {
				s.Verified("a", "GB", noon, noon)
			}
		}
		// As soon as they count, hardly anything has faded.
		got := s.Conversion("a", "GB", noon.Add(135*time.Second))
		if math.Abs(got.Low-c.low) > 0.01 || math.Abs(got.High-c.high) > 0.01 {
			t.Errorf("%d of %d: %.4f to %.4f, want %.4f to %.4f", c.verified, c.sent, got.Low, got.High, c.low, c.high)
		}
	}
}

func TestClearlyWorseIsWhatChanceHardlyExplains(t *testing.T) {
	worse, messages := 0, 200
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		s := route.NewScores()
		for range messages {
			for _, name := range []string{"a", "b"} { // both as good
				s.Sent(name, "GB", noon)
				if r.Float64() < 0.7 {
					s.Verified(name, "GB", noon, noon)
				}
			}
		}
		now := noon.Add(3 * time.Minute)
		if s.Conversion("a", "GB", now).Worse(s.Conversion("b", "GB", now)) {
			worse++
		}
	}
	if worse > 6 {
		t.Errorf("of two alike the one is clearly worse in %d of 300 cases", worse)
	}
}

func TestScoresRememberSoManyPlacesAndNoMore(t *testing.T) {
	s := route.NewScores()
	for i := range 4200 {
		s.Sent("a", fmt.Sprint(i), noon.Add(time.Duration(i)*time.Millisecond))
	}
	if n := route.Tallies(s); n > 4096 {
		t.Errorf("%d places", n)
	}
	if c := s.Conversion("a", "4199", noon.Add(3*time.Minute)); c.Sent == 0 {
		t.Error("the newest one is forgotten")
	}
}

// Instants may come in a little disorder, as from several goroutines: counts stay what
// they are.
func TestPropertyARateIsARate(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 4))
		s := route.NewScores()
		now := noon
		for range 500 {
			now = now.Add(time.Duration(r.Int64N(int64(20*time.Second))) - 2*time.Second)
			sent := now.Add(-time.Duration(r.Int64N(int64(6*time.Minute))) + time.Second)
			switch r.IntN(3) {
			case 0:
				s.Sent("a", "", now)
			case 1:
				s.Verified("a", "", sent, now)
			default:
				s.Receipt(route.Received{Carrier: "a", Sent: sent, Arrived: r.IntN(2) == 0}, now)
			}
			if c := s.Conversion("a", "", now); !(0 <= c.Low && c.Low <= c.Rate+1e-9 && c.Rate <= c.High+1e-9 && c.High <= 1 && c.Sent >= 0) {
				t.Fatalf("seed %d: %+v", seed, c)
			}
		}
	}
}

func TestManyMayAskAtOnce(t *testing.T) {
	b, s := route.NewBreakers(), route.NewScores()
	p, err := route.NewPace(map[string]route.Rate{"a": {PerSecond: 100}})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 200 {
				now := noon.Add(time.Duration(j) * time.Second)
				country := fmt.Sprint(j % 5)
				p.Reserve("a", time.Second, now)
				if a, ok := b.Begin("a", country, now); ok && (i+j)%3 == 0 {
					b.End(a, refused("temporary"), now)
				} else if ok {
					b.Cancel(a)
				}
				s.Sent("a", country, now)
				route.Plan(route.Input{Match: sms(choices("a b")...), Breakers: b, Scores: s, Now: now})
			}
		})
	}
	all.Wait()
}
