package route_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"countersign/internal/deliver/route"
	"countersign/internal/verify"
)

func TestThreeFailuresInARowPutACarrierAsideInThatCountryAlone(t *testing.T) {
	b := route.NewBreakers()
	fail(t, b, "a", "GB", noon, refused(verify.Temporary), 3)
	why, wait := b.Aside("a", "GB", noon)
	if why != "its last 3 messages to GB failed; next try in 5 s" || wait != 5*time.Second {
		t.Errorf("%q, %s", why, wait)
	}
	for _, other := range [][2]string{{"a", "FR"}, {"b", "GB"}, {"a", ""}} {
		if ok, _ := try(b, other[0], other[1], noon, nil); !ok {
			t.Errorf("%s is put aside too", other)
		}
	}
}

func TestFiveFailuresOfTheLastEightPutACarrierAside(t *testing.T) {
	for _, c := range []struct {
		outcomes, why string
	}{
		{"........fsffsfsf", "5 of its last 8 messages to GB failed"},
		{"fsffsff", "5 of its last 7 messages to GB failed"},
		{"fsffsfs.fsffsfs", ""}, // never five of eight
		{"ff.ff.", ""},
		{".fff", "3 of its last 4 messages to GB failed"},
	} {
		b := route.NewBreakers()
		for i, outcome := range c.outcomes {
			var refusal *verify.SendError
			if outcome == 'f' {
				refusal = refused(verify.Temporary)
			}
			if ok, _ := try(b, "a", "GB", noon, refusal); !ok {
				t.Errorf("%s: aside before message %d", c.outcomes, i+1)
			}
		}
		if why, _ := b.Aside("a", "GB", noon); !strings.HasPrefix(why, c.why) || (why == "") != (c.why == "") {
			t.Errorf("%s: %q, want %q", c.outcomes, why, c.why)
		}
	}
}

func TestWhatOutcomesPutACarrierAside(t *testing.T) {
	aside := map[verify.Class]bool{
		verify.Temporary: true, verify.UnknownClass: true, verify.SenderUnready: true, verify.NoMoney: true, verify.Credentials: true, verify.Throttled: true,
	}
	for _, class := range verify.Classes() {
		for _, ambiguous := range []bool{false, true} {
			b := route.NewBreakers()
			for range 20 {
				try(b, "a", "GB", noon, &verify.SendError{Class: class, Ambiguous: ambiguous})
			}
			if why, _ := b.Aside("a", "GB", noon); (why != "") != (aside[class] || ambiguous) {
				t.Errorf("20 messages refused as %s, ambiguous %t: aside %q", class, ambiguous, why)
			}
		}
	}
}

func TestOneMessageFindsOutWhetherACarrierIsBackAndASuccessLetsAllThrough(t *testing.T) {
	b := route.NewBreakers()
	fail(t, b, "a", "GB", noon, refused(verify.Temporary), 3)
	if _, ok := b.Begin("a", "GB", noon.Add(5*time.Second-1)); ok {
		t.Error("it is tried too soon")
	}
	later := noon.Add(5 * time.Second)
	probe, ok := b.Begin("a", "GB", later)
	if !ok {
		t.Fatal("no message is let through when it is time")
	}
	if _, ok := b.Begin("a", "GB", later); ok {
		t.Error("a second message is let through beside the probe")
	}
	if why, wait := b.Aside("a", "GB", later); wait != time.Second || !strings.HasSuffix(why, "another message is finding out whether it is back") {
		t.Errorf("%q, %s", why, wait)
	}
	if !b.End(probe, nil, later) {
		t.Error("nobody is told that it is back")
	}
	for i := range 1000 {
		if _, ok := b.Begin("a", "GB", later); !ok {
			t.Fatalf("message %d of what waited is held up", i)
		}
	}
	if ok, recovered := try(b, "a", "GB", later, nil); !ok || recovered {
		t.Error("it is told to be back again")
	}
}

func TestAPersonsRefusalToAProbeSaysThatTheCarrierWorks(t *testing.T) {
	b := route.NewBreakers()
	fail(t, b, "a", "GB", noon, refused(verify.Temporary), 3)
	if _, recovered := try(b, "a", "GB", noon.Add(5*time.Second), refused(verify.BadNumber)); !recovered {
		t.Error("it is not back")
	}
}

func TestACarrierThatIsNotBackIsTriedLessOften(t *testing.T) {
	b := route.NewBreakers()
	fail(t, b, "a", "GB", noon, refused(verify.Temporary), 3)
	now := noon
	for i, want := range []time.Duration{5, 10, 20, 20, 20} {
		why, wait := b.Aside("a", "GB", now)
		if wait != want*time.Second {
			t.Fatalf("after %d tries it is tried in %s, want %ds", i, wait, want)
		}
		if i == 2 && why != "its last 3 messages to GB failed, and 2 tries since; next try in 20 s" {
			t.Errorf("%q", why)
		}
		now = now.Add(wait)
		fail(t, b, "a", "GB", now, refused(verify.Temporary), 1)
	}
	now = now.Add(20 * time.Second)
	try(b, "a", "GB", now, nil)
	fail(t, b, "a", "GB", now, refused(verify.Temporary), 3)
	if _, wait := b.Aside("a", "GB", now); wait != 5*time.Second {
		t.Errorf("after it was back it is first tried in %s", wait)
	}
}

func TestWhatACarrierAsksForIsKeptWithinReason(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{time.Second: 5 * time.Second, time.Minute: time.Minute, 24 * time.Hour: 10 * time.Minute} {
		b := route.NewBreakers()
		fail(t, b, "a", "GB", noon, &verify.SendError{Class: verify.Temporary, Wait: asked}, 3)
		if _, wait := b.Aside("a", "GB", noon); wait != want {
			t.Errorf("asked for %s it is tried in %s, want %s", asked, wait, want)
		}
	}
}

func TestAProbeOfWhichNobodyTellsIsFollowedByAnother(t *testing.T) {
	b := route.NewBreakers()
	fail(t, b, "a", "GB", noon, refused(verify.Temporary), 3)
	now := noon.Add(5 * time.Second)
	lost, _ := b.Begin("a", "GB", now)
	if _, ok := b.Begin("a", "GB", now.Add(29*time.Second)); ok {
		t.Error("another one goes too soon")
	}
	now = now.Add(30 * time.Second)
	second, ok := b.Begin("a", "GB", now)
	if !ok {
		t.Fatal("a probe that was lost keeps the carrier aside for good")
	}
	b.End(second, refused(verify.Temporary), now)
	if b.End(lost, nil, now) {
		t.Error("the word of a probe that was given up counts after a newer one's")
	}
}

func TestAProbeThatIsTakenBackIsFollowedByAnotherAtOnce(t *testing.T) {
	b := route.NewBreakers()
	fail(t, b, "a", "GB", noon, refused(verify.Temporary), 3)
	now := noon.Add(5 * time.Second)
	a, _ := b.Begin("a", "GB", now)
	b.Cancel(a)
	if _, ok := b.Begin("a", "GB", now); !ok {
		t.Error("it is waited for")
	}
	b.Cancel(route.Attempt{}) // of a carrier of which nothing is known
}

func TestWhatBeganBeforeABreakerOpenedChangesNothing(t *testing.T) {
	b := route.NewBreakers()
	var begun []route.Attempt
	for range 100 {
		a, _ := b.Begin("a", "GB", noon)
		begun = append(begun, a)
	}
	for i, a := range begun {
		var refusal *verify.SendError
		if i < 99 {
			refusal = refused(verify.Temporary)
		}
		if b.End(a, refusal, noon.Add(time.Second)) {
			t.Error("an old success closes it")
		}
	}
	if _, wait := b.Aside("a", "GB", noon.Add(time.Second)); wait != 5*time.Second {
		t.Errorf("97 failures of before have it open for %s", wait)
	}
}

func TestFailuresOfLongAgoSayNothingOfNow(t *testing.T) {
	b := route.NewBreakers()
	fail(t, b, "a", "GB", noon, refused(verify.Temporary), 2)
	fail(t, b, "a", "GB", noon.Add(11*time.Minute), refused(verify.Temporary), 1)
	if why, _ := b.Aside("a", "GB", noon.Add(11*time.Minute)); why != "" {
		t.Error(why)
	}
}

func TestACarrierWithoutMoneyIsPutAsideInAllCountries(t *testing.T) {
	for _, class := range []verify.Class{verify.NoMoney, verify.Credentials} {
		b := route.NewBreakers()
		fail(t, b, "a", "GB", noon, refused(class), 2)
		try(b, "a", "FR", noon, nil)
		fail(t, b, "a", "NL", noon, refused(class), 2)
		if why, _ := b.Aside("a", "DE", noon); why != "" {
			t.Errorf("with a success between: %s", why)
		}
		fail(t, b, "a", "US", noon, refused(class), 1)
		if why, _ := b.Aside("a", "DE", noon); !strings.Contains(why, "messages failed; next try in 5 s") {
			t.Errorf("three refused as %s in a row: %q", class, why)
		}
		if why, _ := b.Aside("b", "DE", noon); why != "" {
			t.Errorf("another carrier: %s", why)
		}
		if _, recovered := try(b, "a", "DE", noon.Add(5*time.Second), nil); !recovered {
			t.Error("a success does not bring it back")
		}
		if why, _ := b.Aside("a", "US", noon.Add(5*time.Second)); why != "" {
			t.Errorf("it is still put aside: %s", why)
		}
	}
}

func TestACarrierThatFailsInMostCountriesIsPutAsideInAll(t *testing.T) {
	for _, c := range []struct {
		failing, well int
		aside         bool
	}{{2, 0, false}, {3, 0, true}, {3, 2, true}, {3, 3, false}, {4, 3, true}} {
		b := route.NewBreakers()
		for i := range c.well {
			try(b, "a", fmt.Sprint("W", i), noon, nil)
		}
		for i := range c.failing {
			fail(t, b, "a", fmt.Sprint("F", i), noon, refused(verify.Temporary), 3)
		}
		why, _ := b.Aside("a", "GB", noon)
		if (why != "") != c.aside {
			t.Errorf("fails in %d, is well in %d: %q", c.failing, c.well, why)
		}
		if c.aside && why != fmt.Sprintf("it fails in %d countries; next try in 5 s", c.failing) {
			t.Error(why)
		}
	}
}

func TestWhenACarrierIsBackEveryCountryIsTriedAtOnce(t *testing.T) {
	b := route.NewBreakers()
	countries := []string{"GB", "FR", "DE"}
	for _, country := range countries {
		fail(t, b, "a", country, noon, &verify.SendError{Class: verify.Temporary, Wait: time.Minute}, 3)
	}
	now := noon.Add(5 * time.Second)
	if ok, recovered := try(b, "a", "US", now, nil); !ok || !recovered {
		t.Fatal("the carrier is not back")
	}
	for _, country := range countries {
		if ok, recovered := try(b, "a", country, now, nil); !ok || !recovered {
			t.Errorf("%s waits on", country)
		}
	}
}

func TestACarrierThatIsTooBusyRestsAndIsNotTakenForBroken(t *testing.T) {
	b := route.NewBreakers()
	var begun []route.Attempt
	for range 128 {
		a, _ := b.Begin("a", "GB", noon)
		begun = append(begun, a)
	}
	for _, a := range begun {
		b.End(a, refused(verify.Throttled), noon)
	}
	why, wait := b.Aside("a", "FR", noon)
	if wait != time.Second || why != "it said that it is too busy; next try in 1 s" {
		t.Fatalf("128 that it refused at once have it rest for %s: %q", wait, why)
	}
	now := noon
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		if _, wait := b.Aside("a", "GB", now); wait != want*time.Second {
			t.Fatalf("after %d rests: %s", i, wait)
		}
		now = now.Add(want * time.Second)
		fail(t, b, "a", "GB", now, refused(verify.Throttled), 1)
	}
	now = now.Add(30 * time.Second)
	for range 100 {
		if ok, _ := try(b, "a", "GB", now, nil); !ok {
			t.Fatal("after its rest it does not get all that waits")
		}
	}
	fail(t, b, "a", "GB", now, &verify.SendError{Class: verify.Throttled, Wait: 7 * time.Second}, 1)
	if _, wait := b.Aside("a", "GB", now); wait != 7*time.Second {
		t.Errorf("it asked for 7s and gets %s", wait)
	}
}

func TestBreakersRememberSoManyPlacesAndNoMore(t *testing.T) {
	b := route.NewBreakers()
	fail(t, b, "a", "GB", noon, refused(verify.Temporary), 3)
	for i := range 4200 {
		try(b, "x", fmt.Sprint(i), noon.Add(time.Duration(i)*time.Microsecond), nil)
	}
	if n := route.Places(b); n > 4096 {
		t.Errorf("%d places", n)
	}
	if why, _ := b.Aside("a", "GB", noon); why == "" {
		t.Error("an open one is forgotten while there are closed ones")
	}
}

// Whatever happens: a carrier that works again is let through within 20 s of asking, and
// at most one message at a time is given to one that is put aside.
func TestPropertyACarrierIsNeverPutAsideForGood(t *testing.T) {
	classes := verify.Classes()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		b := route.NewBreakers()
		now := noon
		var inHand []route.Attempt
		for range 300 {
			now = now.Add(time.Duration(r.Int64N(int64(2 * time.Second))))
			country := []string{"GB", "FR", "DE", ""}[r.IntN(4)]
			why, _ := b.Aside("a", country, now)
			a, ok := b.Begin("a", country, now)
			if ok != (why == "") {
				t.Fatalf("seed %d: let through %t while %q", seed, ok, why)
			}
			if ok {
				inHand = append(inHand, a)
			}
			if len(inHand) > 0 && r.IntN(3) > 0 {
				i := r.IntN(len(inHand))
				var refusal *verify.SendError
				if r.IntN(4) > 0 {
					refusal = &verify.SendError{Class: classes[r.IntN(len(classes))], Ambiguous: r.IntN(4) == 0}
				}
				b.End(inHand[i], refusal, now)
				inHand = append(inHand[:i], inHand[i+1:]...)
			}
		}
		now = now.Add(30 * time.Second) // for the probes that are in hand
		for range 3 {
			now = now.Add(30 * time.Second)
			for _, country := range []string{"GB", "FR", "DE", ""} {
				try(b, "a", country, now, nil)
			}
		}
		for _, country := range []string{"GB", "FR", "DE", ""} {
			if why, _ := b.Aside("a", country, now); why != "" {
				t.Fatalf("seed %d: %q", seed, why)
			}
		}
	}
}
