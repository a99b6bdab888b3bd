package app_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"countersign/internal/app"
	"countersign/internal/store/pgtest"
)

// TestAWebhookIsToldSigned lets a tenant's receiver be told of a message, and checks the
// signature with the key that the service shows.
func TestAWebhookIsToldSigned(t *testing.T) {
	for name, database := range map[string]func() string{
		"SQLite": func() string { return "" }, "PostgreSQL": func() string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) { tellsWebhook(t, flowConfig(t, database())) })
	}
}

func tellsWebhook(t *testing.T, c app.Config) {
	type told struct {
		header http.Header
		body   []byte
	}
	came := make(chan told, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		came <- told{r.Header, body}
	}))
	defer receiver.Close()
	f := &flow{t: t, ids: map[string]string{}, numbers: map[string]string{}}
	stop := f.serve(c, app.Options{})
	defer stop() // before the receiver is closed
	status, profile, err := f.call(http.MethodPost, "/v2/verify_profiles", map[string]any{
		"name": "told", "webhook_url": receiver.URL + "/hook", "sms": map[string]any{"code_length": 6},
	})
	if err != nil || status != http.StatusOK && status != http.StatusCreated {
		t.Fatal(status, profile, err)
	}
	f.ProfileID = profile["id"].(string)
	if err := f.step("start +12015550101 as a"); err != nil {
		t.Fatal(err)
	}
	got := <-came

	var key struct{ Data struct{ Public string } }
	if err := f.get("/v2/public_key", &key); err != nil {
		t.Fatal(err)
	}
	public, err := base64.StdEncoding.DecodeString(key.Data.Public)
	if err != nil || len(public) != ed25519.PublicKeySize {
		t.Fatal(key, err)
	}
	signature, err := base64.StdEncoding.DecodeString(got.header.Get("Telnyx-Signature-Ed25519"))
	if err != nil || !ed25519.Verify(public, append([]byte(got.header.Get("Telnyx-Timestamp")+"|"), got.body...), signature) {
		t.Errorf("the signature is wrong: %v", got.header)
	}
	var event struct {
		Data struct {
			EventType string `json:"event_type"`
			Payload   struct {
				ID      string
				Profile string `json:"profile_id"`
			}
		}
	}
	if err := json.Unmarshal(got.body, &event); err != nil || event.Data.EventType != "verify.sent" ||
		event.Data.Payload.ID != f.ids["a"] || event.Data.Payload.Profile != f.ProfileID {
		t.Errorf("told %s, %v", got.body, err)
	}
}

func TestWhatIsServedBesidesTheDialects(t *testing.T) {
	f := newFlow(t, "")
	for path, want := range map[string]struct {
		status      int
		kind, holds string
	}{
		"/openapi.yaml":      {200, "application/yaml", "openapi: 3.1"},
		"/docs":              {200, "text/html", "/v2/verifications"},
		"/docs/page.css":     {200, "text/css", "{"},
		"/docs/errors/60200": {200, "text/html", "60200"},
		"/v2/public_key":     {200, "application/json", `"public"`},
		"/v2/nothing":        {401, "application/json", `"errors"`}, // Telnyx's form
		"/v2/Services":       {401, "application/json", "/docs/errors/20003"},
		"/healthz":           {200, "text/plain", "ok"},
	} {
		res, err := http.Get(f.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != want.status || !strings.HasPrefix(res.Header.Get("Content-Type"), want.kind) || !strings.Contains(string(body), want.holds) {
			t.Errorf("%s: %d %s %.200s, %v", path, res.StatusCode, res.Header.Get("Content-Type"), body, err)
		}
	}
}

func TestAWebhookDoesNotLeadToWhatTheOperatorDenies(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("it was told all the same")
	}))
	defer receiver.Close()
	c := flowConfig(t, "")
	c.WebhookDeny = []string{"127.0.0.0/8"}
	f, log := &flow{t: t, ids: map[string]string{}, numbers: map[string]string{}}, newLogbook()
	stop := f.serve(c, app.Options{Log: log.logger()})
	defer stop() // before the receiver is closed
	_, profile, err := f.call(http.MethodPost, "/v2/verify_profiles", map[string]any{"name": "told", "webhook_url": receiver.URL})
	if err != nil {
		t.Fatal(err)
	}
	f.ProfileID = profile["id"].(string)
	if err := f.step("start +12015550101 as a"); err != nil {
		t.Fatal(err)
	}
	log.await(t, "an event\" ", 1) // that a webhook took, or did not take
	log.mu.Lock()
	defer log.mu.Unlock()
	if !strings.Contains(log.text.String(), "the operator denies it") {
		t.Errorf("the log:\n%s", &log.text)
	}
}
