package verify_test

import (
	"slices"
	"testing"
	"time"

	"countersign/internal/verify"
)

// told is a world in which a message has been reported on for a profile that wants to
// be told of it, and the key of the event that should come of that.
func told(t *testing.T, r *verify.SendError, typ verify.EventType) (*world, verify.EventKey) {
	t.Helper()
	w := newWorld()
	must(t, w, listened())
	w.reportTold(t, r)
	return w, verify.EventKey{Delivery: w.jobs[0].Delivery.Key, Type: typ}
}

// listened is a start for a profile that has a webhook.
func listened() verify.Start {
	s := start(ada)
	s.Profile.Events = true
	return s
}

func (w *world) reportTold(t *testing.T, r *verify.SendError) verify.Changes {
	t.Helper()
	j := w.jobs[0]
	cmd := verify.Report{
		Key: j.Delivery.Key, Handovers: []verify.Handover{verify.Handed("c", verify.Submission{}, r)}, Refusal: r, ExpiresAt: j.Verification.ExpiresAt, Events: j.Verification.Details.Events,
	}
	needs, err := cmd.Needs(w.env)
	if err != nil {
		t.Fatal(err)
	}
	changes, _, err := cmd.Decide(w.env, w.Rows(needs), w.now)
	if err != nil {
		t.Fatal(err)
	}
	w.Apply(changes)
	return changes
}

func (w *world) event(key verify.EventKey) *verify.Event {
	return w.Rows(verify.Needs{Event: key}).Event
}

func TestAnEventIsMadeInTheCommitThatMovesItsDelivery(t *testing.T) {
	for name, tt := range map[string]struct {
		refusal *verify.SendError
		want    verify.EventType
	}{
		"sent":                {nil, verify.EventSent},
		"failed":              {refusal(verify.BadNumber, false), verify.EventFailed},
		"tried again later":   {refusal(verify.Temporary, false), ""},
		"nobody knows either": {refusal(verify.Temporary, true), ""},
	} {
		w := newWorld()
		must(t, w, listened())
		changes := w.reportTold(t, tt.refusal)
		if tt.want == "" {
			if len(changes.Events)+len(changes.EventJobs) != 0 {
				t.Errorf("%s: %+v", name, changes.Events)
			}
			continue
		}
		if len(changes.Events) != 1 || len(changes.EventJobs) != 1 || len(changes.Deliveries) != 1 {
			t.Fatalf("%s: %d events, %d jobs, %d deliveries", name, len(changes.Events), len(changes.EventJobs), len(changes.Deliveries))
		}
		e, j := changes.Events[0], changes.EventJobs[0]
		if e.Key.Type != tt.want || e.State != verify.EventQueued || e.Node != "n1" || e.Attempt != 1 || e.Tenant != "t" ||
			e.Profile != profile.ID || !e.DueAt.Equal(w.now.Add(verify.EventLease)) {
			t.Errorf("%s: %+v", name, e)
		}
		if j.Event != e || j.Verification.ID != e.Key.Delivery.Verification || j.Delivery.Key != e.Key.Delivery {
			t.Errorf("%s: the job is %+v", name, j)
		}
		if again := w.reportTold(t, tt.refusal); len(again.Events) != 0 {
			t.Errorf("%s: made twice", name)
		}
	}
}

func TestALateWordOfACarrierIsAnEvent(t *testing.T) {
	w := newWorld()
	must(t, w, listened())
	w.reportTold(t, refusal(verify.Temporary, true))
	if got := w.reportTold(t, nil); len(got.Events) != 1 || got.Events[0].Key.Type != verify.EventSent {
		t.Errorf("%+v", got.Events)
	}
}

func TestAReportThatNobodyWantsToHearOfNamesItsDeliveryAlone(t *testing.T) {
	w := newWorld()
	must(t, w, start(ada))
	cmd := verify.Report{Key: w.jobs[0].Delivery.Key}
	needs, err := cmd.Needs(w.env)
	if err != nil || needs.Verification != (verify.ID{}) || needs.Event != (verify.EventKey{}) || needs.Delivery != cmd.Key {
		t.Errorf("%+v %v", needs, err)
	}
	if changes := w.reportTold(t, nil); len(changes.Events) != 0 {
		t.Errorf("and makes events: %+v", changes.Events)
	}
	// Nor does one whose verification says otherwise than its caller.
	w = newWorld()
	must(t, w, start(ada))
	w.jobs[0].Verification.Details.Events = true
	if changes := w.reportTold(t, nil); len(changes.Events) != 0 {
		t.Errorf("of a verification without: %+v", changes.Events)
	}
}

func TestAnEventsLeaseKeepsOthersAwayUntilItRunsOut(t *testing.T) {
	w, key := told(t, nil, verify.EventSent)
	claim := verify.ClaimEvent{Key: key}
	w.env.Node = "n2"
	w.pass(verify.EventLease - time.Millisecond)
	if must(t, w, claim) != nil {
		t.Fatal("another node took an event under lease")
	}
	w.pass(time.Millisecond)
	job := must(t, w, claim)
	if job == nil || job.Event.Attempt != 2 || job.Event.Node != "n2" || !job.Event.DueAt.Equal(w.now.Add(verify.EventLease)) {
		t.Fatalf("after the lease: %+v", job)
	}
	if job.Event.Key.ID() != key.ID() {
		t.Error("under another id")
	}
	w.env.Node = "n1"
	if e := must(t, w, verify.ReportEvent{Key: key, Of: 1}); e.State != verify.EventQueued || e.Node != "n2" {
		t.Errorf("the first node's failure counted: %+v", e)
	}
	if e := must(t, w, verify.ReportEvent{Key: key, Done: true}); e.State != verify.EventDone {
		t.Errorf("the first node's success did not: %+v", e)
	}
	w.pass(verify.EventLease)
	if must(t, w, claim) != nil {
		t.Error("told again after it was done")
	}
}

func TestARenewalOfAnEventIsNoAttempt(t *testing.T) {
	w, key := told(t, nil, verify.EventSent)
	w.pass(time.Second)
	if job := must(t, w, verify.ClaimEvent{Key: key}); job == nil || job.Event.Attempt != 1 || !job.Event.DueAt.Equal(w.now.Add(verify.EventLease)) {
		t.Errorf("%+v", job)
	}
}

func TestBothURLsAreTriedThreeTimesInOrderAndThenTheEventIsGivenUp(t *testing.T) {
	for name, tt := range map[string]struct {
		webhook, failover string
		want              []string
		waits             []time.Duration
	}{
		"both": {"a", "b", []string{"a", "a", "a", "b", "b", "b"},
			[]time.Duration{15 * time.Second, 2 * time.Minute, time.Second, 15 * time.Second, 2 * time.Minute}},
		"one":               {"a", "", []string{"a", "a", "a"}, []time.Duration{15 * time.Second, 2 * time.Minute}},
		"the failover only": {"", "b", []string{"b", "b", "b"}, []time.Duration{15 * time.Second, 2 * time.Minute}},
	} {
		w, key := told(t, refusal(verify.BadNumber, false), verify.EventFailed)
		job := must(t, w, verify.ClaimEvent{Key: key})
		var urls []string
		var waits []time.Duration
		for {
			url, of := job.Event.Target(tt.webhook, tt.failover)
			urls = append(urls, url)
			e := must(t, w, verify.ReportEvent{Key: key, Of: of})
			if e.State == verify.EventGivenUp {
				break
			}
			waits = append(waits, e.DueAt.Sub(w.now))
			if must(t, w, verify.ClaimEvent{Key: key}) != nil {
				t.Fatalf("%s: claimed before its time", name)
			}
			w.now = e.DueAt
			if job = must(t, w, verify.ClaimEvent{Key: key}); job == nil {
				t.Fatalf("%s: not claimed when due", name)
			}
		}
		if !slices.Equal(urls, tt.want) || !slices.Equal(waits, tt.waits) {
			t.Errorf("%s: %v after %v", name, urls, waits)
		}
	}
	w, key := told(t, nil, verify.EventSent)
	_, of := w.event(key).Target("", "")
	if e := must(t, w, verify.ReportEvent{Key: key, Of: of}); e.State != verify.EventGivenUp {
		t.Errorf("with nobody to tell it is %s", e.State)
	}
}

func TestAnEventThatIsPutOffLosesNoAttempt(t *testing.T) {
	w, key := told(t, nil, verify.EventSent)
	for range 3 {
		e := must(t, w, verify.ReportEvent{Key: key, Of: verify.EventTries, PutOff: time.Minute})
		if e.State != verify.EventQueued || !e.DueAt.Equal(w.now.Add(time.Minute)) {
			t.Fatalf("%+v", e)
		}
		w.now = e.DueAt
		if job := must(t, w, verify.ClaimEvent{Key: key}); job == nil || job.Event.Attempt != 1 {
			t.Fatalf("%+v", job)
		}
	}
}

func TestAnEventIsGivenUpWhenItIsOld(t *testing.T) {
	w, key := told(t, nil, verify.EventSent)
	w.pass(verify.EventAge)
	if must(t, w, verify.ClaimEvent{Key: key}) != nil || w.event(key).State != verify.EventGivenUp {
		t.Errorf("%+v", w.event(key))
	}
}

func TestAnEventGoesWithItsVerification(t *testing.T) {
	w, key := told(t, nil, verify.EventSent)
	e := *w.event(key)
	must(t, w, verify.Erase{Verification: key.Delivery.Verification})
	if w.event(key) != nil {
		t.Error("it outlives its verification")
	}
	// One that was left behind all the same tells nobody anything.
	w = newWorld()
	w.LoadEvent(e)
	w.now = e.DueAt
	if must(t, w, verify.ClaimEvent{Key: key}) != nil || w.event(key).State != verify.EventGivenUp {
		t.Errorf("%+v", w.event(key))
	}
}

func TestAnEventsIDIsItsOwnAndAlwaysTheSame(t *testing.T) {
	v := verify.ID{0: 1, 1: 0x9a, 2: 7, 15: 9}
	seen := map[verify.ID]bool{}
	for number := 1; number <= verify.MaxSends; number++ {
		for _, typ := range verify.EventTypes() {
			key := verify.EventKey{Delivery: verify.DeliveryKey{Verification: v, Number: number}, Type: typ}
			got := key.ID()
			if seen[got] || got != key.ID() || got == v {
				t.Errorf("%s of %d is %s", typ, number, got)
			}
			if got.Version() != 7 || got.Variant().String() != "RFC4122" || [6]byte(got[:6]) != [6]byte(v[:6]) {
				t.Errorf("%s is no UUID of version 7 and the verification's time", got)
			}
			seen[got] = true
		}
	}
}
