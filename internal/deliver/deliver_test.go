package deliver_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"countersign/internal/verify"
)

func TestAJobIsSentOnceAndReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &carrier{}
		f := newFixture(t, newOutbox("n1"), true, c)
		j := f.outbox.start(t, 1)
		f.Offer(j)
		f.Offer(j)
		synctest.Wait()
		d := f.state(t)
		if c.count() != 1 || d.State != verify.Sent || d.Carrier != "a" || d.CarrierID != "c-"+d.Key.String() {
			t.Errorf("%d messages, %+v", c.count(), d)
		}
		time.Sleep(time.Minute) // of the bubble's time: scans and recounts go by
		if c.count() != 1 || f.Backlog() != 0 {
			t.Errorf("%d messages, backlog %d", c.count(), f.Backlog())
		}
		f.Close(t.Context())
	})
}

func TestACarriersStrangeNameForAMessageCanBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, newOutbox("n1"), true, &carrier{id: "a\x00bc\n" + strings.Repeat("é", 300)})
		f.Offer(f.outbox.start(t, 1))
		synctest.Wait()
		if d := f.state(t); !strings.HasPrefix(d.CarrierID, "abcéé") || len(d.CarrierID) > 200 || !utf8.ValidString(d.CarrierID) {
			t.Errorf("%q", d.CarrierID)
		}
		f.Close(t.Context())
	})
}

func TestTheClassDecidesWhetherTheNextCarrierTries(t *testing.T) {
	for _, tt := range []struct {
		class     verify.Class
		ambiguous bool
		second    int
		state     verify.DeliveryState
	}{
		{verify.Filtered, false, 1, verify.Sent},
		{verify.NoMoney, false, 1, verify.Sent},
		{verify.Credentials, false, 1, verify.Sent},
		{verify.Temporary, false, 1, verify.Sent},
		{verify.OptedOut, false, 0, verify.Failed},
		{verify.NotMobile, false, 0, verify.Failed},
		{verify.BadNumber, false, 0, verify.Failed},
		{verify.Pumping, false, 0, verify.Failed},
		{verify.Temporary, true, 0, verify.Unconfirmed},
	} {
		synctest.Test(t, func(t *testing.T) {
			first, second := &carrier{answer: refuse(tt.class, tt.ambiguous)}, &carrier{}
			f := newFixture(t, newOutbox("n1"), true, first, second)
			f.Offer(f.outbox.start(t, 1))
			time.Sleep(time.Minute)
			if first.count() != 1 || second.count() != tt.second || f.state(t).State != tt.state {
				t.Errorf("%s, ambiguous %v: %d and %d messages, %s", tt.class, tt.ambiguous, first.count(), second.count(), f.state(t).State)
			}
			f.Close(t.Context())
		})
	}
}

func TestATemporaryFailureIsTriedAgainUntilItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &carrier{answer: func(_ context.Context, try int) error {
			if try < 4 {
				return &verify.SendError{Class: verify.Temporary, Err: errors.New("down")}
			}
			return nil
		}}
		f := newFixture(t, newOutbox("n1"), true, c)
		f.Offer(f.outbox.start(t, 1))
		synctest.Wait()
		if f.Backlog() != 1 {
			t.Errorf("backlog %d while it waits", f.Backlog())
		}
		time.Sleep(30 * time.Second)
		if c.count() != 4 || f.state(t).State != verify.Sent || f.Backlog() != 0 {
			t.Errorf("%d tries, %s, backlog %d", c.count(), f.state(t).State, f.Backlog())
		}
		f.Close(t.Context())
	})
}

func TestASlowSendKeepsItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		slow := &carrier{answer: func(context.Context, int) error { time.Sleep(5 * verify.Lease); return nil }}
		f := newFixture(t, o, true, slow)
		f.Offer(o.start(t, 1))
		time.Sleep(4 * verify.Lease)
		if due, _ := o.Due(t.Context(), time.Now(), false, 10); len(due) != 0 {
			t.Error("the lease ran out while the carrier was at work")
		}
		time.Sleep(2 * verify.Lease)
		if slow.count() != 1 || f.state(t).State != verify.Sent {
			t.Errorf("%d messages, %s", slow.count(), f.state(t).State)
		}
		f.Close(t.Context())
	})
}

func TestWhatADeadNodeHeldIsTakenOver(t *testing.T) {
	for _, alone := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			o := newOutbox("dead")
			o.start(t, 1) // and the node dies before it sends
			o.env.Node = "n2"
			c := &carrier{}
			f := newFixture(t, o, alone, c)
			synctest.Wait()
			if got := c.count(); (got == 1) != alone {
				t.Errorf("alone %v: %d messages at the start", alone, got)
			}
			time.Sleep(10 * time.Second)
			if c.count() != 1 || f.state(t).State != verify.Sent {
				t.Errorf("alone %v: %d messages after ten seconds, %s", alone, c.count(), f.state(t).State)
			}
			f.Close(t.Context())
		})
	}
}

// slowly answers after a while, or with an unknown outcome when it is told to stop.
func slowly(d time.Duration) func(context.Context, int) error {
	return func(ctx context.Context, _ int) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return &verify.SendError{Class: verify.Temporary, Ambiguous: true, Err: ctx.Err()}
		}
	}
}

func TestCloseEndsWhatHasBegunAndLeavesTheRestInTheOutbox(t *testing.T) {
	for _, tt := range []struct {
		send, patience            time.Duration
		sent, unconfirmed, queued int
	}{
		{time.Second, 10 * time.Second, 12, 0, 0},     // there is time for all
		{2 * time.Second, 10 * time.Second, 8, 0, 4},  // the third round is not begun
		{8 * time.Second, 10 * time.Second, 4, 0, 8},  // what has begun is given the time
		{20 * time.Second, 10 * time.Second, 0, 4, 8}, // but not for ever
	} {
		synctest.Test(t, func(t *testing.T) {
			o := newOutbox("n1")
			f := newFixture(t, o, true, &carrier{answer: slowly(tt.send)})
			for n := byte(1); n <= 12; n++ { // three rounds of four workers
				f.Offer(o.start(t, n))
			}
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), tt.patience)
			defer cancel()
			f.Close(ctx)
			states := map[verify.DeliveryState]int{}
			for _, d := range o.deliveries() {
				states[d.State]++
			}
			if states[verify.Sent] != tt.sent || states[verify.Unconfirmed] != tt.unconfirmed || states[verify.Queued] != tt.queued {
				t.Errorf("sends of %s: %v", tt.send, states)
			}
		})
	}
}

func TestACarrierWithoutMoneyDoesNotEndWhatAnotherWouldTakeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := &carrier{answer: func(_ context.Context, try int) error {
			if try == 1 {
				return refuse(verify.Throttled, false)(nil, 0)
			}
			return nil
		}}
		f := newFixture(t, newOutbox("n1"), true, first, &carrier{answer: refuse(verify.NoMoney, false)})
		f.Offer(f.outbox.start(t, 1))
		time.Sleep(time.Minute)
		if d := f.state(t); first.count() != 2 || d.State != verify.Sent || d.Carrier != "a" {
			t.Errorf("%d tries, %+v", first.count(), d)
		}
		f.Close(t.Context())
	})
}

func TestACarrierThatAsksForALongWaitDoesNotEndWhatAnotherTakesSooner(t *testing.T) {
	throttled := func(context.Context, int) error {
		return &verify.SendError{Class: verify.Throttled, Wait: verify.MaxValidity, Err: errors.New("busy")}
	}
	once := func(_ context.Context, try int) error {
		if try == 1 {
			return refuse(verify.Temporary, false)(nil, 0)
		}
		return nil
	}
	for name, carriers := range map[string][]*carrier{
		"the last one": {{answer: once}, {answer: throttled}},
		"the first":    {{answer: throttled}, {answer: once}},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, newOutbox("n1"), true, carriers...)
			f.Offer(f.outbox.start(t, 1))
			time.Sleep(10 * time.Second)
			if d := f.state(t); d.State != verify.Sent {
				t.Errorf("%s: it is %s, due at %s", name, d.State, d.DueAt)
			}
			f.Close(t.Context())
		})
	}
	synctest.Test(t, func(t *testing.T) { // the other one is put aside, for some seconds
		var up atomic.Bool
		b := &carrier{answer: func(context.Context, int) error {
			if up.Load() {
				return nil
			}
			return refuse(verify.Temporary, false)(nil, 0)
		}}
		o := newOutbox("n1")
		o.rules = rule(0, "b", "a")
		f := newFixture(t, o, true, &carrier{answer: func(_ context.Context, try int) error {
			if try < 4 {
				return nil
			}
			return throttled(nil, 0)
		}}, b)
		for n := byte(1); n <= 4; n++ {
			f.Offer(o.start(t, n))
			synctest.Wait()
		}
		up.Store(true)
		time.Sleep(20 * time.Second)
		for _, d := range o.deliveries() {
			if d.State != verify.Sent {
				t.Errorf("%s is %s by %s", d.Key, d.State, d.Carrier)
			}
		}
		f.Close(t.Context())
	})
}

// slowClaims is an outbox whose database is slow.
type slowClaims struct{ *outbox }

func (o slowClaims) Claim(ctx context.Context, c verify.Claim) (*verify.Job, error) {
	time.Sleep(time.Second) // of the bubble's time
	return o.outbox.Claim(ctx, c)
}

func TestWhoIsToldToStopTakesOverNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("dead")
		for n := byte(1); n <= 90; n++ {
			o.start(t, n)
		}
		o.env.Node = "n2"
		o.alone = true
		f := newFixtureOver(t, o, slowClaims{o}, map[string]verify.Sender{"a": &carrier{}})
		time.Sleep(2500 * time.Millisecond)
		f.Close(t.Context())
		claimed := 0
		for _, d := range o.deliveries() {
			if d.Node == "n2" || d.State != verify.Queued {
				claimed++
			}
		}
		if claimed < 1 || claimed > 4 {
			t.Errorf("%d deliveries were taken over", claimed)
		}
	})
}

func TestACodeTypedWhileItsMessageIsBeingSentDoesNotLoseTheCarriersWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		f := newFixture(t, o, true, &carrier{answer: slowly(2 * verify.Lease)})
		j := o.start(t, 1)
		f.Offer(j)
		time.Sleep(time.Second)
		c, err := j.Verification.Reveal(o.env.Keys)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := run(o, verify.Check{Tenant: "t", Verification: j.Verification.ID, Guess: c.Text()}); err != nil || got.Outcome != verify.OutcomeAccepted {
			t.Fatal(got, err)
		}
		time.Sleep(time.Minute)
		if d := f.state(t); d.State != verify.Sent || d.CarrierID == "" {
			t.Errorf("%+v", d)
		}
		f.Close(t.Context())
	})
}

func TestNoOtherCarrierIsAskedForACodeThatWasTypedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		slow := func(context.Context, int) error {
			time.Sleep(verify.Lease) // of the bubble's time
			return refuse(verify.Temporary, false)(nil, 0)
		}
		b := &carrier{}
		f := newFixture(t, o, true, &carrier{answer: slow}, b)
		j := o.start(t, 1)
		f.Offer(j)
		time.Sleep(time.Second)
		c, err := j.Verification.Reveal(o.env.Keys)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := run(o, verify.Check{Tenant: "t", Verification: j.Verification.ID, Guess: c.Text()}); err != nil || got.Outcome != verify.OutcomeAccepted {
			t.Fatal(got, err)
		}
		time.Sleep(time.Minute)
		if d := f.state(t); b.count() != 0 || d.Open() || f.Backlog() != 0 {
			t.Errorf("%d messages by b, %+v, a backlog of %d", b.count(), d, f.Backlog())
		}
		f.Close(t.Context())
	})
}

func TestNoOtherCarrierIsAskedForWhatAnotherNodeHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		slow := func(context.Context, int) error {
			time.Sleep(verify.Lease)
			return refuse(verify.Temporary, false)(nil, 0)
		}
		b := &carrier{}
		f := newFixture(t, o, true, &carrier{answer: slow}, b)
		j := o.start(t, 1)
		f.Offer(j)
		synctest.Wait()
		o.mu.Lock()
		o.env.Node = "n2" // that of the claims from here on: n1 is not who holds it any more
		o.mu.Unlock()
		time.Sleep(verify.Lease + time.Second)
		if b.count() != 0 {
			t.Errorf("%d messages by b", b.count())
		}
		f.Close(t.Context())
	})
}

func TestWhatThereIsNoRoomForIsSentAsSoonAsThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		c := &carrier{answer: func(context.Context, int) error { time.Sleep(time.Second); return nil }}
		f := newFixture(t, o, true, c)
		for n := byte(1); n <= 60; n++ { // 4 with workers, 8 whole, the rest by their keys
			f.Offer(o.start(t, n))
		}
		time.Sleep(15*time.Second + time.Millisecond) // 60 messages, 4 at a time, a second each
		if c.count() != 60 {
			t.Errorf("%d messages", c.count())
		}
		time.Sleep(10 * time.Second) // the last sends and a count fell on one instant: the next one is right
		if n := f.Backlog(); n != 0 {
			t.Errorf("a backlog of %d", n)
		}
		sent := slices.Compact(slices.Sorted(slices.Values(c.sent)))
		if len(sent) != 60 {
			t.Errorf("%d different messages", len(sent))
		}
		f.Close(t.Context())
	})
}

func TestACarrierWithADefectIsAnUnknownOutcome(t *testing.T) {
	for name, answer := range map[string]func(context.Context, int) error{
		"panics":                   func(context.Context, int) error { panic("defect") },
		"returns a strange error":  func(context.Context, int) error { return errors.New("code 123456 to +447400123401") },
		"returns no class at all":  refuse("", true),
		"says it was not sure too": refuse(verify.UnknownClass, true),
	} {
		synctest.Test(t, func(t *testing.T) {
			second := &carrier{}
			f := newFixture(t, newOutbox("n1"), true, &carrier{answer: answer}, second)
			f.Offer(f.outbox.start(t, 1))
			synctest.Wait()
			if f.state(t).State != verify.Unconfirmed || second.count() != 0 {
				t.Errorf("%s: %s, %d messages by the second carrier", name, f.state(t).State, second.count())
			}
			if strings.Contains(f.log.String(), "123456") {
				t.Errorf("%s: its text is in the log", name)
			}
			f.Close(t.Context())
		})
	}
}

func TestTheLogHasOneLineAnAttemptAndNoNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, newOutbox("n1"), true, &carrier{answer: refuse(verify.Filtered, false)}, &carrier{})
		j := f.outbox.start(t, 1)
		f.Offer(j)
		synctest.Wait()
		log := f.log.String()
		m, err := j.Message(f.outbox.env.Keys, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(log, "delivery attempt") != 2 || strings.Contains(log, "7400123") || strings.Contains(log, m.Code.Text()) {
			t.Errorf("log:\n%s", log)
		}
		f.Close(t.Context())
	})
}
