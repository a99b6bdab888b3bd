package deliver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"countersign/internal/verify"
)

func (d *Dispatcher) work() {
	for t := range d.jobs {
		d.turn(t)
		d.catchUp()
	}
}

// catchUp does one of the tickets for which there was no room, and goes on while
// there is nothing else to do.
func (d *Dispatcher) catchUp() {
	for {
		t, ok := d.next()
		if !ok {
			return
		}
		d.turn(t)
		if len(d.jobs) > 0 {
			return
		}
	}
}

// turn does one ticket, and lets go of it unless it is to wait.
func (d *Dispatcher) turn(t ticket) {
	blocked := false
	if d.begins() {
		blocked = d.do(t)
	}
	if !blocked {
		d.release(t.key)
		d.passed(t.gate)
	}
}

// do sends one delivery, keeping its lease while that takes. It says whether nobody
// could be asked just now, so that the ticket waits at a gate.
func (d *Dispatcher) do(t ticket) (blocked bool) {
	j := t.job
	// It may have waited long in memory: another node may have taken it.
	if j == nil || d.Now().Add(verify.RenewEvery).After(j.Delivery.DueAt) || !d.Now().Before(j.Verification.ExpiresAt) {
		again, err := d.Outbox.Claim(d.ctx, verify.Claim{Key: t.key})
		if err != nil {
			d.Log.Error("a delivery could not be claimed", "delivery", t.key.String(), "cause", err)
			return false
		}
		if again == nil {
			d.Log.Info("delivery no longer to be sent", "delivery", t.key.String())
			return false
		}
		j = again
	}
	kept := d.keepLease(j.Delivery.Key)
	defer kept.stop()
	report, wait := d.send(*j, t.gate, kept)
	if wait != nil {
		d.park(t.key, j.Verification.ExpiresAt, *wait, t.gate)
		return true
	}
	// Also when the sends are being stopped: what came of one must not be lost.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.ctx), reportFor)
	defer cancel()
	after, err := d.Outbox.Report(ctx, report)
	if err != nil {
		d.Log.Error("the outcome of a delivery could not be stored; it may be sent again", "delivery", j.Delivery.Key.String(), "cause", err)
		return false
	}
	if j.Delivery.State == verify.Queued && (after == nil || after.State != verify.Queued) {
		d.waiting.Add(-1)
	}
	d.receiveEarly(ctx, report)
	return false
}

// lease is this node's hold on a delivery while a carrier takes its time.
type lease struct {
	// lost: another node has the delivery, or it is not to be sent any more, as when its
	// code was typed in. Then no other carrier may be asked.
	lost atomic.Bool
	stop func() // the renewing
}

// keepLease renews the lease until its stop is called.
func (d *Dispatcher) keepLease(key verify.DeliveryKey) *lease {
	ctx, cancel := context.WithCancel(d.ctx)
	l := &lease{}
	// Hardly any send takes so long that a goroutine for it is worth its while.
	timer := time.AfterFunc(verify.RenewEvery, func() { d.renew(ctx, key, l) })
	l.stop = func() {
		timer.Stop()
		cancel()
	}
	return l
}

// renew renews a lease now and then until ctx ends.
func (d *Dispatcher) renew(ctx context.Context, key verify.DeliveryKey, l *lease) {
	tick := time.NewTicker(verify.RenewEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		job, err := d.Outbox.Claim(d.ctx, verify.Claim{Key: key})
		if err != nil {
			d.Log.Warn("a lease could not be renewed", "delivery", key.String(), "cause", err)
		} else if job == nil {
			l.lost.Store(true)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// note writes the one line of an attempt.
func (d *Dispatcher) note(j verify.Job, m verify.Message, h verify.Handover, refusal *verify.SendError) {
	level, outcome := slog.LevelInfo, []any{"outcome", "sent"}
	if refusal != nil {
		level = slog.LevelWarn
		outcome = []any{"outcome", "refused", "class", string(refusal.Class), "ambiguous", refusal.Ambiguous, "cause", refusal.Err}
	}
	d.Log.Log(d.ctx, level, "delivery attempt", append([]any{
		"delivery", j.Delivery.Key.String(), "to", m.To, "channel", string(m.Channel), "carrier", h.Carrier,
		"attempt", j.Delivery.Attempt, "took", h.Took, "why", h.Why,
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
