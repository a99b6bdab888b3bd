package limit_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"countersign/internal/limit"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestABurstPassesAndTheNextOneWaits(t *testing.T) {
	rule := limit.Rule{Count: 3, Per: time.Minute}
	var s limit.State
	for i := range 3 {
		next, wait := rule.Take(s, noon)
		if wait != 0 {
			t.Fatalf("event %d of 3 waits %s", i+1, wait)
		}
		s = next
	}
	same, wait := rule.Take(s, noon)
	if wait != 20*time.Second {
		t.Errorf("the fourth waits %s, want 20s", wait)
	}
	if same != s {
		t.Errorf("a refused event changed the state")
	}
	if _, wait := rule.Take(s, noon.Add(20*time.Second)); wait != 0 {
		t.Errorf("after the wait it told, it still waits %s", wait)
	}
}

func TestTheZeroRuleAllowsEverything(t *testing.T) {
	for range 1000 {
		if s, wait := (limit.Rule{}).Take(0, noon); wait != 0 || s != 0 {
			t.Fatalf("zero rule: state %d, wait %s", s, wait)
		}
	}
}

func TestARuleOfMoreEventsThanMillisecondsIsKept(t *testing.T) {
	for _, rule := range []limit.Rule{
		{Count: 10_000, Per: time.Second}, {Count: 700, Per: time.Second}, {Count: 10_000, Per: 15 * time.Second},
	} {
		var s limit.State
		passed := 0
		for ms := range int(rule.Per.Milliseconds()) {
			for {
				next, wait := rule.Take(s, noon.Add(time.Duration(ms)*time.Millisecond))
				if wait > 0 || passed > 2*rule.Count {
					break
				}
				s, passed = next, passed+1
			}
		}
		if passed > 2*rule.Count {
			t.Errorf("%+v lets more than %d pass in its first stretch", rule, 2*rule.Count)
		}
		if left, reset := rule.Left(s, noon.Add(rule.Per)); left < 0 || left > rule.Count || reset < 0 {
			t.Errorf("%+v says that %d are left, and all in %s", rule, left, reset)
		}
	}
}

func TestAClockThatStoodAheadLocksNobodyOutForLongerThanThePeriod(t *testing.T) {
	rule := limit.Rule{Count: 2, Per: time.Hour}
	ahead := limit.State(noon.Add(48 * time.Hour).UnixMilli())
	if _, wait := rule.Take(ahead, noon); wait > time.Hour {
		t.Errorf("waits %s after a clock step, want at most the period of 1h", wait)
	}
}

// For any pattern of arrivals no window of length Per sees more than 2×Count
// (one burst plus what came back meanwhile), and waiting as told always helps.
func TestPropertyNoWindowSeesMoreThanBurstPlusRefill(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		rule := limit.Rule{Count: 1 + r.IntN(10), Per: time.Duration(1+r.IntN(600)) * time.Second}
		var s limit.State
		var passed []time.Time
		now := noon
		for range 400 {
			now = now.Add(time.Duration(r.Int64N(int64(rule.Per) / 4)))
			next, wait := rule.Take(s, now)
			if wait == 0 {
				passed = append(passed, now)
				s = next
				continue
			}
			if _, again := rule.Take(s, now.Add(wait)); again != 0 {
				t.Fatalf("seed %d: told to wait %s, then told %s", seed, wait, again)
			}
		}
		for i := range passed {
			n := 0
			for j := i; j < len(passed) && passed[j].Sub(passed[i]) < rule.Per; j++ {
				n++
			}
			if n > 2*rule.Count {
				t.Fatalf("seed %d: %d events within %s under %+v", seed, n, rule.Per, rule)
			}
		}
	}
}

func TestAFixedRuleHoldsForItsStretchAndIsWholeAtTheNext(t *testing.T) {
	rule := limit.Rule{Count: 2, Per: 24 * time.Hour, Fixed: true}
	var s limit.State
	for range 2 {
		var wait time.Duration
		if s, wait = rule.Take(s, noon); wait != 0 {
			t.Fatalf("waits %s", wait)
		}
	}
	for _, at := range []time.Duration{0, time.Hour, 12*time.Hour - time.Millisecond} {
		if same, wait := rule.Take(s, noon.Add(at)); same != s || wait != 12*time.Hour-at {
			t.Errorf("after %s: waits %s", at, wait)
		}
		if s.Idle(noon.Add(at)) {
			t.Errorf("after %s its memory is taken for nothing", at)
		}
	}
	midnight := noon.Add(12 * time.Hour)
	next, wait := rule.Take(s, midnight)
	if wait != 0 {
		t.Errorf("the next day waits %s", wait)
	}
	if _, wait := rule.Take(next, midnight); wait != 0 {
		t.Error("what was spent the day before is spent")
	}
	if !s.Idle(midnight.Add(time.Second)) {
		t.Error("a day that is over is remembered for ever")
	}
}

// Left promises what Take keeps: so many pass, and the next one does not.
func TestPropertyAsManyPassAsAreLeft(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 2))
		rule := limit.Rule{Count: 1 + r.IntN(10), Per: time.Duration(1+r.IntN(600)) * time.Second, Fixed: r.IntN(2) == 0}
		var s limit.State
		now := noon
		for range 20 {
			now = now.Add(time.Duration(r.IntN(200)) * time.Second / 2)
			left, reset := rule.Left(s, now)
			if left < 0 || left > rule.Count || reset < 0 || reset > rule.Per {
				t.Fatalf("seed %d: %d of %d left, whole after %s of %s", seed, left, rule.Count, reset, rule.Per)
			}
			for i := range left {
				next, wait := rule.Take(s, now)
				if wait != 0 {
					t.Fatalf("seed %d: event %d of the %d left waits %s", seed, i+1, left, wait)
				}
				s = next
			}
			if _, wait := rule.Take(s, now); wait == 0 {
				t.Fatalf("seed %d: more than the %d left pass", seed, left)
			}
			if _, reset := rule.Left(s, now); r.IntN(2) == 0 {
				if all, _ := rule.Left(s, now.Add(reset)); all != rule.Count {
					t.Fatalf("seed %d: after %s there are %d of %d", seed, reset, all, rule.Count)
				}
			}
		}
	}
}

func TestPropertyAsManyPassAtOnceAsWereWaitedFor(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	for range 2000 {
		rule := limit.Rule{Count: 1 + r.IntN(10), Per: time.Duration(1+r.IntN(600)) * time.Second, Fixed: r.IntN(2) == 0}
		var s limit.State
		now := noon
		for range r.IntN(20) {
			s, _ = rule.Take(s, now)
			now = now.Add(time.Duration(r.IntN(30)) * time.Second)
		}
		n := 1 + r.IntN(rule.Count)
		wait := rule.Until(n, s, now)
		if left, _ := rule.Left(s, now); (left >= n) != (wait == 0) {
			t.Fatalf("%+v: %d are left, and %d take %s", rule, left, n, wait)
		}
		for _, at := range []time.Duration{wait, wait - time.Millisecond} {
			if at < 0 {
				continue
			}
			if left, _ := rule.Left(s, now.Add(at)); (left >= n) != (at == wait) {
				t.Fatalf("%+v: %d were to take %s, and %d are left after %s", rule, n, wait, left, at)
			}
		}
	}
}
