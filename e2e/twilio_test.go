package e2e_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"countersign/internal/app"
	"countersign/internal/openapi"
)

// TestTheOfficialTwilioPackagesWorkUnmodified runs the npm package and the Go package
// against the program, and holds every answer that they got against our description
// and against Twilio's: see sdk/twilio, twiliogo and sdk/both.
func TestTheOfficialTwilioPackagesWorkUnmodified(t *testing.T) {
	installed(t, "twilio")
	installed(t, "telnyx")
	s := newBinary(t)
	r := newRecorder(t, s.URL)
	t.Run("npm", func(t *testing.T) {
		node(t, "sdk/twilio", s, r, "verifications.test.mjs", "resources.test.mjs", "shown.test.mjs")
	})
	t.Run("Go", func(t *testing.T) {
		cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "./...")
		cmd.Dir, cmd.Env = "twiliogo", settings(s, r)
		run(t, cmd)
	})
	t.Run("a verification is one in both dialects", func(t *testing.T) { node(t, "sdk/both", s, r, "both.test.mjs") })
	t.Run("operations", func(t *testing.T) { askForOperations(t, r) })
	t.Run("as documented", func(t *testing.T) {
		seen := asDocumented(t, r.exchanges())
		for _, operations := range describe(t, openapi.Document()).doc.Paths.Map() {
			for method, o := range operations.Operations() {
				if o.Tags[0] != "Telnyx" && !seen[o.OperationID] { // what Telnyx's has, the tests of its package ask for
					t.Errorf("no test asks for %s (%s)", o.OperationID, method)
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

// askForOperations asks for what needs no key.
func askForOperations(t *testing.T, r *recorder) {
	for path, holds := range map[string]string{
		"/healthz": "ok", "/openapi.yaml": "openapi: 3.1", "/docs": "<html", "/docs/errors/60200": "60200", "/v2/public_key": `"public"`,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), holds) {
			t.Errorf("%s: got %d, without %q (%v)", path, res.StatusCode, holds, err)
		}
	}
}
