package e2e_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"countersign/internal/app"
	"countersign/internal/openapi"
)

// TestTheOfficialPackagesWorkUnmodified runs the vendors' own packages against the
// program, and holds every answer that they got against our description of it, and
// Twilio's answers against Twilio's: see sdk/telnyx, sdk/twilio, twiliogo and sdk/both.
func TestTheOfficialPackagesWorkUnmodified(t *testing.T) {
	installed(t, "telnyx")
	installed(t, "twilio")
	s := newBinary(t)
	r := newRecorder(t, s.URL)
	t.Run("npm telnyx", func(t *testing.T) { node(t, "sdk/telnyx", s, r, "verify.test.mjs") })
	t.Run("npm twilio", func(t *testing.T) {
		node(t, "sdk/twilio", s, r, "verifications.test.mjs", "resources.test.mjs", "shown.test.mjs")
	})
	t.Run("twilio-go", func(t *testing.T) {
		cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "./...")
		cmd.Dir, cmd.Env = "twiliogo", settings(s, r)
		run(t, cmd)
	})
	t.Run("a verification is one in both dialects", func(t *testing.T) { node(t, "sdk/both", s, r, "both.test.mjs") })
	t.Run("what the packages have no method for", func(t *testing.T) { askForTheRest(t, s, r) })
	t.Run("sessions", func(t *testing.T) { askForSessions(t, s, r) })
	t.Run("every answer is as documented", func(t *testing.T) {
		seen := asDocumented(t, r.exchanges())
		for path, operations := range describe(t, openapi.Document()).doc.Paths.Map() {
			for method, o := range operations.Operations() {
				if !seen[o.OperationID] {
					t.Errorf("no test asks for %s %s (%s)", method, path, o.OperationID)
				}
			}
		}
	})
}

func installed(t *testing.T, name string) {
	t.Helper()
	if _, err := os.Stat("sdk/" + name + "/node_modules/" + name); err != nil {
		t.Fatalf("the %s package is not installed; run make test, which does it (or npm ci in e2e/sdk/%s)", name, name)
	}
}

// settings is the environment in which an application finds the server behind r.
func settings(s app.Started, r *recorder) []string {
	return append(os.Environ(),
		"COUNTERSIGN_URL="+r.URL, "COUNTERSIGN_INBOX="+r.URL+"/dev/messages",
		"TWILIO_ACCOUNT_SID="+s.TwilioAccountSID, "TWILIO_AUTH_TOKEN="+s.TwilioAuthToken, "COUNTERSIGN_SERVICE="+s.TwilioServiceSID,
		"TELNYX_BASE_URL="+r.URL+"/v2", "TELNYX_API_KEY="+s.APIKey, "COUNTERSIGN_PROFILE="+s.ProfileID,
	)
}

func node(t *testing.T, dir string, s app.Started, r *recorder, files ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", append([]string{"--test", "--test-reporter=spec"}, files...)...)
	cmd.Dir, cmd.Env = dir, settings(s, r)
	run(t, cmd)
}

func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out[max(0, len(out)-400):])
}

// askForTheRest asks for what no package has a method for.
func askForTheRest(t *testing.T, s app.Started, r *recorder) {
	var id string // of the verification that was begun last
	start := `{"phone_number":"+13035557001","verify_profile_id":"` + s.ProfileID + `","type":"sms"}`
	for _, tt := range []struct {
		method, path, body string
		status             int
		holds              string
	}{
		{"GET", "/healthz", "", 200, "ok"},
		{"GET", "/openapi.yaml", "", 200, "openapi: 3.1"},
		{"GET", "/docs", "", 200, "<html"},
		{"GET", "/docs/errors/60200", "", 200, "60200"},
		{"GET", "/docs/errors/1", "", 404, "<html"},
		{"GET", "/v2/public_key", "", 200, `"public"`},
		{"POST", "/v2/verifications", start, 200, `"pending"`},
		{"GET", "/v2/verifications/$ID/timeline", "", 200, `"queued"`}, // of the one just begun
		{"POST", "/v2/verifications/dtmf_confirm", start, 403, "20015"},
	} {
		path := strings.Replace(tt.path, "$ID", id, 1)
		req, err := http.NewRequestWithContext(t.Context(), tt.method, r.URL+path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		if tt.body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		if tt.body != "" || path != tt.path {
			req.Header.Set("Authorization", "Bearer "+s.APIKey)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != tt.status || !strings.Contains(string(body), tt.holds) {
			t.Errorf("%s %s: got %d, want %d with %q (%v)\n%.300s", tt.method, tt.path, res.StatusCode, tt.status, tt.holds, err, body)
		}
		var began struct{ Data struct{ ID string } }
		if json.Unmarshal(body, &began) == nil && began.Data.ID != "" {
			id = began.Data.ID
		}
	}
}

// askForSessions goes through a session to its proof, and ends another one.
func askForSessions(t *testing.T, s app.Started, r *recorder) {
	direct, recorded := &service{Started: s, client: http.DefaultClient}, &service{Started: s, client: http.DefaultClient}
	recorded.URL = r.URL
	profile := recorded.newProfile(t, "https://app.example.com/back")
	ask := map[string]any{
		"verify_profile_id": profile, "return_url": "https://app.example.com/back", "state": "abc", "purpose": "sign in",
		"phone_number": "+447400123499", "channels": []string{"sms", "call"}, "share_address": true,
	}
	made := recorded.newSession(t, ask)
	p := newPerson(t)
	// The pages are no part of the document: the person passes the recorder by, under its name.
	p.client.Transport = &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(s.URL, "http://"))
	}}
	p.open(made.URL)
	back := p.verify(direct, "+447400123499")

	var shown struct{ Data map[string]any }
	path := "/v2/verification_sessions/" + made.ID
	if status := recorded.call(t, http.MethodGet, path, nil, &shown); status != http.StatusOK || shown.Data["status"] != "verified" {
		t.Errorf("%d %v", status, shown.Data)
	}
	proof := map[string]string{"proof": back.Query().Get("proof")}
	if status := recorded.call(t, http.MethodPost, path+"/redeem", proof, &shown); status != http.StatusOK || shown.Data["nonce"] != "abc" {
		t.Errorf("%d %v", status, shown.Data)
	}
	if status := recorded.call(t, http.MethodPost, path+"/redeem", proof, &shown); status != http.StatusUnprocessableEntity {
		t.Errorf("a second time: %d", status)
	}
	other := recorded.newSession(t, ask)
	if status := recorded.call(t, http.MethodPost, "/v2/verification_sessions/"+other.ID+"/expire", nil, &shown); status != http.StatusOK || shown.Data["status"] != "expired" {
		t.Errorf("%d %v", status, shown.Data)
	}
	var keys struct{ Keys []map[string]string }
	if status := recorded.call(t, http.MethodGet, "/.well-known/jwks.json", nil, &keys); status != http.StatusOK || len(keys.Keys) != 1 {
		t.Errorf("%d %v", status, keys)
	}
}
