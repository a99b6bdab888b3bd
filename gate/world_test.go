package gate_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"countersign/gate"
)

const (
	profile = "49000000-0000-7000-8000-000000000001"
	apiKey  = "KEY_of_a_test"
	visit   = "visit-1"
	number  = "+447700900123"
)

// signer is a key of the service.
type signer struct {
	kid     string
	private ed25519.PrivateKey
}

func newSigner(t testing.TB, kid string) signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{kid, private}
}

func (s signer) public() ed25519.PublicKey { return s.private.Public().(ed25519.PublicKey) }

// sign makes a token with this key; typ is the header's.
func (s signer) sign(t testing.TB, typ string, claims any) string {
	t.Helper()
	return signWith(t, jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: s.private, KeyID: s.kid}}, typ, claims)
}

func signWith(t testing.TB, key jose.SigningKey, typ string, claims any) string {
	t.Helper()
	maker, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	made, err := maker.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	token, err := made.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// world is the service, a gate before it, and a clock.
type world struct {
	t      testing.TB
	server *httptest.Server
	gate   *gate.Gate
	key    signer

	mu       sync.Mutex
	now      time.Time
	shown    []jose.JSONWebKey // by the key set
	fetches  int
	requests []map[string]any // for sessions
	redeemed map[string]bool
	answer   http.HandlerFunc // instead of the service's, for everything
}

func newWorld(t testing.TB, change ...func(*gate.Config)) *world {
	t.Helper()
	w := &world{t: t, key: newSigner(t, "k1"), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), redeemed: map[string]bool{}}
	w.show(w.key)
	w.server = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.server.Close)
	conf := gate.Config{
		Server: w.server.URL, APIKey: apiKey, ProfileID: profile, ReturnURL: "https://app.example/back",
		Now: func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now },
	}
	for _, c := range change {
		c(&conf)
	}
	g, err := gate.New(conf)
	if err != nil {
		t.Fatal(err)
	}
	w.gate = g
	return w
}

func redeeming(c *gate.Config)  { c.Redeem = true }
func allowEmail(c *gate.Config) { c.AllowEmail = true }
func withoutTLS(c *gate.Config) { c.ReturnURL = "http://127.0.0.1:8080/back" }
func (w *world) fetched() int   { w.mu.Lock(); defer w.mu.Unlock(); return w.fetches }
func (w *world) asked() int     { w.mu.Lock(); defer w.mu.Unlock(); return len(w.requests) }
func (w *world) instant() int64 { w.mu.Lock(); defer w.mu.Unlock(); return w.now.Unix() }
func (w *world) fail(status int) {
	w.instead(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(status) })
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) instead(h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = h
}

// show makes these the keys of the set, after one of a kind that nobody knows.
func (w *world) show(keys ...signer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shown = nil
	for _, k := range keys {
		w.shown = append(w.shown, jose.JSONWebKey{Key: k.public(), KeyID: k.kid, Use: "sig", Algorithm: "EdDSA"})
	}
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answer != nil {
		w.answer(rw, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	rw.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/.well-known/jwks.json":
		w.fetches++
		keys := []any{map[string]string{"kty": "SPHINCS", "kid": "strange"}}
		for _, k := range w.shown {
			keys = append(keys, k)
		}
		_ = json.NewEncoder(rw).Encode(map[string]any{"keys": keys})
	case r.Header.Get("Authorization") != "Bearer "+apiKey:
		rw.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == "/v2/verification_sessions":
		var asked map[string]any
		_ = json.Unmarshal(body, &asked)
		w.requests = append(w.requests, asked)
		_ = json.NewEncoder(rw).Encode(map[string]any{"data": map[string]any{"id": sessionID(len(w.requests)), "url": w.server.URL + "/s/TOKEN"}})
	case strings.HasSuffix(r.URL.Path, "/redeem"):
		id := strings.Split(r.URL.Path, "/")[3]
		if w.redeemed[id] {
			rw.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(rw, `{"errors":[{"code":"10027","title":"Unprocessable Entity","detail":"It was redeemed."}]}`)
			return
		}
		w.redeemed[id] = true
		_ = json.NewEncoder(rw).Encode(map[string]any{"data": map[string]any{"jti": id}})
	default:
		rw.WriteHeader(http.StatusNotFound)
	}
}

func sessionID(n int) string { return "0190a000-0000-7000-8000-00000000000" + string(rune('0'+n)) }

// trip is one way of a browser to the pages and back.
type trip struct {
	w       *world
	session string
	state   string
	cookies []*http.Cookie // that Begin has set
}

// begin sends a browser to the pages.
func (w *world) begin(ask gate.Ask) *trip {
	w.t.Helper()
	rec := httptest.NewRecorder()
	if err := w.gate.Begin(rec, httptest.NewRequest(http.MethodPost, "/sign-in", nil), ask); err != nil {
		w.t.Fatal(err)
	}
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != w.server.URL+"/s/TOKEN" {
		w.t.Fatalf("Begin answered %d, to %q", rec.Code, rec.Header().Get("Location"))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	state, _ := w.requests[len(w.requests)-1]["state"].(string)
	return &trip{w, sessionID(len(w.requests)), state, rec.Result().Cookies()}
}

func (w *world) start() *trip {
	w.t.Helper()
	return w.begin(gate.Ask{Visit: visit, PhoneNumber: number})
}

// claims are those of a good proof of this trip.
func (t *trip) claims() map[string]any {
	now := t.w.instant()
	return map[string]any{
		"iss": t.w.server.URL, "aud": profile, "sub": "c3ViamVjdA", "jti": t.session, "iat": now, "exp": now + 300, "auth_time": now,
		"nonce": t.state, "verification_id": "0190a000-0000-7000-8000-0000000000ff", "channel": "sms", "amr": []string{"sms"},
		"assurance": "restricted", "address_given": true,
	}
}

func (t *trip) proof() string { return t.w.key.sign(t.w.t, "proof+jwt", t.claims()) }

func (t *trip) query(proof string) url.Values {
	return url.Values{"session_id": {t.session}, "state": {t.state}, "proof": {proof}}
}

// back is the browser's return with these cookies and this query, and what the browser
// is told to do with cookies.
func (t *trip) back(v string, query url.Values) (gate.Proof, []*http.Cookie, error) {
	req := httptest.NewRequest(http.MethodGet, "/back?"+query.Encode(), nil)
	for _, c := range t.cookies {
		req.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	p, err := t.w.gate.Finish(rec, req, v)
	return p, rec.Result().Cookies(), err
}

func (t *trip) finish(proof string) (gate.Proof, error) {
	p, _, err := t.back(visit, t.query(proof))
	return p, err
}

// refuses fails the test unless err is want.
func refuses(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%v, want: %v", err, want)
	}
}
