// Package telnyx hands texts and calls to Telnyx, sorts its refusals into the core's
// classes, and reads the receipts that it posts.
//
// The one idea is that of package post, which speaks to Telnyx: the request taken
// and the status tell whether a message went out. Here stands what only Telnyx
// says: the requests, where an answer or a receipt has its codes, and what they mean.
//
// The package takes no other channel and never tries twice. It gives no validity
// period, since Telnyx takes none (its valid_until is in answers alone), and does not
// hear whether a person or a machine takes a call.
//
// Wire facts are from developers.telnyx.com: API reference "Send a message", "Create a
// connection-scoped TeXML call" and "TeXML call completed", "Messaging error codes",
// "API errors", "Receiving webhooks for messaging", and the TeXML verbs Say and Play.
package telnyx

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"

	"countersign/internal/deliver/post"
	"countersign/internal/deliver/receipt"
	"countersign/internal/verify"
)

var _ verify.Sender = (*Carrier)(nil)

// Carrier is a Telnyx account that texts and calls go through. It is safe for
// concurrent use. Printed in any way, it does not show the API key.
type Carrier struct{ set *settings }

type settings struct {
	client   *post.Client
	from     string
	profile  string
	receipts string // address; empty if none are asked for
	key      ed25519.PublicKey
	messages string // addresses
	calls    string // empty if calls are not taken
}

// New makes a carrier of a configuration, or says in a sentence what is wrong
// with it. It does not speak to Telnyx. The error never holds the API key.
func New(c Config) (*Carrier, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("telnyx: %w", err)
	}
	key, err := c.key()
	if err != nil {
		return nil, fmt.Errorf("telnyx: %w", err)
	}
	messages, calls, err := c.endpoints()
	if err != nil {
		return nil, fmt.Errorf("telnyx: %w", err)
	}
	if c.TeXMLApplicationID == "" {
		calls = ""
	}
	authorization := "Bearer " + c.APIKey
	return &Carrier{&settings{
		client: post.New(post.Client{
			Carrier: "telnyx", Authorization: &authorization, Kind: "application/json", Timeout: c.Timeout, Transport: c.Transport,
		}),
		from: c.From, profile: c.MessagingProfileID,
		receipts: c.ReceiptURL, key: key,
		messages: messages, calls: calls,
	}}, nil
}

// Send hands a text or a call to Telnyx. Every error is a *verify.SendError, with
// no credential, code, text or whole number in it.
func (c *Carrier) Send(ctx context.Context, m verify.Message) (verify.Submission, error) {
	address, request, refusal := c.request(m)
	if refusal != nil {
		return verify.Submission{}, refusal
	}
	body, err := json.Marshal(request)
	if err != nil {
		return verify.Submission{}, c.refuse(verify.UnknownClass, "the request cannot be written")
	}
	answered, refusal := c.set.client.Post(ctx, address, body)
	if refusal != nil {
		return verify.Submission{}, refusal
	}
	a := read(answered)
	if !answered.Taken() || a.failed {
		return verify.Submission{}, answered.Refusal(m, a.codes, classes)
	}
	// Receipts of texts repeat the address that we gave, with our name in it, and those
	// of calls do not.
	return verify.Submission{CarrierID: a.id, Line: a.line, Unnamed: c.set.receipts != "" && m.Channel == verify.Call}, nil
}

func (c *Carrier) request(m verify.Message) (address string, body any, refusal *verify.SendError) {
	switch {
	case m.Channel == verify.SMS:
		text, refusal := c.text(m)
		return c.set.messages, text, refusal
	case m.Channel == verify.Call && c.set.calls != "":
		return c.set.calls, c.call(m), nil
	case m.Channel == verify.Call:
		return "", nil, c.refuse(verify.SenderUnready, "no texml_application_id is configured, by which calls go")
	}
	return "", nil, c.refuse(verify.UnknownClass, fmt.Sprintf("this carrier takes texts and calls only, not %q", m.Channel))
}

func (c *Carrier) refuse(class verify.Class, why string) *verify.SendError {
	return c.set.client.Refuse(class, why)
}

// text is the body of a text message.
type text struct {
	From       string `json:"from,omitempty"`
	To         string `json:"to"`
	Text       string `json:"text"`
	Profile    string `json:"messaging_profile_id,omitempty"`
	WebhookURL string `json:"webhook_url,omitempty"` // receipts go there, and repeat it
}

func (c *Carrier) text(m verify.Message) (text, *verify.SendError) {
	out := text{From: c.set.from, To: m.To.Text(), Text: m.Text.Reveal(), Profile: c.set.profile}
	if m.Sender != "" {
		origin, err := post.ParseOrigin(m.Sender)
		if err != nil || origin == post.Name && c.set.profile == "" {
			return text{}, c.refuse(verify.SenderUnready, "the route's sender is no number, short code or name, or is a name and there is no messaging profile")
		}
		out.From = m.Sender
	}
	if c.set.receipts != "" {
		out.WebhookURL = receipt.WithMessage(c.set.receipts, m.ID)
	}
	return out, nil
}
