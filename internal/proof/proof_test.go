package proof_test

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"countersign/internal/mailbox"
	"countersign/internal/phone"
	"countersign/internal/proof"
	"countersign/internal/secret"
	"countersign/internal/verify"
)

const issuer = "https://verify.example.com"

// world is a signer, and a session that is verified.
type world struct {
	*proof.Signer
	now     time.Time
	session verify.Session
}

func newWorld(t *testing.T, to verify.Address, used ...verify.Channel) *world {
	t.Helper()
	w := &world{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	keys := secret.Generate()
	w.Signer = &proof.Signer{
		Keys: keys, Now: func() time.Time { return w.now },
		Subjects: func(context.Context) ([]byte, error) { return []byte("a secret that outlives the ring."), nil },
	}
	w.session = verify.Session{
		ID: verify.ID{15: 1}, Tenant: "t", Profile: verify.ID{15: 2}, Verification: verify.ID{15: 3}, Status: verify.SessionVerified,
		Details:    verify.SessionDetails{State: "state", Purpose: "sign in"},
		Progress:   verify.SessionProgress{Used: used},
		VerifiedAt: w.now.Add(-time.Minute),
	}
	w.to(t, to)
	return w
}

// to changes whose session it is.
func (w *world) to(t *testing.T, to verify.Address) {
	t.Helper()
	var err error
	w.session.Address, err = w.Keys.Seal(secret.Row, "session "+w.session.ID.String()+" address", []byte(to.Text()))
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) sign(t *testing.T) string {
	t.Helper()
	text, err := w.Sign(t.Context(), issuer, w.session)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var (
	ada = verify.Phone(phone.Trusted("+447400123456"))
	bob = verify.Phone(phone.Trusted("+447400654321"))
)

func mail(t *testing.T) verify.Address {
	t.Helper()
	m, err := mailbox.Parse("ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	return verify.Mail(m)
}

func TestAProofSaysWhatTheSessionProvesAndNoMore(t *testing.T) {
	w := newWorld(t, ada, verify.SMS)
	c, err := w.Read(issuer, w.sign(t))
	if err != nil {
		t.Fatal(err)
	}
	want := proof.Claims{
		Issuer: issuer, Audience: w.session.Profile.String(), Subject: c.Subject, ID: w.session.ID.String(),
		IssuedAt: w.now.Unix(), ExpiresAt: w.now.Unix() + 240, AcceptedAt: w.now.Unix() - 60, Nonce: "state",
		Verification: w.session.Verification.String(), Channel: "sms", Methods: []string{"sms"}, Assurance: "restricted", Purpose: "sign in",
	}
	if got, _ := json.Marshal(c); string(got) != func() string { b, _ := json.Marshal(want); return string(b) }() {
		t.Errorf("%s", got)
	}
	if len(c.Subject) != 22 || strings.Contains(w.sign(t), "7400") {
		t.Errorf("the subject is %q", c.Subject)
	}
	w.session.Details.Given = true
	if c, err = w.Read(issuer, w.sign(t)); err != nil || !c.Given {
		t.Errorf("of an address that the application named: %+v, %v", c, err)
	}
	w.session.Details.Share = true
	if c, err = w.Read(issuer, w.sign(t)); err != nil || c.PhoneNumber != "+447400123456" || c.Email != "" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestMailIsNoSecondFactor(t *testing.T) {
	w := newWorld(t, mail(t), verify.Email)
	w.session.Details.Share = true
	c, err := w.Read(issuer, w.sign(t))
	if err != nil || c.Assurance != "address_confirmed" || c.Methods != nil || c.Email != "ada@example.com" || c.PhoneNumber != "" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestASubjectIsTheAddressInOneProfileForGood(t *testing.T) {
	w := newWorld(t, ada, verify.SMS)
	subject := func() string {
		t.Helper()
		c, err := w.Read(issuer, w.sign(t))
		if err != nil {
			t.Fatal(err)
		}
		return c.Subject
	}
	first := subject()
	w.session.ID = verify.ID{15: 9}
	w.to(t, ada)
	if subject() != first {
		t.Error("another session of the same person has another subject")
	}
	w.to(t, bob)
	if subject() == first {
		t.Error("two people have one subject")
	}
	w.to(t, ada)
	w.session.Profile = verify.ID{15: 8}
	if subject() == first {
		t.Error("two profiles can tell that their person is the same")
	}
	w.session.Profile = verify.ID{15: 2}
	next, err := w.Keys.Rotate(w.now)
	if err != nil {
		t.Fatal(err)
	}
	w.Keys.Replace(next.At(w.now.Add(time.Second)))
	if subject() != first {
		t.Error("a rotation changes the subject")
	}
}

func TestARotationTakesOverWithOverlap(t *testing.T) {
	w := newWorld(t, ada, verify.SMS)
	ids := func() (out []string) {
		t.Helper()
		set, err := w.Public()
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range set.Keys {
			out = append(out, k.KeyID)
		}
		return out
	}
	before, old := ids(), w.sign(t)
	full, err := w.Keys.Rotate(w.now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	w.Keys.Replace(full.At(w.now))
	announced := ids()
	w.Keys.Replace(full.At(w.now.Add(2 * time.Hour)))
	after, fresh := ids(), w.sign(t)
	if len(before) != 1 || len(announced) != 2 || announced[0] != before[0] || after[0] != announced[1] || after[1] != before[0] {
		t.Errorf("%v, then %v, then %v", before, announced, after)
	}
	for _, text := range []string{old, fresh} {
		if _, err := w.Read(issuer, text); err != nil {
			t.Error(err)
		}
	}
	retired, err := w.Keys.Without("k1")
	if err != nil {
		t.Fatal(err)
	}
	w.Keys.Replace(retired)
	if _, err := w.Read(issuer, old); !errors.Is(err, proof.ErrForged) {
		t.Errorf("a proof under a key that is gone: %v", err)
	}
	if _, err := w.Read(issuer, fresh); err != nil {
		t.Error(err)
	}
}

func TestNothingButAnUnchangedProofOfOursIsRead(t *testing.T) {
	w := newWorld(t, ada, verify.SMS)
	good := w.sign(t)
	for i := range good {
		for _, c := range []byte{'A', 'B', '.', '='} {
			if good[i] == c {
				continue
			}
			changed := good[:i] + string(c) + good[i+1:]
			if claims, err := w.Read(issuer, changed); !errors.Is(err, proof.ErrForged) {
				t.Fatalf("changed at %d: %+v", i, claims)
			}
		}
	}
	parts := strings.Split(good, ".")
	head := func(json string) string { return base64.RawURLEncoding.EncodeToString([]byte(json)) }
	mac := hmac.New(sha256.New, publicKey(t, w))
	mac.Write([]byte(head(`{"alg":"HS256","typ":"proof+jwt"}`) + "." + parts[1]))
	ours, id, err := proof.Private(w.Keys, "k1")
	if err != nil {
		t.Fatal(err)
	}
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing":                "",
		"dots":                   "..",
		"no signature":           parts[0] + "." + parts[1] + ".",
		"alg none":               head(`{"alg":"none","typ":"proof+jwt"}`) + "." + parts[1] + ".",
		"the public key as HMAC": head(`{"alg":"HS256","typ":"proof+jwt"}`) + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)),
		"our key, another type":  signedBy(t, ours, id, "at+jwt", parts[1]),
		"our key, no such id":    signedBy(t, ours, "x", "proof+jwt", parts[1]),
		"another's key":          signedBy(t, stranger, kid(t, w), "proof+jwt", parts[1]),
		"a key in the header":    embedded(t, stranger, parts[1]),
		"a hundred times":        strings.Repeat(good, 100),
		"with a tail":            good + ".x",
		"as JSON":                `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"with a line break":      good + "\n",
	} {
		if _, err := w.Read(issuer, text); !errors.Is(err, proof.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.Read("https://other.example.com", good); !errors.Is(err, proof.ErrForged) {
		t.Errorf("another issuer's: %v", err)
	}
	w.now = w.now.Add(4*time.Minute - time.Second)
	if _, err := w.Read(issuer, good); err != nil {
		t.Error(err)
	}
	w.now = w.now.Add(time.Second)
	if _, err := w.Read(issuer, good); !errors.Is(err, proof.ErrExpired) {
		t.Errorf("at its end: %v", err)
	}
}

func publicKey(t *testing.T, w *world) []byte {
	t.Helper()
	set, err := w.Public()
	if err != nil {
		t.Fatal(err)
	}
	return set.Keys[0].Key.(ed25519.PublicKey)
}

func kid(t *testing.T, w *world) string {
	t.Helper()
	set, err := w.Public()
	if err != nil {
		t.Fatal(err)
	}
	return set.Keys[0].KeyID
}

func signedBy(t *testing.T, key ed25519.PrivateKey, kid, typ, payload string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		t.Fatal(err)
	}
	return compact(t, signer, payload)
}

// embedded is signed with a key that the header itself brings.
func embedded(t *testing.T, key ed25519.PrivateKey, payload string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("proof+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	return compact(t, signer, payload)
}

func compact(t *testing.T, signer jose.Signer, payload string) string {
	t.Helper()
	body, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTheKeySetIsPublicAndHoldsNoSecret(t *testing.T) {
	w := newWorld(t, ada, verify.SMS)
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, proof.Path, nil))
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(rec.Body.Bytes(), &set); err != nil || len(set.Keys) != 1 {
		t.Fatal(err, rec.Body)
	}
	key := set.Keys[0]
	if key["kty"] != "OKP" || key["crv"] != "Ed25519" || key["alg"] != "EdDSA" || key["use"] != "sig" || key["d"] != "" || len(key) != 6 {
		t.Errorf("%v", key)
	}
	if rec.Header().Get("Content-Type") != "application/jwk-set+json" || rec.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%v", rec.Header())
	}
	rec = httptest.NewRecorder()
	w.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, proof.Path, nil))
	if rec.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", rec.Code)
	}
}

func FuzzReadTakesNothingElse(f *testing.F) {
	w := &proof.Signer{Keys: secret.Generate(), Now: time.Now, Subjects: func(context.Context) ([]byte, error) { return []byte("x"), nil }}
	f.Add("eyJhbGciOiJFZERTQSJ9.e30.AAAA")
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := w.Read(issuer, text); err == nil {
			t.Error(text)
		}
	})
}
