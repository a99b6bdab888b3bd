package message_test

import (
	"strings"
	"testing"
	"unicode"

	"countersign/internal/message"
)

func TestAValueIsOneLineAndNoLink(t *testing.T) {
	for text, want := range map[string]string{
		"Acme":                         "Acme",
		"  Acme \t\r\n  Bank ":         "Acme Bank",
		"A\x00c\x1bme\x7f":             "Acme",
		"Acme\u202eknab":               "Acmeknab",
		"\u2066Acme\u2069\u200f":       "Acme",
		"Acme\u2028Bank\u0085Ltd":      "Acme Bank Ltd",
		"Ac\xffme":                     "Acme",
		"نامه\u200cها":                 "نامه\u200cها",
		"evil.com":                     "evil. com",
		"evil.com/login":               "evil. com/login",
		"https://evil.com":             "https:/ /evil. com",
		"evil.\u200bcom":               "evil. com",
		"evil.\u200dcom":               "evil. \u200dcom",
		"evil。com":                     "evil。 com",
		"evil．com":                     "evil． com",
		"10.0.0.1":                     "10. 0. 0. 1",
		"eve@evil.example":             "eve@evil. example",
		"Acme Inc.":                    "Acme Inc.",
		"(Acme Ltd.)":                  "(Acme Ltd.)",
		"Mærsk A/S":                    "Mærsk A/S",
		"Wait...":                      "Wait...",
		"{{code}}{{minutes}}":          "{{code}}{{minutes}}",
		strings.Repeat("é", 200):       strings.Repeat("é", 32),
		strings.Repeat("a.", 200):      strings.TrimSpace(strings.Repeat("a. ", 11)[:32]),
		strings.Repeat("a", 31) + " b": strings.Repeat("a", 31),
	} {
		got := message.Render("{{app_name}}", message.Values{Code: custom(t, "4711"), AppName: text}).Reveal()
		if got != want {
			t.Errorf("%.40q stands as %q, want %q", text, got, want)
		}
	}
}

func TestAnAmountKeepsItsDots(t *testing.T) {
	for text, want := range map[string]string{
		"€1.234.567,89":          "€1.234.567,89",
		"10.00\u00a0€":           "10.00 €",
		"10.00EUR at evil.com":   "10.00EUR at evil. com",
		strings.Repeat("1", 100): strings.Repeat("1", 60),
	} {
		if got := message.Render("{{amount}}", message.Values{Amount: text}).Reveal(); got != want {
			t.Errorf("%q stands as %q, want %q", text, got, want)
		}
	}
}

func TestNothingButAHashGetsIntoTheLastLine(t *testing.T) {
	for hash, want := range map[string]string{
		"FA+9qCX9VSu":   "Code 4711\nFA+9qCX9VSu",
		"":              "Code 4711",
		"FA+9qCX9VS":    "Code 4711",
		"FA+9qCX9VSuu":  "Code 4711",
		"evil.com/ab":   "Code 4711",
		"FA+9qCX9VS\n":  "Code 4711",
		"ééééé1":        "Code 4711",
		"{{code}}abc":   "Code 4711",
		"FA 9qCX9VSu":   "Code 4711",
		"FA+9qCX9VSu\n": "Code 4711",
	} {
		if got := message.Render("Code {{code}}", message.Values{Code: custom(t, "4711"), AppHash: hash}).Reveal(); got != want {
			t.Errorf("%q makes %q", hash, got)
		}
	}
}

// Whatever a name is, it stands on one line, has no dot that a letter follows, and
// repeats neither the code nor a variable's value.
func FuzzNamesStayNames(f *testing.F) {
	for _, s := range []string{"Acme", "{{code}}", "evil.com", "a\nb", "\u202ea", "{{{{code}}code}}", "http://a.b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "4711") {
			return
		}
		v := message.Values{Code: custom(t, "4711"), AppName: text, Payee: text, Amount: text}
		out := message.Render("{{code}}|{{app_name}}|{{payee}}|{{amount}}", v).Reveal()
		if strings.Count(out, "4711") != 1 || strings.Contains(out, "//") {
			t.Fatalf("%q makes %q", text, out)
		}
		var before rune
		for _, r := range out {
			if unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r) || before == '.' && unicode.IsLetter(r) {
				t.Fatalf("%q makes %q", text, out)
			}
			before = r
		}
	})
}
