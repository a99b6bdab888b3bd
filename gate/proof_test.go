package gate_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"countersign/gate"
)

func TestAProofWithAnyCharacterChangedIsRefused(t *testing.T) {
	trip := newWorld(t).start()
	proof := trip.proof()
	for i := range proof {
		if _, err := trip.finish(flip(proof, i)); err == nil {
			t.Fatalf("changed at %d of %d, and taken", i, len(proof))
		}
	}
	for i := range len(proof) {
		if _, err := trip.finish(proof[:i]); err == nil {
			t.Fatalf("cut to %d of %d, and taken", i, len(proof))
		}
	}
	if _, err := trip.finish(proof); err != nil {
		t.Fatal(err)
	}
}

// The last character of a part has bits that mean nothing, and decoders pass over line
// ends: what was signed is the same, and yet it is not the same proof.
func TestAProofHasOneSpelling(t *testing.T) {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	trip := newWorld(t).start()
	proof := trip.proof()
	last := strings.IndexByte(digits, proof[len(proof)-1])
	for _, other := range []string{
		proof[:len(proof)-1] + string(digits[last^1]), proof + "\n", proof + "=", strings.Replace(proof, ".", "\n.", 1), " " + proof, proof + ".",
		"." + proof, strings.Replace(proof, ".", "..", 1),
	} {
		_, err := trip.finish(other)
		refuses(t, err, gate.ErrProof)
	}
}

func TestAProofMustAnswerWhatWasAsked(t *testing.T) {
	w := newWorld(t)
	trip := w.start()
	now := w.instant()
	for name, c := range map[string]struct {
		claim string
		value any // nil: left out
		want  error
	}{
		"another service":         {"iss", "https://evil.example", gate.ErrProof},
		"no service":              {"iss", nil, gate.ErrProof},
		"another profile":         {"aud", "49000000-0000-7000-8000-000000000002", gate.ErrProof},
		"several profiles":        {"aud", []string{profile, "x"}, gate.ErrProof},
		"no profile":              {"aud", nil, gate.ErrProof},
		"another state":           {"nonce", "x", gate.ErrProof},
		"no state":                {"nonce", nil, gate.ErrProof},
		"another session":         {"jti", sessionID(9), gate.ErrProof},
		"no session":              {"jti", nil, gate.ErrProof},
		"no subject":              {"sub", nil, gate.ErrProof},
		"no verification":         {"verification_id", nil, gate.ErrProof},
		"no channel":              {"channel", nil, gate.ErrProof},
		"no assurance":            {"assurance", nil, gate.ErrProof},
		"unknown assurance":       {"assurance", "perfect", gate.ErrProof},
		"expired":                 {"exp", now - 31, gate.ErrExpired},
		"expires now, and leeway": {"exp", now - 30, gate.ErrExpired},
		"no end":                  {"exp", nil, gate.ErrExpired},
		"an end as text":          {"exp", "soon", gate.ErrProof},
		"an end in years":         {"exp", now + 100_000_000, gate.ErrProof},
		"an end past all times":   {"exp", 1e300, gate.ErrProof},
		"issued later":            {"iat", now + 31, gate.ErrProof},
		"not issued":              {"iat", nil, gate.ErrProof},
		"accepted later":          {"auth_time", now + 31, gate.ErrProof},
		"not accepted":            {"auth_time", nil, gate.ErrProof},
	} {
		t.Run(name, func(t *testing.T) {
			claims := trip.claims()
			claims[c.claim] = c.value
			if c.value == nil {
				delete(claims, c.claim)
			}
			_, err := trip.finish(w.key.sign(t, "proof+jwt", claims))
			refuses(t, err, c.want)
		})
	}
}

func TestClocksMayDifferALittle(t *testing.T) {
	w := newWorld(t)
	for claim, value := range map[string]int64{"exp": w.instant() - 29, "iat": w.instant() + 30, "auth_time": w.instant() + 30} {
		trip := w.start()
		claims := trip.claims()
		claims[claim] = value
		if _, err := trip.finish(w.key.sign(t, "proof+jwt", claims)); err != nil {
			t.Errorf("%s: %v", claim, err)
		}
	}
}

func TestAClaimThatIsThereTwiceIsRefused(t *testing.T) {
	w := newWorld(t)
	trip := w.start()
	text, _ := json.Marshal(trip.claims())
	twice := json.RawMessage(string(text[:len(text)-1]) + `,"aud":"x"}`)
	// The encoder compacts and keeps both; a lax reader takes the last.
	_, err := trip.finish(w.key.sign(t, "proof+jwt", twice))
	refuses(t, err, gate.ErrProof)
}

func TestOnlyTheOneAlgorithmAndTheOneTypeAreTaken(t *testing.T) {
	w := newWorld(t)
	trip := w.start()
	claims := trip.claims()
	text, _ := json.Marshal(claims)
	part := base64.RawURLEncoding.EncodeToString
	header := func(h string) string { return part([]byte(h)) + "." + part(text) + "." }
	other := newSigner(t, w.key.kid)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signature := trip.proof()[strings.LastIndexByte(trip.proof(), '.')+1:]
	named := func(k any) jose.JSONWebKey { return jose.JSONWebKey{Key: k, KeyID: w.key.kid} }

	huge := trip.claims()
	huge["more"] = strings.Repeat("x", 8<<10)

	for name, token := range map[string]string{
		"none, no signature":       header(`{"alg":"none","kid":"k1","typ":"proof+jwt"}`),
		"none, with a signature":   header(`{"alg":"none","kid":"k1","typ":"proof+jwt"}`) + signature,
		"no algorithm":             header(`{"kid":"k1","typ":"proof+jwt"}`) + signature,
		"HS256 with the public":    signWith(t, jose.SigningKey{Algorithm: jose.HS256, Key: named([]byte(w.key.public()))}, "proof+jwt", claims),
		"RS256":                    signWith(t, jose.SigningKey{Algorithm: jose.RS256, Key: named(rsaKey)}, "proof+jwt", claims),
		"another key of that name": other.sign(t, "proof+jwt", claims),
		"its own key in it":        signWith(t, jose.SigningKey{Algorithm: jose.EdDSA, Key: other.private}, "proof+jwt", claims),
		"another name":             newSigner(t, "k2").sign(t, "proof+jwt", claims),
		"a key of a strange kind":  newSigner(t, "strange").sign(t, "proof+jwt", claims),
		"no name":                  newSigner(t, "").sign(t, "proof+jwt", claims),
		"a plain JWT":              w.key.sign(t, "JWT", claims),
		"no type":                  w.key.sign(t, "", claims),
		"JSON serialization":       `{"payload":"","signatures":[]}`,
		"nothing":                  "",
		"dots":                     "..",
		"huge":                     strings.Repeat("A", 1<<20) + "." + strings.Repeat("A", 1<<20) + "." + signature,
		"huge and signed":          w.key.sign(t, "proof+jwt", huge),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := trip.finish(token)
			refuses(t, err, gate.ErrProof)
		})
	}
}

func TestKeysAreFetchedOnceAndAgainForANewOne(t *testing.T) {
	w := newWorld(t)
	sign := func(k signer) error {
		trip := w.begin(gate.Ask{Visit: visit, PhoneNumber: number})
		_, err := trip.finish(k.sign(t, "proof+jwt", trip.claims()))
		return err
	}
	for range 2 {
		if err := sign(w.key); err != nil || w.fetched() != 1 {
			t.Fatalf("%v, and the keys were fetched %d times", err, w.fetched())
		}
	}
	next := newSigner(t, "k2")
	for range 2 {
		refuses(t, sign(next), gate.ErrProof)
	}
	if w.fetched() != 1 {
		t.Errorf("unknown keys made it fetch %d times in a minute", w.fetched())
	}
	w.show(w.key, next)
	w.pass(time.Minute)
	if err := sign(next); err != nil || sign(w.key) != nil || w.fetched() != 2 {
		t.Fatalf("after a rotation: %v, fetched %d times", err, w.fetched())
	}
	w.show(next)
	w.pass(time.Hour)
	refuses(t, sign(w.key), gate.ErrProof) // taken back
}

func TestWithoutTheServiceKnownKeysAreGoodForADay(t *testing.T) {
	w := newWorld(t)
	first := w.start()
	if _, err := first.finish(first.proof()); err != nil {
		t.Fatal(err)
	}
	finish := func(ahead time.Duration) error {
		w.instead(nil)
		w.pass(ahead)
		trip := w.start()
		w.fail(http.StatusBadGateway)
		_, err := trip.finish(trip.proof())
		return err
	}
	if err := finish(2 * time.Hour); err != nil {
		t.Error(err)
	}
	if err := finish(23 * time.Hour); err == nil {
		t.Error("a key of yesterday was taken")
	}
}

func TestAServiceWithoutKeysIsAskedAgainSoonButNotByEverybody(t *testing.T) {
	w := newWorld(t)
	trip := w.start()
	calls := 0
	w.instead(func(rw http.ResponseWriter, _ *http.Request) { calls++; _, _ = rw.Write([]byte(`{"keys":[]}`)) })
	for range 3 {
		if _, err := trip.finish(trip.proof()); err == nil {
			t.Fatal("taken without a key")
		}
	}
	if calls != 1 {
		t.Errorf("%d calls", calls)
	}
	w.instead(nil)
	w.pass(5 * time.Second)
	if _, err := trip.finish(trip.proof()); err != nil {
		t.Error(err)
	}
}

func FuzzNothingButTheProofIsTaken(f *testing.F) {
	w := newWorld(f)
	trip := w.start()
	proof := trip.proof()
	if _, err := trip.finish(proof); err != nil {
		f.Fatal(err)
	}
	head, rest, _ := strings.Cut(proof, ".")
	f.Add(proof)
	f.Add("." + rest)
	f.Add(head + ".e30." + strings.Repeat("A", 86))
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		req := httptest.NewRequest(http.MethodGet, "/back?"+trip.query(token).Encode(), nil)
		for _, c := range trip.cookies {
			req.AddCookie(c)
		}
		if p, err := w.gate.Finish(httptest.NewRecorder(), req, visit); err == nil || p.SessionID != "" {
			t.Errorf("taken: %q", token) // the good one was used already
		}
	})
}
