package pages

import (
	"io/fs"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/code"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

func TestEveryKindAndOutcomeHasWords(t *testing.T) {
	var all []saying
	for _, k := range verify.Kinds() {
		all = append(all, sayKind(k))
	}
	for _, o := range verify.Outcomes() {
		all = append(all, sayOutcome(o))
	}
	for _, err := range []error{
		phone.ErrEmpty, phone.ErrCharacter, phone.ErrTooShort, phone.ErrTooLong, phone.ErrCountry, phone.ErrUnknown, nil,
	} {
		all = append(all, sayNumber(err))
	}
	all = append(all, sayFault, sayNoSession, sayOtherTab, saySentAgain, saySentNew, sayStillGood,
		sayCodeEmpty, sayCodeLength, sayCodeCharacter, sayClass(verify.UnknownClass),
		sayField(verify.FieldAddress), sayField(verify.FieldCode))
	for _, s := range all {
		if !english().has(s) {
			t.Errorf("no sentence for %s", s)
		}
	}
}

func TestEverySentenceIsOneForPeople(t *testing.T) {
	english := english()
	jargon := regexp.MustCompile(`(?i)\b(OTP|2FA|token|SMS|invalid|null|error|session|cookie|server)\b`)
	for say, s := range english.sentences {
		v := view{at: &place{words: english, app: "Acme"}}
		v.say(&flash{Say: say, Wait: 24, Count: 3}, "code", english.code(code.Default))
		shown := append(v.Alerts, v.Notices...)[0].text
		if strings.ContainsAny(shown, "{}") || !strings.HasSuffix(shown, ".") || jargon.MatchString(shown) {
			t.Errorf("%s: %q", say, shown)
		}
		if !slices.Contains([]string{"", "phone", "email", "code", "change"}, s.field) {
			t.Errorf("%s stands beside %q", say, s.field)
		}
	}
}

func TestASayingOfAnotherReleaseIsAFault(t *testing.T) {
	if english().sentence("of the future") != english().sentences[sayFault] {
		t.Error("it is not")
	}
}

func TestEveryProblemHasAPage(t *testing.T) {
	for _, status := range []int{
		http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusInternalServerError, http.StatusServiceUnavailable,
	} {
		if p := english().problems[status]; p.Title == "" || p.Text == "" {
			t.Errorf("none for %d", status)
		}
	}
}

func TestEveryStatusThatEndsHasATitleAndALead(t *testing.T) {
	for _, s := range []verify.Status{verify.Accepted, verify.Canceled, verify.Exhausted, verify.Expired} {
		words := endings[s]
		if english().labels[words.title] == "" || english().labels[words.lead] == "" || !english().has(sayOutcome(words.outcome)) {
			t.Errorf("%s: %+v", s, words)
		}
	}
}

var used = regexp.MustCompile(`"((?:[a-z]+\.)+[a-z]+|step|problem|cancel|development|inbox)"`)

func TestTemplatesAndLabelsMatch(t *testing.T) {
	english := english()
	// Labels that Go puts in by themselves, or whose end is a channel.
	has := map[string]bool{"in": true, "soon": true, "error": true, "title": true}
	for key := range english.labels {
		for _, part := range []string{"ended.", "session.", "delivery.", "code.", "confirm.", "number.", "email.", "done.", "other.", "resend."} {
			if strings.HasPrefix(key, part) {
				has[key] = true
			}
		}
	}
	names, err := fs.Glob(embedded, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(embedded, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range used.FindAllStringSubmatch(string(text), -1) {
			if strings.HasSuffix(m[1], ".css") || strings.HasSuffix(m[1], ".js") || strings.HasSuffix(m[1], ".svg") {
				continue
			}
			has[m[1]] = true
			if _, ok := english.labels[m[1]]; !ok {
				t.Errorf("%s uses %q, which has no label", name, m[1])
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(english.labels)) {
		if !has[key] {
			t.Errorf("nothing uses the label %q", key)
		}
	}
}

func TestTimesAreSaidSoThatNobodyComesBackTooEarly(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "in a moment", time.Millisecond: "in 1 second", 23500 * time.Millisecond: "in 24 seconds", 90 * time.Second: "in 90 seconds",
		91 * time.Second: "in 2 minutes", 89*time.Minute + time.Second: "in 90 minutes", 91 * time.Minute: "in 2 hours",
		24 * time.Hour: "in 24 hours",
	} {
		if got := english().in(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	if got := english().count(1, guesses); got != "1 try" {
		t.Errorf("%q", got)
	}
}
