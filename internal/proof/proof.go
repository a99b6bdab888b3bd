// Package proof makes and reads proofs: signed statements that a session was verified,
// which an application can check without asking us.
//
// The one idea: a proof is a JSON Web Signature (RFC 7515) by Ed25519 (RFC 8037) whose
// key is derived from the installation's key ring. So all nodes have it, no database
// does, and it is rotated when the ring is: the public halves of both keys are served
// while one takes over from the other, before it and after it.
//
// The package decides nothing: whether a session is verified, what that is good for and
// until when are the core's, and so is that a proof is redeemed once.
package proof

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"countersign/internal/secret"
	"countersign/internal/verify"
)

// mediaType is the typ of a proof's header: a token of another kind, signed with a key of
// ours, is no proof (RFC 8725, 3.11).
const mediaType = "proof+jwt"

// maxProof is far more bytes than a proof of ours has.
const maxProof = 8 << 10

// Errors of Read.
var (
	ErrForged  = errors.New("proof: it is not one of ours")
	ErrExpired = errors.New("proof: it is too old")
)

// Claims are what a proof says. Times are Unix seconds.
type Claims struct {
	Issuer       string   `json:"iss"` // the service's public URL
	Audience     string   `json:"aud"` // the profile's id
	Subject      string   `json:"sub"` // a keyed hash of the address, the same for as long as the service lives, and another one for another profile
	ID           string   `json:"jti"` // the session's id
	IssuedAt     int64    `json:"iat"`
	ExpiresAt    int64    `json:"exp"`
	AcceptedAt   int64    `json:"auth_time"`
	Nonce        string   `json:"nonce,omitzero"` // the session's state
	Verification string   `json:"verification_id"`
	Channel      string   `json:"channel"`
	Methods      []string `json:"amr,omitzero"` // RFC 8176; none for e-mail
	Assurance    string   `json:"assurance"`
	Purpose      string   `json:"purpose,omitzero"`
	Given        bool     `json:"address_given"`         // the application named the address; false: the person typed one that is theirs, and no more is known
	PhoneNumber  string   `json:"phone_number,omitzero"` // E.164; only if the session asked to share it
	Email        string   `json:"email,omitzero"`        // likewise
}

// Signer makes and reads proofs. It is safe for concurrent use.
type Signer struct {
	Keys *secret.Ring
	// Subjects is the secret that subjects are hashed with. It is no key of the ring: an
	// application finds its people by it again for as long as it likes.
	Subjects func(context.Context) ([]byte, error)
	Now      func() time.Time
}

// Sign makes the proof of a session that is verified. issuer is the service's public URL.
// Errors: of package secret, and the reader's of Subjects.
func (s *Signer) Sign(ctx context.Context, issuer string, of verify.Session) (string, error) {
	keys := s.Keys.Frozen()
	claims, err := s.claims(ctx, keys, issuer, of)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	key, id, err := private(keys, keys.Current())
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: key, KeyID: id}},
		(&jose.SignerOptions{}).WithType(mediaType))
	if err != nil {
		return "", fmt.Errorf("proof: %w", err)
	}
	signed, err := signer.Sign(body)
	if err != nil {
		return "", fmt.Errorf("proof: %w", err)
	}
	return signed.CompactSerialize()
}

func (s *Signer) claims(ctx context.Context, keys *secret.Ring, issuer string, of verify.Session) (Claims, error) {
	to, err := of.To(keys)
	if err != nil {
		return Claims{}, err
	}
	subject, err := s.subject(ctx, of, to)
	if err != nil {
		return Claims{}, err
	}
	assurance, methods := of.Proves()
	c := Claims{
		Issuer: issuer, Audience: of.Profile.String(), Subject: subject, ID: of.ID.String(),
		IssuedAt: s.Now().Unix(), ExpiresAt: of.ProofUntil().Unix(), AcceptedAt: of.VerifiedAt.Unix(),
		Nonce: of.Details.State, Verification: of.Verification.String(), Channel: string(of.Channel()),
		Methods: methods, Assurance: string(assurance), Purpose: of.Details.Purpose, Given: of.Details.Given,
	}
	if !of.Details.Share {
		return c, nil
	}
	if _, mail := to.Mailbox(); mail {
		c.Email = to.Text()
	} else {
		c.PhoneNumber = to.Text()
	}
	return c, nil
}

// subject names the person to one profile: two profiles cannot tell that theirs is the
// same.
func (s *Signer) subject(ctx context.Context, of verify.Session, to verify.Address) (string, error) {
	key, err := s.Subjects(ctx)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, of.Tenant+"\x00"+of.Profile.String()+"\x00"+to.Key())
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16]), nil
}

// Read checks a proof and returns what it says. What it says of sessions may be outdated:
// that a proof is redeemed once is the core's. Errors: ErrForged, ErrExpired.
func (s *Signer) Read(issuer, text string) (Claims, error) {
	if len(text) > maxProof {
		return Claims{}, ErrForged
	}
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || len(signed.Signatures) != 1 {
		return Claims{}, ErrForged
	}
	// Base64 has bits that no byte has, and the parser passes over white space: a proof has
	// one spelling, so that nobody has two of one.
	if one, err := signed.CompactSerialize(); err != nil || one != text {
		return Claims{}, ErrForged
	}
	head := signed.Signatures[0].Protected
	body, err := s.open(signed, head.KeyID)
	if err != nil || head.ExtraHeaders[jose.HeaderType] != mediaType {
		return Claims{}, ErrForged
	}
	var c Claims
	if err := json.Unmarshal(body, &c); err != nil || c.Issuer != issuer {
		return Claims{}, ErrForged
	}
	if s.Now().Unix() >= c.ExpiresAt {
		return Claims{}, ErrExpired
	}
	return c, nil
}

func (s *Signer) open(signed *jose.JSONWebSignature, id string) ([]byte, error) {
	keys := s.Keys.Frozen()
	for _, ring := range [...]string{keys.Current(), keys.Other()} {
		key, has, err := private(keys, ring)
		if ring == "" || err != nil || has != id {
			continue
		}
		return signed.Verify(key.Public())
	}
	return nil, ErrForged
}

// Session is the id of the session that a proof which was read is of.
func (c Claims) Session() (verify.ID, error) { return uuid.Parse(c.ID) }

// private derives the key that signs under a key of the ring, and its id: a hash of the
// public half (RFC 7638 asks for another one; nobody but us makes these).
func private(keys *secret.Ring, ring string) (key ed25519.PrivateKey, id string, err error) {
	random, err := keys.Stream(ring, secret.Proof, "ed25519")
	if err != nil {
		return nil, "", err
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, "", err
	}
	key = ed25519.NewKeyFromSeed(seed)
	sum := sha256.Sum256(key[ed25519.SeedSize:])
	return key, base64.RawURLEncoding.EncodeToString(sum[:9]), nil
}
