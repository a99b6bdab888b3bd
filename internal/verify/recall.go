package verify

import "time"

// Memory is what past messages tell about an address. It is not stored: it lies in the
// verifications that are kept, and leaves with them.
type Memory struct {
	Carrier    string    // whose message the person answered last
	Channel    Channel   // of that message
	VerifiedAt time.Time // when
	Line       Line      // what a carrier said last that the number belongs to
	// Barred is why no message goes to the address over the channel asked about.
	Barred   Class
	BarredAt time.Time
	// Reassigned says that since the person answered last the number was not in
	// service, or became another kind of line: it may be somebody else's.
	Reassigned bool
}

// How long a carrier's word keeps messages from an address. Whoever opted out may opt
// in again with an answer that the carrier sees and we do not; a landline stays one.
const (
	optedOutFor  = 24 * time.Hour
	notMobileFor = 30 * 24 * time.Hour
)

// Recall sums up the past messages to one address, the newest first, for another one
// over a channel.
func Recall(past []Job, channel Channel, now time.Time) Memory {
	var m Memory
	var changed, worked bool
	for _, j := range past {
		for _, h := range j.Delivery.Handovers {
			// WhatsApp says so of numbers that are in service and have no WhatsApp.
			changed = changed || h.Class == BadNumber && m.VerifiedAt.IsZero() && j.Delivery.Channel != WhatsApp
		}
		line := j.Delivery.line()
		if m.VerifiedAt.IsZero() && j.Converted() {
			m.Carrier, m.Channel, m.VerifiedAt = j.Delivery.best().Carrier, j.Delivery.Channel, j.Verification.UpdatedAt
			m.Reassigned = changed || m.Line != "" && line != "" && m.Line != line
		}
		if m.Line == "" {
			m.Line = line
		}
		if j.Delivery.Channel != channel {
			continue
		}
		worked = worked || j.Delivery.State == Delivered || j.Converted()
		if class := j.Delivery.Class; !worked && m.Barred == "" && bars(class, now.Sub(j.Delivery.UpdatedAt)) {
			m.Barred, m.BarredAt = class, j.Delivery.UpdatedAt
		}
	}
	return m
}

// Unanswered says whether a carrier took an earlier message of the same verification,
// which the person did not answer: who asks again gets it another way if there is one.
func Unanswered(past []Job, v ID, carrier string) bool {
	for _, j := range past {
		if j.Verification.ID != v {
			continue
		}
		for _, h := range j.Delivery.Handovers {
			if h.Carrier == carrier && h.has() {
				return true
			}
		}
	}
	return false
}

// bars says whether a carrier's word of some age still keeps messages away.
func bars(c Class, age time.Duration) bool {
	return c == OptedOut && age < optedOutFor || c == NotMobile && age < notMobileFor
}

// line is what a carrier said last that the number belongs to.
func (d Delivery) line() (last Line) {
	for _, h := range d.Handovers {
		if h.Line != "" {
			last = h.Line
		}
		if h.Class == NotMobile {
			last = Landline
		}
	}
	return last
}
