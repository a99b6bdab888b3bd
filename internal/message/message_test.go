package message_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/internal/code"
	"countersign/internal/message"
)

func TestATemplateIsFilledIn(t *testing.T) {
	c, _ := code.Custom("4711")
	v := message.Values{Code: c, AppName: "Acme", Validity: 9*time.Minute + time.Second, Amount: "€1", Payee: "Shop"}
	for template, want := range map[string]string{
		message.Plain:                      "Your verification code is 4711.",
		message.Branded:                    "Your Acme verification code is: 4711.",
		"{{code}} is good for {{minutes}}": "4711 is good for 10",
		"{{code}} expires in {{default_verification_timeout_secs}} minutes.": "4711 expires in 10 minutes.",
		"{{amount}} to {{payee}}: {{code}}":                                  "€1 to Shop: 4711",
	} {
		if got := message.Render(template, v).Reveal(); got != want {
			t.Errorf("%q gives %q", template, got)
		}
	}
}

// A value is never read as a template again: an application called {{code}}
// would otherwise print the code where its name belongs.
func TestAValueIsNotATemplate(t *testing.T) {
	c, _ := code.Custom("4711")
	got := message.Render(message.Branded, message.Values{Code: c, AppName: "{{code}}"}).Reveal()
	if strings.Count(got, "4711") != 1 {
		t.Errorf("the code stands twice in %q", got)
	}
}

func TestTemplatesAreChecked(t *testing.T) {
	for template, want := range map[string]error{
		message.Plain:             nil,
		message.Branded:           nil,
		"Hello":                   message.ErrNoCode,
		"{{code}} for {{user}}":   message.ErrVariable,
		"{{code}} {{":             message.ErrVariable,
		"{{code}} in {{minutes}}": nil,
		"{{code}} in {{default_verification_timeout_secs}}": nil,
		"{{code}} for {{amount}} to {{payee}}":              nil,
		"{{code}} {{timeout_secs}}":                         message.ErrVariable,
		"{{code}} {{ app_name }}":                           message.ErrVariable,
		"{{code}} {{app_name}}}}":                           message.ErrVariable,
		"{{amount}} to {{payee}}":                           message.ErrNoCode,
	} {
		if err := message.Check(template); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", template, err, want)
		}
	}
}

func TestNothingPrintsTheText(t *testing.T) {
	c, _ := code.Custom("4711")
	text := message.Render(message.Plain, message.Values{Code: c})
	if out := fmt.Sprintf("%v %+v %#v %q %x %v", text, text, text, text, text, struct{ t message.Text }{text}); strings.Contains(out, "4711") {
		t.Error(out)
	}
}
