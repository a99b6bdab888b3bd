package pages

import (
	"fmt"
	"strconv"
	"time"

	"countersign/internal/code"
)

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
	sayCodeEmpty       saying = "code.empty"
	sayCodeLength      saying = "code.length"
	sayCodeCharacter   saying = "code.character"
	sayFault           saying = "fault"
	sayNoSession       saying = "session.none"
	sayOtherTab        saying = "session.other"
	saySentAgain       saying = "sent.again"
	saySentNew         saying = "sent.new"
	sayStillGood       saying = "sent.still"
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
	field string // the field that it stands beside; "" for none
	tone  tone
}

// problem is the page of an answer that is no page of the flow.
type problem struct{ title, text string }

// catalogue is every word of the pages in one language: to translate the pages
// is to write another one. Templates hold none.
type catalogue struct {
	language  string
	direction string
	labels    map[string]string // of templates
	sentences map[saying]sentence
	problems  map[int]problem // by status
	count     func(n int, what unit) string
}

// unit is what is counted in a sentence.
type unit int

const (
	seconds unit = iota
	minutes
	hours
	guesses
	digits
	characters
)

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

// inEnglish counts as English does.
func inEnglish(n int, what unit) string {
	words := map[unit][2]string{
		seconds: {"second", "seconds"},
		minutes: {"minute", "minutes"},
		hours:   {"hour", "hours"},
		guesses: {"try", "tries"},
		digits:  {"digit", "digits"},
		// Nobody calls a code's characters characters.
		characters: {"letter or digit", "letters and digits"},
	}[what]
	if n == 1 {
		return fmt.Sprintf("%d %s", n, words[0])
	}
	return strconv.Itoa(n) + " " + words[1]
}
