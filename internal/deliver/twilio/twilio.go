// Package twilio hands texts and calls to Twilio, sorts its refusals into the core's
// classes, and reads the status callbacks that it posts.
//
// The one idea is that of package post, which speaks to Twilio: the request taken
// and the status tell whether a message went out. Here stands what only Twilio
// says: the two requests, where an answer or a callback has its code, and what the
// code means.
//
// The package takes no other channel and never tries twice: retries and failover are
// its callers'. It does not hear whether a person or a machine takes a call.
//
// Wire facts are from twilio.com/docs: "Messages resource", "Calls resource",
// "TwiML Voice: Say", "Webhooks security" and "Error and Warning Dictionary".
package twilio

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"countersign/internal/deliver/post"
	"countersign/internal/deliver/receipt"
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
	receipts string // address; empty if none are asked for
	account  string
	token    *string // receipts are signed with it; a pointer as post.Client.Authorization is
	messages string  // addresses
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
		form, refusal = c.text(m)
		return c.set.messages, form, refusal
	case verify.Call:
		form, refusal = c.call(m)
		return c.set.calls, form, refusal
	}
	return "", nil, c.refuse(verify.UnknownClass, fmt.Sprintf("this carrier takes texts and calls only, not %q", m.Channel))
}

func (c *Carrier) refuse(class verify.Class, why string) *verify.SendError {
	return c.set.client.Refuse(class, why)
}

// maxValidity is the most that every page of Twilio's has allowed ("21624: Invalid
// validity period value"; newer ones allow ten hours).
const maxValidity = 4 * time.Hour

// text leaves the sender out where there is a messaging service: Twilio would then
// want it in the service's pool ("Messages resource", From), and it may be there
// for calls alone. The route's sender may be either.
func (c *Carrier) text(m verify.Message) (url.Values, *verify.SendError) {
	form := url.Values{"To": {m.To.Text()}, "Body": {m.Text.Reveal()}}
	from, service := c.set.from, c.set.service
	if isSID("MG", m.Sender) {
		service = m.Sender
	} else if m.Sender != "" {
		if _, err := post.ParseOrigin(m.Sender); err != nil {
			return nil, c.refuse(verify.SenderUnready, "the route's sender is no number, short code, name or messaging service")
		}
		from, service = m.Sender, ""
	}
	if service != "" {
		form.Set("MessagingServiceSid", service)
	} else {
		form.Set("From", from)
	}
	if m.ValidFor > 0 {
		// A text that waits longer than its code is good is not sent.
		form.Set("ValidityPeriod", strconv.Itoa(int(max(min(m.ValidFor, maxValidity), time.Second)/time.Second)))
	}
	c.askReceipts(form, m)
	return form, nil
}

// call brings its TwiML along, so that Twilio need not reach us. The keys of a
// verify.Message are those of SendDigits to the letter, pauses and all ("21206:
// Invalid SendDigits": 0123456789ABCD*#wW). The route's sender is taken if it is a
// number: a call can come from nothing else.
func (c *Carrier) call(m verify.Message) (url.Values, *verify.SendError) {
	from, caller := c.set.from, c.set.caller
	if origin, err := post.ParseOrigin(m.Sender); err == nil && origin == post.Number {
		from, caller = m.Sender, true
	}
	if !caller {
		return nil, c.refuse(verify.SenderUnready, "no number to call from is configured: a call comes neither from a messaging service nor from a name")
	}
	form := url.Values{"To": {m.To.Text()}, "From": {from}, "Twiml": {say(m)}}
	if m.Keys != "" {
		form.Set("SendDigits", m.Keys)
	}
	c.askReceipts(form, m)
	return form, nil
}

// askReceipts has Twilio post what becomes of a message. It signs the address, so that
// the message can be named there. Of a call it posts the end alone, if not asked for more.
func (c *Carrier) askReceipts(form url.Values, m verify.Message) {
	if c.set.receipts != "" {
		form.Set("StatusCallback", receipt.WithMessage(c.set.receipts, m.ID))
	}
}
