package tenant

import (
	"context"
	"encoding/hex"

	"countersign/internal/secret"
	"countersign/internal/verify"
)

// Numbers of the safe list are found by a keyed hash and kept sealed, as those of
// verifications are. While a key is rotated a number may stand under either.

// safeHash is what a number is found by under a key.
func safeHash(ring *secret.Ring, key, tenant, e164 string) (string, error) {
	sum, err := ring.Sum(key, secret.Address, "safe", tenant, e164)
	return hex.EncodeToString(sum[:16]), err
}

func safePlace(id verify.ID) string { return "safe number " + id.String() }

// sealed is a number as it is stored under the current key.
func sealed(ring *secret.Ring, tenant string, n SafeNumber, e164 string) (SafeNumber, error) {
	var err error
	if n.Hash, err = safeHash(ring, ring.Current(), tenant, e164); err != nil {
		return n, err
	}
	n.Sealed, err = ring.Seal(secret.Row, safePlace(n.ID), []byte(e164))
	return n, err
}

// Safe says whether a number is on the tenant's safe list; AddSafe and DropSafe change
// that. Refusals of the others: Taken, NotFound.
func (d *Directory) Safe(ctx context.Context, tenant, e164 string) (SafeNumber, error) {
	ring := d.config.Keys.Frozen()
	none := error(&verify.Error{Kind: verify.NotFound})
	for _, key := range []string{ring.Current(), ring.Other()} {
		if key == "" {
			continue
		}
		hash, err := safeHash(ring, key, tenant, e164)
		if err != nil {
			return SafeNumber{}, err
		}
		n, err := d.safe.Named(ctx, tenant, verify.ID{}, hash)
		if verify.KindOf(err) != verify.NotFound {
			return n, err
		}
	}
	return SafeNumber{}, none
}

// AddSafe puts a number on the safe list.
func (d *Directory) AddSafe(ctx context.Context, tenant, e164 string) (SafeNumber, error) {
	if _, err := d.Safe(ctx, tenant, e164); err == nil {
		return SafeNumber{}, &verify.Error{Kind: verify.Taken, Field: verify.FieldAddress}
	} else if verify.KindOf(err) != verify.NotFound {
		return SafeNumber{}, err
	}
	id, err := verify.NewID(d.safe.instant(), d.config.Random)
	if err != nil {
		return SafeNumber{}, err
	}
	n, err := sealed(d.config.Keys.Frozen(), tenant, SafeNumber{Meta: Meta{ID: id}}, e164)
	if err != nil {
		return SafeNumber{}, err
	}
	return d.safe.Add(ctx, tenant, n)
}

// DropSafe takes a number off the safe list, wherever it stands.
func (d *Directory) DropSafe(ctx context.Context, tenant, e164 string) error {
	n, err := d.Safe(ctx, tenant, e164)
	if err != nil {
		return err
	}
	for err == nil { // under the other key too, if two nodes added it in a rotation
		if _, err = d.safe.Drop(ctx, tenant, n.ID); err == nil {
			n, err = d.Safe(ctx, tenant, e164)
		}
	}
	if verify.KindOf(err) == verify.NotFound {
		return nil
	}
	return err
}

// Rekey puts what is hashed or sealed under the current key of the ring. It can be done
// again, and by several nodes at once. An error leaves the rest as it was: the other
// key is still needed.
func (d *Directory) Rekey(ctx context.Context) error {
	ring := d.config.Keys.Frozen()
	return d.every(ctx, SafeList, func(r Record) error {
		n, err := open[SafeNumber](r)
		if err != nil {
			return err
		}
		e164, err := ring.Open(secret.Row, safePlace(n.ID), n.Sealed)
		if err != nil {
			return err
		}
		hash, err := safeHash(ring, ring.Current(), n.Tenant, string(e164))
		if err != nil || hash == n.Hash {
			return err
		}
		_, err = d.safe.Change(ctx, n.Tenant, n.ID, func(n *SafeNumber) error {
			*n, err = sealed(ring, n.Tenant, *n, string(e164))
			return err
		})
		if verify.KindOf(err) == verify.Taken { // the same number stands there already
			_, err = d.safe.Drop(ctx, n.Tenant, n.ID)
		}
		if verify.KindOf(err) == verify.NotFound { // it was taken off meanwhile
			return nil
		}
		return err
	})
}
