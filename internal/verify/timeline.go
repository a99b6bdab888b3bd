package verify

import (
	"fmt"
	"slices"
	"time"
)

// Moment is a step of a verification, for support and operators. It holds no code, no
// key and no address.
type Moment struct {
	At      time.Time
	Step    Step
	Message int // the verification's first, second, … message; 0 where it is about none
	Channel Channel
	Carrier string
	Class   Class
	Why     string
	Took    time.Duration // until the carrier's answer
}

// Step is what happened at a Moment.
type Step string

// The steps. A verification's end has the name of its status.
const (
	StepStarted     Step = "started"
	StepQueued      Step = "queued"
	StepPassedOver  Step = "passed over"
	StepSubmitted   Step = "submitted" // a carrier took the message
	StepRefused     Step = "refused"
	StepUnconfirmed Step = "unconfirmed" // nobody knows whether the carrier took it
	StepConfirmed   Step = "confirmed"   // a receipt says that it did
	StepDelivered   Step = "delivered"
	StepFailed      Step = "failed" // a receipt says so
	StepGivenUp     Step = "given up"
	StepDropped     Step = "dropped" // not needed any more when its turn came
	StepWaiting     Step = "waiting" // for good word, before another carrier is asked as well
)

// Timeline is all that is known of a verification, in order.
func Timeline(v Verification, deliveries []Delivery, now time.Time) []Moment {
	list := []Moment{{At: v.CreatedAt, Step: StepStarted, Channel: v.Channel}}
	for _, d := range deliveries {
		list = append(list, d.moments(now)...)
	}
	switch status := v.StatusAt(now); status {
	case Pending:
	case Expired:
		list = append(list, Moment{At: v.ExpiresAt, Step: Step(status), Why: guessed(v)})
	default:
		list = append(list, Moment{At: v.UpdatedAt, Step: Step(status), Why: guessed(v)})
	}
	slices.SortStableFunc(list, func(a, b Moment) int { return a.At.Compare(b.At) })
	return list
}

func guessed(v Verification) string {
	if v.Guesses == 1 {
		return "after 1 guess"
	}
	return fmt.Sprintf("after %d guesses", v.Guesses)
}

func (d Delivery) moments(now time.Time) []Moment {
	about := Moment{Message: d.Key.Number, Channel: d.Channel}
	at := func(when time.Time, s Step) Moment {
		m := about
		m.At, m.Step = when, s
		return m
	}
	list := []Moment{at(d.CreatedAt, StepQueued)}
	for _, h := range d.Handovers {
		list = append(list, h.moments(about)...)
	}
	switch {
	case d.State == Dropped:
		list = append(list, at(d.UpdatedAt, StepDropped))
	case d.State == Failed:
		m := at(d.UpdatedAt, StepGivenUp)
		m.Class = d.Class
		list = append(list, m)
	case d.Onward && d.Node == "" && now.Before(d.DueAt):
		m := at(d.UpdatedAt, StepWaiting)
		m.Why = "another carrier is asked at " + d.DueAt.UTC().Format(time.TimeOnly) + " UTC unless there is word before"
		list = append(list, m)
	}
	return list
}

func (h Handover) moments(about Moment) []Moment {
	m := about
	m.At, m.Carrier, m.Why, m.Took = h.At, h.Carrier, h.Why, h.Took
	if h.Times > 1 {
		m.Why = fmt.Sprintf("%s; %d times", m.Why, h.Times)
	}
	steps := map[DeliveryState]Step{"": StepPassedOver, Sent: StepSubmitted, Unconfirmed: StepUnconfirmed, Delivered: StepSubmitted, Failed: StepRefused}
	m.Step = steps[h.State]
	if h.Word.IsZero() {
		m.Class = h.Class
		return []Moment{m}
	}
	m.Step = StepSubmitted
	word := about
	word.At, word.Carrier, word.Class = h.Word, h.Carrier, h.Class
	word.Step = map[DeliveryState]Step{Sent: StepConfirmed, Delivered: StepDelivered, Failed: StepFailed}[h.State]
	if h.Early {
		word.Why = "before the carrier's own answer"
		return []Moment{word}
	}
	return []Moment{m, word}
}
