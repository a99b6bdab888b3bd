package pages

import (
	"maps"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/feature/plural"
)

func TestThereAreWordsInAtLeastTwentyFourLanguages(t *testing.T) {
	all := catalogues()
	if len(all) < 24 {
		t.Errorf("only %d", len(all))
	}
	rtl := 0
	for name, c := range all {
		if c.language != name {
			t.Errorf("%s.json says that it is %q", name, c.language)
		}
		if c.direction == "rtl" {
			rtl++
		}
		if want := slices.Contains([]string{"ar", "he", "fa", "ur"}, name); (c.direction == "rtl") != want || !want && c.direction != "ltr" {
			t.Errorf("%s is written %q", name, c.direction)
		}
	}
	if rtl < 2 {
		t.Errorf("only %d from right to left", rtl)
	}
}

var named = regexp.MustCompile(`\{[^{}]*\}`)

func placeholders(text string) []string {
	all := named.FindAllString(text, -1)
	slices.Sort(all)
	return slices.Compact(all)
}

// texts are all words of a catalogue by their place in the file, but for counts.
func (c *catalogue) texts() map[string]string {
	out := map[string]string{}
	for key, text := range c.labels {
		out["labels "+key] = text
	}
	for key, s := range c.sentences {
		out["sentences "+string(key)] = s.text
	}
	for status, p := range c.problems {
		out["problems "+itoa(status)+" title"], out["problems "+itoa(status)+" text"] = p.Title, p.Text
	}
	return out
}

func itoa(n int) string {
	return string([]byte{byte('0' + n/100), byte('0' + n/10%10), byte('0' + n%10)})
}

func TestEveryLocaleIsWhole(t *testing.T) {
	want := english().texts()
	for name, c := range catalogues() {
		got := c.texts()
		for _, key := range slices.Sorted(maps.Keys(want)) {
			text, ok := got[key]
			switch {
			case !ok || strings.TrimSpace(text) == "":
				t.Errorf("%s.json lacks %s", name, key)
				continue
			case text != strings.TrimSpace(text) || strings.ContainsAny(text, "<>\n\t"):
				t.Errorf("%s.json: %s is not one plain line: %q", name, key, text)
			case !slices.Equal(placeholders(text), placeholders(want[key])):
				t.Errorf("%s.json: %s has %v, and English %v", name, key, placeholders(text), placeholders(want[key]))
			case strings.Count(text, "{") != strings.Count(text, "}"):
				t.Errorf("%s.json: %s has an odd bracket: %q", name, key, text)
			case name != "en" && len([]rune(text)) > 3*len([]rune(want[key]))+20:
				t.Errorf("%s.json: %s is three times as long as in English: %q", name, key, text)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(got)) {
			if _, ok := want[key]; !ok {
				t.Errorf("%s.json has %s, which English has not", name, key)
			}
		}
	}
}

func TestEveryLocaleCountsAsItsLanguageDoes(t *testing.T) {
	for name, c := range catalogues() {
		if len(c.counts) != len(english().counts) {
			t.Errorf("%s.json counts %d things", name, len(c.counts))
		}
		needed := map[string]bool{}
		for n := range 121 {
			needed[pluralNames[plural.Cardinal.MatchPlural(c.tag, n, 0, 0, 0, 0)]] = true
		}
		for what := range english().counts {
			for _, form := range slices.Sorted(maps.Keys(needed)) {
				if c.counts[what][form] == "" {
					t.Errorf("%s.json: counts %s lacks %q", name, what, form)
				}
			}
			for form, text := range c.counts[what] {
				if form == "other" || needed[form] {
					if n := placeholders(text); len(n) > 1 || len(n) == 1 && n[0] != "{n}" {
						t.Errorf("%s.json: counts %s %s: %q", name, what, form, text)
					}
					continue
				}
				t.Errorf("%s.json: counts %s has %q, which the language does not have", name, what, form)
			}
		}
	}
}

func TestTheBrowsersLanguageIsTakenWhereNobodyAskedForAnother(t *testing.T) {
	for _, tt := range []struct{ wanted, header, want string }{
		{"", "", "en"},
		{"", "de", "de"},
		{"", "de-AT,de;q=0.9,en;q=0.8", "de"},
		{"", "xx, fr;q=0.5", "fr"},
		{"", "en;q=0.5, ja;q=0.9", "ja"},
		{"", "pt-BR", "pt-BR"},
		{"", "pt-PT", "pt"},
		{"", "zh", "zh-CN"},
		{"", "zh-Hant", "zh-TW"},
		{"", "zh-SG", "zh-CN"},
		{"", "no", "nb"},
		{"", "nn", "nb"},
		{"", "iw", "he"},
		{"", "in", "id"},
		{"", "tlh", "en"},
		{"", "*", "en"},
		{"", "de;q=x", "en"},
		{"", strings.Repeat("xx-yy,", 5000) + "de", "en"},
		{"", "\x00\xff", "en"},
		{"ar", "de", "ar"},
		{"tlh", "de", "de"},
		{"he", "", "he"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", tt.header)
		if got := wordsFor(r, tt.wanted).language; got != tt.want {
			t.Errorf("%q and %.30q: %s, want %s", tt.wanted, tt.header, got, tt.want)
		}
	}
}

func FuzzTheLanguageOfABrowser(f *testing.F) {
	for _, seed := range []string{"de-AT,de;q=0.9", "*", "en;q=", "zh-Hant-HK-x-private", "a-DE-1996,;"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", header)
		if wordsFor(r, header) == nil || len(regionOf(header)) > 3 {
			t.Error(header)
		}
	})
}
