package e2e_test

import (
	"os"
	"os/exec"
	"testing"
)

// TestTheOfficialTelnyxPackageWorksUnmodified runs the npm package with nothing
// changed but TELNYX_BASE_URL and the key: see sdk/telnyx/verify.test.mjs.
func TestTheOfficialTelnyxPackageWorksUnmodified(t *testing.T) {
	if _, err := os.Stat("sdk/telnyx/node_modules/telnyx"); err != nil {
		t.Fatal("the telnyx package is not installed; run make test, which does it (or npm ci in e2e/sdk/telnyx)")
	}
	s := newService(t)
	cmd := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec", "verify.test.mjs")
	cmd.Dir = "sdk/telnyx"
	cmd.Env = append(os.Environ(),
		"TELNYX_BASE_URL="+s.URL+"/v2", "TELNYX_API_KEY="+s.APIKey,
		"COUNTERSIGN_INBOX="+s.URL+"/dev/messages", "COUNTERSIGN_PROFILE="+s.ProfileID)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}
