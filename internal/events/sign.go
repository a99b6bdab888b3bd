package events

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"time"

	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// Signer signs events with the installation's Ed25519 key, a tenant.Seed: receivers have
// its public half. It is safe for concurrent use.
type Signer struct{ seed *tenant.Seed }

// NewSigner returns a Signer. Random is crypto/rand's reader, but for tests.
func NewSigner(records tenant.SeedStore, keys *secret.Ring, now func() time.Time, random io.Reader) *Signer {
	return &Signer{&tenant.Seed{
		Name: "webhooks", Place: "signing_key seed", ID: theKey, Store: records, Keys: keys, Now: now, Random: random,
	}}
}

// theKey is the id of the one record.
var theKey = verify.ID{6: 0x80, 8: 0x80, 15: 1}

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

// Rekey seals the signing key with the current key of the ring: see tenant.Seed.
func (s *Signer) Rekey(ctx context.Context) error { return s.seed.Rekey(ctx) }

// private reads the key, and makes it if there is none.
func (s *Signer) private(ctx context.Context) (ed25519.PrivateKey, error) {
	seed, err := s.seed.Bytes(ctx)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
