package store_test

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/code"
	"countersign/internal/ledger"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/secret"
	"countersign/internal/store"
	"countersign/internal/store/pgtest"
	"countersign/internal/verify"
)

// BenchmarkCycle is the engine's share of a full cycle (start, report of the
// delivery, check) of 64 callers on two processors, durable, on both databases.
func BenchmarkCycle(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		s := open(b, filepath.Join(b.TempDir(), "c.db"))
		b.Cleanup(func() { _ = s.Close() })
		cycle(b, s, 1)
	})
	b.Run("postgres", func(b *testing.B) { cycle(b, openPostgres(b, pgtest.URL(b)), store.Writers) })
}

func cycle(b *testing.B, s verify.Store, writers int) {
	env := &verify.Env{Keys: secret.Generate(), Random: rand.Reader, Node: "n1", Channels: []verify.Channel{verify.SMS}}
	l := ledger.New(ledger.Config{Store: s, Env: env, Now: time.Now, Writers: writers})
	b.Cleanup(l.Close)
	profile := verify.Profile{ID: verify.ID{15: 1}, Tenant: "t", Template: message.Plain, Code: code.Default, Validity: verify.MaxValidity}
	var n atomic.Int64
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			to, err := phone.ParseE164(fmt.Sprintf("+44740%07d", n.Add(1)))
			if err != nil {
				b.Error(err)
				return
			}
			started, err := ledger.Do(b.Context(), l, verify.Start{Profile: profile, Channel: verify.SMS, Address: verify.Phone(to)})
			if err != nil {
				b.Error(err)
				return
			}
			v := started.Verification
			report := verify.Report{Key: verify.DeliveryKey{Verification: v.ID, Number: 1}, Handovers: []verify.Handover{verify.Handed("c", verify.Submission{CarrierID: "id"}, nil)}, ExpiresAt: v.ExpiresAt}
			if _, err := ledger.Do(b.Context(), l, report); err != nil {
				b.Error(err)
			}
			c, err := v.Reveal(env.Keys)
			if err != nil {
				b.Error(err)
			}
			got, err := ledger.Do(b.Context(), l, verify.Check{Tenant: "t", Verification: v.ID, Guess: c.Text()})
			if err != nil || got.Outcome != verify.OutcomeAccepted {
				b.Error(got.Outcome, err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "cycles/s")
}

// BenchmarkRead is what a look at one verification costs.
func BenchmarkRead(b *testing.B) {
	read := func(b *testing.B, s verify.Store) {
		env := &verify.Env{Keys: secret.Generate(), Random: rand.Reader, Node: "n1", Channels: []verify.Channel{verify.SMS}}
		l := ledger.New(ledger.Config{Store: s, Env: env, Now: time.Now})
		b.Cleanup(l.Close)
		profile := verify.Profile{ID: verify.ID{15: 1}, Tenant: "t", Template: message.Plain, Code: code.Default, Validity: verify.MaxValidity}
		to, err := phone.ParseE164("+447400123456")
		if err != nil {
			b.Fatal(err)
		}
		started, err := ledger.Do(b.Context(), l, verify.Start{Profile: profile, Channel: verify.SMS, Address: verify.Phone(to)})
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if v, err := s.Verification(b.Context(), started.Verification.ID); v == nil || err != nil {
				b.Fatal(v, err)
			}
		}
	}
	b.Run("sqlite", func(b *testing.B) {
		s := open(b, filepath.Join(b.TempDir(), "c.db"))
		b.Cleanup(func() { _ = s.Close() })
		read(b, s)
	})
	b.Run("postgres", func(b *testing.B) { read(b, openPostgres(b, pgtest.URL(b))) })
}
