package message

import (
	"bytes"
	"embed"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

// files are the words of each locale; their README is for whoever translates.
//
//go:embed locales/*.yaml
var files embed.FS

// words are the texts of one locale; the README says what each is for.
type words struct {
	SMS            string `yaml:"sms"`
	SMSBranded     string `yaml:"sms_branded"`
	Payment        string `yaml:"payment"`
	Greeting       string `yaml:"greeting"`
	CodeIs         string `yaml:"code_is"`
	CodeIsBranded  string `yaml:"code_is_branded"`
	Again          string `yaml:"again"`
	Goodbye        string `yaml:"goodbye"`
	Subject        string `yaml:"subject"`
	SubjectBranded string `yaml:"subject_branded"`
	Validity       string `yaml:"validity"`
	ValidityOne    string `yaml:"validity_one"`
	Ignore         string `yaml:"ignore"`
	Secret         string `yaml:"secret"`
	SecretBranded  string `yaml:"secret_branded"`
	SMSSegments    int    `yaml:"sms_segments"` // for the tests alone
}

// fallback is the locale of whoever named none that there is.
const fallback = "en"

// aliases are tags that mean a locale of another name: macrolanguages, codes that
// ISO 639 has replaced, and Chinese by its script or by where it is read.
var aliases = map[string]string{
	"no": "nb", "nn": "nb", "iw": "he", "in": "id",
	"fil": "tl",
	"zh":  "zh-CN", "zh-hans": "zh-CN", "zh-hant": "zh-TW",
	"zh-mo": "zh-HK", "zh-hant-hk": "zh-HK", "zh-hant-mo": "zh-HK", "yue": "zh-HK",
}

// Locales returns the tags of all locales that there are words for, sorted.
func Locales() []string { return slices.Sorted(maps.Keys(vocabulary())) }

// Match finds the locale for a language tag (BCP 47, as "de-AT"), also as POSIX
// spells it ("de_AT.UTF-8"), whatever the case: the tag itself, or what is left of
// it when its last parts are dropped. It refuses with false a language that there
// are no words for.
func Match(locale string) (string, bool) {
	if len(locale) > maxTag {
		return "", false
	}
	tag, _, _ := strings.Cut(strings.TrimSpace(locale), ".")
	tag, _, _ = strings.Cut(tag, "@")
	tag = strings.ToLower(strings.ReplaceAll(tag, "_", "-"))
	known := tags()
	for tag != "" {
		if l, ok := known[tag]; ok {
			return l, true
		}
		tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)]
	}
	return "", false
}

// maxTag bounds a tag that a stranger may have written.
const maxTag = 64

// Default returns the template of a text message in a locale, as Match finds it,
// with the app's name if branded; in English if there is no such locale.
func Default(locale string, branded bool) string {
	w := wordsOf(locale)
	if branded {
		return w.SMSBranded
	}
	return w.SMS
}

// Payment returns the template of a text message that asks for approval of a
// payment: its amount and payee, and then the code, as article 5 of Regulation (EU)
// 2018/389 ("dynamic linking") asks for. The locale is found as by Default.
func Payment(locale string) string {
	w := wordsOf(locale)
	return sentences(w.Payment, w.SMS)
}

// Warned returns a template with the sentence, in a locale, that nobody will ask for
// the code. The locale is found as by Default.
func Warned(template, locale string) string {
	return sentences(template, wordsOf(locale).Secret)
}

// sentences joins what is said, but for the space that does not follow a full stop
// in Chinese and Japanese.
func sentences(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		if p == "" {
			continue
		}
		if s := b.String(); s != "" && !strings.HasSuffix(s, "。") && !strings.HasSuffix(s, "：") {
			b.WriteByte(' ')
		}
		b.WriteString(p)
	}
	return b.String()
}

func wordsOf(locale string) words {
	l, ok := Match(locale)
	if !ok {
		l = fallback
	}
	return vocabulary()[l]
}

// vocabulary reads the files once. They are part of the program, so a broken one is
// a mistake in it, which TestEveryLocaleIsWhole finds.
var vocabulary = sync.OnceValue(func() map[string]words {
	entries, err := files.ReadDir("locales")
	if err != nil {
		panic("message: " + err.Error())
	}
	out := make(map[string]words, len(entries))
	for _, e := range entries {
		text, err := files.ReadFile(path.Join("locales", e.Name()))
		if err != nil {
			panic("message: " + err.Error())
		}
		var w words
		if err := yaml.NewDecoder(bytes.NewReader(text), yaml.DisallowUnknownField()).Decode(&w); err != nil {
			panic("message: " + e.Name() + ": " + err.Error())
		}
		out[strings.TrimSuffix(e.Name(), ".yaml")] = w
	}
	return out
})

// tags maps what Match may be asked for, in lower case, to a locale.
var tags = sync.OnceValue(func() map[string]string {
	out := maps.Clone(aliases)
	for l := range vocabulary() {
		out[strings.ToLower(l)] = l
	}
	return out
})
