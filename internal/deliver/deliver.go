// Package deliver gets deliveries to carriers: it works off the outbox, tries
// the carriers of a route in order, and reports what came of it.
//
// The one idea is that the outbox is the truth. A job arrives here from the
// commit that made it, or is found in the outbox when its lease has run out or
// its time to be tried again has come; what this process forgets by dying is
// found by the next one. A message can therefore go out twice if a process dies
// between a carrier's word and its being written down, and never not at all.
// What a refusal allows is the core's rule; how a carrier is spoken to is its own
// package.
package deliver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"countersign/internal/secret"
	"countersign/internal/verify"
)

// Carrier is a Sender under the name that the operator gave it.
type Carrier struct {
	Name   string
	Sender verify.Sender
}

// Routes are the carriers of each channel, in the order in which they are tried.
type Routes map[verify.Channel][]Carrier

// Outbox is what the dispatcher needs of the engine.
type Outbox interface {
	Claim(context.Context, verify.Claim) (*verify.Job, error)
	Report(context.Context, verify.Report) (*verify.Delivery, error)
	Due(ctx context.Context, now time.Time, all bool, limit int) ([]verify.Delivery, error)
	Queued(context.Context) (int, error)
}

// Config is what a Dispatcher needs.
type Config struct {
	Routes Routes
	Outbox Outbox
	Keys   *secret.Ring
	Now    func() time.Time
	Log    *slog.Logger
	// Alone says that no other process can have deliveries in hand, so that those
	// of a process that died are taken at once.
	Alone bool
	// Workers is how many messages are handed over at a time; 0 means 128.
	Workers int
	// Whole is how many jobs are kept whole in memory; 0 means 4096. Of those
	// beyond only the key is kept, and the rest is read again when their turn comes.
	Whole int
}

const (
	scanEvery  = time.Second
	countEvery = 5 * time.Second
	reportFor  = 5 * time.Second
	scanLimit  = 500
)

// Dispatcher works off the outbox. It is safe for concurrent use.
type Dispatcher struct {
	Config
	jobs    chan verify.Job
	waiting atomic.Int64 // deliveries not yet sent, as far as this node knows

	mu     sync.Mutex
	closed bool                        // jobs is closed
	held   map[verify.DeliveryKey]bool // in jobs, in later, or with a worker
	later  []verify.DeliveryKey        // for which there was no room in jobs

	ctx     context.Context // ends when even running sends must stop
	abort   context.CancelFunc
	stop    chan struct{} // closed when no more jobs are taken
	enough  chan struct{} // closed when no more sends are begun
	once    sync.Once
	workers sync.WaitGroup
	scanner sync.WaitGroup
}

// New returns a Dispatcher that takes jobs. Run starts it.
func New(c Config) *Dispatcher {
	if c.Workers == 0 {
		c.Workers = 128
	}
	if c.Whole == 0 {
		c.Whole = 4096
	}
	d := &Dispatcher{
		Config: c, jobs: make(chan verify.Job, c.Whole), held: map[verify.DeliveryKey]bool{}, stop: make(chan struct{}), enough: make(chan struct{}),
	}
	d.ctx, d.abort = context.WithCancel(context.Background())
	return d
}

// Run starts the workers and the look-out for deliveries that are due, and
// returns. The error is the outbox's.
func (d *Dispatcher) Run(ctx context.Context) error {
	n, err := d.Outbox.Queued(ctx)
	if err != nil {
		return err
	}
	d.waiting.Add(int64(n))
	for range d.Workers {
		d.workers.Go(d.work)
	}
	d.scanner.Go(d.scan)
	return nil
}

// Offer takes a job that has just become durable. It never blocks.
func (d *Dispatcher) Offer(j verify.Job) {
	d.waiting.Add(1)
	d.hand(j)
}

// Backlog is about how many deliveries wait to be sent.
func (d *Dispatcher) Backlog() int { return int(max(0, d.waiting.Load())) }

// beginFor is how long after Close is called sends are still begun. What has not
// begun by then is in the outbox; what has is given the time to end.
const beginFor = 3 * time.Second

// Close works off what is in hand for a short while, lets the sends that have
// begun end, until ctx ends, and stops the workers. What was not begun stays in
// the outbox, for the next process.
func (d *Dispatcher) Close(ctx context.Context) {
	d.once.Do(func() { close(d.stop) })
	d.scanner.Wait()
	d.mu.Lock()
	d.closed = true
	close(d.jobs)
	d.mu.Unlock()
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
}

// begins says whether a send may still be begun.
func (d *Dispatcher) begins() bool {
	select {
	case <-d.enough:
		return false
	default:
		return true
	}
}

// hand puts a job into memory unless it is there.
func (d *Dispatcher) hand(j verify.Job) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || d.held[j.Delivery.Key] {
		return
	}
	d.held[j.Delivery.Key] = true
	select {
	case d.jobs <- j:
	default:
		d.later = append(d.later, j.Delivery.Key)
	}
}

func (d *Dispatcher) holds(key verify.DeliveryKey) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.held[key]
}

// scan looks for deliveries that are due: those of nodes that died, those to be
// tried again, and those for which there was no room.
func (d *Dispatcher) scan() {
	tick := time.NewTicker(scanEvery)
	defer tick.Stop()
	orphans := d.Alone
	var counted time.Time
	for {
		if d.takeDue(orphans) {
			orphans = false
		}
		if now := d.Now(); now.Sub(counted) >= countEvery {
			d.recount()
			counted = now
		}
		select {
		case <-d.stop:
			return
		case <-tick.C:
		}
	}
}

// takeDue claims what is due, page by page, and says whether it saw to the end.
func (d *Dispatcher) takeDue(orphans bool) bool {
	for {
		due, err := d.Outbox.Due(d.ctx, d.Now(), orphans, scanLimit)
		if err != nil {
			d.Log.Error("the outbox could not be read", "cause", err)
			return false
		}
		claimed := 0
		for _, row := range due {
			if d.holds(row.Key) {
				continue
			}
			job, err := d.Outbox.Claim(d.ctx, verify.Claim{Key: row.Key, Orphan: orphans})
			if err != nil {
				d.Log.Error("a delivery could not be claimed", "delivery", row.Key.String(), "cause", err)
				return false
			}
			if job != nil {
				claimed++
				d.hand(*job)
			}
		}
		if claimed == 0 || len(due) < scanLimit {
			return true
		}
	}
}

// recount corrects the backlog: other nodes and forgotten jobs make it drift.
func (d *Dispatcher) recount() {
	n, err := d.Outbox.Queued(d.ctx)
	if err != nil {
		d.Log.Error("the outbox could not be counted", "cause", err)
		return
	}
	d.waiting.Store(int64(n))
}

func (d *Dispatcher) work() {
	for j := range d.jobs {
		if d.begins() {
			d.do(j)
		}
		d.release(j.Delivery.Key)
		d.catchUp()
	}
}

// catchUp does one of the jobs for which there was no room, and goes on while
// there is nothing else to do.
func (d *Dispatcher) catchUp() {
	for {
		key, ok := d.next()
		if !ok {
			return
		}
		job, err := d.Outbox.Claim(d.ctx, verify.Claim{Key: key})
		if err == nil && job != nil {
			d.do(*job)
		}
		d.release(key)
		if len(d.jobs) > 0 {
			return
		}
	}
}

// next takes the oldest of what waits for room.
func (d *Dispatcher) next() (key verify.DeliveryKey, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.later) == 0 || d.closed {
		return key, false
	}
	key, d.later = d.later[0], d.later[1:]
	return key, true
}

func (d *Dispatcher) release(key verify.DeliveryKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.held, key)
}

// do sends one job, keeping its lease while that takes.
func (d *Dispatcher) do(j verify.Job) {
	if d.Now().Add(verify.RenewEvery).After(j.Delivery.DueAt) {
		// It has waited long in memory: another node may have taken it.
		again, err := d.Outbox.Claim(d.ctx, verify.Claim{Key: j.Delivery.Key})
		if err != nil || again == nil {
			return
		}
		j = *again
	}
	stop := d.keepLease(j.Delivery.Key)
	defer stop()
	report := d.send(j)
	// Also when the sends are being stopped: what came of one must not be lost.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.ctx), reportFor)
	defer cancel()
	after, err := d.Outbox.Report(ctx, report)
	if err != nil {
		d.Log.Error("the outcome of a delivery could not be stored; it may be sent again", "delivery", j.Delivery.Key.String(), "cause", err)
		return
	}
	if after == nil || after.State != verify.Queued {
		d.waiting.Add(-1)
	}
}

// keepLease renews the lease until stop is called.
func (d *Dispatcher) keepLease(key verify.DeliveryKey) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(verify.RenewEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			if _, err := d.Outbox.Claim(d.ctx, verify.Claim{Key: key}); err != nil {
				d.Log.Warn("a lease could not be renewed", "delivery", key.String(), "cause", err)
			}
		}
	}()
	return func() { close(done) }
}

// send tries the route's carriers in turn and returns the report of the last.
func (d *Dispatcher) send(j verify.Job) verify.Report {
	report := verify.Report{Key: j.Delivery.Key, ExpiresAt: j.Verification.ExpiresAt}
	m, err := j.Message(d.Keys)
	if err != nil {
		d.Log.Error("a message could not be made", "delivery", j.Delivery.Key.String(), "cause", err)
		report.Refusal = &verify.SendError{Class: verify.UnknownClass, Err: err}
		return report
	}
	report.Refusal = &verify.SendError{Class: verify.UnknownClass, Err: errors.New("the channel has no carrier any more")}
	var later *verify.Report // of a carrier that may be tried again
	for _, c := range d.Routes[m.Channel] {
		begun := d.Now()
		sub, refusal := attempt(d.ctx, c.Sender, m)
		report.Carrier, report.CarrierID, report.Refusal = c.Name, sub.CarrierID, refusal
		d.note(j, m, c.Name, refusal, d.Now().Sub(begun))
		if refusal == nil || !refusal.OtherCarrier() {
			return report
		}
		if refusal.Later() {
			of := report
			later = &of
		}
	}
	if later != nil {
		return *later // a carrier without money must not end what another one would take in a moment
	}
	return report
}

// note writes the one line of an attempt.
func (d *Dispatcher) note(j verify.Job, m verify.Message, carrier string, refusal *verify.SendError, took time.Duration) {
	level, outcome := slog.LevelInfo, []any{"outcome", "sent"}
	if refusal != nil {
		level = slog.LevelWarn
		outcome = []any{"outcome", "refused", "class", string(refusal.Class), "ambiguous", refusal.Ambiguous, "cause", refusal.Err}
	}
	d.Log.Log(d.ctx, level, "delivery attempt", append([]any{
		"delivery", j.Delivery.Key.String(), "to", m.To, "channel", string(m.Channel), "carrier", carrier,
		"attempt", j.Delivery.Attempt, "took", took,
	}, outcome...)...)
}

// attempt hands the message to one carrier. A carrier that panics or returns an
// error of another kind has a defect; nobody knows then whether it sent.
func attempt(ctx context.Context, s verify.Sender, m verify.Message) (sub verify.Submission, refusal *verify.SendError) {
	defer func() {
		if p := recover(); p != nil {
			refusal = &verify.SendError{Class: verify.UnknownClass, Ambiguous: true, Err: fmt.Errorf("the carrier panicked with a %T", p)}
		}
	}()
	sub, err := s.Send(ctx, m)
	if err == nil {
		return sub, nil
	}
	if refusal, ok := errors.AsType[*verify.SendError](err); ok {
		return sub, refusal
	}
	return sub, &verify.SendError{Class: verify.UnknownClass, Ambiguous: true, Err: errors.New("the carrier's package returned an error without a class")}
}
