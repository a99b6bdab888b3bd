package e2e_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const home = "https://notes.example/second-factor" // nobody goes there

// proven is a proof of the real service, and what was asked for.
type proven struct {
	session, profile, state, proof string
}

func (s *service) prove(t *testing.T, profile, number string, more map[string]any) proven {
	t.Helper()
	ask := map[string]any{"verify_profile_id": profile, "phone_number": number, "return_url": home, "state": "state of " + t.Name()}
	for name, value := range more {
		ask[name] = value
	}
	made := s.newSession(t, ask)
	p := newPerson(t)
	p.open(made.URL)
	back := p.verify(s, number)
	query := back.Query()
	if !strings.HasPrefix(back.String(), home+"?") || query.Get("session_id") != made.ID || query.Get("state") != ask["state"] {
		t.Fatalf("the person is sent to %s", back)
	}
	return proven{made.ID, profile, query.Get("state"), query.Get("proof")}
}

// publicKeys reads the service's keys as RFC 8037 has them, without a library.
func (s *service) publicKeys(t *testing.T) map[string]ed25519.PublicKey {
	t.Helper()
	var set struct {
		Keys []struct{ Kty, Crv, Kid, Use, Alg, X string }
	}
	if status := s.call(t, http.MethodGet, "/.well-known/jwks.json", nil, &set); status != http.StatusOK || len(set.Keys) == 0 {
		t.Fatalf("the key set: %d, %v", status, set)
	}
	out := map[string]ed25519.PublicKey{}
	for _, k := range set.Keys {
		x, err := base64.RawURLEncoding.DecodeString(k.X)
		if err != nil || len(x) != ed25519.PublicKeySize || k.Kty != "OKP" || k.Crv != "Ed25519" || k.Use != "sig" || k.Alg != "EdDSA" || k.Kid == "" {
			t.Fatalf("%+v is no key for proofs: %v", k, err)
		}
		out[k.Kid] = x
	}
	return out
}

// read verifies a proof with golang-jwt, which shares no code with the service.
func (s *service) read(t *testing.T, token, profile string) (jwt.MapClaims, error) {
	keys := s.publicKeys(t)
	claims := jwt.MapClaims{}
	parsed, err := jwt.ParseWithClaims(token, claims, func(of *jwt.Token) (any, error) {
		kid, _ := of.Header["kid"].(string)
		if key, ok := keys[kid]; ok {
			return key, nil
		}
		return nil, errors.New("no such key")
	}, jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithIssuer(s.URL), jwt.WithAudience(profile), jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(), jwt.WithTimeFunc(s.now), jwt.WithLeeway(time.Second), jwt.WithStrictDecoding())
	if err == nil && parsed.Header["typ"] != "proof+jwt" {
		err = fmt.Errorf("typ is %v", parsed.Header["typ"])
	}
	return claims, err
}

// mutations are the proof with something changed in each part.
func mutations(proof string) map[string]string {
	out := map[string]string{"nothing": "", "without its signature": proof[:strings.LastIndexByte(proof, '.')+1]}
	start := 0
	for i, part := range strings.Split(proof, ".") {
		for name, at := range map[string]int{"first": start, "middle": start + len(part)/2, "last but one": start + len(part) - 2} {
			with := byte('A')
			if proof[at] == with {
				with = 'B'
			}
			out[fmt.Sprintf("part %d, the %s character", i+1, name)] = proof[:at] + string(with) + proof[at+1:]
		}
		start += len(part) + 1
	}
	_, rest, _ := strings.Cut(proof, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"proof+jwt"}`))
	out["alg none"] = none + "." + rest
	out["alg none, not signed"] = none + "." + rest[:strings.IndexByte(rest, '.')+1]
	return out
}

func TestAnotherLibraryReadsTheProof(t *testing.T) {
	s := newService(t)
	profile := s.newProfile(t, home)
	const number = "+12015550101"
	p := s.prove(t, profile, number, map[string]any{"purpose": "sign in", "share_address": true})

	claims, err := s.read(t, p.proof, profile)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"iss": s.URL, "aud": profile, "jti": p.session, "nonce": p.state, "channel": "sms", "assurance": "restricted",
		"purpose": "sign in", "phone_number": number, "address_given": true,
	} {
		if claims[name] != want {
			t.Errorf("%s is %v, want %v", name, claims[name], want)
		}
	}
	if amr, _ := claims["amr"].([]any); len(amr) != 1 || amr[0] != "sms" {
		t.Errorf("amr is %v", claims["amr"])
	}
	exp, _ := claims["exp"].(float64)
	at, _ := claims["auth_time"].(float64)
	if exp-at != 300 || claims["sub"] == "" || claims["verification_id"] == "" {
		t.Errorf("%v", claims)
	}

	for name, token := range mutations(p.proof) {
		if _, err := s.read(t, token, profile); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := s.read(t, p.proof, s.newProfile(t, home)); !errors.Is(err, jwt.ErrTokenInvalidAudience) {
		t.Errorf("for another profile: %v", err)
	}
	s.pass(5*time.Minute + 2*time.Second)
	if _, err := s.read(t, p.proof, profile); !errors.Is(err, jwt.ErrTokenExpired) {
		t.Errorf("after its time: %v", err)
	}
}

func TestAnAddressIsInTheProofOnlyIfItWasAskedFor(t *testing.T) {
	s := newService(t)
	const number = "+12015550102"
	p := s.prove(t, s.newProfile(t, home), number, nil)
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(p.proof, ".")[1])
	if err != nil || strings.Contains(string(payload), number[1:]) || strings.Contains(string(payload), "phone_number") {
		t.Errorf("%v %s", err, payload)
	}
}

// TestNodesJoseReadsTheProof runs what examples/node does with a proof.
func TestNodesJoseReadsTheProof(t *testing.T) {
	withJose(t)
	s := newService(t)
	profile := s.newProfile(t, home)
	p := s.prove(t, profile, "+12015550103", nil)
	const trial = `
import { createRemoteJWKSet, jwtVerify } from 'jose';
const { url, profile, proof, mutations } = JSON.parse(process.env.TRIAL);
const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', url), { cooldownDuration: 0 });
const said = async (token, change = {}) => {
  try {
    const { payload } = await jwtVerify(token, keys, { algorithms: ['EdDSA'], typ: 'proof+jwt', issuer: url, audience: profile, requiredClaims: ['exp', 'jti', 'nonce'], ...change });
    return payload.jti;
  } catch (err) { return err.code; }
};
const later = new Date(Date.now() + 302000);
const out = { good: await said(proof), audience: await said(proof, { audience: 'x' }), issuer: await said(proof, { issuer: 'x' }), expired: await said(proof, { currentDate: later }) };
for (const [name, token] of Object.entries(mutations)) out[name] = await said(token);
console.log(JSON.stringify(out));
`
	given, err := json.Marshal(map[string]any{"url": s.URL, "profile": profile, "proof": p.proof, "mutations": mutations(p.proof)})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "--input-type=module", "-e", trial)
	cmd.Dir, cmd.Env = "../examples/node", append(os.Environ(), "TRIAL="+string(given))
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var said map[string]string
	if err := json.Unmarshal(text, &said); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	want := map[string]string{
		"good": p.session, "audience": "ERR_JWT_CLAIM_VALIDATION_FAILED", "issuer": "ERR_JWT_CLAIM_VALIDATION_FAILED", "expired": "ERR_JWT_EXPIRED",
	}
	for name, got := range said {
		if expected, ok := want[name]; ok && got != expected || !ok && !strings.HasPrefix(got, "ERR_") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func withJose(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("../examples/node/node_modules/jose"); err != nil {
		t.Fatal("the jose package is not installed; run make test, which does it (or npm ci in examples/node)")
	}
}

func TestAProofIsRedeemedOnce(t *testing.T) {
	s := newService(t)
	profile := s.newProfile(t, home)
	one, two := s.prove(t, profile, "+12015550104", nil), s.prove(t, profile, "+12015550105", nil)
	redeem := func(session, proof string) (int, map[string]any) {
		var answer struct{ Data map[string]any }
		status := s.call(t, http.MethodPost, "/v2/verification_sessions/"+session+"/redeem", map[string]string{"proof": proof}, &answer)
		return status, answer.Data
	}
	for name, token := range mutations(one.proof) {
		if status, _ := redeem(one.session, token); status < 400 || status > 499 {
			t.Errorf("%s: %d", name, status)
		}
	}
	if status, _ := redeem(one.session, two.proof); status < 400 || status > 499 {
		t.Errorf("the proof of another session: %d", status)
	}
	status, claims := redeem(one.session, one.proof)
	if status != http.StatusOK || claims["jti"] != one.session || claims["aud"] != profile || claims["nonce"] != one.state {
		t.Fatalf("%d %v", status, claims)
	}
	if status, _ := redeem(one.session, one.proof); status != http.StatusUnprocessableEntity {
		t.Errorf("a second time: %d", status)
	}
	s.pass(6 * time.Minute)
	if status, _ := redeem(two.session, two.proof); status != http.StatusUnprocessableEntity {
		t.Errorf("too late: %d", status)
	}
}
