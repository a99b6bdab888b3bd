package deliver_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"countersign/internal/code"
	"countersign/internal/deliver"
	"countersign/internal/deliver/route"
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
	past []time.Time // when somebody asked for it

	validity time.Duration // of the codes; the longest if zero
	alone    bool
	offer    func(verify.Job)      // of the dispatcher
	rules    []route.Rule          // of its table
	rates    map[string]route.Rate // of its pace
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
		if d.Open() && (all || !now.Before(d.DueAt)) && len(out) < limit {
			out = append(out, d)
		}
	}
	return out, nil
}

func (o *outbox) Queued(context.Context) (n int, _ error) {
	for _, d := range o.deliveries() {
		if d.State == verify.Queued {
			n++
		}
	}
	return n, nil
}

func (o *outbox) Receive(_ context.Context, r verify.Receive) (*verify.Delivery, error) {
	d, jobs, err := run(o, r)
	for _, j := range jobs {
		o.offer(j)
	}
	return d, err
}

func (o *outbox) Past(_ context.Context, j verify.Job) (out []verify.Job, _ error) {
	o.mu.Lock()
	o.past = append(o.past, o.now())
	o.mu.Unlock()
	for _, d := range o.deliveries() {
		if d.Key.Verification == j.Verification.ID && d.Key != j.Delivery.Key {
			out = append(out, verify.Job{Delivery: d, Verification: j.Verification})
		}
	}
	return out, nil
}

func (o *outbox) Found(_ context.Context, by string) (*verify.DeliveryKey, error) {
	for _, d := range o.deliveries() {
		if d.FoundBy() == by {
			return &d.Key, nil
		}
	}
	return nil, nil
}

func (o *outbox) looks() []time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.past)
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
		Profile: verify.Profile{Tenant: "t", Template: message.Plain, Code: code.Default, Validity: cmp.Or(o.validity, verify.MaxValidity)},
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

func (c *carrier) messages() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sent)
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
	o.alone = alone
	senders := map[string]verify.Sender{}
	for i, k := range carriers {
		senders[string(rune('a'+i))] = k
	}
	return newFixtureOf(t, o, senders)
}

// newFixtureOf has the carriers in the order of their names.
func newFixtureOf(t *testing.T, o *outbox, senders map[string]verify.Sender) *fixture {
	t.Helper()
	return newFixtureOver(t, o, o, senders)
}

// newFixtureOver has a dispatcher see an outbox through another one.
func newFixtureOver(t *testing.T, o *outbox, seen deliver.Outbox, senders map[string]verify.Sender) *fixture {
	t.Helper()
	f := &fixture{outbox: o, log: &lockedBuffer{}}
	c := deliver.Config{
		Senders: senders, Outbox: seen, Keys: o.env.Keys, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(f.log, nil)), Alone: o.alone, Workers: 4, Whole: 8,
	}
	var all []route.Carrier
	for _, name := range slices.Sorted(maps.Keys(senders)) {
		all = append(all, route.Carrier{Name: name, Channels: []verify.Channel{verify.SMS}})
	}
	var err error
	if c.Table, err = route.NewTable(all, o.rules); err != nil {
		t.Fatal(err)
	}
	if c.Pace, err = route.NewPace(o.rates); err != nil {
		t.Fatal(err)
	}
	f.Dispatcher = deliver.New(c)
	o.offer = f.Offer
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
