package tenant

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"countersign/internal/secret"
	"countersign/internal/verify"
)

// Seeds is the kind of the records that seeds are kept in.
const Seeds Kind = "signing_key"

// SeedSize is how long a seed is, in bytes.
const SeedSize = 32

// SeedStore is what a Seed needs of a Store.
type SeedStore interface {
	Record(ctx context.Context, kind Kind, id verify.ID) (*Record, error)
	AddRecord(ctx context.Context, r Record) error
	ChangeRecord(ctx context.Context, r Record) error
}

// Seed is a secret of the installation that others outside know the traces of, such as
// the public half of a key: it is made when it is first asked for and stays the same from
// then on, whatever becomes of the keys that it is sealed with. It is safe for concurrent
// use.
type Seed struct {
	// Name is the record's; Place ties what is sealed to this use.
	Name, Place string
	ID          verify.ID // fixed, so that two nodes that make it at once make one
	Store       SeedStore
	Keys        *secret.Ring
	Now         func() time.Time
	Random      io.Reader // crypto/rand's reader, but for tests

	mu   sync.Mutex
	seed func() []byte // nil until it is read; a function, so that nothing prints it
}

// sealedSeed is the body of the record.
type sealedSeed struct {
	KeyID string `json:"key_id"` // of the ring
	Seed  []byte `json:"seed"`   // sealed
}

// Bytes reads the seed, and makes it if there is none. The error is the store's, or says
// that the seed cannot be opened.
func (s *Seed) Bytes(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seed != nil {
		return s.seed(), nil
	}
	r, err := s.Store.Record(ctx, Seeds, s.ID)
	if err == nil && r == nil {
		if err = s.add(ctx); err == nil || errors.Is(err, ErrTaken) {
			r, err = s.Store.Record(ctx, Seeds, s.ID) // another node's, if that was faster
		}
	}
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, fmt.Errorf("tenant: the key for %s was deleted while it was read", s.Name)
	}
	var body sealedSeed
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return nil, fmt.Errorf("tenant: the record of the key for %s: %w", s.Name, err)
	}
	seed, err := s.Keys.Open(secret.Row, s.Place, body.Seed)
	if err == nil && len(seed) != SeedSize {
		err = fmt.Errorf("it has %d bytes", len(seed))
	}
	if err != nil {
		return nil, fmt.Errorf("tenant: the key for %s: %w", s.Name, err)
	}
	s.seed = func() []byte { return seed }
	return seed, nil
}

// Rekey seals the seed with the current key of the ring, if it is sealed with another.
// After it has returned without an error the seed stands under no other key.
func (s *Seed) Rekey(ctx context.Context) error {
	const tries = 5
	for range tries {
		r, err := s.Store.Record(ctx, Seeds, s.ID)
		if err != nil || r == nil {
			return err
		}
		var body sealedSeed
		if err := json.Unmarshal(r.Body, &body); err != nil {
			return fmt.Errorf("tenant: the record of the key for %s: %w", s.Name, err)
		}
		keys := s.Keys.Frozen()
		if body.KeyID == keys.Current() {
			return nil
		}
		seed, err := keys.Open(secret.Row, s.Place, body.Seed)
		if err != nil {
			return fmt.Errorf("tenant: the key for %s: %w", s.Name, err)
		}
		if r.Body, err = s.seal(keys, seed); err != nil {
			return err
		}
		r.Version, r.UpdatedAt = r.Version+1, s.instant()
		if err = s.Store.ChangeRecord(ctx, *r); !errors.Is(err, ErrChanged) {
			return err
		}
	}
	return fmt.Errorf("tenant: the key for %s: %w", s.Name, ErrChanged)
}

// add makes a seed and stores it. The error is ErrTaken if there is one.
func (s *Seed) add(ctx context.Context) error {
	seed := make([]byte, SeedSize)
	if _, err := io.ReadFull(s.Random, seed); err != nil {
		return fmt.Errorf("tenant: %w", err)
	}
	body, err := s.seal(s.Keys.Frozen(), seed)
	if err != nil {
		return err
	}
	now := s.instant()
	return s.Store.AddRecord(ctx, Record{
		Kind: Seeds, ID: s.ID, Name: s.Name, Body: body, Version: 1, CreatedAt: now, UpdatedAt: now,
	})
}

func (s *Seed) seal(keys *secret.Ring, seed []byte) ([]byte, error) {
	sealed, err := keys.Seal(secret.Row, s.Place, seed)
	if err != nil {
		return nil, fmt.Errorf("tenant: %w", err)
	}
	return json.Marshal(sealedSeed{KeyID: keys.Current(), Seed: sealed}, json.Deterministic(true))
}

// instant is now as a database can hold it.
func (s *Seed) instant() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }
