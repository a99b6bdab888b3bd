package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"countersign/internal/ledger"
	"countersign/internal/limit"
	"countersign/internal/secret"
	"countersign/internal/verify"
)

// keeper does what nobody waits for: it writes down that verifications have
// expired, deletes what is past its retention, forgets answers to old
// Idempotency-Keys and idle limits, and puts rows under a new key.
type keeper struct {
	store  verify.Store
	ledger *ledger.Ledger
	keys   *secret.Ring
	others []rekeyer // what besides verifications stands under a key
	now    func() time.Time
	log    *slog.Logger
	cancel context.CancelFunc
	done   sync.WaitGroup

	compareClocks func(context.Context) error // nil if there is nothing to compare

	seen   time.Time // verifications made before it have been looked at
	purged time.Time // when the last purge began
}

const (
	keepEvery  = 30 * time.Second
	purgeEvery = 10 * time.Minute
	keepLimit  = 500
	// keepAbreast is how many commands of the keeper are in the ledger at a time:
	// enough to outpace a busy service, few beside those of its callers.
	keepAbreast = 16
)

// run keeps house, a round every so often, until ctx ends.
func (k *keeper) run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
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

// start runs the keeper until close.
func (k *keeper) start(every time.Duration) {
	var ctx context.Context
	ctx, k.cancel = context.WithCancel(context.Background())
	// What lapsed longer ago than a day is left as it is: everyone sees by the
	// clock that it is over, and a large table need not be read through.
	k.seen = k.now().Add(-24 * time.Hour)
	k.done.Go(func() { k.run(ctx, every) })
}

func (k *keeper) close() {
	k.cancel()
	k.done.Wait()
}

func (k *keeper) round(ctx context.Context) error {
	// What a wrong clock takes for over is ended, or deleted, for everybody.
	if k.compareClocks != nil {
		if err := k.compareClocks(ctx); err != nil {
			return fmt.Errorf("this node's clock: %w", err)
		}
	}
	now := k.now()
	err := errors.Join(k.expire(ctx), k.store.Forget(ctx, now.Add(-verify.ReplayAge)))
	if now.Sub(k.purged) >= purgeEvery {
		k.purged = now
		err = errors.Join(err, k.store.ForgetBuckets(ctx, limit.StateAt(now)), k.purge(ctx), k.purgeSessions(ctx))
	}
	return errors.Join(err, k.rekey(ctx))
}

// expire writes down what lapsed since the last round. Ids begin with their time,
// so a range of ids is a range of time and no index is needed.
func (k *keeper) expire(ctx context.Context) error {
	now := k.now()
	if err := k.expireAll(ctx, firstID(k.seen), firstID(now), now); err != nil {
		return err
	}
	// What a node made whose clock stood ahead is over for everyone else, and would
	// come to life again when its time comes: it is ended for good.
	if err := k.expireAll(ctx, firstID(now.Add(verify.ClockSlack)), lastID, now.AddDate(100, 0, 0)); err != nil {
		return err
	}
	// What is younger than the longest validity may still be pending next time.
	k.seen = now.Add(-verify.MaxValidity - keepEvery)
	return nil
}

// expireAll ends those of the verifications with ids in [from, to) that are over now,
// among the ones whose time is over by then.
func (k *keeper) expireAll(ctx context.Context, from, to verify.ID, then time.Time) error {
	for {
		ids, err := k.store.Lapsed(ctx, from, to, then, keepLimit)
		if err != nil {
			return err
		}
		err = abreast(ids, func(id verify.ID) error {
			_, err := ledger.Do(ctx, k.ledger, verify.Expire{Verification: id})
			return err
		})
		if err != nil {
			return err
		}
		if len(ids) < keepLimit {
			return nil
		}
		from = ids[len(ids)-1]
	}
}

// purge deletes what is past its retention, the oldest first.
func (k *keeper) purge(ctx context.Context) error {
	now := k.now()
	var deleted atomic.Int64
	defer func() {
		if n := deleted.Load(); n > 0 {
			k.log.Info("verifications past their retention are deleted", "count", n)
		}
	}()
	for after := (verify.ID{}); ; {
		ids, err := k.store.Outlived(ctx, after, now, keepLimit)
		if err != nil {
			return err
		}
		err = abreast(ids, func(id verify.ID) error {
			gone, err := ledger.Do(ctx, k.ledger, verify.Purge{Verification: id})
			if gone {
				deleted.Add(1)
			}
			return err
		})
		if err != nil || len(ids) < keepLimit {
			return err
		}
		after = ids[len(ids)-1]
	}
}

// purgeSessions deletes sessions that nobody needs any more.
func (k *keeper) purgeSessions(ctx context.Context) error {
	for {
		ids, err := k.store.OldSessions(ctx, k.now().Add(-verify.SessionKept), keepLimit)
		if err != nil {
			return err
		}
		err = abreast(ids, func(id verify.ID) error {
			_, err := ledger.Do(ctx, k.ledger, verify.PurgeSession{Session: id})
			return err
		})
		if err != nil || len(ids) < keepLimit {
			return err
		}
	}
}

// abreast does something with each, a few at a time, and returns the first error.
func abreast[T any](all []T, do func(T) error) error {
	var wait sync.WaitGroup
	var once sync.Once
	var first error
	room := make(chan struct{}, keepAbreast)
	for _, one := range all {
		room <- struct{}{}
		wait.Go(func() {
			defer func() { <-room }()
			if err := do(one); err != nil {
				once.Do(func() { first = err })
			}
		})
	}
	wait.Wait()
	return first
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
