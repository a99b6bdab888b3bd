package deliver

import (
	"context"
	"sync"
	"time"

	"countersign/internal/deliver/route"
	"countersign/internal/verify"
)

// Receive takes in a carrier's receipt, which is known to be the carrier's. One that is
// about no message of ours, or says nothing new, changes nothing. The error is the
// outbox's: the carrier is to say it again.
func (d *Dispatcher) Receive(ctx context.Context, carrier string, r verify.Receipt) error {
	r.CarrierID = printable(r.CarrierID)
	key, ok := verify.ParseDeliveryKey(r.Message)
	if !ok {
		if r.CarrierID == "" {
			return nil
		}
		found, err := d.find(ctx, carrier, r)
		if found == nil || err != nil {
			return err
		}
		key = *found
	}
	after, err := d.Outbox.Receive(ctx, verify.Receive{Key: key, Carrier: carrier, Receipt: r})
	if err != nil {
		return err
	}
	state := "unknown"
	if after != nil {
		state = string(after.State)
		d.hint(key.Verification, carrier, r)
	}
	d.Log.Info("receipt", "delivery", key.String(), "carrier", carrier, "says", string(r.State), "class", string(r.Class), "state", state)
	return nil
}

// find finds the delivery that a receipt is about by the carrier's name for it. A receipt
// can be here before the name is stored: it is kept then, and taken in after that.
func (d *Dispatcher) find(ctx context.Context, carrier string, r verify.Receipt) (*verify.DeliveryKey, error) {
	by := verify.FoundBy(carrier, r.CarrierID)
	found, err := d.Outbox.Found(ctx, by)
	if found != nil || err != nil {
		return found, err
	}
	d.recent.keep(by, r, d.Now())
	// Between the look and the keeping it may have been stored, and nobody comes again.
	found, err = d.Outbox.Found(ctx, by)
	if found != nil && len(d.recent.take(by)) == 0 {
		return nil, nil // whoever stored it has taken the receipt in
	}
	return found, err
}

// hint has a receipt count for the carrier, a little.
func (d *Dispatcher) hint(v verify.ID, carrier string, r verify.Receipt) {
	if r.State != verify.Delivered && r.State != verify.Failed {
		return
	}
	if s, ok := d.recent.hint(v, carrier); ok {
		d.scores.Receipt(route.Received{Carrier: carrier, Country: s.country, Sent: s.at, Arrived: r.State == verify.Delivered}, d.Now())
	}
}

// Verified is to be told when a verification was accepted: the one sign that a message
// arrived which no carrier can make up.
func (d *Dispatcher) Verified(v verify.ID) {
	if s, ok := d.recent.of(v); ok {
		d.recent.drop(v)
		d.scores.Verified(s.carrier, s.country, s.at, d.Now())
	}
}

// receiveEarly takes in the receipts that came before the carrier's answer was stored.
func (d *Dispatcher) receiveEarly(ctx context.Context, r verify.Report) {
	for _, h := range r.Handovers {
		if !h.Unnamed || h.CarrierID == "" {
			continue
		}
		for _, early := range d.recent.take(verify.FoundBy(h.Carrier, h.CarrierID)) {
			if err := d.Receive(ctx, h.Carrier, early); err != nil {
				d.Log.Error("a receipt could not be stored", "carrier", h.Carrier, "cause", err)
			}
		}
	}
}

// recent is what this node remembers of the last messages, bounded. What it forgets
// makes a choice less good and nothing worse.
type recent struct {
	mu    sync.Mutex
	sends map[verify.ID]send
	order []verify.ID // of the sends, the oldest first
	early map[string]earlyReceipts
}

type send struct {
	carrier, country string
	at               time.Time
	hinted           bool // its receipt has counted: a carrier may say the same thing often
}

type earlyReceipts struct {
	list []verify.Receipt
	at   time.Time
}

const (
	mostSends = 50_000
	mostEarly = 1000             // messages
	mostOfOne = 8                // receipts
	earlyFor  = 30 * time.Second // longer than any carrier's answer takes
)

func newRecent() *recent {
	return &recent{sends: map[verify.ID]send{}, early: map[string]earlyReceipts{}}
}

func (r *recent) sent(v verify.ID, carrier, country string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, again := r.sends[v]; !again {
		r.order = append(r.order, v)
	}
	r.sends[v] = send{carrier: carrier, country: country, at: at}
	for len(r.order) > mostSends {
		delete(r.sends, r.order[0])
		r.order = r.order[1:]
	}
}

func (r *recent) of(v verify.ID) (send, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.sends[v]
	return s, ok
}

// hint returns a send of the carrier's whose receipt may count, once.
func (r *recent) hint(v verify.ID, carrier string) (send, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.sends[v]
	if !ok || s.hinted || s.carrier != carrier {
		return s, false
	}
	s.hinted = true
	r.sends[v] = s
	return s, true
}

// drop forgets a send; its place in the order is let go of when its turn comes.
func (r *recent) drop(v verify.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sends, v)
}

// keep holds on to a receipt of a message that has no such name yet.
func (r *recent) keep(by string, receipt verify.Receipt, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.early) >= mostEarly {
		for name, e := range r.early {
			if now.Sub(e.at) > earlyFor {
				delete(r.early, name)
			}
		}
	}
	e, known := r.early[by]
	if !known && len(r.early) >= mostEarly || len(e.list) >= mostOfOne {
		return
	}
	r.early[by] = earlyReceipts{append(e.list, receipt), now}
}

func (r *recent) take(by string) []verify.Receipt {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.early[by].list
	delete(r.early, by)
	return list
}
