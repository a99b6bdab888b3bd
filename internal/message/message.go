// Package message makes the text of a message from a template and a fixed list
// of variables, and keeps that text from being printed, since it holds a code.
//
// A template is data: {{code}}, {{app_name}}, {{minutes}}, {{amount}} and {{payee}}
// are replaced, and nothing else is understood. The words of each locale are data
// too, in the folder locales. Which template a message has is not decided here.
package message

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"countersign/internal/code"
)

// Templates that are used where a profile names none. They are those of the locale
// en.
const (
	Plain   = "Your verification code is {{code}}."
	Branded = "Your {{app_name}} verification code is: {{code}}."
)

// Values are what a template's variables stand for, and what else decides on the
// text. The zero value of each but Code means that there is none.
type Values struct {
	Code     code.Code
	AppName  string
	Validity time.Duration // of the code, from when it was made
	Locale   string        // of Spoken and Mail; a template has a language already
	Amount   string        // of a payment, with its currency; with Payee
	Payee    string
	AppHash  string // 11 characters, by which Android knows the app that a text is for
	Domain   string // of the page that the code is typed into, as Host takes it
}

// Errors that Check returns.
var (
	ErrNoCode   = errors.New("message: the template does not hold {{code}}")
	ErrVariable = errors.New("message: the template holds a variable that is not {{code}}, {{app_name}}, {{minutes}}, {{amount}} or {{payee}}")
)

// variables are all that a template may hold.
var variables = []string{"{{code}}", "{{app_name}}", "{{minutes}}", telnyxMinutes, "{{amount}}", "{{payee}}"}

// telnyxMinutes is what Telnyx calls {{minutes}}. In spite of its name it stands
// for minutes: "This code will expire in {{default_verification_timeout_secs}}
// minutes." is how templates of its GET /v2/verify_profiles/templates end.
const telnyxMinutes = "{{default_verification_timeout_secs}}"

// Check returns an error unless template holds the code and no unknown variable.
func Check(template string) error {
	if !strings.Contains(template, "{{code}}") {
		return ErrNoCode
	}
	pairs := make([]string, 0, 2*len(variables))
	for _, v := range variables {
		pairs = append(pairs, v, "")
	}
	rest := strings.NewReplacer(pairs...).Replace(template)
	if strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
		return ErrVariable
	}
	return nil
}

// Render fills a template in. Minutes are rounded up, so that no message promises
// less than there is nor none at all. Names and amounts are cut to what they may
// be, and make no link. With an AppHash or a Domain a last line follows, by which
// phones fill the code in.
func Render(template string, v Values) Text {
	out := fill(template, v)
	out += lastLine(out, v)
	return Text{&out}
}

// fill replaces all variables in one pass, so that no value is read as a template.
func fill(template string, v Values) string {
	minutes := strconv.Itoa(v.minutes())
	return strings.NewReplacer(
		"{{code}}", v.Code.Text(),
		"{{app_name}}", name(v.AppName, maxName),
		"{{minutes}}", minutes,
		telnyxMinutes, minutes,
		"{{amount}}", amount(v.Amount),
		"{{payee}}", name(v.Payee, maxPayment),
	).Replace(template)
}

func (v Values) minutes() int { return int((v.Validity + time.Minute - 1) / time.Minute) }

// branded says whether there is an app name once it has been cleaned.
func (v Values) branded() bool { return name(v.AppName, maxName) != "" }

// pays says whether the code is for a payment. Whoever approves one has to see both
// its amount and its payee (Regulation (EU) 2018/389, article 5).
func (v Values) pays() bool { return v.Amount != "" && v.Payee != "" }

// Text is the text of one message. Every way of printing it but Reveal shows a
// mask; the characters stand behind a pointer for the sake of unexported fields.
type Text struct{ text *string }

// Reveal returns the characters, for the carrier and nobody else.
func (t Text) Reveal() string {
	if t.text == nil {
		return ""
	}
	return *t.text
}

const mask = "[message]"

// String returns a mask.
func (t Text) String() string { return mask }

// Format writes a mask whatever the verb.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// LogValue returns a mask.
func (t Text) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalText returns a mask, so that no encoder shows a code.
func (t Text) MarshalText() ([]byte, error) { return []byte(mask), nil }
