// Package deliver gets deliveries to carriers: it works off the outbox, tries
// the carriers of a route in order, reports what came of it, and takes in receipts.
//
// The one idea is that the outbox is the truth. A job arrives here from the
// commit that made it, or is found in the outbox when its lease has run out or
// its time to be tried again has come; what this process forgets by dying is
// found by the next one. A message can therefore go out twice if a process dies
// between a carrier's word and its being written down, and never not at all.
// What a refusal allows is the core's rule, the order of carriers is package route's,
// and how a carrier is spoken to is its own package's.
package deliver

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"countersign/internal/deliver/route"
	"countersign/internal/secret"
	"countersign/internal/verify"
)

// Outbox is what the dispatcher needs of the engine.
type Outbox interface {
	Claim(context.Context, verify.Claim) (*verify.Job, error)
	Report(context.Context, verify.Report) (*verify.Delivery, error)
	Receive(context.Context, verify.Receive) (*verify.Delivery, error)
	Due(ctx context.Context, now time.Time, all bool, limit int) ([]verify.Delivery, error)
	Queued(context.Context) (int, error)
	// Past reads the messages that went to the job's address before, the newest first,
	// as far back as is worth it.
	Past(context.Context, verify.Job) ([]verify.Job, error)
	// Found finds a delivery by a carrier's name for it, or nil.
	Found(ctx context.Context, by string) (*verify.DeliveryKey, error)
}

// Config is what a Dispatcher needs.
type Config struct {
	Senders map[string]verify.Sender // by the names that the operator gave them
	Table   *route.Table
	Pace    *route.Pace // nil: every carrier takes what comes
	Outbox  Outbox
	Keys    *secret.Ring
	Now     func() time.Time
	Log     *slog.Logger
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
	breakers *route.Breakers
	scores   *route.Scores
	recent   *recent
	jobs     chan ticket
	waiting  atomic.Int64 // deliveries not yet sent, as far as this node knows

	mu     sync.Mutex
	closed bool                          // jobs is closed
	held   map[verify.DeliveryKey]bool   // in jobs, in later, at a gate, or with a worker
	later  []ticket                      // for which there was no room in jobs
	again  map[verify.DeliveryKey]ticket // for which there is a turn after this one
	gates  map[gateKey]*gate

	ctx     context.Context // ends when even running sends must stop
	abort   context.CancelFunc
	stop    chan struct{} // closed when no more jobs are taken
	enough  chan struct{} // closed when no more sends are begun
	woken   chan struct{} // a gate has another time to open
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
		Config: c, jobs: make(chan ticket, c.Whole), held: map[verify.DeliveryKey]bool{},
		again: map[verify.DeliveryKey]ticket{}, gates: map[gateKey]*gate{}, woken: make(chan struct{}, 1),
		breakers: route.NewBreakers(), scores: route.NewScores(), recent: newRecent(),
		stop: make(chan struct{}), enough: make(chan struct{}),
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
	d.scanner.Go(d.keepGates)
	return nil
}

// Offer takes a job that has just become durable. It never blocks.
func (d *Dispatcher) Offer(j verify.Job) {
	if j.Delivery.State == verify.Queued {
		d.waiting.Add(1)
	}
	d.hand(ticket{key: j.Delivery.Key, job: &j})
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

// stopped says whether no more jobs are taken.
func (d *Dispatcher) stopped() bool {
	select {
	case <-d.stop:
		return true
	default:
		return false
	}
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
