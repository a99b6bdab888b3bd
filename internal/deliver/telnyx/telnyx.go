// Package telnyx hands text messages to Telnyx and sorts its refusals into the
// core's classes.
//
// The one idea is that of package post, which speaks to Telnyx: the request taken
// and the status tell whether a message went out. Here stands what only Telnyx
// says: the request's fields, where an answer has its codes, and what they mean.
//
// The package sends no other channel than SMS, never tries twice, and does not
// read delivery receipts: retries, failover and receipts are its callers'.
//
// Wire facts are from developers.telnyx.com: API reference "Send a message",
// "Messaging error codes" and "API errors".
package telnyx

import (
	"context"
	"encoding/json"
	"fmt"

	"countersign/internal/deliver/post"
	"countersign/internal/verify"
)

var _ verify.Sender = (*Carrier)(nil)

// Carrier is a Telnyx account that texts are sent through. It is safe for
// concurrent use. Printed in any way, it does not show the API key.
type Carrier struct{ set *settings }

type settings struct {
	client  *post.Client
	from    string
	profile string
	url     string
}

// New makes a carrier of a configuration, or says in a sentence what is wrong
// with it. It does not speak to Telnyx. The error never holds the API key.
func New(c Config) (*Carrier, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("telnyx: %w", err)
	}
	endpoint, err := c.endpoint()
	if err != nil {
		return nil, fmt.Errorf("telnyx: %w", err)
	}
	authorization := "Bearer " + c.APIKey
	return &Carrier{&settings{
		client: post.New(post.Client{
			Carrier: "telnyx", Authorization: &authorization, Kind: "application/json", Timeout: c.Timeout, Transport: c.Transport,
		}),
		from:    c.From,
		profile: c.MessagingProfileID,
		url:     endpoint,
	}}, nil
}

// Send hands a text message to Telnyx. Every error is a *verify.SendError, with
// no credential, code, text or whole number in it.
func (c *Carrier) Send(ctx context.Context, m verify.Message) (verify.Submission, error) {
	if m.Channel != verify.SMS {
		return verify.Submission{}, c.set.client.Refuse(verify.UnknownClass, fmt.Sprintf("this carrier takes SMS only, not %q", m.Channel))
	}
	body, err := c.body(m)
	if err != nil {
		return verify.Submission{}, c.set.client.Refuse(verify.UnknownClass, "the request cannot be written")
	}
	answered, refusal := c.set.client.Post(ctx, c.set.url, body)
	if refusal != nil {
		return verify.Submission{}, refusal
	}
	a := read(answered)
	if !answered.Taken() || a.failed {
		return verify.Submission{}, answered.Refusal(m, a.codes, classes)
	}
	return verify.Submission{CarrierID: a.id}, nil
}

func (c *Carrier) body(m verify.Message) ([]byte, error) {
	return json.Marshal(struct {
		From    string `json:"from,omitempty"`
		To      string `json:"to"`
		Text    string `json:"text"`
		Profile string `json:"messaging_profile_id,omitempty"`
	}{c.set.from, m.To.Text(), m.Text.Reveal(), c.set.profile})
}
