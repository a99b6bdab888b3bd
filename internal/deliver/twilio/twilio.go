// Package twilio hands texts and calls to Twilio and sorts its refusals into the
// core's classes.
//
// The one idea is that of package post, which speaks to Twilio: the request taken
// and the status tell whether a message went out. Here stands what only Twilio
// says: the two requests, where an answer has its code, and what the code means.
//
// The package takes no other channel, never tries twice, and reads no status
// callback: retries, failover and receipts are its callers'. It sends no
// ValidityPeriod, since a verify.Message does not say until when it is good, and
// names no language to the voice, since it does not say that either.
//
// Wire facts are from twilio.com/docs: "Messages resource", "Calls resource",
// "TwiML Voice: Say" and "Error and Warning Dictionary".
package twilio

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"

	"countersign/internal/deliver/post"
	"countersign/internal/verify"
)

var _ verify.Sender = (*Carrier)(nil)

// Carrier is a Twilio account that texts and calls go through. It is safe for
// concurrent use. Printed in any way, it does not show the credentials.
type Carrier struct{ set *settings }

type settings struct {
	client   *post.Client
	from     string
	caller   bool // from is a number, so that it can call
	service  string
	messages string // addresses
	calls    string
}

// New makes a carrier of a configuration, or says in a sentence what is wrong
// with it. It does not speak to Twilio. The error never holds a credential.
func New(c Config) (*Carrier, error) {
	set, err := c.settings()
	if err != nil {
		return nil, fmt.Errorf("twilio: %w", err)
	}
	user, password := c.credentials()
	authorization := "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	set.client = post.New(post.Client{
		Carrier: "twilio", Authorization: &authorization, Kind: "application/x-www-form-urlencoded",
		Timeout: c.Timeout, Transport: c.Transport,
	})
	return &Carrier{set}, nil
}

// Send hands a text or a call to Twilio. Every error is a *verify.SendError, with
// no credential, code, text or whole number in it.
func (c *Carrier) Send(ctx context.Context, m verify.Message) (verify.Submission, error) {
	address, form, refusal := c.request(m)
	if refusal != nil {
		return verify.Submission{}, refusal
	}
	answered, refusal := c.set.client.Post(ctx, address, []byte(form.Encode()))
	if refusal != nil {
		return verify.Submission{}, refusal
	}
	a := read(answered)
	if !answered.Taken() || a.failed {
		return verify.Submission{}, answered.Refusal(m, []post.Code{a.code}, classes)
	}
	return verify.Submission{CarrierID: a.id}, nil
}

func (c *Carrier) request(m verify.Message) (address string, form url.Values, refusal *verify.SendError) {
	switch m.Channel {
	case verify.SMS:
		return c.set.messages, c.text(m), nil
	case verify.Call:
		if !c.set.caller {
			return "", nil, c.set.client.Refuse(verify.SenderUnready, "no number to call from is configured: a call comes neither from a messaging service nor from a name")
		}
		return c.set.calls, c.call(m), nil
	}
	return "", nil, c.set.client.Refuse(verify.UnknownClass, fmt.Sprintf("this carrier takes texts and calls only, not %q", m.Channel))
}

// text leaves the sender out where there is a messaging service: Twilio would then
// want it in the service's pool ("Messages resource", From), and it may be there
// for calls alone.
func (c *Carrier) text(m verify.Message) url.Values {
	form := url.Values{"To": {m.To.Text()}, "Body": {m.Text.Reveal()}}
	if c.set.service != "" {
		form.Set("MessagingServiceSid", c.set.service)
	} else {
		form.Set("From", c.set.from)
	}
	return form
}

// call brings its TwiML along, so that Twilio need not reach us. The keys of a
// verify.Message are those of SendDigits to the letter, pauses and all ("21206:
// Invalid SendDigits": 0123456789ABCD*#wW).
func (c *Carrier) call(m verify.Message) url.Values {
	form := url.Values{"To": {m.To.Text()}, "From": {c.set.from}, "Twiml": {say(m.Text.Reveal())}}
	if m.Keys != "" {
		form.Set("SendDigits", m.Keys)
	}
	return form
}

// say makes the TwiML that speaks a text. The text holds a name that a tenant
// chose: escaped, it can be no verb such as Dial, which would call at our cost.
func say(text string) string {
	var b strings.Builder
	b.WriteString("<Response><Say>")
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	b.WriteString("</Say></Response>")
	return b.String()
}
