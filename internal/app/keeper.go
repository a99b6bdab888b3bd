package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"countersign/internal/ledger"
	"countersign/internal/verify"
)

// keeper does what nobody waits for: it writes down that verifications have
// expired, and forgets answers to old Idempotency-Keys.
type keeper struct {
	store  verify.Store
	ledger *ledger.Ledger
	now    func() time.Time
	log    *slog.Logger
	cancel context.CancelFunc
	done   sync.WaitGroup
	seen   time.Time // verifications made before it have been looked at
}

const (
	keepEvery = 30 * time.Second
	keepLimit = 500
)

// keep runs a keeper until close.
func keep(store verify.Store, l *ledger.Ledger, now func() time.Time, log *slog.Logger) *keeper {
	ctx, cancel := context.WithCancel(context.Background())
	// What lapsed longer ago than a day is left as it is: everyone sees by the
	// clock that it is over, and a large table need not be read through.
	k := &keeper{store: store, ledger: l, now: now, log: log, cancel: cancel, seen: now().Add(-24 * time.Hour)}
	k.done.Go(func() { k.run(ctx) })
	return k
}

func (k *keeper) close() {
	k.cancel()
	k.done.Wait()
}

func (k *keeper) run(ctx context.Context) {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		if err := k.round(ctx); err != nil && ctx.Err() == nil {
			k.log.Error("housekeeping failed; it is tried again", "cause", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// round expires what lapsed since the last one. Ids begin with their time, so a
// range of ids is a range of time and no index is needed.
func (k *keeper) round(ctx context.Context) error {
	now := k.now()
	if err := k.expire(ctx, firstID(k.seen), firstID(now), now); err != nil {
		return err
	}
	// What a node made whose clock stood ahead is over for everyone else, and would
	// come to life again when its time comes: it is ended for good.
	if err := k.expire(ctx, firstID(now.Add(verify.ClockSlack)), lastID, now.AddDate(100, 0, 0)); err != nil {
		return err
	}
	// What is younger than the longest validity may still be pending next time.
	k.seen = now.Add(-verify.MaxValidity - keepEvery)
	return k.store.Forget(ctx, now.Add(-verify.ReplayAge))
}

// expire ends those of the verifications with ids in [from, to) that are over now,
// among the ones whose time is over by then.
func (k *keeper) expire(ctx context.Context, from, to verify.ID, then time.Time) error {
	for {
		ids, err := k.store.Lapsed(ctx, from, to, then, keepLimit)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if _, err := ledger.Do(ctx, k.ledger, verify.Expire{Verification: id}); err != nil {
				return err
			}
		}
		if len(ids) < keepLimit {
			return nil
		}
		from = ids[len(ids)-1]
	}
}

// lastID is larger than every id.
var lastID = verify.ID{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// firstID is the smallest id of an instant.
func firstID(t time.Time) verify.ID {
	id, err := verify.NewID(t, zeros{})
	if err != nil {
		return verify.ID{} // zeros never fails
	}
	return id
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
