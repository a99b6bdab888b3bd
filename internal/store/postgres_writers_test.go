package store_test

import (
	"crypto/rand"
	"fmt"
	"sync"
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

// Commands about one number that are in two batches at once wait for each other.
func TestOfManyRightAnswersInTwoBatchesOneIsAccepted(t *testing.T) {
	env := &verify.Env{Keys: secret.Generate(), Random: rand.Reader, Node: "n1", Channels: []verify.Channel{verify.SMS}}
	l := ledger.New(ledger.Config{Store: openPostgres(t, pgtest.URL(t)), Env: env, Now: time.Now, Writers: store.Writers})
	t.Cleanup(l.Close)
	profile := verify.Profile{ID: verify.ID{15: 1}, Tenant: "t", Template: message.Plain, Code: code.Default, Validity: verify.MaxValidity}
	for round := range 20 {
		to, err := phone.ParseE164(fmt.Sprintf("+44740%07d", round))
		if err != nil {
			t.Fatal(err)
		}
		started, err := ledger.Do(t.Context(), l, verify.Start{Profile: profile, Channel: verify.SMS, Address: verify.Phone(to)})
		if err != nil {
			t.Fatal(err)
		}
		right, err := started.Verification.Reveal(env.Keys)
		if err != nil {
			t.Fatal(err)
		}
		var accepted atomic.Int32
		var callers sync.WaitGroup
		for range 64 {
			callers.Go(func() {
				got, err := ledger.Do(t.Context(), l, verify.Check{Tenant: "t", Verification: started.Verification.ID, Guess: right.Text()})
				if err != nil {
					t.Error(err)
				}
				if got.Outcome == verify.OutcomeAccepted {
					accepted.Add(1)
				}
			})
		}
		callers.Wait()
		if accepted.Load() != 1 {
			t.Fatalf("round %d: accepted %d times", round, accepted.Load())
		}
	}
}
