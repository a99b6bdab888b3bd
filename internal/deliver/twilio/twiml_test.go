package twilio_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"countersign/internal/deliver/twilio"
	"countersign/internal/message"
)

// hostile are names that would be verbs, end the document or not be XML at all.
func hostile() []string {
	return []string{
		`</Say><Dial>+19005550100</Dial>`, `<Play digits="1"/>`, `]]><Dial/>`, `<![CDATA[`, `<!-- `, `<?x ?>`, `&lt;Dial&gt;`, `&#60;Dial&#62;`,
		`&x;`, `"'><Hangup/>`, "a\x00b\x08", "\xff\xfe", "\ufffe\uffff", "Müller & Söhne <3", "קוד", "a\r\nb\tc",
	}
}

// elements reads TwiML as Twilio must, and fails if it is not well-formed.
func elements(t testing.TB, twiml string) (names []string, said string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(twiml)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return names, said
		}
		switch token := token.(type) {
		case xml.StartElement:
			names = append(names, token.Name.Local)
			if len(token.Attr) > 0 {
				t.Errorf("%s has attributes: %q", token.Name.Local, twiml)
			}
		case xml.CharData:
			said += string(token)
		case xml.EndElement:
		default:
			t.Fatalf("%T, %v in %q", token, err, twiml)
		}
	}
}

// The core cuts and cleans names already; here nothing is left to that, since a
// verb that came in by a template would call at our cost.
func TestNoTextIsAVerb(t *testing.T) {
	for _, name := range hostile() {
		for _, template := range []string{name + " {{code}}", message.Branded} {
			m := call("4711", "Acme")
			m.Text = message.Render(template, message.Values{Code: m.Code, AppName: name})
			twiml := asked(t, twilio.Config{AccountSID: account, AuthToken: token, From: from}, m).Form.Get("Twiml")
			names, said := elements(t, twiml)
			if strings.Join(names, " ") != "Response Say" {
				t.Errorf("%q is %q", name, names)
			}
			if want := legible(m.Text.Reveal()); said != want {
				t.Errorf("%q is said, want %q", said, want)
			}
		}
	}
}

// legible is a text with what XML cannot hold replaced (XML 1.0, 2.2).
func legible(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return 0xFFFD
		}
		return r
	}, text)
}
