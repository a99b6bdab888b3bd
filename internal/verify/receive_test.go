package verify_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"countersign/internal/verify"
)

// handed reports that a carrier was asked, with what may follow.
func (w *world) handed(t *testing.T, key verify.DeliveryKey, carrier string, r *verify.SendError, hedge time.Duration) *verify.Delivery {
	t.Helper()
	return must(t, w, verify.Report{
		Key: key, Handovers: []verify.Handover{verify.Handed(carrier, verify.Submission{CarrierID: carrier + "1"}, r)},
		Refusal: r, Hedge: hedge, ExpiresAt: w.jobs[0].Verification.ExpiresAt, Events: true,
	})
}

// says takes in a receipt.
func (w *world) says(t *testing.T, key verify.DeliveryKey, carrier string, state verify.DeliveryState, class verify.Class) *verify.Delivery {
	t.Helper()
	return must(t, w, verify.Receive{Key: key, Carrier: carrier, Receipt: verify.Receipt{CarrierID: carrier + "1", State: state, Class: class}})
}

// sent is a world in which carrier a took the first message.
func sent(t *testing.T, hedge time.Duration) (*world, verify.DeliveryKey) {
	t.Helper()
	w := newWorld()
	must(t, w, start(ada))
	key := w.jobs[0].Delivery.Key
	w.handed(t, key, "a", nil, hedge)
	return w, key
}

func TestAReceiptMovesADeliveryForwardAndNeverBack(t *testing.T) {
	for _, tt := range []struct {
		name string
		says []verify.DeliveryState
		want verify.DeliveryState
	}{
		{"delivered", []verify.DeliveryState{verify.Delivered}, verify.Delivered},
		{"on its way", []verify.DeliveryState{verify.Sent}, verify.Sent},
		{"delivered twice", []verify.DeliveryState{verify.Delivered, verify.Delivered}, verify.Delivered},
		{"out of order", []verify.DeliveryState{verify.Delivered, verify.Sent}, verify.Delivered},
		{"delivered and then failed", []verify.DeliveryState{verify.Delivered, verify.Failed}, verify.Delivered},
		{"failed", []verify.DeliveryState{verify.Failed}, verify.Failed},
		{"failed and then delivered", []verify.DeliveryState{verify.Failed, verify.Delivered}, verify.Failed},
		{"a state that no receipt has", []verify.DeliveryState{verify.Queued, verify.Dropped, ""}, verify.Sent},
	} {
		w, key := sent(t, 0)
		for _, state := range tt.says {
			w.says(t, key, "a", state, verify.BadNumber)
		}
		rows := w.Rows(verify.Needs{Delivery: key, Verification: key.Verification})
		if rows.Delivery.State != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, rows.Delivery.State, tt.want)
		}
		if rows.Verification.Status != verify.Pending || rows.Verification.Guesses != 0 {
			t.Errorf("%s: the verification is %s", tt.name, rows.Verification.Status)
		}
	}
}

func TestAReceiptOfACarrierThatNeverHadTheMessageIsNothing(t *testing.T) {
	w, key := sent(t, 0)
	for name, cmd := range map[string]verify.Receive{
		"another carrier":       {Key: key, Carrier: "b", Receipt: verify.Receipt{CarrierID: "a1", State: verify.Delivered}},
		"another message of it": {Key: key, Carrier: "a", Receipt: verify.Receipt{CarrierID: "a2", State: verify.Delivered}},
		"no such delivery":      {Key: verify.DeliveryKey{Verification: key.Verification, Number: 2}, Carrier: "a", Receipt: verify.Receipt{State: verify.Delivered}},
	} {
		if d := must(t, w, cmd); d != nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if d := w.Rows(verify.Needs{Delivery: key}).Delivery; d.State != verify.Sent {
		t.Errorf("it is %s", d.State)
	}
}

func TestAReceiptThatSaysFailedAsksAnotherCarrierAtOnceWhereThatMayHelp(t *testing.T) {
	for _, class := range verify.Classes() {
		w, key := sent(t, 0)
		w.pass(3 * time.Second)
		before := len(w.jobs)
		d := w.says(t, key, "a", verify.Failed, class)
		again := (&verify.SendError{Class: class}).OtherCarrier()
		if got := len(w.jobs) - before; got != map[bool]int{true: 1}[again] || d.Onward != again {
			t.Errorf("%s: %d jobs, onward %v", class, got, d.Onward)
		}
		if !again {
			if d.State != verify.Failed || d.Class != class {
				t.Errorf("%s: it is %s as %s", class, d.State, d.Class)
			}
			continue
		}
		if d.State != verify.Sent || !d.Spent("a") || d.Spent("b") {
			t.Errorf("%s: %s; a is spent: %v, b is: %v", class, d.State, d.Spent("a"), d.Spent("b"))
		}
		if d = w.handed(t, key, "b", nil, 0); d.State != verify.Sent || d.Carrier != "b" || d.Onward {
			t.Errorf("%s: b took it: %+v", class, d)
		}
		if d = w.says(t, key, "b", verify.Delivered, ""); d.State != verify.Delivered {
			t.Errorf("%s: then %s", class, d.State)
		}
	}
}

func TestWithNobodyLeftToAskAFailedReceiptEndsTheDelivery(t *testing.T) {
	w, key := sent(t, 0)
	d := w.says(t, key, "a", verify.Failed, verify.Temporary)
	d = must(t, w, verify.Report{Key: key, Refusal: refusal(d.Class, false), Done: true, ExpiresAt: w.jobs[0].Verification.ExpiresAt})
	if d.State != verify.Failed || d.Class != verify.Temporary || d.Open() {
		t.Errorf("%+v", d)
	}
}

func TestAPersonWhoIsThroughNeedsNoOtherCarrier(t *testing.T) {
	w, key := sent(t, 0)
	v := w.jobs[0].Verification
	must(t, w, check(v, w.code(t, v)))
	if d := w.says(t, key, "a", verify.Failed, verify.Temporary); d.State != verify.Sent || d.Onward || len(w.jobs) != 1 {
		t.Errorf("%+v", d)
	}
}

func TestAReceiptBeforeTheAnswerIsKept(t *testing.T) {
	for _, tt := range []struct {
		says   verify.DeliveryState
		answer *verify.SendError
		want   verify.DeliveryState
		onward bool
	}{
		{verify.Delivered, nil, verify.Delivered, false},
		{verify.Delivered, refusal(verify.Temporary, true), verify.Delivered, false},
		{verify.Sent, nil, verify.Sent, false},
		{verify.Sent, refusal(verify.Temporary, true), verify.Sent, false},
		{verify.Failed, nil, verify.Queued, false}, // another carrier is asked at once
	} {
		w := newWorld()
		must(t, w, start(ada))
		key := w.jobs[0].Delivery.Key
		w.says(t, key, "a", tt.says, verify.Temporary)
		w.handed(t, key, "a", tt.answer, 0)
		d := w.Rows(verify.Needs{Delivery: key}).Delivery
		if d.State != tt.want || d.Onward != tt.onward || len(d.Handovers) != 1 {
			t.Errorf("%s, then %v: %s, onward %v, %d handovers", tt.says, tt.answer, d.State, d.Onward, len(d.Handovers))
		}
	}
}

func TestAfterSilenceOneMoreCarrierIsAskedAndNoThird(t *testing.T) {
	const hedge = 20 * time.Second
	w, key := sent(t, hedge)
	w.pass(hedge - time.Millisecond)
	if must(t, w, verify.Claim{Key: key}) != nil {
		t.Error("asked before its time")
	}
	w.pass(time.Millisecond)
	job := must(t, w, verify.Claim{Key: key})
	if job == nil || !job.Delivery.Spent("a") {
		t.Fatalf("not asked when due: %+v", job)
	}
	if d := w.handed(t, key, "b", nil, hedge); d.State != verify.Sent || d.Onward {
		t.Errorf("after two have it a third one is asked: %+v", d)
	}
}

func TestWhoeverMustNotBeAskedAgainIsNotAskedByAThirdCarrierAfterSilence(t *testing.T) {
	const hedge = 20 * time.Second
	for _, class := range verify.Classes() {
		w, key := sent(t, hedge)
		w.pass(hedge)
		must(t, w, verify.Claim{Key: key})
		no := refusal(class, false)
		d := w.handed(t, key, "b", no, hedge)
		if d.Onward != no.OtherCarrier() || d.State != verify.Sent {
			t.Errorf("%s by the second: onward %v, %s", class, d.Onward, d.State)
		}
		// Nor is a third one asked when the first says that it has failed after all.
		d = w.says(t, key, "a", verify.Failed, verify.Temporary)
		if d.Onward != no.OtherCarrier() {
			t.Errorf("%s by the second, and the first has failed: onward %v", class, d.Onward)
		}
	}
}

func TestOfManyHandoversThoseThatCountAreKept(t *testing.T) {
	w, key := sent(t, time.Second)
	for i := range 100 {
		w.pass(time.Second)
		must(t, w, verify.Claim{Key: key})
		w.handed(t, key, fmt.Sprint("c", i), refusal(verify.Temporary, false), time.Second)
	}
	d := w.Rows(verify.Needs{Delivery: key}).Delivery
	if len(d.Handovers) > 64 || !d.Spent("a") || d.State != verify.Sent || d.Carrier != "a" {
		t.Errorf("%d handovers, a is spent: %v, %s by %s", len(d.Handovers), d.Spent("a"), d.State, d.Carrier)
	}
}

func TestAnyWordEndsTheWaitForTheHedge(t *testing.T) {
	const hedge = 20 * time.Second
	for name, word := range map[string]func(*world, verify.DeliveryKey){
		"a receipt": func(w *world, key verify.DeliveryKey) { w.says(t, key, "a", verify.Delivered, "") },
		"a check":   func(w *world, _ verify.DeliveryKey) { v := w.jobs[0].Verification; must(t, w, check(v, w.code(t, v))) },
	} {
		w, key := sent(t, hedge)
		word(w, key)
		w.pass(hedge)
		if must(t, w, verify.Claim{Key: key}) != nil {
			t.Errorf("%s: another carrier is asked", name)
		}
		if d := w.Rows(verify.Needs{Delivery: key}).Delivery; d.Open() || d.State == verify.Dropped {
			t.Errorf("%s: it is %+v", name, d)
		}
	}
}

func TestAnAmbiguousOutcomeWaitsForTheHedgeAndWithoutOneForNothing(t *testing.T) {
	for _, hedge := range []time.Duration{0, 5 * time.Second} {
		w := newWorld()
		must(t, w, start(ada))
		key := w.jobs[0].Delivery.Key
		d := w.handed(t, key, "a", refusal(verify.Temporary, true), hedge)
		if d.State != verify.Unconfirmed || d.Onward != (hedge > 0) {
			t.Errorf("hedge %s: %+v", hedge, d)
		}
		w.pass(hedge)
		if job := must(t, w, verify.Claim{Key: key}); (job != nil) != (hedge > 0) {
			t.Errorf("hedge %s: claimed %v", hedge, job)
		}
	}
}

func TestNoHedgeIsPlannedForAfterTheExpiry(t *testing.T) {
	w := newWorld()
	must(t, w, start(ada))
	if d := w.handed(t, w.jobs[0].Delivery.Key, "a", nil, verify.MaxValidity); d.Onward {
		t.Errorf("due %s", d.DueAt)
	}
}

func TestRefusalsOverAndOverAreOneLine(t *testing.T) {
	w := newWorld()
	must(t, w, start(ada))
	key := w.jobs[0].Delivery.Key
	for range 30 {
		no := refusal(verify.Temporary, false)
		must(t, w, verify.Report{
			Key: key, Refusal: no, ExpiresAt: w.jobs[0].Verification.ExpiresAt,
			Handovers: []verify.Handover{verify.Handed("a", verify.Submission{}, no), verify.Handed("b", verify.Submission{}, no)},
		})
		w.pass(15 * time.Second)
		must(t, w, verify.Claim{Key: key})
	}
	d := w.Rows(verify.Needs{Delivery: key}).Delivery
	if len(d.Handovers) != 2 || d.Handovers[0].Times < 10 || d.Spent("a") {
		t.Errorf("%+v", d.Handovers)
	}
}

func TestWhoeverWantsToBeToldIsToldOfTheDelivery(t *testing.T) {
	w := newWorld()
	must(t, w, listened())
	key := w.jobs[0].Delivery.Key
	w.handed(t, key, "a", nil, 0)
	w.says(t, key, "a", verify.Delivered, "")
	for _, typ := range []verify.EventType{verify.EventSent, verify.EventDelivered} {
		if w.event(verify.EventKey{Delivery: key, Type: typ}) == nil {
			t.Errorf("not of %s", typ)
		}
	}
}

func TestWhatPastMessagesTell(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	job := func(at time.Time, accepted bool, hands ...verify.Handover) verify.Job {
		j := verify.Job{Verification: verify.Verification{Status: verify.Expired, Sends: 1, UpdatedAt: at}}
		j.Delivery = verify.Delivery{Key: verify.DeliveryKey{Number: 1}, Channel: verify.SMS, State: verify.Sent, UpdatedAt: at, Handovers: hands}
		if accepted {
			j.Verification.Status = verify.Accepted
		}
		if last := hands[len(hands)-1]; last.State == verify.Failed {
			j.Delivery.State, j.Delivery.Class = verify.Failed, last.Class
		}
		return j
	}
	took := func(carrier string, line verify.Line) verify.Handover {
		return verify.Handover{Carrier: carrier, State: verify.Sent, Line: line}
	}
	refused := func(class verify.Class) verify.Handover {
		return verify.Handover{Carrier: "a", State: verify.Failed, Class: class}
	}
	hour := time.Hour
	for _, tt := range []struct {
		name string
		past []verify.Job
		want verify.Memory
	}{
		{"nothing", nil, verify.Memory{}},
		{
			"the carrier whose message was answered last",
			[]verify.Job{job(ago(hour), false, took("c", "")), job(ago(2*hour), true, refused(verify.Temporary), took("b", verify.Mobile)), job(ago(3*hour), true, took("a", ""))},
			verify.Memory{Carrier: "b", Channel: verify.SMS, VerifiedAt: ago(2 * hour), Line: verify.Mobile},
		},
		{"a person who opted out", []verify.Job{job(ago(hour), false, refused(verify.OptedOut))}, verify.Memory{Barred: verify.OptedOut, BarredAt: ago(hour)}},
		{"one who did so long ago", []verify.Job{job(ago(25*hour), false, refused(verify.OptedOut))}, verify.Memory{}},
		{
			"a landline stays one", []verify.Job{job(ago(25*hour), false, refused(verify.NotMobile))},
			verify.Memory{Barred: verify.NotMobile, BarredAt: ago(25 * hour), Line: verify.Landline},
		},
		{
			"one who opted in again",
			[]verify.Job{job(ago(hour), true, took("a", "")), job(ago(2*hour), false, refused(verify.OptedOut))},
			verify.Memory{Carrier: "a", Channel: verify.SMS, VerifiedAt: ago(hour)},
		},
		{
			"a number that was out of service since",
			[]verify.Job{job(ago(hour), false, refused(verify.BadNumber)), job(ago(2*hour), true, took("a", ""))},
			verify.Memory{Carrier: "a", Channel: verify.SMS, VerifiedAt: ago(2 * hour), Reassigned: true},
		},
		{
			"a number that was out of service before",
			[]verify.Job{job(ago(hour), true, took("a", "")), job(ago(2*hour), false, refused(verify.BadNumber))},
			verify.Memory{Carrier: "a", Channel: verify.SMS, VerifiedAt: ago(hour)},
		},
		{
			"another kind of line since",
			[]verify.Job{job(ago(hour), false, took("a", verify.VoIP)), job(ago(2*hour), true, took("a", verify.Mobile))},
			verify.Memory{Carrier: "a", Channel: verify.SMS, VerifiedAt: ago(2 * hour), Line: verify.VoIP, Reassigned: true},
		},
	} {
		if got := verify.Recall(tt.past, verify.SMS, now); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	barred := []verify.Job{job(ago(hour), false, refused(verify.OptedOut))}
	if got := verify.Recall(barred, verify.Call, now); got.Barred != "" {
		t.Errorf("whoever opted out of texts cannot be called: %s", got.Barred)
	}
	if !slices.Contains(verify.Classes(), verify.OptedOut) {
		t.Error("no such class")
	}
}
