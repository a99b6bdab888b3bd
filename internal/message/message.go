// Package message makes the text of a message from a template and a fixed list
// of variables, and keeps that text from being printed, since it holds a code.
//
// A template is data: {{code}}, {{app_name}} and {{minutes}} are replaced, and
// nothing else is understood. Which template a message has is not decided here.
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

// Templates that are used where a profile names none.
const (
	Plain   = "Your verification code is {{code}}."
	Branded = "Your {{app_name}} verification code is: {{code}}."
)

// Values are what a template's variables stand for.
type Values struct {
	Code     code.Code
	AppName  string
	Validity time.Duration
}

// Errors that Check returns.
var (
	ErrNoCode   = errors.New("message: the template does not hold {{code}}")
	ErrVariable = errors.New("message: the template holds a variable that is not {{code}}, {{app_name}} or {{minutes}}")
)

// Check returns an error unless template holds the code and no unknown variable.
func Check(template string) error {
	if !strings.Contains(template, "{{code}}") {
		return ErrNoCode
	}
	rest := strings.NewReplacer("{{code}}", "", "{{app_name}}", "", "{{minutes}}", "").Replace(template)
	if strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
		return ErrVariable
	}
	return nil
}

// Render fills a template in. Minutes are rounded up, so that no message
// promises less than there is nor none at all.
func Render(template string, v Values) Text {
	minutes := int((v.Validity + time.Minute - 1) / time.Minute)
	out := strings.NewReplacer(
		"{{code}}", v.Code.Text(),
		"{{app_name}}", v.AppName,
		"{{minutes}}", strconv.Itoa(minutes),
	).Replace(template)
	return Text{&out}
}

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
