package verify

import "time"

// Report says what came of an attempt to send.
type Report struct {
	Key DeliveryKey
	// Handovers are all carriers that were asked, in turn, and those passed over.
	Handovers []Handover
	// Refusal is the last word: nil if a carrier took the message. Where no carrier was
	// left to ask it has the class for which the last one failed.
	Refusal *SendError
	// Done says that no carrier is left that might still take it.
	Done bool
	// Hedge is how long to wait for good word before another carrier is asked as well;
	// 0 if there is none to ask, or it shall not be.
	Hedge     time.Duration
	ExpiresAt time.Time // of the verification: nothing is planned for after it
	Events    bool      // of the verification's details: somebody wants to be told
}

// retries are the waits before the second, third, … attempt over the whole route; the
// last one is also that of all that follow, until the verification expires.
var retries = [...]time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second}

// maxTaken is how many carriers may take a message before nobody else is asked: the
// first, and one more after silence. Each costs.
const maxTaken = 2

// Needs names the delivery, and its verification where an event may be made of it:
// other reports cost no row more.
func (r Report) Needs(*Env) (Needs, error) {
	n := Needs{Delivery: r.Key}
	if r.Events {
		n.Verification = r.Key.Verification
	}
	return n, nil
}

// Decide moves the delivery forward, or gives it another time to be tried. The
// answer is the delivery as it is then; nil if there is none.
func (r Report) Decide(env *Env, rows Rows, now time.Time) (Changes, *Delivery, error) {
	d := rows.Delivery
	if d == nil {
		return Changes{}, nil, nil
	}
	if !r.counts(env, *d) {
		return Changes{}, d, nil
	}
	before := d.State
	for _, h := range r.Handovers {
		if h.At.IsZero() {
			h.At = now
		}
		d.hand(h)
	}
	d.UpdatedAt = now
	r.move(d, now)
	changes := Changes{Deliveries: []Delivery{*d}}
	changes.told(env, before, *d, rows.Verification, now)
	return changes, d, nil
}

// counts says whether the report is of the node that has the delivery in hand. Of
// another's only good news counts, and only where there was none.
func (r Report) counts(env *Env, d Delivery) bool {
	if d.Open() && d.Node == env.Node {
		return true
	}
	return r.Refusal == nil && d.State != Failed
}

// move says where the delivery stands after this report, and whether it goes on.
func (r Report) move(d *Delivery, now time.Time) {
	best, goesOn := d.best(), !d.barred() && !r.Done
	d.Carrier, d.CarrierID, d.Class, d.Onward = best.Carrier, best.CarrierID, best.Class, false
	switch {
	case best.State == Delivered:
		d.State = Delivered
	case best.State == Sent || best.State == Unconfirmed:
		d.State = best.State
		if at := now.Add(r.Hedge); goesOn && r.Hedge > 0 && d.Taken() < maxTaken && at.Before(r.ExpiresAt) {
			d.onward(at)
		}
	case goesOn && r.Refusal == nil && now.Before(r.ExpiresAt):
		d.onward(now) // its receipt came before its answer, and says that it failed
	case goesOn && r.Refusal != nil && r.Refusal.Later() && now.Add(r.backoff(d.Attempt)).Before(r.ExpiresAt):
		d.onward(now.Add(r.backoff(d.Attempt)))
	default:
		d.State = Failed
	}
	if d.State == Failed && r.Refusal != nil {
		d.Class = r.Refusal.Class
	}
}

// onward has another attempt made at an instant. Without a node nobody renews it, so
// it is due for whoever comes first. What no carrier ever had is still queued for it.
func (d *Delivery) onward(at time.Time) {
	d.Onward, d.Node, d.DueAt = d.State != Queued, "", at
}

func (r Report) backoff(attempt int) time.Duration {
	wait := retries[min(max(attempt, 1), len(retries))-1]
	if r.Refusal != nil {
		wait = max(wait, r.Refusal.Wait)
	}
	return wait
}
