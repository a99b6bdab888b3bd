package ledger_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/ledger"
	"countersign/internal/verify"
)

func TestAnEventIsOfferedWhenItIsDurableAndNotOfAnAbandonedTry(t *testing.T) {
	s := openStore(t)
	var offered atomic.Int32
	l := ledger.New(ledger.Config{Store: twiceStore{s}, Env: newEnv(), Now: time.Now, Tell: func(j verify.EventJob) {
		offered.Add(1)
		due, err := s.DueEvents(t.Context(), time.Now().Add(time.Hour), 10)
		if err != nil || !slices.Contains(due, j.Event) {
			t.Errorf("offered and not stored: %v, %v", due, err)
		}
	}})
	t.Cleanup(l.Close)
	if _, err := ledger.Do(t.Context(), l, fickle{new(int)}); verify.KindOf(err) != verify.Settled || offered.Load() != 0 {
		t.Errorf("answered %v, %d events of the abandoned try", err, offered.Load())
	}
	cmd := start(1)
	cmd.Profile.Events = true
	started, err := ledger.Do(t.Context(), l, cmd)
	if err != nil {
		t.Fatal(err)
	}
	key := verify.DeliveryKey{Verification: started.Verification.ID, Number: 1}
	for range 2 { // the second changes nothing
		if _, err := ledger.Do(t.Context(), l, verify.Report{Key: key, Handovers: []verify.Handover{verify.Handed("c", verify.Submission{}, nil)}, Events: true}); err != nil || offered.Load() != 1 {
			t.Errorf("%v, %d events", err, offered.Load())
		}
	}
}
