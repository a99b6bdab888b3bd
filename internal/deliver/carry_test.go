package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"countersign/internal/deliver/route"
	"countersign/internal/verify"
)

// rule is a route of texts over the carriers a, b, … in this order.
func rule(hedge time.Duration, carriers ...string) []route.Rule {
	r := route.Rule{Channel: verify.SMS, HedgeAfter: hedge}
	for _, name := range carriers {
		r.Carriers = append(r.Carriers, route.Choice{Name: name})
	}
	return []route.Rule{r}
}

func (f *fixture) receive(t *testing.T, carrier string, r verify.Receipt) {
	t.Helper()
	if err := f.Receive(t.Context(), carrier, r); err != nil {
		t.Error(err)
	}
	synctest.Wait()
}

// carriersOf lists who was asked for the only delivery, in turn.
func (f *fixture) carriersOf(t *testing.T) (names []string) {
	t.Helper()
	for _, h := range f.state(t).Handovers {
		if h.State != "" {
			names = append(names, h.Carrier)
		}
	}
	return names
}

func TestAfterSilenceTheNextCarrierSendsTheSameMessage(t *testing.T) {
	for name, answer := range map[string]func(context.Context, int) error{
		"taken, and then nothing": nil,
		"nobody knows":            refuse(verify.Temporary, true),
	} {
		synctest.Test(t, func(t *testing.T) {
			o := newOutbox("n1")
			o.rules = rule(10*time.Second, "a", "b")
			a, b := &carrier{answer: answer}, &carrier{}
			f := newFixture(t, o, true, a, b)
			f.Offer(o.start(t, 1))
			time.Sleep(9 * time.Second)
			if b.count() != 0 {
				t.Errorf("%s: b was asked before the hedge", name)
			}
			time.Sleep(3 * time.Second)
			if b.count() != 1 || a.count() != 1 || a.sent[0] != b.sent[0] {
				t.Errorf("%s: a sent %v, b %v", name, a.sent, b.sent)
			}
			time.Sleep(2 * time.Minute)
			if d := f.state(t); a.count()+b.count() != 2 || d.State != verify.Sent || d.Carrier != "b" || d.Open() {
				t.Errorf("%s: %d messages, %+v", name, a.count()+b.count(), d)
			}
			f.Close(t.Context())
		})
	}
}

func TestGoodWordEndsTheWaitForTheNextCarrier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		o.rules = rule(10*time.Second, "a", "b")
		b := &carrier{}
		f := newFixture(t, o, true, &carrier{}, b)
		j := o.start(t, 1)
		f.Offer(j)
		time.Sleep(time.Second)
		f.receive(t, "a", verify.Receipt{Message: j.Delivery.Key.String(), State: verify.Delivered})
		time.Sleep(time.Minute)
		if d := f.state(t); b.count() != 0 || d.State != verify.Delivered {
			t.Errorf("%d messages by b, %s", b.count(), d.State)
		}
		f.Close(t.Context())
	})
}

func TestABadReceiptHasTheNextCarrierAskedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		a, b := &carrier{}, &carrier{}
		f := newFixture(t, o, true, a, b)
		j := o.start(t, 1)
		f.Offer(j)
		synctest.Wait()
		bad := verify.Receipt{Message: j.Delivery.Key.String(), State: verify.Failed, Class: verify.Temporary}
		f.receive(t, "a", bad)
		if a.count() != 1 || b.count() != 1 {
			t.Fatalf("%d messages by a, %d by b", a.count(), b.count())
		}
		f.receive(t, "b", bad)
		if d := f.state(t); d.State != verify.Failed || d.Class != verify.Temporary || a.count()+b.count() != 2 {
			t.Errorf("with nobody left: %+v", d)
		}
		if f.Backlog() != 0 {
			t.Errorf("a backlog of %d", f.Backlog())
		}
		f.Close(t.Context())
	})
}

func TestAReceiptFindsItsMessageByTheCarriersNameAlsoBeforeTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		var f *fixture
		c := &unnamed{}
		c.before = func(id string) { f.receive2(t, "a", verify.Receipt{CarrierID: id, State: verify.Delivered}) }
		f = newFixtureOf(t, o, map[string]verify.Sender{"a": c})
		f.Offer(o.start(t, 1))
		synctest.Wait()
		if d := f.state(t); d.State != verify.Delivered {
			t.Errorf("it is %s", d.State)
		}
		f.receive(t, "a", verify.Receipt{CarrierID: "never heard of", State: verify.Delivered})
		f.receive(t, "a", verify.Receipt{Message: "never heard of", State: verify.Delivered})
		f.Close(t.Context())
	})
}

// receive2 is receive for those who are inside a send.
func (f *fixture) receive2(t *testing.T, carrier string, r verify.Receipt) {
	if err := f.Receive(t.Context(), carrier, r); err != nil {
		t.Error(err)
	}
}

// unnamed is a carrier that does not repeat our names, and is quick with its receipts.
type unnamed struct{ before func(id string) }

func (u *unnamed) Send(_ context.Context, m verify.Message) (verify.Submission, error) {
	u.before("x" + m.ID)
	return verify.Submission{CarrierID: "x" + m.ID, Unnamed: true}, nil
}

// On a small machine the look at the past would slow the answer of who was here before.
func TestTheLookAtThePastLetsTheAnswerToTheStartGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		c := &carrier{}
		f := newFixture(t, o, true, c)
		f.Offer(o.start(t, 1))
		synctest.Wait()
		if looks := o.looks(); len(looks) != 0 || c.count() != 1 {
			t.Errorf("of a stranger: %d looks, %d messages", len(looks), c.count())
		}
		time.Sleep(verify.MaxValidity)
		again := o.start(t, 1)
		began := time.Now()
		f.Offer(again)
		synctest.Wait()
		if looks := o.looks(); len(looks) != 0 || c.count() != 1 {
			t.Errorf("at once: %d looks, %d messages", len(looks), c.count())
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if looks := o.looks(); len(looks) != 1 || c.count() != 2 || !looks[0].After(began) {
			t.Errorf("later: %v, %d messages", looks, c.count())
		}
		f.Close(t.Context())
	})
}

func TestADeadCarrierIsLeftInPeaceAndItsBacklogGoesOldestFirstWhenItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		var up atomic.Bool
		c := &carrier{answer: func(context.Context, int) error {
			if up.Load() {
				time.Sleep(10 * time.Millisecond) // of the bubble's time: workers take their turns
				return nil
			}
			return &verify.SendError{Class: verify.Temporary, Err: errors.New("down")}
		}}
		f := newFixture(t, o, true, c)
		const many = 60
		var want []string
		for n := byte(1); n <= many; n++ {
			j := o.start(t, n)
			want = append(want, j.Delivery.Key.String())
			f.Offer(j)
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(2 * time.Minute)
		if c.count() > 40 {
			t.Errorf("a dead carrier was asked %d times for %d messages", c.count(), many)
		}
		asked := c.count()
		up.Store(true)
		time.Sleep(time.Minute)
		all := c.messages()
		got := all[asked:]
		if len(got) < many || f.Backlog() != 0 {
			t.Fatalf("%d of %d messages went, and %d wait", len(got), many, f.Backlog())
		}
		for _, d := range o.deliveries() {
			if d.State != verify.Sent {
				t.Errorf("%s is %s", d.Key, d.State)
			}
		}
		// Those that had met the dead carrier wait for their retry; the others keep the order.
		var order []string
		for _, id := range got {
			if !slices.Contains(all[:asked], id) {
				order = append(order, id)
			}
		}
		slots := 2 * 4 // as many as there are workers overtake each other, the first one too
		for i, id := range order {
			if at := slices.Index(want, id) - slices.Index(want, order[0]); at > i+slots || at < i-slots {
				t.Errorf("message %d went as the %dth", at, i)
			}
		}
		f.Close(t.Context())
	})
}

func TestWhatExpiresBehindADeadCarrierIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		var up atomic.Bool
		c := &carrier{answer: func(context.Context, int) error {
			if up.Load() {
				return nil
			}
			return &verify.SendError{Class: verify.Temporary, Err: errors.New("down")}
		}}
		f := newFixture(t, o, true, c)
		for n := byte(1); n <= 20; n++ {
			f.Offer(o.start(t, n))
		}
		time.Sleep(verify.MaxValidity + time.Minute)
		before := c.count()
		up.Store(true)
		time.Sleep(time.Minute)
		if c.count() != before {
			t.Errorf("%d messages after their expiry", c.count()-before)
		}
		for _, d := range o.deliveries() {
			if d.State != verify.Dropped && d.State != verify.Failed {
				t.Errorf("%s is %s", d.Key, d.State)
			}
		}
		if f.Backlog() != 0 {
			t.Errorf("a backlog of %d", f.Backlog())
		}
		f.Close(t.Context())
	})
}

func TestOneDeadCarrierDoesNotHoldUpWhatOthersTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		b := &carrier{}
		f := newFixture(t, o, true, &carrier{answer: refuse(verify.Temporary, false)}, b)
		for n := byte(1); n <= 40; n++ {
			f.Offer(o.start(t, n))
			synctest.Wait()
			if b.count() != int(n) {
				t.Fatalf("message %d did not go at once", n)
			}
		}
		f.Close(t.Context())
	})
}

func TestAMessageThatOneCarrierHadDoesNotHoldUpThoseThatItMayTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		a, b := &carrier{}, &carrier{answer: refuse(verify.Temporary, false)}
		o.rules = rule(0, "a", "b")
		f := newFixture(t, o, true, a, b)
		// b is put aside, and the first messages wait for it: a has failed with them.
		for n := byte(1); n <= 10; n++ {
			j := o.start(t, n)
			f.Offer(j)
			synctest.Wait()
			f.receive(t, "a", verify.Receipt{Message: j.Delivery.Key.String(), State: verify.Failed, Class: verify.Filtered})
		}
		f.Offer(o.start(t, 11))
		synctest.Wait()
		if a.count() != 11 {
			t.Errorf("a has had %d messages", a.count())
		}
		f.Close(t.Context())
	})
}

func TestACarriersPaceIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		o.rates = map[string]route.Rate{"a": {PerSecond: 5}}
		c := &carrier{}
		f := newFixture(t, o, true, c)
		for n := byte(1); n <= 50; n++ {
			f.Offer(o.start(t, n))
		}
		time.Sleep(5 * time.Second)
		if n := c.count(); n < 20 || n > 26 {
			t.Errorf("%d messages in five seconds at 5 a second", n)
		}
		time.Sleep(7 * time.Second)
		if n := c.count(); n != 50 {
			t.Errorf("%d messages in twelve", n)
		}
		f.Close(t.Context())
	})
}

func TestWhoAsksAgainGetsTheCodeByAnotherCarrier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		a, b := &carrier{}, &carrier{}
		f := newFixture(t, o, true, a, b)
		j := o.start(t, 1)
		f.Offer(j)
		time.Sleep(31 * time.Second)
		_, jobs, err := run(o, verify.Resend{Tenant: "t", Verification: j.Verification.ID})
		if err != nil || len(jobs) != 1 {
			t.Fatal(jobs, err)
		}
		f.Offer(jobs[0])
		time.Sleep(time.Second)
		if a.count() != 1 || b.count() != 1 {
			t.Errorf("%d messages by a, %d by b", a.count(), b.count())
		}
		f.Close(t.Context())
	})
}

func TestWhoOptedOutIsNotTextedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		a := &carrier{answer: refuse(verify.OptedOut, false)}
		f := newFixture(t, o, true, a)
		j := o.start(t, 1)
		f.Offer(j)
		time.Sleep(31 * time.Second)
		_, jobs, err := run(o, verify.Resend{Tenant: "t", Verification: j.Verification.ID})
		if err != nil || len(jobs) != 1 {
			t.Fatal(jobs, err)
		}
		f.Offer(jobs[0])
		time.Sleep(time.Second)
		d := o.deliveries()[1]
		if a.count() != 1 || d.State != verify.Failed || d.Class != verify.OptedOut || len(d.Handovers) != 1 || d.Handovers[0].Why == "" {
			t.Errorf("%d messages, %+v", a.count(), d)
		}
		f.Close(t.Context())
	})
}

func TestAMessageSaysWhoItComesFromAndHowLongItIsGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		o.rules = []route.Rule{{
			Channel: verify.SMS, Countries: []string{"GB"}, Validity: 2 * time.Minute,
			Carriers: []route.Choice{{Name: "a", Sender: "Acme"}},
		}}
		var got verify.Message
		f := newFixtureOf(t, o, map[string]verify.Sender{"a": sender(func(m verify.Message) { got = m })})
		f.Offer(o.start(t, 1))
		synctest.Wait()
		if got.Sender != "Acme" || got.ValidFor != 2*time.Minute {
			t.Errorf("from %q, good for %s", got.Sender, got.ValidFor)
		}
		if why := f.state(t).Handovers[0].Why; !strings.Contains(why, "routes[0]") {
			t.Errorf("why: %q", why)
		}
		f.Close(t.Context())
	})
}

type sender func(verify.Message)

func (s sender) Send(_ context.Context, m verify.Message) (verify.Submission, error) {
	s(m)
	return verify.Submission{}, nil
}

func TestEveryAttemptIsKeptWithItsReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, newOutbox("n1"), true, &carrier{answer: refuse(verify.Filtered, false)}, &carrier{})
		f.Offer(f.outbox.start(t, 1))
		synctest.Wait()
		if got := fmt.Sprint(f.carriersOf(t)); got != "[a b]" {
			t.Errorf("asked: %s", got)
		}
		for _, h := range f.state(t).Handovers {
			if h.Why == "" || h.At.IsZero() {
				t.Errorf("%+v", h)
			}
		}
		f.Close(t.Context())
	})
}

func TestAMessageWhoseCodeHasExpiredIsDroppedThoughItsLeaseHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		o.validity = time.Second
		c := &carrier{}
		f := newFixture(t, o, true, c)
		j := o.start(t, 1)
		time.Sleep(2 * time.Second)
		f.Offer(j)
		synctest.Wait()
		if d := f.state(t); c.count() != 0 || d.State != verify.Dropped {
			t.Errorf("%d messages, %s", c.count(), d.State)
		}
		f.Close(t.Context())
	})
}

func TestNobodyOvertakesThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		o.rates = map[string]route.Rate{"a": {PerSecond: 2}}
		c := &carrier{}
		f := newFixture(t, o, true, c)
		var want []string
		offer := func(n byte) {
			j := o.start(t, n)
			want = append(want, j.Delivery.Key.String())
			f.Offer(j)
			synctest.Wait()
		}
		for n := byte(1); n <= 5; n++ {
			offer(n)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(440 * time.Millisecond) // just before the next one's turn
		offer(6)
		time.Sleep(10 * time.Second)
		if got := c.messages(); !slices.Equal(got, want) {
			t.Errorf("the order was %v, want %v", got, want)
		}
		f.Close(t.Context())
	})
}

func TestWhoWaitsForAPaceWhenTheSendsAreStoppedIsLeftInTheOutbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		o.rates = map[string]route.Rate{"a": {PerSecond: 12}}
		c := &carrier{}
		f := newFixture(t, o, true, c)
		for n := byte(1); n <= 2; n++ {
			f.Offer(o.start(t, n))
			synctest.Wait()
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		f.Close(ended)
		states := map[verify.DeliveryState]int{}
		for _, d := range o.deliveries() {
			states[d.State]++
		}
		if c.count() != 1 || states[verify.Queued] != 1 || states[verify.Failed] != 0 {
			t.Errorf("%d messages, %v", c.count(), states)
		}
	})
}

func TestABadReceiptThatIsFasterThanTheAnswerHasTheNextCarrierAskedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		var f *fixture
		a, b := &unnamed{}, &carrier{}
		a.before = func(id string) {
			f.receive2(t, "a", verify.Receipt{CarrierID: id, State: verify.Failed, Class: verify.Temporary})
		}
		f = newFixtureOf(t, o, map[string]verify.Sender{"a": a, "b": b})
		f.Offer(o.start(t, 1))
		time.Sleep(100 * time.Millisecond)
		if d := f.state(t); b.count() != 1 || d.State != verify.Sent || d.Carrier != "b" {
			t.Errorf("%d messages by b, %+v", b.count(), d)
		}
		f.Close(t.Context())
	})
}
