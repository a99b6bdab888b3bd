package route_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"countersign/internal/deliver/route"
	"countersign/internal/verify"
)

// scored returns scores of which each text says "carrier sent verified".
func scored(t *testing.T, lines ...string) *route.Scores {
	t.Helper()
	s := route.NewScores()
	before := noon.Add(-3 * time.Minute)
	for _, line := range lines {
		var name string
		var sent, verified int
		if _, err := fmt.Sscan(line, &name, &sent, &verified); err != nil {
			t.Fatal(err)
		}
		for range sent {
			s.Sent(name, "GB", before)
		}
		for range verified {
			s.Verified(name, "GB", before, before)
		}
	}
	return s
}

func TestTheOrderOfCarriers(t *testing.T) {
	down := route.NewBreakers()
	fail(t, down, "a", "GB", noon, refused(verify.Temporary), 3)
	for _, c := range []struct {
		name string
		in   route.Input
		want string
		of   string // whose reason is looked at
		why  string
	}{
		{"the listed order holds", route.Input{}, "a b c", "b", "2nd of routes[0]"},
		{"a carrier that fails is left out", route.Input{Breakers: down}, "b c not a", "a", "skipped: its last 3 messages to GB failed; next try in 5 s"},
		{"a carrier that has the message is left out", route.Input{Avoid: map[string]string{"b": "it has this message"}}, "a c not b", "b", "skipped: it has this message"},
		{"nobody is left", route.Input{Breakers: down, Avoid: map[string]string{"b": "x", "c": "y"}}, "not a b c", "c", "skipped: y"},
		{"the last good one is first", route.Input{LastGood: "c"}, "c a b", "c", "the last code that was typed in for this number came by it"},
		{"the last good one is of no route", route.Input{LastGood: "z"}, "a b c", "a", "1st of routes[0]"},
		{"the last good one fails", route.Input{LastGood: "a", Breakers: down}, "b c not a", "b", "2nd of routes[0]"},
		{"the last good one has the message", route.Input{LastGood: "c", Avoid: map[string]string{"c": "x"}}, "a b not c", "c", "skipped: x"},
		{"the last good one loses codes", route.Input{LastGood: "c", Scores: scored(t, "a 100 80", "c 100 20")}, "a b c", "c", "3rd of routes[0]"},
		{"a resend goes by another one", route.Input{Behind: map[string]string{"a": "it brought the last message"}}, "b c a", "a", "after all others: it brought the last message"},
		{"a resend, even of the last good one", route.Input{LastGood: "a", Behind: map[string]string{"a": "x", "b": "y"}}, "c a b", "b", "after all others: y"},
		{"a clearly worse one is behind", route.Input{Scores: scored(t, "a 100 20", "b 100 80", "c 100 20")}, "b a c", "a",
			"1st of routes[0], behind b: of its codes 20 % are typed in, of b's 80 %"},
		{"worse by what may be chance", route.Input{Scores: scored(t, "a 100 70", "b 100 80")}, "a b c", "a", "1st of routes[0]"},
		{"worse by too few messages", route.Input{Scores: scored(t, "a 20 0", "b 100 80")}, "a b c", "a", "1st of routes[0]"},
		{"worse than one of which too little is known", route.Input{Scores: scored(t, "a 100 0", "b 20 20")}, "a b c", "a", "1st of routes[0]"},
		{"worse than both", route.Input{Scores: scored(t, "a 100 20", "b 100 80", "c 100 81")}, "b c a", "a", "1st of routes[0], behind c"},
		{"worse than one that fails", route.Input{Breakers: down, Scores: scored(t, "a 100 80", "b 100 20")}, "b c not a", "b", "2nd of routes[0]"},
		{"each worse than the next", route.Input{Scores: scored(t, "a 100 10", "b 100 45", "c 100 90")}, "c b a", "b", "2nd of routes[0], behind c"},
	} {
		c.in.Match, c.in.Now = sms(choices("a b c")...), noon
		steps := route.Plan(c.in)
		if got := told(steps); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if got := why(steps, c.of); !strings.HasPrefix(got, c.why) {
			t.Errorf("%s: %s is where it is since %q, want %q", c.name, c.of, got, c.why)
		}
	}
}

func TestASkippedCarrierSaysWhenItMayBeTried(t *testing.T) {
	b := route.NewBreakers()
	fail(t, b, "a", "GB", noon, refused(verify.Temporary), 3)
	in := route.Input{Match: sms(route.Choice{Name: "a", Sender: "Acme"}), Breakers: b, Now: noon.Add(time.Second)}
	if s := route.Plan(in)[0]; s.RetryAfter != 4*time.Second || s.Sender != "Acme" || !s.Skipped {
		t.Errorf("%+v", s)
	}
	in.Now = noon.Add(5 * time.Second)
	for range 2 { // a look does not use the probe up
		if s := route.Plan(in)[0]; s.Skipped {
			t.Errorf("it does not come back: %+v", s)
		}
	}
}

// Over many messages each carrier is first in proportion to its weight and what becomes
// of its messages, and second in proportion among the rest.
func TestWeightsAreKeptOverManyMessages(t *testing.T) {
	const messages = 8000
	match := sms(route.Choice{Name: "a", Weight: 6}, route.Choice{Name: "b", Weight: 3}, route.Choice{Name: "c", Weight: 1}, route.Choice{Name: "d"})
	for name, c := range map[string]struct {
		scores *route.Scores
		want   map[string]float64 // share of first places
		second float64            // share of b's second places behind a
	}{
		"by weight alone":     {nil, map[string]float64{"a": 0.6, "b": 0.3, "c": 0.1}, 0.75},
		"all alike":           {scored(t, "a 200 160", "b 200 150", "c 200 155"), map[string]float64{"a": 0.6, "b": 0.3, "c": 0.1}, 0.75},
		"one loses all codes": {scored(t, "a 1000 0", "b 1000 900"), map[string]float64{"a": 0.3 / 4.3, "b": 3 / 4.3, "c": 1 / 4.3}, 0.75},
	} {
		first, behindA := map[string]int{}, map[string]int{}
		for seed := range uint64(messages) {
			steps := route.Plan(route.Input{Match: match, Scores: c.scores, Random: seed, Now: noon})
			first[steps[0].Carrier]++
			if steps[0].Carrier == "a" {
				behindA[steps[1].Carrier]++
			}
			if steps[3].Carrier != "d" || steps[3].Why != "4th of routes[0], standing by without a weight" {
				t.Fatalf("the one without a weight: %+v", steps[3])
			}
		}
		for carrier, share := range c.want {
			if got := float64(first[carrier]) / messages; math.Abs(got-share) > 0.02 {
				t.Errorf("%s: %s is first %.3f of the times, want %.3f", name, carrier, got, share)
			}
		}
		if got := float64(behindA["b"]) / float64(first["a"]); math.Abs(got-c.second) > 0.06 {
			t.Errorf("%s: b is behind a %.3f of the times, want %.3f", name, got, c.second)
		}
	}
	steps := route.Plan(route.Input{Match: match, Scores: scored(t, "a 1000 0", "b 1000 900"), Now: noon})
	if got := why(steps, "a"); got != "drawn by its weight, 6 of 10, cut to 5 % of it: of its codes only 0 % are typed in" {
		t.Error(got)
	}
}

func TestACarrierThatIsPutAsideLeavesTheOthersInTheirOrder(t *testing.T) {
	match := sms(route.Choice{Name: "a", Weight: 6}, route.Choice{Name: "b", Weight: 3}, route.Choice{Name: "c", Weight: 1})
	for seed := range uint64(200) {
		all := told(route.Plan(route.Input{Match: match, Random: seed, Now: noon}))
		without := told(route.Plan(route.Input{Match: match, Random: seed, Now: noon, Avoid: map[string]string{"a": "x"}}))
		if want := strings.Join(strings.Fields(strings.Replace(all, "a", "", 1)), " ") + " not a"; without != want {
			t.Fatalf("seed %d: %s, and without a %s", seed, all, without)
		}
	}
}

// Whatever is known of carriers: each is in the plan once, one that may be tried is not
// skipped, one to be avoided is never tried, and the same input gives the same plan.
func TestPropertyEveryCarrierHasItsPlace(t *testing.T) {
	names := strings.Fields("a b c d e f")
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 2))
		in := route.Input{
			Random: r.Uint64(), Breakers: route.NewBreakers(), Scores: route.NewScores(), LastGood: names[r.IntN(6)], Now: noon,
			Avoid: map[string]string{}, Behind: map[string]string{},
		}
		aside := map[string]bool{}
		for _, name := range names {
			choice := route.Choice{Name: name}
			if seed%2 == 0 {
				choice.Weight = r.IntN(3)
			}
			in.Match.Rule.Carriers = append(in.Match.Rule.Carriers, choice)
			if r.IntN(4) == 0 {
				in.Avoid[name] = "x"
			}
			if r.IntN(4) == 0 {
				in.Behind[name] = "y"
			}
			if aside[name] = r.IntN(4) == 0; aside[name] {
				fail(t, in.Breakers, name, "", noon, refused(verify.Temporary), 3)
			}
			for range r.IntN(100) {
				in.Scores.Sent(name, "", noon.Add(-time.Hour))
				if r.IntN(6) > r.IntN(6) {
					in.Scores.Verified(name, "", noon.Add(-time.Hour), noon.Add(-time.Hour))
				}
			}
		}
		steps := route.Plan(in)
		seen, behind := map[string]bool{}, false
		for i, s := range steps {
			_, avoided := in.Avoid[s.Carrier]
			_, last := in.Behind[s.Carrier]
			if seen[s.Carrier] || s.Skipped != (avoided || aside[s.Carrier]) || s.Why == "" {
				t.Fatalf("seed %d: %+v of %+v", seed, s, steps)
			}
			if i > 0 && steps[i-1].Skipped && !s.Skipped || behind && !last && !s.Skipped {
				t.Fatalf("seed %d: %s is too late in %+v", seed, s.Carrier, steps)
			}
			seen[s.Carrier], behind = true, behind || last && !s.Skipped
		}
		if again := route.Plan(in); len(seen) != len(names) || fmt.Sprint(again) != fmt.Sprint(steps) {
			t.Fatalf("seed %d: %+v and then %+v", seed, steps, again)
		}
	}
}
