package deliver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/internal/deliver/route"
	"countersign/internal/verify"
)

// blockage says that nobody could be asked: where the ticket waits, and until when.
type blockage struct {
	at    gateKey
	until time.Time
}

// send asks the carriers of the route in turn. It returns the report of what they said,
// or that none could be asked just now.
func (d *Dispatcher) send(j verify.Job, from *gate, kept *lease) (verify.Report, *blockage) {
	report := verify.Report{Key: j.Delivery.Key, ExpiresAt: j.Verification.ExpiresAt, Events: j.Verification.Details.Events}
	m, err := j.Message(d.Keys, d.Now())
	if err != nil {
		d.Log.Error("a message could not be made", "delivery", j.Delivery.Key.String(), "cause", err)
		return d.nobody(report, verify.UnknownClass, "the message could not be made"), nil
	}
	match := d.Table.Match(m.Channel, m.To)
	at := gateKey{m.Channel, match.Index, match.Country, spent(j.Delivery, match.Rule)}
	if until, closed := d.closedGate(at, from); closed {
		return report, &blockage{at, until} // those who wait are older
	}
	past, memory := d.recall(j)
	if memory.Barred != "" {
		return d.nobody(report, memory.Barred, fmt.Sprintf("a carrier said «%s» of this address before: %s", memory.Barred, memory.BarredAt.UTC().Format(time.DateTime))), nil
	}
	steps := route.Plan(d.input(j, match, past, memory))
	a := attempts{d: d, j: j, m: m, match: match, kept: kept, report: report}
	for _, step := range steps {
		if !a.ask(step) {
			break
		}
	}
	return a.result(at)
}

// nobody is the report of a message that is given to no carrier.
func (d *Dispatcher) nobody(r verify.Report, class verify.Class, why string) verify.Report {
	r.Refusal, r.Done = &verify.SendError{Class: class, Err: errors.New(why)}, true
	r.Handovers = append(r.Handovers, verify.Handover{Class: class, Why: why})
	d.Log.Warn("a message goes to nobody", "delivery", r.Key.String(), "class", string(class), "why", why)
	return r
}

// input is what the order of the carriers depends on.
func (d *Dispatcher) input(j verify.Job, match route.Match, past []verify.Job, memory verify.Memory) route.Input {
	in := route.Input{
		Match: match, Avoid: map[string]string{}, Behind: map[string]string{}, Breakers: d.breakers, Scores: d.scores,
		Random: binary.BigEndian.Uint64(j.Verification.ID[8:]) + uint64(j.Delivery.Key.Number), Now: d.Now(),
	}
	if memory.Channel == j.Delivery.Channel {
		in.LastGood = memory.Carrier
	}
	for _, c := range match.Rule.Carriers {
		switch {
		case j.Delivery.Spent(c.Name):
			in.Avoid[c.Name] = "it had this message already"
		case verify.Unanswered(past, j.Verification.ID, c.Name):
			in.Behind[c.Name] = "its last message was not answered"
		}
	}
	return in
}

// Explain says what would happen to a message now. Nothing is sent, and no carrier's
// probe or pace is used up.
func (d *Dispatcher) Explain(channel verify.Channel, to verify.Address) route.Explanation {
	in := route.Input{Match: d.Table.Match(channel, to), Breakers: d.breakers, Scores: d.scores, Now: d.Now()}
	return route.Explain(in, to)
}

const (
	// recallFor bounds the look at past messages: the person waits.
	recallFor = time.Second
	// recallAfter lets the answer to the start go first. On a small machine the look slows
	// it down, and how long it takes must not tell who was here before (promise 15).
	recallAfter = 5 * time.Millisecond
)

// recall sums up what past messages tell. An address that has none costs nothing.
func (d *Dispatcher) recall(j verify.Job) ([]verify.Job, verify.Memory) {
	if j.Verification.Previous == (verify.ID{}) && j.Delivery.Key.Number == 1 {
		return nil, verify.Memory{}
	}
	ctx, cancel := context.WithTimeout(d.ctx, recallFor)
	defer cancel()
	select {
	case <-time.After(recallAfter):
	case <-ctx.Done(): // Past says so
	}
	past, err := d.Outbox.Past(ctx, j)
	if err != nil {
		// It makes the choice better, and is nothing to wait for.
		d.Log.Warn("past messages could not be read", "delivery", j.Delivery.Key.String(), "cause", err)
	}
	return past, verify.Recall(past, j.Delivery.Channel, d.Now())
}

// spent names the carriers that are not to be asked for a delivery again: others wait
// for those that it cannot go to.
func spent(d verify.Delivery, r route.Rule) string {
	var names []string
	for _, c := range r.Carriers {
		if d.Spent(c.Name) {
			names = append(names, c.Name)
		}
	}
	return strings.Join(names, "\n")
}

// attempts are the carriers' answers to one message.
type attempts struct {
	d      *Dispatcher
	j      verify.Job
	m      verify.Message
	match  route.Match
	kept   *lease
	report verify.Report

	passed []verify.Handover // over, with the reasons; of note only if somebody was asked
	asked  int
	later  *verify.SendError // of the carrier that may be tried again first
	wait   time.Duration     // until one that was passed over may be asked; 0 if none may
	left   bool              // somebody who was not asked may be
}

// ask hands the message to one carrier, unless it is to be passed over, and says
// whether the next one may be asked.
func (a *attempts) ask(step route.Step) (goOn bool) {
	d, now := a.d, a.d.Now()
	if step.Skipped {
		a.pass(step.Carrier, step.Why, step.RetryAfter, now)
		return true
	}
	if a.done() {
		a.left = true // another one is there for the hedge
		return true
	}
	if a.kept.lost.Load() {
		a.left = true // for whoever has it now
		return false
	}
	sender := d.Senders[step.Carrier]
	if sender == nil {
		return true
	}
	wait, ok := d.Pace.Reserve(step.Carrier, waitInLine, now)
	if !ok {
		a.pass(step.Carrier, "passed over: its pace is reached", wait, now)
		return true
	}
	if wait > 0 {
		if !d.pause(wait) {
			a.left = true // the sends are being stopped: another process may ask it
			return false
		}
		now = d.Now()
	}
	if !now.Before(a.j.Verification.ExpiresAt) {
		return false
	}
	try, ok := d.breakers.Begin(step.Carrier, a.match.Country, now)
	if !ok {
		a.pass(step.Carrier, "passed over: another message finds out whether it is back", probeWait, now)
		return true
	}
	m := a.m
	m.Sender = step.Sender
	m.ValidFor = a.match.Rule.ValidFor(max(a.j.Verification.ExpiresAt.Sub(now), 0))
	sub, refusal := attempt(d.ctx, sender, m)
	ended := d.Now()
	if d.breakers.End(try, refusal, ended) {
		d.openGates()
	}
	sub.CarrierID = printable(sub.CarrierID)
	h := verify.Handed(step.Carrier, sub, refusal)
	h.Why, h.At, h.Took = step.Why, now, ended.Sub(now)
	a.report.Handovers = append(append(a.report.Handovers, a.passed...), h)
	a.report.Refusal, a.passed = refusal, nil
	a.asked++
	d.note(a.j, m, h, refusal)
	if refusal == nil {
		d.scores.Sent(step.Carrier, a.match.Country, ended)
		d.recent.sent(a.j.Verification.ID, step.Carrier, a.match.Country, ended)
	} else if refusal.Later() && (a.later == nil || refusal.Wait < a.later.Wait) {
		a.later = refusal
	}
	return true
}

// done says whether no other carrier may be asked any more.
func (a *attempts) done() bool {
	return a.asked > 0 && (a.report.Refusal == nil || !a.report.Refusal.OtherCarrier())
}

// pass notes a carrier that was passed over.
func (a *attempts) pass(carrier, why string, wait time.Duration, now time.Time) {
	if !a.j.Delivery.Spent(carrier) {
		a.left = true
		a.passed = append(a.passed, verify.Handover{Carrier: carrier, Why: why, At: now})
	}
	if wait > 0 && (a.wait == 0 || wait < a.wait) {
		a.wait = wait
	}
}

// waitInLine is how long a worker waits for a carrier's pace, which keeps the order;
// longer waits are a gate's.
const waitInLine = 100 * time.Millisecond

// pause waits and says whether it was not stopped meanwhile.
func (d *Dispatcher) pause(wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-d.ctx.Done():
		return false
	}
}

// probeWait is when those who wait for a probe ask again, if nothing tells them before.
const probeWait = time.Second

// result is the report, or the gate to wait at if nobody could be asked who still may.
func (a *attempts) result(at gateKey) (verify.Report, *blockage) {
	r := a.report
	switch {
	case a.asked == 0 && a.left:
		return r, &blockage{at, a.d.Now().Add(max(a.wait, minWait))}
	case a.asked == 0:
		class := a.j.Delivery.Class
		why := "no other carrier is left to ask"
		switch {
		case len(a.match.Rule.Carriers) == 0:
			class, why = verify.UnknownClass, "the channel has no carrier any more"
		case !a.d.Now().Before(a.j.Verification.ExpiresAt):
			why = "its code expired before anybody could be asked"
		}
		return a.d.nobody(r, class, why), nil
	}
	if r.Refusal != nil && !a.done() {
		// All were asked. A carrier without money must not end what another one would
		// take in a moment, nor must one that asks for a long wait.
		if a.later != nil {
			r.Refusal = a.later
		}
		if a.left && (a.later == nil || a.wait > 0 && a.wait < a.later.Wait) {
			r.Refusal = &verify.SendError{Class: verify.Temporary, Wait: a.wait, Err: errors.New("the other carriers cannot be asked just now")}
		}
	}
	if a.left {
		r.Hedge = a.match.Rule.HedgeAfter
	}
	return r, nil
}

// minWait keeps a gate from spinning.
const minWait = 10 * time.Millisecond
