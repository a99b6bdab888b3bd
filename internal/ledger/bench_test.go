package ledger_test

import (
	"sync/atomic"
	"testing"

	"countersign/internal/ledger"
	"countersign/internal/verify"
)

// BenchmarkCycle is the engine's share of a full cycle: start, report of the
// delivery, check. Run it with -cpu 1,2 and more callers with -args.
func BenchmarkCycle(b *testing.B) {
	s := openStore(b)
	l := open(b, s, nil)
	var n atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			started, err := ledger.Do(b.Context(), l, start(int(n.Add(1))))
			if err != nil {
				b.Error(err)
				return
			}
			v := started.Verification
			key := verify.DeliveryKey{Verification: v.ID, Number: 1}
			if _, err := ledger.Do(b.Context(), l, verify.Report{Key: key, Handovers: []verify.Handover{verify.Handed("c", verify.Submission{CarrierID: "id"}, nil)}, ExpiresAt: v.ExpiresAt}); err != nil {
				b.Error(err)
			}
			c, err := v.Reveal(l.Env.Keys)
			if err != nil {
				b.Error(err)
			}
			got, err := ledger.Do(b.Context(), l, verify.Check{Tenant: "t", Verification: v.ID, Guess: c.Text()})
			if err != nil || got.Outcome != verify.OutcomeAccepted {
				b.Error(got.Outcome, err)
			}
		}
	})
}
