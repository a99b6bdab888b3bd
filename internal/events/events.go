// Package events tells tenants' webhooks what became of their messages: signed, and
// tried again until a receiver has taken it or the attempts are used up.
//
// The one idea is the outbox's: an event is written in the commit that it is about, so
// what this process forgets by dying is found by the next one, and a receiver is told
// at least once, each time under the same id. Receivers are strangers. Each may be slow
// without holding the others up, and none may be a part of the inner network: what is
// dialled is checked, not what is written.
//
// The form of what is told is that of Telnyx. When an attempt is made, and to which of
// a profile's URLs, are rules of the core; who wants to be told, the caller's to say.
package events

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"countersign/internal/secret"
	"countersign/internal/verify"
)

// Outbox is what the dispatcher needs of the engine.
type Outbox interface {
	ClaimEvent(context.Context, verify.ClaimEvent) (*verify.EventJob, error)
	ReportEvent(context.Context, verify.ReportEvent) (*verify.Event, error)
	DueEvents(ctx context.Context, now time.Time, limit int) ([]verify.Event, error)
}

// Profiles knows whom to tell.
type Profiles interface {
	// Profile returns the two URLs of a tenant's profile; either may be empty. It
	// refuses with verify.NotFound.
	Profile(ctx context.Context, tenant string, id verify.ID) (webhook, failover string, err error)
}

// Config is what a Dispatcher needs.
type Config struct {
	Outbox   Outbox
	Profiles Profiles
	Signer   *Signer
	Keys     *secret.Ring
	Now      func() time.Time
	Log      *slog.Logger
	// AllowLoopback lets receivers be on this machine, and be spoken to without TLS: for
	// development and tests.
	AllowLoopback bool
	// Deny are networks of the operator's own that look public and are not to be reached,
	// such as the IPv6 prefix of a NAT64 or the servers' own addresses.
	Deny []netip.Prefix
	// Resolver finds receivers by name; nil is the system's.
	Resolver *net.Resolver
	// Workers is how many receivers are spoken to at a time, and PerReceiver how often
	// one of them; 0 means 16 and 4.
	Workers     int
	PerReceiver int
}

const (
	scanEvery = time.Second
	reportFor = 5 * time.Second
	// spare is what must be left of a lease when an attempt begins.
	spare = 2 * attemptTime
	// putOff is how long an event waits that could not be tried: its receiver has too
	// many waiting, or nobody knew its URL.
	putOff = 30 * time.Second
)

// Dispatcher works off the events. It is safe for concurrent use.
type Dispatcher struct {
	Config
	guard  guard
	client *http.Client
	queue  *queue

	ctx     context.Context // ends when even running attempts must stop
	abort   context.CancelFunc
	stop    chan struct{} // closed when no more events are taken
	enough  chan struct{} // closed when no more attempts are begun
	once    sync.Once
	workers sync.WaitGroup
	scanner sync.WaitGroup
}

// New returns a Dispatcher that takes events. Run starts it.
func New(c Config) *Dispatcher {
	if c.Workers == 0 {
		c.Workers = 16
	}
	if c.PerReceiver == 0 {
		c.PerReceiver = max(1, c.Workers/4)
	}
	g := guard{loopback: c.AllowLoopback, deny: c.Deny}
	return &Dispatcher{
		Config: c, guard: g, client: newClient(g.dialer(c.Resolver), c.PerReceiver), queue: newQueue(c.Workers, c.PerReceiver),
		stop: make(chan struct{}), enough: make(chan struct{}),
	}
}

// Run starts the workers and the look-out for events that are due, and returns. They
// run until Close, whatever becomes of ctx. The error is the outbox's.
func (d *Dispatcher) Run(ctx context.Context) error {
	if _, err := d.Outbox.DueEvents(ctx, d.Now(), 1); err != nil {
		return err
	}
	d.ctx, d.abort = context.WithCancel(context.WithoutCancel(ctx))
	for range d.Workers {
		d.workers.Go(d.work)
	}
	d.scanner.Go(d.scan)
	return nil
}

// Offer takes an event that has just become durable. It never blocks; what there is no
// room for is found when its lease has run out.
func (d *Dispatcher) Offer(j verify.EventJob) { d.queue.add(j) }

// beginFor is how long after Close is called attempts are still begun.
const beginFor = 3 * time.Second

// Close works off what is in hand for a short while, lets the attempts that have begun
// end, until ctx ends, and stops the workers. What was not begun stays in the outbox.
// It is called once; if Run was not called, or failed, there is nothing to close.
func (d *Dispatcher) Close(ctx context.Context) {
	if d.abort == nil {
		return
	}
	d.once.Do(func() { close(d.stop) })
	d.scanner.Wait()
	d.queue.close()
	finished := make(chan struct{})
	go func() {
		d.workers.Wait()
		close(finished)
	}()
	timer := time.NewTimer(beginFor)
	defer timer.Stop()
	select {
	case <-finished:
	case <-ctx.Done():
	case <-timer.C:
	}
	close(d.enough)
	select {
	case <-finished:
	case <-ctx.Done():
		d.abort()
		<-finished
	}
	d.abort()
	d.client.CloseIdleConnections()
}

// scan looks for events that are due: those to be tried again, those of nodes that
// died, and those for which there was no room.
func (d *Dispatcher) scan() {
	tick := time.NewTicker(scanEvery)
	defer tick.Stop()
	for {
		d.takeDue()
		select {
		case <-d.stop:
			return
		case <-tick.C:
		}
	}
}

// takeDue claims what is due and there is room for.
func (d *Dispatcher) takeDue() {
	held, room := d.queue.room()
	if room == 0 {
		return
	}
	// Those in hand may be among those due, where their receiver is slow.
	due, err := d.Outbox.DueEvents(d.ctx, d.Now(), held+min(room, scanLimit))
	if err != nil {
		d.Log.Error("the events could not be read", "cause", err)
		return
	}
	for _, e := range due {
		if d.queue.holds(e.Key) {
			continue
		}
		select {
		case <-d.stop:
			return
		default:
		}
		job, err := d.Outbox.ClaimEvent(d.ctx, verify.ClaimEvent{Key: e.Key})
		if err != nil {
			d.Log.Error("an event could not be claimed", "event", e.Key.ID().String(), "cause", err)
			return
		}
		if job != nil {
			d.queue.add(*job)
		}
	}
}

const scanLimit = 500

func (d *Dispatcher) work() {
	for {
		t, ok := d.queue.next()
		if !ok {
			return
		}
		d.do(t)
	}
}

// do makes one attempt, or has it wait for its receiver's turn.
func (d *Dispatcher) do(t task) {
	select {
	case <-d.enough:
		d.queue.done(t)
		return
	default:
	}
	if !d.renewed(&t.job) {
		d.queue.done(t)
		return
	}
	to, after := d.receiver(t.job)
	if after != nil {
		d.report(*after)
		d.queue.done(t)
		return
	}
	t = d.queue.enter(t, to.host)
	switch t.place {
	case full:
		d.report(verify.ReportEvent{Key: t.job.Event.Key, Of: to.of, PutOff: putOff})
		d.queue.done(t)
	case inside:
		d.report(d.tell(t.job, to))
		d.queue.done(t)
	}
}

// renewed says whether this node still holds the lease, for as long as an attempt takes.
func (d *Dispatcher) renewed(j *verify.EventJob) bool {
	if d.Now().Add(spare).Before(j.Event.DueAt) {
		return true
	}
	again, err := d.Outbox.ClaimEvent(d.ctx, verify.ClaimEvent{Key: j.Event.Key})
	if err != nil {
		d.Log.Warn("an event could not be claimed again", "event", j.Event.Key.ID().String(), "cause", err)
		return false
	}
	if again == nil {
		return false
	}
	*j = *again
	return true
}

// receiver finds whom this attempt goes to. If there is nobody, it returns what is to be
// reported.
func (d *Dispatcher) receiver(j verify.EventJob) (to target, report *verify.ReportEvent) {
	key := j.Event.Key
	webhook, failover, err := d.Profiles.Profile(d.ctx, j.Event.Tenant, j.Event.Profile)
	if err != nil && verify.KindOf(err) != verify.NotFound {
		d.Log.Error("whom to tell of an event could not be read", "event", key.ID().String(), "cause", err)
		return to, &verify.ReportEvent{Key: key, Of: 1, PutOff: putOff}
	}
	raw, of := j.Event.Target(webhook, failover)
	if of == 0 {
		return to, &verify.ReportEvent{Key: key} // the profile or its URLs have gone
	}
	u, err := d.guard.parse(raw)
	if err != nil {
		d.note(j, err)
		return to, &verify.ReportEvent{Key: key, Of: of}
	}
	// Ports are one receiver's: else each would have a limit of its own. That of a name
	// which two tenants tell is each one's own: else one could keep the other from it.
	return target{url: raw, host: j.Event.Tenant + " " + strings.TrimSuffix(u.Hostname(), "."), of: of}, nil
}

// target is a receiver of one attempt.
type target struct {
	url  string
	host string // with the tenant: what shares a limit
	of   int    // attempts in all
}

func (d *Dispatcher) report(r verify.ReportEvent) {
	// Also when the attempts are being stopped: what came of one must not be lost.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.ctx), reportFor)
	defer cancel()
	if _, err := d.Outbox.ReportEvent(ctx, r); err != nil {
		d.Log.Error("the outcome of an event could not be stored; it may be told again", "event", r.Key.ID().String(), "cause", err)
	}
}

// note writes the one line of an attempt. It holds neither the URL, which may hold a
// tenant's secret, nor anything of the body.
func (d *Dispatcher) note(j verify.EventJob, err error) {
	log := d.Log.With("event", j.Event.Key.ID().String(), "type", string(j.Event.Key.Type), "profile", j.Event.Profile.String(), "attempt", j.Event.Attempt)
	if err != nil {
		log.Warn("a webhook did not take an event", "cause", err)
		return
	}
	log.Info("a webhook took an event")
}
