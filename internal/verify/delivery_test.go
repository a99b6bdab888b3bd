package verify_test

import (
	"errors"
	"testing"
	"time"

	"countersign/internal/verify"
)

func refusal(c verify.Class, ambiguous bool) *verify.SendError {
	return &verify.SendError{Class: c, Ambiguous: ambiguous, Err: errors.New("no")}
}

func (w *world) report(t *testing.T, j verify.Job, r *verify.SendError) *verify.Delivery {
	t.Helper()
	return must(t, w, verify.Report{
		Key: j.Delivery.Key, Handovers: []verify.Handover{verify.Handed("c", verify.Submission{CarrierID: "id"}, r)}, Refusal: r, ExpiresAt: j.Verification.ExpiresAt,
	})
}

func TestWhatFollowsEachKindOfRefusal(t *testing.T) {
	for _, class := range verify.Classes() {
		for _, ambiguous := range []bool{false, true} {
			w := newWorld()
			must(t, w, start(ada))
			d := w.report(t, w.jobs[0], refusal(class, ambiguous))
			want := verify.Failed
			switch {
			case ambiguous:
				want = verify.Unconfirmed
			case class == verify.Temporary, class == verify.Throttled:
				want = verify.Queued
			}
			if d.State != want || d.Class != class {
				t.Errorf("%s, ambiguous %v: %s as %s, want %s", class, ambiguous, d.State, d.Class, want)
			}
		}
	}
}

func TestNobodyWhoMustNotBeTriedAgainIsTriedByAnotherCarrier(t *testing.T) {
	for _, class := range []verify.Class{verify.NotMobile, verify.BadNumber, verify.OptedOut, verify.Pumping, verify.RegionOff, "a class of tomorrow"} {
		if r := refusal(class, false); r.OtherCarrier() || r.Later() {
			t.Errorf("%s is tried again", class)
		}
	}
	for _, class := range verify.Classes() {
		if r := refusal(class, true); r.OtherCarrier() || r.Later() {
			t.Errorf("%s is tried again after an ambiguous outcome", class)
		}
	}
}

func TestATemporaryRefusalIsTriedAgainWithGrowingWaitsUntilTheCodeExpires(t *testing.T) {
	w := newWorld()
	must(t, w, start(ada))
	job := w.jobs[0]
	var waits []time.Duration
	for {
		d := w.report(t, job, refusal(verify.Temporary, false))
		if d.State != verify.Queued {
			if d.State != verify.Failed {
				t.Errorf("ends as %s", d.State)
			}
			break
		}
		waits = append(waits, d.DueAt.Sub(w.now))
		if again := must(t, w, verify.Claim{Key: job.Delivery.Key}); again != nil {
			t.Fatal("claimed before its time")
		}
		w.now = d.DueAt
		next := must(t, w, verify.Claim{Key: job.Delivery.Key})
		if next == nil {
			t.Fatal("not claimed when due")
		}
		job = *next
	}
	var all time.Duration
	for i, wait := range waits {
		all += wait
		if most := 15 * time.Second; wait > most || i > 0 && wait < waits[i-1] || i >= 4 && wait != most {
			t.Errorf("wait %d is %s", i, wait)
		}
	}
	if life := verify.MaxValidity; waits[0] != time.Second || all >= life || all < life-15*time.Second {
		t.Errorf("waits %v, %s in all", waits, all)
	}
}

func TestACarriersOwnWaitIsHeededButNotPastTheExpiry(t *testing.T) {
	w := newWorld()
	must(t, w, start(ada))
	r := refusal(verify.Throttled, false)
	r.Wait = time.Minute
	if d := w.report(t, w.jobs[0], r); d.DueAt.Sub(w.now) != time.Minute {
		t.Errorf("due in %s", d.DueAt.Sub(w.now))
	}
	w = newWorld()
	must(t, w, start(ada))
	r.Wait = 10 * time.Minute
	if d := w.report(t, w.jobs[0], r); d.State != verify.Failed {
		t.Errorf("a wait past the expiry leaves it %s", d.State)
	}
}

func TestALeaseKeepsOthersAwayUntilItRunsOut(t *testing.T) {
	w := newWorld()
	must(t, w, start(ada))
	key := w.jobs[0].Delivery.Key
	w.env.Node = "n2"
	w.pass(verify.Lease - time.Millisecond)
	if must(t, w, verify.Claim{Key: key}) != nil {
		t.Error("another node took a delivery under lease")
	}
	if must(t, w, verify.Claim{Key: key, Orphan: true}) == nil {
		t.Error("a process that is alone did not take what the dead one left")
	}
	w.env.Node = "n3"
	w.pass(verify.Lease)
	job := must(t, w, verify.Claim{Key: key})
	if job == nil || job.Delivery.Attempt != 3 || job.Delivery.Node != "n3" {
		t.Fatalf("after the lease: %+v", job)
	}
	w.env.Node = "n2"
	w.report(t, *job, refusal(verify.BadNumber, false))
	if d := must(t, w, verify.Report{Key: key, Handovers: []verify.Handover{verify.Handed("c", verify.Submission{}, nil)}}); d.State != verify.Sent {
		t.Errorf("a late success is %s", d.State)
	}
}

func TestANodeDoesNotTakeItsOwnDeliveryForAnOrphan(t *testing.T) {
	w := newWorld()
	must(t, w, start(ada))
	if must(t, w, verify.Claim{Key: w.jobs[0].Delivery.Key, Orphan: true}) != nil {
		t.Error("it would be sent twice")
	}
}

func TestADeliveryThatWaitsForItsRetryIsNoOrphan(t *testing.T) {
	w := newWorld()
	must(t, w, start(ada))
	r := refusal(verify.Throttled, false)
	r.Wait = time.Minute
	w.report(t, w.jobs[0], r)
	w.env.Node = "n2"
	if must(t, w, verify.Claim{Key: w.jobs[0].Delivery.Key, Orphan: true}) != nil {
		t.Error("a restart forgot the carrier's wait")
	}
	w.pass(time.Minute)
	if must(t, w, verify.Claim{Key: w.jobs[0].Delivery.Key, Orphan: true}) == nil {
		t.Error("not claimed when due")
	}
}

func TestARenewalIsNotAnAttempt(t *testing.T) {
	w := newWorld()
	must(t, w, start(ada))
	w.pass(verify.RenewEvery)
	job := must(t, w, verify.Claim{Key: w.jobs[0].Delivery.Key})
	if job == nil || job.Delivery.Attempt != 1 || !job.Delivery.DueAt.Equal(w.now.Add(verify.Lease)) {
		t.Errorf("%+v", job)
	}
}

func TestADeliveryThatComesTooLateIsDropped(t *testing.T) {
	for name, late := range map[string]func(*world, verify.Verification){
		"accepted": func(w *world, v verify.Verification) { must(t, w, check(v, w.code(t, v))); w.pass(verify.Lease) },
		"expired":  func(w *world, _ verify.Verification) { w.pass(10 * time.Minute) },
	} {
		w := newWorld()
		v := must(t, w, start(ada)).Verification
		late(w, v)
		key := w.jobs[0].Delivery.Key
		if must(t, w, verify.Claim{Key: key}) != nil {
			t.Errorf("%s: still claimed", name)
		}
		if d := w.Rows(verify.Needs{Delivery: key}).Delivery; d.State != verify.Dropped {
			t.Errorf("%s: %s", name, d.State)
		}
	}
}

func TestAStateMovesOnlyForward(t *testing.T) {
	w := newWorld()
	must(t, w, start(ada))
	w.report(t, w.jobs[0], refusal(verify.Temporary, true))
	if d := w.report(t, w.jobs[0], refusal(verify.BadNumber, false)); d.State != verify.Unconfirmed {
		t.Errorf("unconfirmed became %s", d.State)
	}
	if d := w.report(t, w.jobs[0], nil); d.State != verify.Sent {
		t.Errorf("a late success leaves it %s", d.State)
	}
	if d := w.report(t, w.jobs[0], refusal(verify.BadNumber, false)); d.State != verify.Sent {
		t.Errorf("sent became %s", d.State)
	}
}

func TestAReportApprovesNothing(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	w.report(t, w.jobs[0], nil)
	if got := w.Verification(v.ID); got.Status != verify.Pending || got.Guesses != 0 {
		t.Errorf("%s after a report", got.Status)
	}
}
