package pages

import (
	"embed"
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"countersign/internal/code"
	"countersign/internal/verify"
)

// locales are the words of each language; their README is for whoever translates.
//
//go:embed locales/*.json
var locales embed.FS

// saying names a sentence that answers what a person did.
type saying string

// Sayings of the pages' own. Those of refusals, outcomes, types of number and
// carriers' refusals are named after them, see the functions below.
const (
	sayNumberEmpty     saying = "number.empty"
	sayNumberCharacter saying = "number.character"
	sayNumberShort     saying = "number.short"
	sayNumberLong      saying = "number.long"
	sayNumberCountry   saying = "number.country"
	sayNumberUnknown   saying = "number.unknown"
	sayEmailEmpty      saying = "email.empty"
	sayEmailShape      saying = "email.shape"
	sayEmailUnknown    saying = "email.unknown"
	sayCodeEmpty       saying = "code.empty"
	sayCodeLength      saying = "code.length"
	sayCodeCharacter   saying = "code.character"
	sayChannel         saying = "channel"
	sayFault           saying = "fault"
	sayWorkAgain       saying = "work.again"
	sayNoSession       saying = "session.none"
	sayOtherTab        saying = "session.other"
	saySentAgain       saying = "sent.again"
	saySentNew         saying = "sent.new"
	saySentSMS         saying = "sent.sms"
	saySentCall        saying = "sent.call"
	saySentWhatsApp    saying = "sent.whatsapp"
	saySentEmail       saying = "sent.email"
	sayStillGood       saying = "sent.still"
	sayUndelivered     saying = "class.other" // where the address cannot be changed
)

func sayKind[T ~string](kind T) saying       { return saying("kind." + kind) }
func sayField[T ~string](field T) saying     { return saying("invalid." + field) }
func sayOutcome[T ~string](outcome T) saying { return saying("outcome." + outcome) }
func sayType[T ~string](kind T) saying       { return saying("type." + kind) }
func sayClass[T ~string](class T) saying     { return saying("class." + class) }

// tone is how a sentence is shown.
type tone int

const (
	toneError  tone = iota // something is to be put right
	toneNotice             // something to know
)

// sentence is one saying in one language. These stand for values: {in} "in 24
// seconds" or "in a moment", {guesses} "3 tries", {typed} "5", {code} "6 digits".
type sentence struct {
	text  string
	field string // the id of what it stands beside; "" for nothing
	tone  tone
}

// beside says where a saying stands and how it is shown, which is the same in every
// language. What is not listed stands beside nothing and is to be put right.
var beside = map[saying]sentence{
	sayOutcome(verify.OutcomeWrong): {field: "code"}, sayField(verify.FieldCode): {field: "code"},
	sayField(verify.FieldAddress): {field: "phone"}, sayKind(verify.Country): {field: "phone"}, sayKind(verify.NumberType): {field: "phone"},
	sayOutcome(verify.OutcomeAccepted): {tone: toneNotice},
	sayUndelivered:                     {},
}

// besideAll is beside for all sayings that begin alike.
var besideAll = map[string]sentence{
	"number": {field: "phone"}, "type": {field: "phone"}, "email": {field: "email"}, "code": {field: "code"}, "class": {field: "change"},
	"sent": {tone: toneNotice}, "session": {tone: toneNotice},
}

// problem is the page of an answer that is no page of the flow.
type problem struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// catalogue is every word of the pages in one language: to translate the pages
// is to write another file. Templates hold none.
type catalogue struct {
	language  string
	direction string
	tag       language.Tag
	labels    map[string]string // of templates
	sentences map[saying]sentence
	problems  map[int]problem // by status
	counts    map[unit]map[string]string
}

// file is a catalogue as it is written. Counts are by unit and then by plural category of
// the Unicode CLDR.
type file struct {
	Language  string                     `json:"language"`
	Direction string                     `json:"direction"`
	Counts    map[unit]map[string]string `json:"counts"`
	Labels    map[string]string          `json:"labels"`
	Sentences map[saying]string          `json:"sentences"`
	Problems  map[string]problem         `json:"problems"`
}

// unit is what is counted in a sentence.
type unit string

const (
	seconds    unit = "seconds"
	minutes    unit = "minutes"
	hours      unit = "hours"
	guesses    unit = "guesses"
	digits     unit = "digits"
	characters unit = "characters"
)

// catalogues reads the files once. They are part of the program, so a broken one is a
// mistake in it, which TestEveryLocaleIsWhole finds.
var catalogues = sync.OnceValue(func() map[string]*catalogue {
	entries, err := locales.ReadDir("locales")
	if err != nil {
		panic("pages: " + err.Error())
	}
	out := make(map[string]*catalogue, len(entries))
	for _, e := range entries {
		text, err := locales.ReadFile(path.Join("locales", e.Name()))
		if err != nil {
			panic("pages: " + err.Error())
		}
		c, err := parseCatalogue(text)
		if err != nil {
			panic("pages: " + e.Name() + ": " + err.Error())
		}
		out[strings.TrimSuffix(e.Name(), ".json")] = c
	}
	return out
})

// english is what everything falls back to.
func english() *catalogue { return catalogues()["en"] }

func parseCatalogue(text []byte) (*catalogue, error) {
	var f file
	if err := json.Unmarshal(text, &f, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	tag, err := language.Parse(f.Language)
	if err != nil {
		return nil, err
	}
	c := &catalogue{
		language: f.Language, direction: f.Direction, tag: tag, labels: f.Labels,
		sentences: map[saying]sentence{}, problems: map[int]problem{}, counts: f.Counts,
	}
	for say, text := range f.Sentences {
		s, ok := beside[say]
		if !ok {
			group, _, _ := strings.Cut(string(say), ".")
			s = besideAll[group]
		}
		s.text = text
		c.sentences[say] = s
	}
	for status, p := range f.Problems {
		n, err := strconv.Atoi(status)
		if err != nil {
			return nil, fmt.Errorf("problems: %q is no status", status)
		}
		c.problems[n] = p
	}
	return c, nil
}

// sentence returns what is said; the sentence about a fault of ours for a saying
// that an older release put into a cookie.
func (c *catalogue) sentence(s saying) sentence {
	if out, ok := c.sentences[s]; ok {
		return out
	}
	return c.sentences[sayFault]
}

func (c *catalogue) has(s saying) bool {
	_, ok := c.sentences[s]
	return ok
}

// count says a number of something, in the form that the language has for it.
func (c *catalogue) count(n int, what unit) string {
	forms := c.counts[what]
	text, ok := forms[pluralNames[plural.Cardinal.MatchPlural(c.tag, n, 0, 0, 0, 0)]]
	if !ok {
		text = forms["other"]
	}
	return fill(text, "n", strconv.Itoa(n))
}

var pluralNames = map[plural.Form]string{
	plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other",
}

// span says a time to wait, rounded up so that nobody comes back too early.
func (c *catalogue) span(d time.Duration) string {
	up := func(per time.Duration) int { return int((d + per - 1) / per) }
	switch {
	case d <= 90*time.Second:
		return c.count(up(time.Second), seconds)
	case d <= 90*time.Minute:
		return c.count(up(time.Minute), minutes)
	}
	return c.count(up(time.Hour), hours)
}

// in says when to try again.
func (c *catalogue) in(d time.Duration) string {
	if d <= 0 {
		return c.labels["soon"]
	}
	return fill(c.labels["in"], "span", c.span(d))
}

// code says what a code looks like: "6 digits".
func (c *catalogue) code(s code.Spec) string {
	if s.Alphabet == code.Digits {
		return c.count(s.Length, digits)
	}
	return c.count(s.Length, characters)
}
