package verify

import (
	"slices"
	"time"
)

// Receive takes a carrier's receipt into a delivery. Whoever issues it has verified that
// it is the carrier's. A receipt moves the handover only forward, so that one that comes
// twice, late or out of order changes nothing, and it never settles a verification.
type Receive struct {
	Key     DeliveryKey
	Carrier string // that posted it
	Receipt Receipt
}

// Needs names the delivery and its verification.
func (r Receive) Needs(*Env) (Needs, error) {
	return Needs{Delivery: r.Key, Verification: r.Key.Verification}, nil
}

// Decide moves the delivery. Where a carrier has failed with the message for a reason
// that another one may not have, that one is asked at once. The answer is the delivery
// as it is then; nil if there is none, or the carrier never had it.
func (r Receive) Decide(env *Env, rows Rows, now time.Time) (Changes, *Delivery, error) {
	d, v := rows.Delivery, rows.Verification
	if d == nil || v == nil {
		return Changes{}, nil, nil
	}
	at := r.find(*d)
	if at < 0 {
		return Changes{}, nil, nil
	}
	before := d.State
	d.Handovers = slices.Clone(d.Handovers)
	if at == len(d.Handovers) {
		d.Handovers = append(d.Handovers, Handover{Carrier: r.Carrier, CarrierID: r.Receipt.CarrierID, State: Unconfirmed, Times: 1, At: now, Early: true})
	}
	if !d.Handovers[at].move(r.Receipt, now) {
		return Changes{}, rows.Delivery, nil
	}
	d.UpdatedAt = now
	var jobs []Job
	status, best := v.StatusAt(now), d.best()
	inHand := d.Open() && d.Node != "" // its node is about to report
	switch {
	case best.State == Delivered:
		d.State, d.Class, d.Onward = Delivered, "", false
	case best.State == Sent && d.State == Unconfirmed:
		d.State, d.Class = Sent, ""
	case best.State != Failed, inHand, d.State != Sent && d.State != Unconfirmed, status == Accepted:
		// Another carrier may have it, or the person has the code whatever the carrier says.
	case status != Pending || d.barred():
		d.State, d.Class, d.Onward = Failed, best.Class, false
	default:
		d.Class, d.Onward, d.Node, d.DueAt = best.Class, true, env.Node, now.Add(Lease)
		d.Attempt++
		jobs = append(jobs, Job{*d, *v})
	}
	if best.State == Delivered || best.State == Sent {
		d.Carrier, d.CarrierID = best.Carrier, best.CarrierID
	}
	changes := Changes{Deliveries: []Delivery{*d}, Jobs: jobs}
	changes.told(env, before, *d, v, now)
	return changes, d, nil
}

// find is the place of the handover that the receipt is about: the last one to its
// carrier, of the name it gives. Past the end is that of a carrier whose answer is not
// here yet; less than 0 is none.
func (r Receive) find(d Delivery) int {
	for at := len(d.Handovers) - 1; at >= 0; at-- {
		h, id := d.Handovers[at], r.Receipt.CarrierID
		if h.Carrier == r.Carrier && h.has() && (id == h.CarrierID || id == "" || h.CarrierID == "") {
			return at
		}
	}
	if d.Open() && d.Node != "" && len(d.Handovers) < maxHandovers {
		return len(d.Handovers)
	}
	return -1
}

// move takes a receipt into the handover and says whether that changed anything.
func (h *Handover) move(r Receipt, now time.Time) bool {
	forward := false
	switch r.State {
	case Sent:
		forward = h.State == Unconfirmed
	case Delivered, Failed:
		forward = h.State == Unconfirmed || h.State == Sent
	}
	if !forward {
		return false
	}
	h.State, h.Word = r.State, now
	if h.CarrierID == "" {
		h.CarrierID = r.CarrierID
	}
	if r.State == Failed {
		h.Class = r.Class
		if h.Class == "" {
			h.Class = UnknownClass
		}
	} else {
		h.Class = ""
	}
	if r.Line != "" {
		h.Line = r.Line
	}
	return true
}
