package telnyx

import (
	"encoding/xml"
	"strings"

	"countersign/internal/deliver/post"
	"countersign/internal/verify"
)

// call is the body of a call. It brings its TeXML along, so that Telnyx need not reach
// us. Where receipts go is said in the TeXML application: the request has no field for it.
type call struct {
	From  string
	To    string
	Texml string
}

// call takes the route's sender if it is a number: a call can come from nothing else.
func (c *Carrier) call(m verify.Message) call {
	from := c.set.from
	if origin, err := post.ParseOrigin(m.Sender); err == nil && origin == post.Number {
		from = m.Sender
	}
	return call{From: from, To: m.To.Text(), Texml: say(m)}
}

// say makes the TeXML that presses a message's keys and speaks its text. The text holds a
// name that a tenant chose: escaped, it can be no verb such as Dial, which would call at
// our cost.
func say(m verify.Message) string {
	var b strings.Builder
	b.WriteString("<Response>")
	if m.Keys != "" {
		b.WriteString(`<Play digits="`)
		// Of the two pauses that a verify.Message knows, w is half of W, and the only one
		// that Play is said to know.
		_ = xml.EscapeText(&b, []byte(strings.ReplaceAll(m.Keys, "W", "ww"))) // a strings.Builder takes everything
		b.WriteString(`"/>`)
	}
	b.WriteString("<Say")
	if language := languages[m.Locale]; language != "" {
		b.WriteString(` voice="alice" language="` + language + `"`)
	}
	b.WriteString(">")
	_ = xml.EscapeText(&b, []byte(m.Text.Reveal()))
	b.WriteString("</Say></Response>")
	return b.String()
}

// languages are what the voice alice speaks, by our locales (the languages of "Speak
// text"). Of a locale that is not here the voice is that of no language named, which
// speaks American English.
var languages = map[string]string{
	"ar": "arb", "da": "da-DK", "de": "de-DE", "en-GB": "en-GB", "es": "es-ES", "fr": "fr-FR", "hi": "hi-IN", "it": "it-IT",
	"ja": "ja-JP", "ko": "ko-KR", "nb": "nb-NO", "nl": "nl-NL", "pl": "pl-PL", "pt": "pt-PT", "pt-BR": "pt-BR",
	"ro": "ro-RO", "ru": "ru-RU", "sv": "sv-SE", "tr": "tr-TR", "zh-CN": "cmn-CN",
}
