package gate

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
)

// Assurance is what a proof says of the person, in the words of NIST SP 800-63B-4.
type Assurance string

// The assurances.
const (
	OutOfBand        Assurance = "out_of_band"       // a second factor
	Restricted       Assurance = "restricted"        // a second factor, over the telephone network: sms, call
	AddressConfirmed Assurance = "address_confirmed" // an e-mail arrived: no second factor
)

// Proof is what the service has signed.
type Proof struct {
	SessionID      string // unique: keep it with the sign-in for an audit
	VerificationID string
	// Subject is a keyed hash of the address, the same for the same address under one
	// profile: compare it with that of the last time to see that the number is still the same.
	Subject   string
	Channel   string   // sms, call, whatsapp or email
	Methods   []string // by RFC 8176: sms, tel, otp; none for email
	Assurance Assurance
	Purpose   string
	// AddressGiven says that Ask named the address. A proof without shows that the person
	// has some telephone or mailbox, which is theirs and need not be the account's.
	AddressGiven bool

	PhoneNumber string // with Ask.ShareAddress
	Email       string // with Ask.ShareAddress

	AcceptedAt time.Time // when the code was right
	ExpiresAt  time.Time
}

// Bounds of a proof.
const (
	// leeway is how far two clocks may differ.
	leeway = 30 * time.Second
	// maxToken is twice what a proof with the longest state can have.
	maxToken = 8 << 10
	// maxLife is an upper bound on what has to be remembered; a proof lives for five minutes.
	maxLife = time.Hour
)

// expected is what a proof must answer to.
type expected struct {
	session, state string
	now            time.Time
}

// claims are a proof's on the wire.
type claims struct {
	Issuer       string    `json:"iss"`
	Audience     string    `json:"aud"`
	Subject      string    `json:"sub"`
	ID           string    `json:"jti"`
	IssuedAt     int64     `json:"iat"`
	ExpiresAt    int64     `json:"exp"`
	AuthTime     int64     `json:"auth_time"`
	Nonce        string    `json:"nonce"`
	Verification string    `json:"verification_id"`
	Channel      string    `json:"channel"`
	Methods      []string  `json:"amr"`
	Assurance    Assurance `json:"assurance"`
	Purpose      string    `json:"purpose"`
	Given        bool      `json:"address_given"`
	PhoneNumber  string    `json:"phone_number"`
	Email        string    `json:"email"`
}

// verify reads a proof. Errors are ErrProof, ErrExpired, or of the service when its
// keys cannot be had.
func (g *Gate) verify(ctx context.Context, token string, want expected) (Proof, error) {
	payload, err := g.signed(ctx, token)
	if err != nil {
		return Proof{}, err
	}
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return Proof{}, refuse("its claims cannot be read")
	}
	return g.check(c, want)
}

// signed is a token's payload, if one of the service's keys has signed it.
func (g *Gate) signed(ctx context.Context, token string) ([]byte, error) {
	if len(token) > maxToken || !canonical(token) {
		return nil, refuse("it is not a compact JWS")
	}
	// The one algorithm is named here and never taken from the token.
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || len(parsed.Signatures) != 1 {
		return nil, refuse("it is not a JWS signed with EdDSA")
	}
	head := parsed.Signatures[0].Protected
	if head.ExtraHeaders[jose.HeaderType] != "proof+jwt" {
		return nil, refuse("it is some other kind of token")
	}
	key, err := g.keys.key(ctx, head.KeyID)
	if err != nil {
		return nil, err
	}
	payload, err := parsed.Verify(key)
	if err != nil {
		return nil, refuse("its signature is wrong")
	}
	return payload, nil
}

// canonical says whether a token is three parts of Base64 of which no bit can be
// changed unnoticed: decoders commonly ignore line ends and the last bits of a part.
func canonical(token string) bool {
	parts := strings.Split(token, ".")
	for _, p := range parts {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(p); err != nil || p == "" || strings.ContainsAny(p, "\r\n") {
			return false
		}
	}
	return len(parts) == 3
}

// check compares what was signed with what was asked for.
func (g *Gate) check(c claims, want expected) (Proof, error) {
	issued, accepted, until := time.Unix(c.IssuedAt, 0), time.Unix(c.AuthTime, 0), time.Unix(c.ExpiresAt, 0)
	soon := want.now.Add(leeway)
	switch {
	case c.Issuer != g.conf.Issuer:
		return Proof{}, refuse("another service issued it")
	case c.Audience != g.conf.ProfileID:
		return Proof{}, refuse("it is for another profile")
	case !hmac.Equal([]byte(c.Nonce), []byte(want.state)) || c.Nonce == "":
		return Proof{}, refuse("its nonce is not this visit's")
	case !hmac.Equal([]byte(c.ID), []byte(want.session)) || c.ID == "":
		return Proof{}, refuse("it is of another session")
	case c.Subject == "" || c.Verification == "" || c.Channel == "":
		return Proof{}, refuse("a claim is missing")
	case c.Assurance != OutOfBand && c.Assurance != Restricted && c.Assurance != AddressConfirmed:
		return Proof{}, refuse("its assurance is none that is known here")
	case c.IssuedAt <= 0 || c.AuthTime <= 0 || issued.After(soon) || accepted.After(soon) || until.After(soon.Add(maxLife)):
		return Proof{}, refuse("it is of another time")
	case !want.now.Before(until.Add(leeway)):
		return Proof{}, ErrExpired
	}
	return Proof{
		SessionID: c.ID, VerificationID: c.Verification, Subject: c.Subject, Channel: c.Channel, Methods: c.Methods,
		Assurance: c.Assurance, Purpose: c.Purpose, AddressGiven: c.Given, PhoneNumber: c.PhoneNumber, Email: c.Email, AcceptedAt: accepted, ExpiresAt: until,
	}, nil
}

func refuse(why string) error { return fmt.Errorf("%w: %s", ErrProof, why) }

// signingKey is a public key by its name, as the service shows it.
type signingKey struct {
	id  string
	key ed25519.PublicKey
}

// signingKeys reads the keys that proofs can be signed with, and passes over others,
// which a later service may have besides.
func signingKeys(body []byte) ([]signingKey, error) {
	var set struct {
		Keys []jose.JSONWebKey `json:"keys"`
	}
	if err := json.Unmarshal(body, &set, json.WithUnmarshalers(json.UnmarshalFunc(lenient))); err != nil {
		return nil, err
	}
	var out []signingKey
	for _, k := range set.Keys {
		public, ok := k.Key.(ed25519.PublicKey)
		if ok && k.KeyID != "" && (k.Use == "" || k.Use == "sig") && (k.Algorithm == "" || k.Algorithm == string(jose.EdDSA)) {
			out = append(out, signingKey{k.KeyID, public})
		}
	}
	return out, nil
}

// lenient reads a key, and leaves the zero one where it is of a kind that the library
// does not know.
func lenient(text []byte, key *jose.JSONWebKey) error {
	if err := key.UnmarshalJSON(text); err != nil {
		*key = jose.JSONWebKey{}
	}
	return nil
}
