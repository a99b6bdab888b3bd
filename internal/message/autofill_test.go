package message_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"countersign/internal/message"
)

const hash = "FA+9qCX9VSu"

// parse reads a text as wicg.github.io/sms-one-time-codes, 3.2, says that a browser
// does, step by step.
func parse(text string) (host, code string, ok bool) {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	line := text[strings.LastIndexByte(text, '\n')+1:]
	token := func(marker byte) (string, bool) {
		if line == "" || line[0] != marker {
			return "", false
		}
		end := strings.IndexAny(line[1:], "\t\n\f\r ")
		if end < 0 {
			end = len(line) - 1
		}
		out := line[1 : 1+end]
		line = line[1+end:]
		return out, out != ""
	}
	if host, ok = token('@'); !ok || !strings.HasPrefix(line, " ") {
		return "", "", false
	}
	line = line[1:]
	code, ok = token('#')
	return host, code, ok
}

// chromium is the expression by which Chromium's content/browser/sms/sms_parser.cc
// finds the same, anywhere in a text.
var chromium = regexp.MustCompile(`(?:^|\s)@([a-zA-Z0-9.-]+) #([^#\s]+)(?: @([a-zA-Z0-9.-]+))?`)

func TestTheReaderOfThisTestReadsAsTheSpecificationsExamples(t *testing.T) {
	for text, want := range map[string]string{
		"747723 is your code.\n\n@example.com #747723": "example.com 747723",
		"@example.com #747723 @shop.example $future":   "example.com 747723",
		"something @example.com #747723":               "",
		"#747723 @shop.example @example.com":           "",
		"@example.com code #747723":                    "",
		"@example.com #747723\nmore":                   "",
		"@ #1":                                         "",
		"@example.com  #1":                             "",
	} {
		host, code, ok := parse(text)
		if got := strings.TrimSpace(host + " " + code); got != want && (ok || want != "") {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestABrowserReadsTheCodeInEveryLocale(t *testing.T) {
	v := message.Values{Code: custom(t, "WXYZ012345"), AppName: "Acme", Amount: "€10.00", Payee: "Bakery @ #1", Domain: "Login.Example.COM"}
	for _, locale := range message.Locales() {
		for _, template := range []string{
			message.Default(locale, false), message.Default(locale, true), message.Payment(locale), message.Warned(message.Default(locale, true), locale),
		} {
			for _, v.AppHash = range []string{"", hash} {
				text := message.Render(template, v).Reveal()
				host, code, ok := parse(text)
				if alone := "\n" + hash; v.AppHash != "" && !ok {
					line := " @login.example.com #WXYZ012345"
					if !strings.HasSuffix(text, alone) || len(text) > 140 || len(text)+len(line) <= 140 {
						t.Errorf("%s: %q of %d bytes lacks the page for nothing", locale, text, len(text))
					}
					continue
				}
				if host != "login.example.com" || code != "WXYZ012345" || !strings.HasSuffix(text, v.AppHash) {
					t.Errorf("%s: %q is read as %q, %q", locale, text, host, code)
				}
				if m := chromium.FindStringSubmatch(text); m == nil || m[1] != host || m[2] != code || m[3] != "" {
					t.Errorf("%s: Chromium reads %q in %q", locale, m, text)
				}
			}
		}
	}
}

func TestTheLastLineIsThePagesTheAppsOrBoth(t *testing.T) {
	long := strings.Repeat("x", 140-len("4711\n@example.com #4711 "+hash))
	for _, tt := range []struct{ template, domain, hash, want string }{
		{"{{code}}", "", "", "4711"},
		{"{{code}}", "example.com", "", "4711\n@example.com #4711"},
		{"{{code}}", "", hash, "4711\n" + hash},
		{"{{code}}", "example.com", hash, "4711\n@example.com #4711 " + hash},
		{"{{code}}", "example.com", "no hash", "4711\n@example.com #4711"},
		{"{{code}}", "https://example.com", hash, "4711\n" + hash},
		{long + "{{code}}", "example.com", hash, long + "4711\n@example.com #4711 " + hash},
		{"x" + long + "{{code}}", "example.com", hash, "x" + long + "4711\n" + hash},
		{strings.Repeat("x", 130) + "{{code}}", "example.com", hash, strings.Repeat("x", 130) + "4711\n@example.com #4711 " + hash},
		{"x" + long + "{{code}}", "example.com", "", "x" + long + "4711\n@example.com #4711"},
	} {
		got := message.Render(tt.template, message.Values{Code: custom(t, "4711"), Domain: tt.domain, AppHash: tt.hash}).Reveal()
		if got != tt.want {
			t.Errorf("%q %q:\n got %q\nwant %q", tt.domain, tt.hash, got, tt.want)
		}
	}
	if got := message.Render("no code", message.Values{Domain: "example.com"}).Reveal(); got != "no code" {
		t.Errorf("with no code: %q", got)
	}
}

func TestNothingButAHostIsADomain(t *testing.T) {
	for text, want := range map[string]string{
		"example.com": "example.com", " Login.Example.COM ": "login.example.com", "xn--bcher-kva.example": "xn--bcher-kva.example",
		"localhost": "localhost", "a-b.c9.example": "a-b.c9.example", "1.example": "1.example",
	} {
		if got, err := message.Host(text); got != want || err != nil {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "example", "https://example.com", "example.com/", "example.com:443", "@example.com", "example.com #1", "example.com.", ".example.com",
		"a..b", "-a.example", "a-.example", "bücher.example", "10.0.0.1", "[::1]", "a_b.example", "exam\nple.com", "example.com\n@evil.example",
		strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 130) + "example", "{{code}}.example",
	} {
		if got, err := message.Host(text); !errors.Is(err, message.ErrHost) || got != "" {
			t.Errorf("%q: %q %v", text, got, err)
		}
		out := message.Render("{{code}}", message.Values{Code: custom(t, "4711"), Domain: text}).Reveal()
		if out != "4711" {
			t.Errorf("%q gets into the text: %q", text, out)
		}
	}
}

// Whatever a domain is, a text has the host that Host reads in it, or none.
func FuzzTheLastLineIsWhatWasAskedFor(f *testing.F) {
	for _, s := range []string{"example.com", "localhost", "a\nb.c", "@evil.example #1", "é.example", "EXAMPLE.com"} {
		f.Add(s, hash)
	}
	f.Fuzz(func(t *testing.T, domain, app string) {
		text := message.Render("{{code}}", message.Values{Code: custom(t, "4711"), Domain: domain, AppHash: app}).Reveal()
		want, err := message.Host(domain)
		host, code, ok := parse(text)
		if ok != (err == nil) || ok && (host != want || code != "4711") || strings.Count(text, "\n") > 1 || len(text) > 300 {
			t.Fatalf("%q, %q: %q", domain, app, text)
		}
	})
}
