package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheDocumentedNodeReceiverChecksOurSignature runs what docs/webhooks.md tells
// receivers in Node to do, on a webhook that package events has signed.
func TestTheDocumentedNodeReceiverChecksOurSignature(t *testing.T) {
	doc, err := os.ReadFile("../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "```js\n")
	snippet, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/webhooks.md has no snippet for Node")
	}
	sample, err := os.ReadFile("../internal/events/testdata/signed.json")
	if err != nil {
		t.Fatal(err)
	}
	const trial = `
const s = JSON.parse(process.env.SAMPLE), at = Number(s.timestamp) * 1000;
const said = (change, now = at, key = s.public_key) => {
  const m = { ...s, ...change };
  try {
    return verified(key, { "telnyx-timestamp": m.timestamp, "telnyx-signature-ed25519": m.signature }, Buffer.from(m.body), now);
  } catch { return "throws"; }
};
console.log(JSON.stringify([
  said({}), said({ body: s.body + " " }), said({ timestamp: "1772366401" }), said({ signature: "" }),
  said({ signature: undefined }), said({}, at + 301000), said({}, at, ""),
]));
`
	file := filepath.Join(t.TempDir(), "receiver.mjs")
	if err := os.WriteFile(file, []byte(snippet+trial), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", file)
	cmd.Env = append(os.Environ(), "SAMPLE="+string(sample))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got []any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := []any{true, false, false, false, false, false, "throws"}
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("case %d: %v, want %v", i, got[i], want[i])
		}
	}
}
