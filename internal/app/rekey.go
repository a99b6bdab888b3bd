package app

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"countersign/internal/ledger"
	"countersign/internal/secret"
	"countersign/internal/verify"
)

// rekeyer puts what it has stored under the current key. It can be asked again, also
// by several nodes at once.
type rekeyer interface {
	Rekey(ctx context.Context) error
}

// rekey puts what is over under the current key, once that has taken over, and
// drops the old key from the database when nothing needs it any more. Every node
// does so; what one has done the other finds done.
func (k *keeper) rekey(ctx context.Context) error {
	ring := k.keys.Frozen()
	old := ring.Other()
	if old == "" || ring.From(old).After(ring.From(ring.Current())) {
		return nil // no rotation, or the new key has not taken over
	}
	marks, err := k.store.Keys(ctx)
	if err != nil || !hasKey(marks, old) {
		return err
	}
	left, err := k.rekeyAll(ctx, ring)
	if err != nil {
		return err
	}
	for _, o := range k.others {
		if err := o.Rekey(ctx); err != nil {
			return err
		}
	}
	if left > 0 || k.now().Before(verify.KeyNeededUntil(ring.From(ring.Current()))) {
		return nil
	}
	if err := k.store.DropKey(ctx, old); err != nil {
		return err
	}
	k.log.Info("nothing stands under the old key any more; take it out of the key file with «countersign keys retire»", "key", old)
	return nil
}

// rekeyAll says how many verifications still stand under another key than the
// current one.
func (k *keeper) rekeyAll(ctx context.Context, ring *secret.Ring) (int, error) {
	var left atomic.Int64
	for after := (verify.ID{}); ; {
		rows, err := k.store.Verifications(ctx, after, ring.Current(), keepLimit)
		if err != nil {
			return 0, err
		}
		err = abreast(rows, func(v verify.Verification) error {
			target, err := v.Target(ring)
			if err != nil {
				left.Add(1)
				k.log.Error("a verification cannot be put under the new key", "verification", v.ID, "cause", err)
				return nil // the others can
			}
			done, err := ledger.Do(ctx, k.ledger, verify.Rekey{Verification: v.ID, Target: target})
			if !done {
				left.Add(1)
			}
			return err
		})
		if err != nil || len(rows) < keepLimit {
			return int(left.Load()), err
		}
		after = rows[len(rows)-1].ID
	}
}

// markKeys compares the ring with the keys that the database's rows stand under,
// and adds those that rows will stand under. With a key missing or another one
// under its id, half of the rows could not be read: the error says what to do.
func markKeys(ctx context.Context, s verify.Store, ring *secret.Ring) error {
	known, err := s.Keys(ctx)
	if err != nil {
		return err
	}
	if err := compareKeys(known, ring); err != nil {
		return err
	}
	if len(known) == 0 {
		if err := readable(ctx, s, ring); err != nil {
			return err
		}
	}
	for _, id := range []string{ring.Current(), ring.Other()} {
		replaced := id != ring.Current() && !ring.From(id).After(ring.From(ring.Current()))
		// A database that names no key may hold rows under either.
		if id == "" || replaced && len(known) > 0 || hasKey(known, id) {
			continue
		}
		mark, err := ring.Mark(id)
		if err != nil {
			return err
		}
		if err := s.AddKey(ctx, verify.KeyMark{ID: id, Mark: mark}); err != nil {
			return err
		}
	}
	// Another node may have added another key under the same id meanwhile.
	if known, err = s.Keys(ctx); err != nil {
		return err
	}
	return compareKeys(known, ring)
}

// readable refuses a ring that cannot read the rows of a database which does not
// say what keys it needs.
func readable(ctx context.Context, s verify.Store, ring *secret.Ring) error {
	rows, err := s.Verifications(ctx, verify.ID{}, "", 1)
	if err != nil {
		return err
	}
	for _, v := range rows {
		if _, err := v.To(ring); err != nil {
			return fmt.Errorf("key_file: the rows of the database cannot be read with it; bring the right one back from your copy: %w", err)
		}
	}
	return nil
}

func compareKeys(known []verify.KeyMark, ring *secret.Ring) error {
	for _, k := range known {
		mark, err := ring.Mark(k.ID)
		switch {
		case errors.Is(err, secret.ErrKey):
			return fmt.Errorf("key_file: the database holds rows that key %s protects, and the key file has no such key. "+
				"Bring it back from your copy: without it their codes and numbers cannot be read", k.ID)
		case err != nil:
			return err
		case mark != k.Mark:
			return fmt.Errorf("key_file: the database was written with another key %s than the key file has. "+
				"Bring the right one back from your copy, or give this key file an empty database", k.ID)
		}
	}
	return nil
}

func hasKey(marks []verify.KeyMark, id string) bool {
	for _, m := range marks {
		if m.ID == id {
			return true
		}
	}
	return false
}
