package message_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"

	"countersign/internal/code"
	"countersign/internal/message"
)

// keys names every text of a locale and the variables that it holds, each once.
var keys = map[string][]string{
	"sms": {"code"}, "sms_branded": {"app_name", "code"},
	"payment":  {"amount", "payee"},
	"greeting": nil, "again": nil, "goodbye": nil,
	"code_is": nil, "code_is_branded": {"app_name"},
	"subject": nil, "subject_branded": {"app_name"},
	"validity": {"minutes"}, "validity_one": nil,
	"ignore": nil, "secret": nil, "secret_branded": {"app_name"},
}

var variable = regexp.MustCompile(`\{\{(\w+)\}\}`)

func TestEveryLocaleIsWhole(t *testing.T) {
	for locale, file := range localeFiles(t) {
		delete(file, "sms_segments")
		for key, want := range keys {
			value, ok := file[key]
			if !ok && key != "validity_one" {
				t.Errorf("%s has no %s", locale, key)
			}
			if text, isText := value.(string); ok && (!isText || !sound(text, want)) {
				t.Errorf("%s: %s is %q, and should be one line with the variables %v", locale, key, value, want)
			}
			delete(file, key)
		}
		for key := range file {
			t.Errorf("%s has %s, which nothing reads", locale, key)
		}
	}
}

// sound says whether text is one line of words with these variables, each once.
func sound(text string, want []string) bool {
	var got []string
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		got = append(got, m[1])
	}
	slices.Sort(got)
	words := variable.ReplaceAllString(text, "")
	return slices.Equal(got, want) && words != "" && text == strings.TrimSpace(text) && utf8.ValidString(text) &&
		!strings.ContainsAny(words, "{}") && strings.IndexFunc(words, func(r rune) bool { return !unicode.IsGraphic(r) }) < 0
}

func TestEveryFileIsALocaleAndEveryLocaleAFile(t *testing.T) {
	if got, want := message.Locales(), slices.Sorted(maps.Keys(localeFiles(t))); !slices.Equal(got, want) {
		t.Errorf("locales %v, files %v", got, want)
	}
	if len(message.Locales()) < 42 {
		t.Errorf("only %d locales", len(message.Locales()))
	}
}

func TestEnglishIsWhatIsSentWhereNobodyNamesALanguage(t *testing.T) {
	if message.Default("en", false) != message.Plain || message.Default("en", true) != message.Branded {
		t.Error("the templates of en are not Plain and Branded")
	}
	for _, unknown := range []string{"", "xx", "tlh-Latn"} {
		if message.Default(unknown, true) != message.Branded || message.Payment(unknown) != message.Payment("en") {
			t.Errorf("%q is not answered in English", unknown)
		}
	}
}

func TestAPaymentSaysItsAmountAndItsPayeeOnce(t *testing.T) {
	v := message.Values{Code: custom(t, "WXYZ012345"), Amount: "1,234.56 EUR", Payee: strings.Repeat("Bakery ", 5)[:30]}
	for _, locale := range message.Locales() {
		template := message.Payment(locale)
		if err := message.Check(template); err != nil {
			t.Errorf("%s: %v", locale, err)
		}
		text := message.Render(template, v).Reveal()
		if encoding, n := message.Segments(text); n > 2 {
			t.Errorf("%s: %q is %d segments of %s", locale, text, n, encoding)
		}
		for _, want := range []string{v.Amount, v.Payee, "WXYZ012345"} {
			if strings.Count(text, want) != 1 {
				t.Errorf("%s: %q does not say %s once", locale, text, want)
			}
		}
	}
}

// The SMS Retriever reads texts of up to 140 bytes.
func TestEveryTextForAnAppCanBeReadByAndroid(t *testing.T) {
	v := message.Values{Code: custom(t, "WXYZ012345"), AppName: strings.Repeat("a", 30), AppHash: "FA+9qCX9VSu"}
	for _, locale := range message.Locales() {
		for _, branded := range []bool{false, true} {
			text := message.Render(message.Default(locale, branded), v).Reveal()
			if len(text) > 140 || !strings.HasSuffix(text, "\nFA+9qCX9VSu") {
				t.Errorf("%s: %q has %d bytes", locale, text, len(text))
			}
		}
	}
}

func TestEveryLocaleTakesTheLongestValues(t *testing.T) {
	long := strings.Repeat("Å", 200)
	v := message.Values{
		Code: custom(t, "WXYZ012345"), AppName: long, Amount: long, Payee: long,
		Validity: 24 * time.Hour, AppHash: "FA+9qCX9VSu",
	}
	for _, locale := range message.Locales() {
		v.Locale = locale
		subject, body := message.Mail(v)
		for _, text := range []string{
			subject, body.Reveal(), message.Spoken(v).Reveal(),
			message.Render(message.Default(locale, true), v).Reveal(), message.Render(message.Payment(locale), v).Reveal(),
		} {
			if strings.Contains(text, "{{") || strings.Contains(text, "}}") || strings.Count(text, "Å") > 32+60+60+32 || !utf8.ValidString(text) {
				t.Errorf("%s: %q", locale, text)
			}
		}
	}
}

func TestALanguageIsFoundHoweverItIsWritten(t *testing.T) {
	for tag, want := range map[string]string{
		"de": "de", "DE": "de", "de-AT": "de", "de_AT": "de", "de_DE.UTF-8": "de", "de_DE@euro": "de", " de ": "de",
		"en-GB": "en", "pt": "pt", "pt-PT": "pt", "pt-AO": "pt", "pt-br": "pt-BR", "PT_BR": "pt-BR", "es-419": "es",
		"zh": "zh-CN", "zh-cn": "zh-CN", "zh-Hans": "zh-CN", "zh-Hans-HK": "zh-CN", "zh-SG": "zh-CN",
		"zh-Hant": "zh-TW", "zh-Hant-TW": "zh-TW", "zh-TW": "zh-TW", "zh-HK": "zh-HK", "zh_MO": "zh-HK", "zh-Hant-HK": "zh-HK",
		"fil": "tl", "fil-PH": "tl", "ca-ES": "ca", "ms-MY": "ms", "yue": "zh-HK",
		"no": "nb", "nn-NO": "nb", "iw": "he", "in_ID": "id", "sr-Latn-RS": "", "": "", "-": "", "--de": "", "deu": "", "d": "", "*": "",
		"C": "", "C.UTF-8": "", strings.Repeat("de-", 1000): "",
	} {
		if got, ok := message.Match(tag); got != want || ok != (want != "") {
			t.Errorf("Match(%.20q) = %q, %v; want %q", tag, got, ok, want)
		}
	}
	for _, locale := range message.Locales() {
		if got, ok := message.Match(strings.ToUpper(locale)); got != locale || !ok {
			t.Errorf("%s is found as %q", locale, got)
		}
	}
}

// localeFiles reads the files as they lie there, without the package's own reader.
func localeFiles(t *testing.T) map[string]map[string]any {
	t.Helper()
	paths, err := filepath.Glob("locales/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files: %v", err)
	}
	out := map[string]map[string]any{}
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		var file map[string]any
		if err := yaml.Unmarshal(text, &file); err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		out[strings.TrimSuffix(filepath.Base(p), ".yaml")] = file
	}
	return out
}

func custom(t *testing.T, text string) code.Code {
	t.Helper()
	c, err := code.Custom(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAWarningIsGoodInEveryLocale(t *testing.T) {
	for _, l := range message.Locales() {
		plain := message.Default(l, true)
		warned := message.Warned(plain, l)
		if err := message.Check(warned); err != nil || len(warned) < len(plain)+10 || !strings.HasPrefix(warned, plain) {
			t.Errorf("%s: %q %v", l, warned, err)
		}
	}
}
