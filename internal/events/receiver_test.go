package events

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What stands between the two marks is what docs/webhooks.md shows.

// begin of the receiver.

// Verify checks that Countersign sent a webhook, and that it did so just now.
func Verify(key ed25519.PublicKey, header http.Header, body []byte, now time.Time) error {
	stamp := header.Get("Telnyx-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return errors.New("webhook: no timestamp, or an old one")
	}
	signature, err := base64.StdEncoding.DecodeString(header.Get("Telnyx-Signature-Ed25519"))
	if err != nil || !ed25519.Verify(key, append([]byte(stamp+"|"), body...), signature) {
		return errors.New("webhook: the signature is wrong")
	}
	return nil
}

// end of the receiver.

func TestTheDocumentsShowTheReceiverThatIsTested(t *testing.T) {
	doc, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("receiver_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(source), "// begin of the receiver.\n\n")
	want, _, ok := strings.Cut(rest, "\n// end of the receiver.")
	if !ok || !strings.Contains(string(doc), want) {
		t.Errorf("docs/webhooks.md lacks:\n%s", want)
	}
}

func TestAReceiverRefusesWhatIsNotSignedSo(t *testing.T) {
	w := newWorld()
	s := w.signer()
	now := time.Unix(1772366400, 0)
	body := []byte(`{"data":{}}`)
	header := func(stamp, signature string) http.Header {
		h := http.Header{}
		h.Set("Telnyx-Timestamp", stamp)
		h.Set("Telnyx-Signature-Ed25519", signature)
		return h
	}
	good, err := s.Sign(t.Context(), "1772366400", body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.PublicKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		header http.Header
		body   []byte
		now    time.Time
		ok     bool
	}{
		"as it is":            {header("1772366400", good), body, now, true},
		"another time":        {header("1772366401", good), body, now, false},
		"another body":        {header("1772366400", good), []byte(`{"data":[]}`), now, false},
		"a shifted border":    {header("177236640", good), append([]byte("0"), body...), now, false},
		"no signature":        {header("1772366400", ""), body, now, false},
		"six minutes later":   {header("1772366400", good), body, now.Add(6 * time.Minute), false},
		"no time":             {header("", good), body, now, false},
		"another's signature": {header("1772366400", other(t)), body, now, false},
	} {
		if err := Verify(key, tt.header, tt.body, tt.now); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// other is a good signature of another key.
func other(t *testing.T) string {
	t.Helper()
	text, err := newWorld().signer().Sign(t.Context(), "1772366400", []byte(`{"data":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
