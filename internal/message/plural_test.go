package message_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/internal/message"
)

// plurals is how a language counts whole minutes from 1 to 10, which is all that a code
// is good for, by the cardinal rules of the Unicode CLDR.
var plurals = map[string]string{
	// one, other
	"af": "two", "ca": "two", "da": "two", "de": "two", "el": "two", "en": "two", "es": "two", "et": "two", "fi": "two", "fr": "two",
	"hi": "two", "hu": "two", "it": "two", "kn": "two", "mr": "two", "nb": "two", "nl": "two", "pt": "two", "pt-BR": "two",
	"sv": "two", "te": "two", "tr": "two",
	// few, many and two as well
	"ar": "more", "cs": "more", "he": "more", "hr": "more", "lt": "more", "pl": "more", "ro": "more", "ru": "more", "sk": "more", "uk": "more",
	// other alone; and Tagalog, whose noun does not change after a number
	"id": "one", "ja": "one", "ko": "one", "ms": "one", "th": "one", "tl": "one", "vi": "one", "zh-CN": "one", "zh-HK": "one", "zh-TW": "one",
}

// unchanged are languages of two forms in which a noun after a number has but one.
var unchanged = map[string]string{"hi": "मिनट", "hu": "percig", "tr": "dakika"}

// abbreviated is what a language of more forms says instead of a noun that would need
// them. Hebrew says "2 דקות" for two as for more once the number is in digits.
var abbreviated = map[string]string{
	"ar": "بالدقائق: ", "cs": "min.", "hr": "min.", "lt": "min.", "pl": "min.", "ro": "min.", "ru": "мин.", "sk": "min.", "uk": "хв.",
}

func TestMinutesAreSaidAsEachLanguageCountsThem(t *testing.T) {
	for _, locale := range message.Locales() {
		said := map[int]string{}
		for n := 1; n <= 10; n++ {
			_, body := message.Mail(message.Values{Locale: locale, Validity: time.Duration(n) * time.Minute})
			text := body.Reveal()
			if n > 1 && !strings.Contains(text, fmt.Sprint(n)) {
				t.Errorf("%s does not say %d: %s", locale, n, text)
			}
			said[n] = strings.Replace(text, fmt.Sprint(n), "N", 1)
		}
		for n := 3; n <= 10; n++ {
			if said[n] != said[2] {
				t.Errorf("%s says %d as %q, and 2 as %q", locale, n, said[n], said[2])
			}
		}
		special, word := said[1] != said[2], unchanged[locale]+abbreviated[locale]
		want := plurals[locale] == "two" && word == "" || locale == "he"
		if special != want || !strings.Contains(said[2], word) || plurals[locale] == "" {
			t.Errorf("%s, a language of %q forms, says 1 as %q and 2 as %q", locale, plurals[locale], said[1], said[2])
		}
		if plurals[locale] == "more" && word == "" && locale != "he" {
			t.Errorf("%s has more than two forms, and nothing says how it does without", locale)
		}
	}
}

// twilio are the tags of Twilio's list (docs/authy/supported-languages, and the same
// under docs/verify) and the locale that each is answered in.
var twilio = map[string]string{
	"af": "af", "ar": "ar", "ca": "ca", "zh": "zh-CN", "zh-CN": "zh-CN", "zh-HK": "zh-HK", "hr": "hr", "cs": "cs", "da": "da", "nl": "nl",
	"en": "en", "en-GB": "en", "et": "et", "fi": "fi", "fr": "fr", "de": "de", "el": "el", "he": "he", "hi": "hi", "hu": "hu", "id": "id",
	"it": "it", "ja": "ja", "kn": "kn", "ko": "ko", "lt": "lt", "ms": "ms", "mr": "mr", "nb": "nb", "pl": "pl", "pt-BR": "pt-BR", "pt": "pt",
	"ro": "ro", "ru": "ru", "sk": "sk", "es": "es", "sv": "sv", "tl": "tl", "te": "te", "th": "th", "tr": "tr", "uk": "uk", "vi": "vi",
}

func TestEveryLanguageOfTwiliosListHasItsWords(t *testing.T) {
	if len(twilio) < 40 {
		t.Errorf("%d in the list", len(twilio))
	}
	for tag, want := range twilio {
		for _, form := range []string{tag, strings.ToLower(tag), strings.ReplaceAll(tag, "-", "_")} {
			if got, ok := message.Match(form); got != want || !ok {
				t.Errorf("%s is answered in %q", form, got)
			}
		}
	}
}

func TestNoTwoLanguagesHaveTheSameWords(t *testing.T) {
	v := message.Values{Code: custom(t, "4711"), AppName: "Acme", Validity: 5 * time.Minute}
	seen := map[string]string{}
	for _, v.Locale = range message.Locales() {
		_, body := message.Mail(v)
		spoken := message.Spoken(v).Reveal()
		for _, text := range []string{body.Reveal(), spoken} {
			if other := seen[text]; other != "" && v.Locale[:2] != other[:2] {
				t.Errorf("%s and %s say the same: %s", v.Locale, other, text)
			}
			seen[text] = v.Locale
		}
		if strings.Count(spoken, "4, 7, 1, 1.") != 2 {
			t.Errorf("%s: %q does not say the code twice", v.Locale, spoken)
		}
	}
}
