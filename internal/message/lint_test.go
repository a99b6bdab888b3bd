package message_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"countersign/internal/message"
)

const page = "accounts.example.com"

// declared says again, in the test's own words, how many text messages a shipped text
// takes at most with the longest values: without a page's line, and with one.
var declared = map[message.Kind]map[string][2]int{
	message.KindPlain:   {message.GSM7: {1, 1}, message.UCS2: {1, 2}},
	message.KindBranded: {message.GSM7: {1, 1}, message.UCS2: {1, 2}},
	message.KindWarned:  {message.GSM7: {1, 1}, message.UCS2: {2, 3}},
	message.KindPayment: {message.GSM7: {2, 2}, message.UCS2: {3, 4}},
}

// Each segment is paid for, and a text of several arrives later and less surely.
func TestEveryShippedTextIsOneSegmentOrDeclared(t *testing.T) {
	for i, domain := range []string{"", page} {
		most := map[message.Kind]map[string]int{}
		for _, locale := range message.Locales() {
			for _, l := range message.LintShipped(locale, message.Options{Domain: domain}) {
				want := declared[l.Kind][l.Encoding][i]
				if l.Segments > want || l.Declared != want || !l.Whole() || l.Locale != locale {
					t.Errorf("%s, %s: %q is %d segments of %s, declared are %d", locale, l.Kind, l.Template, l.Segments, l.Encoding, l.Declared)
				}
				if most[l.Kind] == nil {
					most[l.Kind] = map[string]int{}
				}
				most[l.Kind][l.Encoding] = max(most[l.Kind][l.Encoding], l.Segments)
			}
		}
		for kind, row := range declared {
			for encoding, n := range row {
				if most[kind][encoding] != n[i] {
					t.Errorf("%s of %s takes %d at most, and %d are declared: the table is too generous", kind, encoding, most[kind][encoding], n[i])
				}
			}
		}
	}
}

func TestWhatForcesUCS2IsNamedOnceInItsOrder(t *testing.T) {
	for template, want := range map[string]string{
		"{{code}}":            "",
		"{{code}} é€[]":       "",
		"ó {{code}} çóç 😀":    "óç😀",
		"{{code}} „quoted“ …": "„“…",
	} {
		l, err := message.LintTemplate(template, 1, message.Options{})
		encoding := message.GSM7
		if want != "" {
			encoding = message.UCS2
		}
		if got := strings.Join(l.Forcing, ""); err != nil || got != want || l.Encoding != encoding {
			t.Errorf("%q: %q in %s, %v", template, got, l.Encoding, err)
		}
	}
	l, err := message.LintTemplate(message.Branded, 1, message.Options{AppName: "Łódź"})
	if err != nil || !slices.Equal(l.Forcing, []string{"Ł", "ó", "ź"}) {
		t.Errorf("an app's name: %v %v", l.Forcing, err)
	}
}

func TestATemplateIsCountedWithTheLongestValues(t *testing.T) {
	for _, tt := range []struct {
		template string
		allowed  int
		o        message.Options
		segments int
		whole    bool
	}{
		{strings.Repeat("a", 150) + "{{code}}", 1, message.Options{}, 1, true},
		{strings.Repeat("a", 151) + "{{code}}", 1, message.Options{}, 2, false},
		{strings.Repeat("a", 151) + "{{code}}", 2, message.Options{}, 2, true},
		{strings.Repeat("a", 151) + "{{code}}", 0, message.Options{}, 2, false},
		{strings.Repeat("a", 118) + "{{code}}{{app_name}}", 1, message.Options{}, 1, true},
		{strings.Repeat("a", 119) + "{{code}}{{app_name}}", 1, message.Options{}, 2, false},
		{strings.Repeat("a", 119) + "{{code}}{{app_name}}", 1, message.Options{AppName: "Acme"}, 1, true},
		{strings.Repeat("a", 148) + "{{code}}{{minutes}}", 1, message.Options{}, 1, true},
		{strings.Repeat("a", 149) + "{{code}}{{minutes}}", 1, message.Options{}, 2, false},
		{strings.Repeat("a", 116) + "{{code}}", 1, message.Options{Domain: page}, 1, true},
		{strings.Repeat("a", 117) + "{{code}}", 1, message.Options{Domain: page}, 2, false},
	} {
		l, err := message.LintTemplate(tt.template, tt.allowed, tt.o)
		if err != nil || l.Segments != tt.segments || l.Whole() != tt.whole || l.Kind != message.KindOwn || l.Locale != "" {
			t.Errorf("%d characters, %+v: %+v %v", len(tt.template), tt.o, l, err)
		}
	}
	if _, err := message.LintTemplate("no code", 1, message.Options{}); !errors.Is(err, message.ErrNoCode) {
		t.Error(err)
	}
}

func TestWhetherAnAppFindsItsHashIsSaid(t *testing.T) {
	for n, want := range map[int]bool{118: true, 119: false} { // and 10 of the code, a line feed, 11 of the hash
		l, err := message.LintTemplate(strings.Repeat("a", n)+"{{code}}", 1, message.Options{})
		if err != nil || l.Retrievable != want {
			t.Errorf("%d characters: %+v %v", n, l, err)
		}
	}
}
