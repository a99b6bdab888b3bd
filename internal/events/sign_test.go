package events

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

func public(t *testing.T, s *Signer) string {
	t.Helper()
	text, err := s.PublicKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestThePublicKeyStaysWhileTheKeysItIsSealedWithGo(t *testing.T) {
	w := newWorld()
	want := public(t, w.signer())
	before := w.records.row.Body
	if err := w.signer().Rekey(t.Context()); err != nil || string(w.records.row.Body) != string(before) {
		t.Fatalf("with one key: %v, changed %v", err, string(w.records.row.Body) != string(before))
	}
	old := w.keys.Current()
	both, err := w.keys.Rotate(time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	both = both.At(time.Now())
	w.keys.Replace(both)
	if got := public(t, w.signer()); got != want {
		t.Error("another key while both are there")
	}
	if err := w.signer().Rekey(t.Context()); err != nil {
		t.Fatal(err)
	}
	alone, err := both.Without(old)
	if err != nil {
		t.Fatal(err)
	}
	w.keys.Replace(alone)
	if got := public(t, w.signer()); got != want {
		t.Error("another key after the rotation")
	}
	if w.records.row.Version != 2 {
		t.Errorf("the record is of version %d", w.records.row.Version)
	}
}

func TestTwoNodesThatMakeAKeyAtOnceMakeOne(t *testing.T) {
	w := newWorld()
	var all sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]int{}
	for range 8 {
		all.Go(func() {
			text, err := w.signer().PublicKey(t.Context())
			mu.Lock()
			defer mu.Unlock()
			seen[text]++
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(seen) != 1 {
		t.Errorf("%d keys", len(seen))
	}
	late := NewSigner(&slower{records: w.records}, w.keys, time.Now, rand.Reader)
	if text, err := late.PublicKey(t.Context()); err != nil || seen[text] == 0 {
		t.Errorf("who was slower has %q, %v", text, err)
	}
}

// slower is the store as a node sees it whose look came before another node's key.
type slower struct {
	*records
	looked bool
}

func (s *slower) Record(ctx context.Context, kind tenant.Kind, id verify.ID) (*tenant.Record, error) {
	if !s.looked {
		s.looked = true
		return nil, nil
	}
	return s.records.Record(ctx, kind, id)
}

func TestASealedKeyThatCannotBeOpenedSignsNothing(t *testing.T) {
	w := newWorld()
	_ = public(t, w.signer())
	for name, s := range map[string]*Signer{
		"another ring":       NewSigner(w.records, secret.Generate(), time.Now, rand.Reader),
		"a changed record":   NewSigner(&records{row: &tenant.Record{Kind: tenant.Seeds, ID: theKey, Body: []byte(`{"key_id":"k1","seed":"AAAA"}`)}}, w.keys, time.Now, rand.Reader),
		"a broken record":    NewSigner(&records{row: &tenant.Record{Kind: tenant.Seeds, ID: theKey, Body: []byte(`{`)}}, w.keys, time.Now, rand.Reader),
		"a store that fails": NewSigner(failing{}, w.keys, time.Now, rand.Reader),
	} {
		if text, err := s.Sign(t.Context(), "1", nil); err == nil || text != "" {
			t.Errorf("%s: %q", name, text)
		}
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v2/public_key", nil))
		if answer.Code != http.StatusServiceUnavailable || strings.Contains(answer.Body.String(), "public") {
			t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
		}
	}
}

type failing struct{}

var errAway = errors.New("away")

func (failing) Record(context.Context, tenant.Kind, verify.ID) (*tenant.Record, error) {
	return nil, errAway
}
func (failing) AddRecord(context.Context, tenant.Record) error    { return errAway }
func (failing) ChangeRecord(context.Context, tenant.Record) error { return errAway }

func TestTheSeedIsNeitherStoredInTheClearNorPrinted(t *testing.T) {
	w := newWorld()
	s := NewSigner(w.records, w.keys, time.Now, strings.NewReader("the seed of thirty-two bytes ...."))
	_ = public(t, s)
	s.seed.Random = nil // it holds the seed, which rand.Reader does not
	if strings.Contains(string(w.records.row.Body), "dGhlIHNlZWQ") || strings.Contains(string(w.records.row.Body), "the seed") {
		t.Errorf("stored: %s", w.records.row.Body)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if text := fmt.Sprintf(verb, s); strings.Contains(text, "the seed") || strings.Contains(text, "7468652073656564") || strings.Contains(text, "116, 104, 101") || strings.Contains(text, "116 104 101") {
			t.Errorf("%s: %s", verb, text)
		}
	}
}

func TestThePublicKeyIsServedAsTelnyxServesIt(t *testing.T) {
	w := newWorld()
	s := w.signer()
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v2/public_key", nil))
	var body struct {
		Data struct {
			Public string `json:"public"`
		} `json:"data"`
	}
	err := json.Unmarshal(answer.Body.Bytes(), &body, json.RejectUnknownMembers(true))
	if err != nil || answer.Code != http.StatusOK || body.Data.Public != public(t, s) || answer.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %s: %v", answer.Code, answer.Body, err)
	}
}

// signedSample is what testdata/signed.json holds for receivers in other languages: see
// e2e/webhook_test.go.
type signedSample struct {
	PublicKey string `json:"public_key"`
	Timestamp string `json:"timestamp"`
	Signature string `json:"signature"`
	Body      string `json:"body"`
}

func TestTheSampleForOtherLanguagesIsOurs(t *testing.T) {
	s := NewSigner(&records{}, secret.Generate(), time.Now, strings.NewReader("this is no seed of anybody's key"))
	want := signedSample{PublicKey: public(t, s), Timestamp: "1772366400", Body: `{"data":{"event_type":"verify.sent","payload":{"type":"sms"}},"meta":{"attempt":1}}`}
	var err error
	if want.Signature, err = s.Sign(t.Context(), want.Timestamp, []byte(want.Body)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/signed.json")
	if err != nil {
		t.Fatal(err)
	}
	var has signedSample
	if err := json.Unmarshal(text, &has); err != nil || has != want {
		t.Errorf("testdata/signed.json is not\n%+v: %v", want, err)
	}
}
