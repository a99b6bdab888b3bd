package ledger_test

import (
	"context"
	"testing"
	"time"

	"countersign/internal/ledger"
	"countersign/internal/verify"
)

// meeting is a Store in which a commit waits for another one.
type meeting struct {
	verify.Store
	inside chan struct{} // gets one for each commit that has begun
	meet   chan struct{}
}

func (s meeting) Commit(ctx context.Context, needs []verify.Needs, decide func(*verify.Snapshot) error) error {
	s.inside <- struct{}{}
	select {
	case s.meet <- struct{}{}:
	case <-s.meet:
	}
	return s.Store.Commit(ctx, needs, decide)
}

func TestWithTwoWritersTwoBatchesAreInTheStoresHandsAtOnce(t *testing.T) {
	s := meeting{openStore(t), make(chan struct{}, 2), make(chan struct{})}
	l := ledger.New(ledger.Config{Store: s, Env: newEnv(), Now: time.Now, Writers: 2})
	done := make(chan error)
	for n := range 2 {
		go func() {
			_, err := ledger.Do(t.Context(), l, start(n))
			done <- err
		}()
		<-s.inside // it is in a batch of its own
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	l.Close()
}
