package deliver_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"countersign/internal/code"
	"countersign/internal/deliver"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/secret"
	"countersign/internal/verify"
)

// outbox runs the core's commands on rows in memory, as a ledger does on a store.
type outbox struct {
	mu   sync.Mutex
	snap *verify.Snapshot
	env  *verify.Env
	now  func() time.Time
	keys []verify.DeliveryKey
}

func run[A any](o *outbox, cmd verify.Command[A]) (A, []verify.Job, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	needs, err := cmd.Needs(o.env)
	if err != nil {
		panic(err)
	}
	changes, answer, err := cmd.Decide(o.env, o.snap.Rows(needs), o.now().UTC())
	if err == nil {
		o.snap.Apply(changes)
	}
	for _, d := range changes.Deliveries {
		if !slices.Contains(o.keys, d.Key) {
			o.keys = append(o.keys, d.Key)
		}
	}
	return answer, changes.Jobs, err
}

func (o *outbox) Claim(ctx context.Context, c verify.Claim) (*verify.Job, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	j, _, err := run(o, c)
	return j, err
}

func (o *outbox) Report(ctx context.Context, r verify.Report) (*verify.Delivery, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d, _, err := run(o, r)
	return d, err
}

func (o *outbox) Due(_ context.Context, now time.Time, all bool, limit int) (out []verify.Delivery, _ error) {
	for _, d := range o.deliveries() {
		if d.State == verify.Queued && (all || !now.Before(d.DueAt)) && len(out) < limit {
			out = append(out, d)
		}
	}
	return out, nil
}

func (o *outbox) Queued(ctx context.Context) (int, error) {
	all, err := o.Due(ctx, time.Time{}, true, 1<<30)
	return len(all), err
}

func (o *outbox) deliveries() (out []verify.Delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, k := range o.keys {
		out = append(out, *o.snap.Rows(verify.Needs{Delivery: k}).Delivery)
	}
	return out
}

func (o *outbox) start(t *testing.T, n byte) verify.Job {
	t.Helper()
	to := phone.Trusted("+4474001234" + string([]byte{'0' + n/10, '0' + n%10}))
	_, jobs, err := run(o, verify.Start{
		Profile: verify.Profile{Tenant: "t", Template: message.Plain, Code: code.Default, Validity: verify.MaxValidity},
		Channel: verify.SMS, Address: verify.Phone(to),
	})
	if err != nil || len(jobs) != 1 {
		t.Fatal(jobs, err)
	}
	return jobs[0]
}

// carrier answers as a test says, and remembers what it was given.
type carrier struct {
	id     string // its name for every message, if it has one
	mu     sync.Mutex
	sent   []string
	answer func(ctx context.Context, try int) error
}

func (c *carrier) Send(ctx context.Context, m verify.Message) (verify.Submission, error) {
	c.mu.Lock()
	c.sent = append(c.sent, m.ID)
	try := len(c.sent)
	c.mu.Unlock()
	if c.answer != nil {
		if err := c.answer(ctx, try); err != nil {
			return verify.Submission{}, err
		}
	}
	return verify.Submission{CarrierID: cmp.Or(c.id, "c-"+m.ID)}, nil
}

func (c *carrier) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sent)
}

func refuse(class verify.Class, ambiguous bool) func(context.Context, int) error {
	return func(context.Context, int) error {
		return &verify.SendError{Class: class, Ambiguous: ambiguous, Err: errors.New("no")}
	}
}

// fixture is a dispatcher of one node in a bubble of its own time.
type fixture struct {
	*deliver.Dispatcher
	outbox *outbox
	log    *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newOutbox(node string) *outbox {
	return &outbox{snap: verify.NewSnapshot(), now: time.Now, env: &verify.Env{
		Keys: secret.Generate(), Random: rand.NewChaCha8([32]byte{1}), Node: node,
		Channels: []verify.Channel{verify.SMS},
	}}
}

func newFixture(t *testing.T, o *outbox, alone bool, carriers ...*carrier) *fixture {
	t.Helper()
	f := &fixture{outbox: o, log: &lockedBuffer{}}
	r := deliver.Routes{}
	for i, c := range carriers {
		r[verify.SMS] = append(r[verify.SMS], deliver.Carrier{Name: string(rune('a' + i)), Sender: c})
	}
	f.Dispatcher = deliver.New(deliver.Config{
		Routes: r, Outbox: o, Keys: o.env.Keys, Now: time.Now, Log: slog.New(slog.NewTextHandler(f.log, nil)), Alone: alone, Workers: 4, Whole: 8,
	})
	if err := f.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	synctest.Wait() // for the first look at the outbox
	return f
}

func (f *fixture) state(t *testing.T) verify.Delivery {
	t.Helper()
	all := f.outbox.deliveries()
	if len(all) != 1 {
		t.Fatalf("%d deliveries", len(all))
	}
	return all[0]
}

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
		m, err := j.Message(f.outbox.env.Keys)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(log, "delivery attempt") != 2 || strings.Contains(log, "7400123") || strings.Contains(log, m.Code.Text()) {
			t.Errorf("log:\n%s", log)
		}
		f.Close(t.Context())
	})
}
