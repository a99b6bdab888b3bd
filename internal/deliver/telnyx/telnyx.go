// Package telnyx hands text messages to Telnyx and sorts its refusals into the
// core's classes.
//
// The one idea: whether a message went out is told by two facts alone, whether
// any of the request was taken from us and what status came back; what the
// answer's body adds may name the message or the refusal, and nothing of it is
// ever shown but short codes, since carriers echo requests in their complaints.
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
	"net/http"
	"time"

	"countersign/internal/verify"
)

var _ verify.Sender = (*Carrier)(nil)

// Carrier is a Telnyx account that texts are sent through. It is safe for
// concurrent use. Printed in any way, it does not show the API key.
type Carrier struct{ set *settings }

type settings struct {
	// The header stands behind a pointer of its own: for a verb that does not fit,
	// such as %q, fmt follows a pointer to a struct even out of an unexported
	// field, but never one to a string.
	authorization *string
	from          string
	profile       string
	url           string
	timeout       time.Duration
	transport     http.RoundTripper
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
	set := &settings{
		authorization: &authorization,
		from:          c.From,
		profile:       c.MessagingProfileID,
		url:           endpoint,
		timeout:       c.Timeout,
		transport:     c.Transport,
	}
	if set.timeout == 0 {
		set.timeout = DefaultTimeout
	}
	if set.transport == nil {
		set.transport = newTransport()
	}
	return &Carrier{set}, nil
}

// Send hands a text message to Telnyx. Every error is a *verify.SendError, with
// no credential, code, text or whole number in it.
func (c *Carrier) Send(ctx context.Context, m verify.Message) (verify.Submission, error) {
	if m.Channel != verify.SMS {
		return verify.Submission{}, &verify.SendError{
			Class: verify.UnknownClass,
			Err:   fmt.Errorf("telnyx: this carrier takes SMS only, not %q", m.Channel),
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.set.timeout)
	defer cancel()
	req, body, err := c.request(ctx, m)
	if err != nil {
		return verify.Submission{}, &verify.SendError{Class: verify.UnknownClass, Err: err}
	}
	// A bare round trip: an http.Client would follow redirects, key and all, and
	// put URLs into errors.
	resp, err := c.set.transport.RoundTrip(req)
	if err != nil {
		return verify.Submission{}, &verify.SendError{
			Class:     verify.Temporary,
			Ambiguous: !body.seal(),
			Err:       fmt.Errorf("telnyx: no answer: %w", reason(ctx, err)),
		}
	}
	defer func() { _ = resp.Body.Close() }()
	a := read(resp)
	if refusal := a.refusal(m); refusal != nil {
		return verify.Submission{}, refusal
	}
	return verify.Submission{CarrierID: a.id}, nil
}

func (c *Carrier) request(ctx context.Context, m verify.Message) (*http.Request, *letter, error) {
	text, err := json.Marshal(struct {
		From    string `json:"from,omitempty"`
		To      string `json:"to"`
		Text    string `json:"text"`
		Profile string `json:"messaging_profile_id,omitempty"`
	}{c.set.from, m.To.Text(), m.Text.Reveal(), c.set.profile})
	if err != nil {
		return nil, nil, fmt.Errorf("telnyx: the request cannot be written: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.set.url, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("telnyx: the request cannot be made: %w", err)
	}
	body := &letter{text: text}
	req.Body, _ = body.open()
	req.GetBody = body.open
	req.ContentLength = int64(len(text))
	req.Header.Set("Authorization", *c.set.authorization)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "countersign")
	return req, body, nil
}
