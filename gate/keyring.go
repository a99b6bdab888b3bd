package gate

import (
	"context"
	"crypto/ed25519"
	"sync"
	"time"
)

// How often the service's keys are fetched.
const (
	keysPause = time.Minute     // at least between two fetches, whatever kids come
	keysRetry = 5 * time.Second // after a fetch that failed
	keysStale = time.Hour       // after which a key that was taken back is forgotten
	keysLast  = 24 * time.Hour  // that keys are good for while the service cannot be reached
)

// keyring keeps the service's public keys. Proofs are verified offline: the service is
// asked when a proof names a key that is not known, and once an hour.
type keyring struct {
	service service
	now     func() time.Time

	mu      sync.Mutex
	keys    []signingKey
	fetched time.Time // when keys came
	next    time.Time // before which nothing is fetched
}

// key is the one of this name. The error is ErrProof if there is none, or that of the
// fetch if no keys could be had at all.
func (k *keyring) key(ctx context.Context, id string) (ed25519.PublicKey, error) {
	k.mu.Lock() // also while fetching: everybody waits for the same answer
	defer k.mu.Unlock()
	now := k.now()
	found := k.find(id)
	if found != nil && now.Before(k.fetched.Add(keysStale)) {
		return found, nil
	}
	var failed error
	if !now.Before(k.next) {
		failed = k.fetch(ctx, now)
	}
	if now.After(k.fetched.Add(keysLast)) {
		k.keys = nil
	}
	if found = k.find(id); found != nil {
		return found, nil
	}
	if failed != nil {
		return nil, failed
	}
	if k.keys == nil {
		return nil, &ServiceError{Detail: "its keys could not be fetched a moment ago"}
	}
	return nil, refuse("no key of the service has its kid")
}

func (k *keyring) find(id string) ed25519.PublicKey {
	for _, s := range k.keys {
		if s.id == id {
			return s.key
		}
	}
	return nil
}

func (k *keyring) fetch(ctx context.Context, now time.Time) error {
	// The answer is everybody's: that one caller hangs up does not end it. The client has
	// a time-out.
	keys, err := k.service.keys(context.WithoutCancel(ctx))
	if err != nil {
		k.next = now.Add(keysRetry)
		return err
	}
	k.keys, k.fetched, k.next = keys, now, now.Add(keysPause)
	return nil
}
