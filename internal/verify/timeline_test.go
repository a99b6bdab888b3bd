package verify_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/internal/verify"
)

// line tells the steps of the first verification.
func (w *world) line(t *testing.T) string {
	t.Helper()
	key := w.jobs[0].Delivery.Key
	rows := w.Rows(verify.Needs{Delivery: key, Verification: key.Verification})
	begun := rows.Verification.CreatedAt
	var steps []string
	for _, m := range verify.Timeline(*rows.Verification, []verify.Delivery{*rows.Delivery}, w.now) {
		step := fmt.Sprintf("%d %s", int(m.At.Sub(begun).Seconds()), m.Step)
		if m.Carrier != "" {
			step += " " + m.Carrier
		}
		if m.Class != "" {
			step += " (" + string(m.Class) + ")"
		}
		steps = append(steps, step)
	}
	return strings.Join(steps, ", ")
}

func TestTheTimelineTellsEveryStepInOrder(t *testing.T) {
	for _, tt := range []struct {
		name string
		play func(*world, verify.DeliveryKey)
		want string
	}{
		{"nothing yet", func(*world, verify.DeliveryKey) {}, "0 started, 0 queued"},
		{"delivered and accepted", func(w *world, key verify.DeliveryKey) {
			w.pass(time.Second)
			w.handed(t, key, "a", nil, 0)
			w.pass(time.Second)
			w.says(t, key, "a", verify.Delivered, "")
			w.pass(time.Second)
			v := w.jobs[0].Verification
			must(t, w, check(v, w.code(t, v)))
		}, "0 started, 0 queued, 1 submitted a, 2 delivered a, 3 accepted"},
		{"one refuses, one takes it, and nobody answers", func(w *world, key verify.DeliveryKey) {
			no := refusal(verify.Filtered, false)
			must(t, w, verify.Report{Key: key, ExpiresAt: w.jobs[0].Verification.ExpiresAt, Handovers: []verify.Handover{
				verify.Handed("a", verify.Submission{}, no), {Carrier: "b", Why: "resting"}, verify.Handed("c", verify.Submission{}, nil),
			}})
			w.pass(10 * time.Minute)
		}, "0 started, 0 queued, 0 refused a (content filtered), 0 passed over b, 0 submitted c, 600 expired"},
		{"failed by a receipt, with nobody left", func(w *world, key verify.DeliveryKey) {
			w.handed(t, key, "a", nil, 0)
			w.pass(time.Second)
			w.says(t, key, "a", verify.Failed, verify.NotMobile)
		}, "0 started, 0 queued, 0 submitted a, 1 failed a (not a mobile), 1 given up (not a mobile)"},
		{"silent, with another one to ask", func(w *world, key verify.DeliveryKey) {
			w.handed(t, key, "a", refusal(verify.Temporary, true), time.Minute)
		}, "0 started, 0 queued, 0 unconfirmed a (temporary), 0 waiting"},
		{"expired before its turn", func(w *world, key verify.DeliveryKey) {
			w.pass(10 * time.Minute)
			must(t, w, verify.Claim{Key: key})
		}, "0 started, 0 queued, 600 dropped, 600 expired"},
		{"a receipt before the answer", func(w *world, key verify.DeliveryKey) {
			w.says(t, key, "a", verify.Delivered, "")
		}, "0 started, 0 queued, 0 delivered a"},
	} {
		w := newWorld()
		must(t, w, start(ada))
		tt.play(w, w.jobs[0].Delivery.Key)
		if got := w.line(t); got != tt.want {
			t.Errorf("%s:\n%s, want\n%s", tt.name, got, tt.want)
		}
	}
}
