package deliver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"countersign/internal/verify"
)

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
	ctx, cancel := context.WithCancel(d.ctx)
	// Hardly any send takes so long that a goroutine for it is worth its while.
	timer := time.AfterFunc(verify.RenewEvery, func() { d.renew(ctx, key) })
	return func() {
		timer.Stop()
		cancel()
	}
}

// renew renews a lease now and then until ctx ends.
func (d *Dispatcher) renew(ctx context.Context, key verify.DeliveryKey) {
	tick := time.NewTicker(verify.RenewEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		if _, err := d.Outbox.Claim(d.ctx, verify.Claim{Key: key}); err != nil {
			d.Log.Warn("a lease could not be renewed", "delivery", key.String(), "cause", err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// send tries the route's carriers in turn and returns the report of the last.
func (d *Dispatcher) send(j verify.Job) verify.Report {
	report := verify.Report{Key: j.Delivery.Key, ExpiresAt: j.Verification.ExpiresAt, Events: j.Verification.Details.Events}
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
		report.Carrier, report.CarrierID, report.Refusal = c.Name, printable(sub.CarrierID), refusal
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

// printable keeps of a carrier's name for a message what every database can hold:
// an answer that could not be stored would have the message sent again.
func printable(id string) string {
	id = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, id)
	return strings.ToValidUTF8(id[:min(len(id), 200)], "")
}
