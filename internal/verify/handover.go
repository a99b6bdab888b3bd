package verify

import (
	"slices"
	"time"
)

// Handover is one carrier's being given a delivery, and what it said then and later.
type Handover struct {
	Carrier   string
	CarrierID string // the carrier's name for the message; empty if it gave none
	Unnamed   bool   // receipts name the message by CarrierID alone
	// State is Sent, Unconfirmed or Failed by the carrier's answer, and moved on by its
	// receipts to Sent, Delivered or Failed. Empty: the carrier was passed over.
	State DeliveryState
	Class Class         // why it failed
	Why   string        // this carrier was asked, or passed over, in words for the operator
	Line  Line          // what the carrier said the number belongs to
	Times int           // how often it refused alike, this time included
	At    time.Time     // of the first time
	Took  time.Duration // until the answer
	Word  time.Time     // of the receipt that moved State last
	Early bool          // a receipt came before the answer
}

// maxHandovers bounds what is kept of one delivery: many carriers that refuse over and
// over until it expires. A route has at most half as many carriers.
const maxHandovers = 64

// Handed is the handover that a carrier's answer is.
func Handed(carrier string, sub Submission, refusal *SendError) Handover {
	h := Handover{Carrier: carrier, CarrierID: sub.CarrierID, Unnamed: sub.Unnamed, Line: sub.Line, State: Sent, Times: 1}
	if refusal != nil {
		h.State, h.Class = Failed, refusal.Class
		if refusal.Ambiguous {
			h.State = Unconfirmed
		}
	}
	return h
}

// has says whether the carrier may have the message, or had it: it is not given the
// same one twice.
func (h Handover) has() bool { return h.State != Failed && h.State != "" || !h.Word.IsZero() }

// alike says whether two are one refusal over again.
func (h Handover) alike(o Handover) bool {
	return h.Carrier == o.Carrier && h.State == o.State && h.Class == o.Class && !h.has() && !o.has()
}

// Spent says whether a carrier is not to be asked for this delivery again: it has the
// message, had it, or refused it in a way that waiting does not mend.
func (d Delivery) Spent(carrier string) bool {
	return slices.ContainsFunc(d.Handovers, func(h Handover) bool {
		return h.Carrier == carrier && (h.has() || h.State == Failed && !steering[h.Class].later)
	})
}

// Taken counts the carriers that took the message.
func (d Delivery) Taken() (n int) {
	for _, h := range d.Handovers {
		if h.State == Sent || h.State == Delivered || h.State == Failed && !h.Word.IsZero() {
			n++
		}
	}
	return n
}

// hand notes a handover. The slice is never changed in place: rows are compared and
// kept by what they were.
func (d *Delivery) hand(h Handover) {
	d.Handovers = slices.Clone(d.Handovers)
	for i, was := range d.Handovers {
		switch {
		case was.Carrier == h.Carrier && was.Early && h.has():
			was.Early = false
			was.At, was.Took, was.Why, was.Times = h.At, h.Took, h.Why, h.Times
			if was.CarrierID == "" {
				was.CarrierID, was.Unnamed = h.CarrierID, h.Unnamed
			}
			if was.Line == "" {
				was.Line = h.Line
			}
			d.Handovers[i] = was
			return
		case was.alike(h):
			d.Handovers[i].Times += h.Times
			d.Handovers[i].Why = h.Why
			return
		}
	}
	// Never one by which a carrier has the message: it would be given it again.
	if old := slices.IndexFunc(d.Handovers, func(h Handover) bool { return !h.has() }); old >= 0 && len(d.Handovers) >= maxHandovers {
		d.Handovers = slices.Delete(d.Handovers, old, old+1)
	}
	d.Handovers = append(d.Handovers, h)
}

// barred says whether a carrier said of the person, the number or the text what makes
// other carriers no use, or wrong: then nobody else is asked, whatever others say.
func (d Delivery) barred() bool {
	return slices.ContainsFunc(d.Handovers, func(h Handover) bool { return h.State == Failed && !steering[h.Class].otherCarrier })
}

// best is the handover of which the best was said, the last of equals; the last one
// that failed if none of them has it any more.
func (d Delivery) best() (best Handover) {
	for _, h := range d.Handovers {
		if rank[h.State] >= rank[best.State] {
			best = h
		}
	}
	return best
}

// rank orders what carriers say: from nothing to what settles it.
var rank = map[DeliveryState]int{"": 0, Failed: 1, Unconfirmed: 2, Sent: 3, Delivered: 4}

// FoundBy is what a receipt that does not have our name for the message finds the
// delivery by; empty if none will come.
func (d Delivery) FoundBy() string {
	for _, h := range slices.Backward(d.Handovers) {
		if h.Unnamed && h.CarrierID != "" {
			return FoundBy(h.Carrier, h.CarrierID)
		}
	}
	return ""
}

// FoundBy joins a carrier's name and its name for a message.
func FoundBy(carrier, id string) string { return carrier + "\n" + id }
