package events

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// SigningKeys is the kind of the record that the signing key is kept in. There is one.
const SigningKeys tenant.Kind = "signing_key"

// Records is what a Signer needs of a tenant.Store.
type Records interface {
	Record(ctx context.Context, kind tenant.Kind, id verify.ID) (*tenant.Record, error)
	AddRecord(ctx context.Context, r tenant.Record) error
	ChangeRecord(ctx context.Context, r tenant.Record) error
}

// Signer signs events with the installation's Ed25519 key, which is made when it is
// first asked for and stays the same from then on, whatever becomes of the keys that it
// is sealed with: receivers have its public half. It is safe for concurrent use.
type Signer struct {
	records Records
	keys    *secret.Ring
	now     func() time.Time
	random  io.Reader

	mu  sync.Mutex
	key func() ed25519.PrivateKey // nil until it is read; a function, so that nothing prints it
}

// NewSigner returns a Signer. Random is crypto/rand's reader, but for tests.
func NewSigner(records Records, keys *secret.Ring, now func() time.Time, random io.Reader) *Signer {
	return &Signer{records: records, keys: keys, now: now, random: random}
}

// sealedKey is the body of the record.
type sealedKey struct {
	KeyID string `json:"key_id"` // of the ring
	Seed  []byte `json:"seed"`   // sealed
}

// theKey is the id of the one record, so that two nodes that make it at once make one.
var theKey = verify.ID{6: 0x80, 8: 0x80, 15: 1}

const seedPlace = "signing_key seed"

// PublicKey is the key that receivers check signatures with: 32 bytes in standard
// Base64. The error is the store's, or says that the key cannot be opened.
func (s *Signer) PublicKey(ctx context.Context) (string, error) {
	key, err := s.private(ctx)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(key[ed25519.SeedSize:]), nil
}

// Sign signs a body sent at an instant, given in Unix seconds, as Telnyx does: over
// instant, "|" and body, in standard Base64.
func (s *Signer) Sign(ctx context.Context, instant string, body []byte) (string, error) {
	key, err := s.private(ctx)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(ed25519.Sign(key, signed(instant, body))), nil
}

func signed(instant string, body []byte) []byte {
	text := make([]byte, 0, len(instant)+1+len(body))
	return append(append(append(text, instant...), '|'), body...)
}

// ServeHTTP answers GET /v2/public_key as Telnyx does. Whom it is shown to is up to
// the caller: it is no secret.
func (s *Signer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := s.PublicKey(r.Context())
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"errors":[{"code":"10037","title":"Service unavailable","detail":"The key could not be read. Try again."}]}`+"\n")
		return
	}
	_, _ = fmt.Fprintf(w, "{\"data\":{\"public\":%q}}\n", text) // Base64 needs no escapes
}

// Rekey seals the signing key with the current key of the ring, if it is sealed with
// another. After it has returned without an error nothing of this package stands under
// another key.
func (s *Signer) Rekey(ctx context.Context) error {
	const tries = 5
	for range tries {
		r, err := s.records.Record(ctx, SigningKeys, theKey)
		if err != nil || r == nil {
			return err
		}
		var body sealedKey
		if err := json.Unmarshal(r.Body, &body); err != nil {
			return fmt.Errorf("events: the record of the signing key: %w", err)
		}
		keys := s.keys.Frozen()
		if body.KeyID == keys.Current() {
			return nil
		}
		seed, err := keys.Open(secret.Row, seedPlace, body.Seed)
		if err != nil {
			return fmt.Errorf("events: the signing key: %w", err)
		}
		if r.Body, err = seal(keys, seed); err != nil {
			return err
		}
		r.Version, r.UpdatedAt = r.Version+1, s.instant()
		if err = s.records.ChangeRecord(ctx, *r); !errors.Is(err, tenant.ErrChanged) {
			return err
		}
	}
	return fmt.Errorf("events: the signing key: %w", tenant.ErrChanged)
}

// private reads the key, and makes it if there is none.
func (s *Signer) private(ctx context.Context) (ed25519.PrivateKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key != nil {
		return s.key(), nil
	}
	r, err := s.records.Record(ctx, SigningKeys, theKey)
	if err == nil && r == nil {
		if err = s.add(ctx); err == nil || errors.Is(err, tenant.ErrTaken) {
			r, err = s.records.Record(ctx, SigningKeys, theKey) // another node's, if that was faster
		}
	}
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, errors.New("events: the signing key was deleted while it was read")
	}
	var body sealedKey
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return nil, fmt.Errorf("events: the record of the signing key: %w", err)
	}
	seed, err := s.keys.Open(secret.Row, seedPlace, body.Seed)
	if err == nil && len(seed) != ed25519.SeedSize {
		err = fmt.Errorf("its seed has %d bytes", len(seed))
	}
	if err != nil {
		return nil, fmt.Errorf("events: the signing key: %w", err)
	}
	key := ed25519.NewKeyFromSeed(seed)
	s.key = func() ed25519.PrivateKey { return key }
	return key, nil
}

// add makes a key and stores it. The error is tenant.ErrTaken if there is one.
func (s *Signer) add(ctx context.Context) error {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(s.random, seed); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	body, err := seal(s.keys.Frozen(), seed)
	if err != nil {
		return err
	}
	now := s.instant()
	return s.records.AddRecord(ctx, tenant.Record{
		Kind: SigningKeys, ID: theKey, Name: "webhooks", Body: body, Version: 1, CreatedAt: now, UpdatedAt: now,
	})
}

func seal(keys *secret.Ring, seed []byte) ([]byte, error) {
	sealed, err := keys.Seal(secret.Row, seedPlace, seed)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	return json.Marshal(sealedKey{KeyID: keys.Current(), Seed: sealed}, json.Deterministic(true))
}

// instant is now as a database can hold it.
func (s *Signer) instant() time.Time { return s.now().UTC().Truncate(time.Millisecond) }
