// Package webhook hands messages to a service of the operator's own, over HTTP, and reads
// the receipts that it posts back: for carriers that have no package here, or that lie
// behind something that the operator runs.
//
// The one idea is that both sides sign with one secret, each for its own direction, so
// that a request that one of them made can never be posted to the other. What is posted is
// a template of JSON, whose variables are put in as text of JSON and so can add nothing to
// it.
//
// The signature is not that of events: that key pair is the installation's, lies in the
// database, and could not sign what comes back. The package never tries twice, and takes
// no answer for more than it says.
package webhook

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"countersign/internal/deliver/post"
	"countersign/internal/verify"
)

var _ verify.Sender = (*Carrier)(nil)

// Carrier is a service that messages of every channel go through. It is safe for
// concurrent use. Printed in any way, it shows neither the secret nor a header.
type Carrier struct{ set *settings }

type settings struct {
	client   *post.Client
	url      string
	template string  // empty for the body of our own
	receipts string  // address; empty if none are asked for
	secret   *string // a pointer as post.Client.Authorization is
}

// New makes a carrier of a configuration, or says in a sentence what is wrong
// with it. It does not speak to the service. The error holds no secret.
func New(c Config) (*Carrier, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	set := &settings{url: c.URL, template: c.Body, receipts: c.ReceiptURL, secret: &c.Secret}
	headers := c.headers()
	set.client = post.New(post.Client{
		Carrier: "webhook", Kind: "application/json", Timeout: c.Timeout, Transport: c.Transport,
		Sign: func(h http.Header, body []byte) {
			for name, value := range headers {
				h.Set(name, value)
			}
			h.Set(SignatureHeader, signature(c.Secret, strconv.FormatInt(c.Now().Unix(), 10), outward, body))
		},
	})
	return &Carrier{set}, nil
}

// Send posts a message to the service. Every error is a *verify.SendError, with
// no credential, code, text or whole number in it.
func (c *Carrier) Send(ctx context.Context, m verify.Message) (verify.Submission, error) {
	body, err := c.set.body(m)
	if err != nil {
		return verify.Submission{}, c.set.client.Refuse(verify.UnknownClass, "the request cannot be written")
	}
	answered, refusal := c.set.client.Post(ctx, c.set.url, body)
	if refusal != nil {
		return verify.Submission{}, refusal
	}
	a := read(answered)
	if !answered.Taken() || a.class != "" {
		return verify.Submission{}, answered.Refusal(m, []post.Code{a.class}, classes())
	}
	// A service that gives a message a name of its own may know it by that alone later.
	return verify.Submission{CarrierID: a.id, Line: a.line, Unnamed: a.id != "" && c.set.receipts != ""}, nil
}
