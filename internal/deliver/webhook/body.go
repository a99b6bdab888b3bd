package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"countersign/internal/deliver/post"
	"countersign/internal/verify"
)

// request is the body of our own. Its keys are the variables of a template.
type request struct {
	ID         string         `json:"id"`      // the same over all attempts
	Channel    verify.Channel `json:"channel"` // "sms", "call", …
	To         string         `json:"to"`      // a number in E.164 form, or a mailbox
	Code       string         `json:"code"`
	Text       string         `json:"text"` // of a call: what is said
	AppName    string         `json:"app_name"`
	Locale     string         `json:"locale"`
	Sender     string         `json:"sender"`            // as the route says; empty for the service's own choice
	ValidFor   int64          `json:"valid_for"`         // seconds; 0 if not known
	Subject    string         `json:"subject,omitempty"` // of an e-mail
	Keys       string         `json:"keys,omitempty"`    // pressed when a call is taken
	ReceiptURL string         `json:"receipt_url,omitempty"`
}

func (s *settings) body(m verify.Message) ([]byte, error) {
	r := request{
		ID: m.ID, Channel: m.Channel, To: m.To.Text(), Code: m.Code.Text(), Text: m.Text.Reveal(),
		AppName: m.AppName, Locale: m.Locale, Sender: m.Sender, ValidFor: int64(m.ValidFor / time.Second),
		Subject: m.Subject, Keys: m.Keys, ReceiptURL: s.receipts,
	}
	if s.template == "" {
		return marshal(r)
	}
	return []byte(fill(s.template, r)), nil
}

// marshal leaves < and & as they are: the body is no page.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// variables are all that a template may hold, and what they stand for.
func variables(r request) map[string]string {
	return map[string]string{
		"id": r.ID, "channel": string(r.Channel), "to": r.To, "code": r.Code, "text": r.Text,
		"app_name": r.AppName, "locale": r.Locale, "sender": r.Sender, "valid_for": strconv.FormatInt(r.ValidFor, 10),
		"subject": r.Subject, "keys": r.Keys, "receipt_url": r.ReceiptURL,
	}
}

// fill replaces all variables in one pass, so that no value is read as a template. Each
// is put in as the inside of a JSON text.
func fill(template string, r request) string {
	var pairs []string
	for name, value := range variables(r) {
		quoted, _ := marshal(value) // it is a text
		pairs = append(pairs, "{{"+name+"}}", string(quoted[1:len(quoted)-1]))
	}
	return strings.NewReplacer(pairs...).Replace(template)
}

// checkTemplate fills a template in with values that would break out of it if they could.
func checkTemplate(template string) error {
	if template == "" {
		return nil
	}
	if !strings.Contains(template, "{{to}}") || !strings.Contains(template, "{{code}}") && !strings.Contains(template, "{{text}}") {
		return errors.New("body: the template must hold {{to}}, and {{code}} or {{text}}")
	}
	const hostile = `a"b\c` + "\n{{code}}"
	sample := request{
		ID: hostile, Channel: hostile, To: hostile, Code: hostile, Text: hostile, AppName: hostile, Locale: hostile,
		Sender: hostile, ValidFor: 300, Subject: hostile, Keys: hostile, ReceiptURL: hostile,
	}
	rest := template
	for name := range variables(sample) {
		rest = strings.ReplaceAll(rest, "{{"+name+"}}", "")
	}
	if _, after, ok := strings.Cut(rest, "{{"); ok {
		name, _, _ := strings.Cut(after, "}}")
		return fmt.Errorf("body: {{%.20s}} is no variable: there are id, channel, to, code, text, app_name, locale, sender, valid_for, subject, keys and receipt_url", name)
	}
	if !json.Valid([]byte(fill(template, sample))) {
		return errors.New(`body: the template is not JSON once it is filled in: variables stand within quotes, as in {"number": "{{to}}"}`)
	}
	return nil
}

// answer is what is understood of the service's answer. It holds nothing that the far
// side could have chosen freely, but for id.
type answer struct {
	id    string
	line  verify.Line
	class post.Code // of a refusal, if it is one that is known
}

// read lets json skip what has another type than expected, and go on.
func read(from post.Answer) answer {
	var in struct {
		ID    string      `json:"id"`
		Line  verify.Line `json:"line"`
		Error struct {
			Class string `json:"class"`
		} `json:"error"`
	}
	_ = json.Unmarshal(from.Body, &in)
	a := answer{id: post.PlainID(in.ID), line: lineOf(in.Line)}
	if _, known := classes()[post.Code(in.Error.Class)]; known {
		a.class = post.Code(in.Error.Class)
	}
	return a
}

// classes are the core's own words, which the service uses for its refusals.
func classes() map[post.Code]verify.Class {
	out := map[post.Code]verify.Class{}
	for _, class := range verify.Classes() {
		out[post.Code(class)] = class
	}
	return out
}

func lineOf(word verify.Line) verify.Line {
	switch word {
	case verify.Mobile, verify.Landline, verify.VoIP:
		return word
	}
	return ""
}
