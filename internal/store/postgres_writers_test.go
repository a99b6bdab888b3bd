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

// Two nodes that change one session wait for each other, whichever command they are at.
func TestTwoNodesDoNotLoseEachOthersChangesOfASession(t *testing.T) {
	url := pgtest.URL(t)
	nodes := []*store.Postgres{openPostgres(t, url), openPostgres(t, url)}
	row := verify.Session{
		ID: verify.ID{0: 1, 15: 4}, Tenant: "t", KeyID: "k1", Status: verify.SessionOpen, CreatedAt: time.UnixMilli(1), ExpiresAt: time.UnixMilli(2),
		Details: verify.SessionDetails{Channels: []verify.Channel{verify.SMS}, Reveal: verify.RevealNone},
	}
	need := verify.Needs{Session: row.ID}
	// None of them waits for the row to be there: a row that is not there is locked too.
	var callers sync.WaitGroup
	const each, rounds = 4, 10
	for n := range each * len(nodes) {
		callers.Go(func() {
			for range rounds {
				err := nodes[n%len(nodes)].Commit(t.Context(), []verify.Needs{need}, func(snap *verify.Snapshot) error {
					s := snap.Rows(need).Session
					if s == nil {
						first := row
						s = &first
					}
					s.Progress.Starts++
					snap.Apply(verify.Changes{Session: s})
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	got, err := nodes[0].Session(t.Context(), row.ID)
	if err != nil || got == nil || got.Progress.Starts != each*len(nodes)*rounds {
		t.Errorf("%+v, %v after %d changes", got, err, each*len(nodes)*rounds)
	}
}
