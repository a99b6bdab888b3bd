// Package vonage hands texts to Vonage's Messages API, and reads the receipts that it
// posts.
//
// The one idea is that of package post, which speaks to Vonage: the request taken and the
// status tell whether a message went out. Here stands what only Vonage says: the request's
// fields, how both sides sign, and what the words of a receipt mean.
//
// The package takes texts alone (Vonage's WhatsApp and calls are other products), never
// tries twice, and does not speak to Vonage's own Verify.
//
// Wire facts are from developer.vonage.com: "Messages API reference", "Webhooks: signed
// webhooks" and "Delivery receipts". What is signed is a JWT (RFC 7519) of one algorithm
// each way, so both are written here and no library is needed.
package vonage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"countersign/internal/deliver/post"
	"countersign/internal/verify"
)

var _ verify.Sender = (*Carrier)(nil)

// Carrier is a Vonage account that texts go through. It is safe for concurrent use.
// Printed in any way, it shows no credential.
type Carrier struct{ set *settings }

type settings struct {
	client      *post.Client
	url         string
	from        string
	receipts    string  // address; empty if none are asked for
	secret      *string // that receipts are signed with; a pointer as post.Client.Authorization is
	key         string  // claims that receipts may have of the account
	application string
}

// New makes a carrier of a configuration, or says in a sentence what is wrong with it.
// It does not speak to Vonage. The error holds no credential.
func New(c Config) (*Carrier, error) {
	url, authorize, err := c.check()
	if err != nil {
		return nil, fmt.Errorf("vonage: %w", err)
	}
	return &Carrier{&settings{
		client: post.New(post.Client{
			Carrier: "vonage", Kind: "application/json", Timeout: c.Timeout, Transport: c.Transport,
			Sign: func(h http.Header, _ []byte) { h.Set("Authorization", authorize()) },
		}),
		url: url, from: c.From, receipts: c.ReceiptURL, secret: &c.SignatureSecret, key: c.APIKey, application: c.ApplicationID,
	}}, nil
}

// Bounds of ttl, in seconds, for which Vonage tries ("Messages API reference", SMS).
const (
	minTTL = 20 * time.Second
	maxTTL = 168 * time.Hour
)

// Send hands a text to Vonage. Every error is a *verify.SendError, with no credential,
// code, text or whole number in it.
func (c *Carrier) Send(ctx context.Context, m verify.Message) (verify.Submission, error) {
	if m.Channel != verify.SMS {
		return verify.Submission{}, c.set.client.Refuse(verify.UnknownClass, fmt.Sprintf("this carrier takes SMS only, not %q", m.Channel))
	}
	body, err := c.set.body(m)
	if err != nil {
		return verify.Submission{}, c.set.client.Refuse(verify.UnknownClass, "the request cannot be written")
	}
	answered, refusal := c.set.client.Post(ctx, c.set.url, body)
	if refusal != nil {
		return verify.Submission{}, refusal
	}
	id, code := read(answered)
	if !answered.Taken() {
		return verify.Submission{}, answered.Refusal(m, []post.Code{code}, classes)
	}
	return verify.Submission{CarrierID: id}, nil
}

// body names the message by client_ref, which receipts repeat. Numbers go without +.
func (s *settings) body(m verify.Message) ([]byte, error) {
	from := s.from
	if m.Sender != "" {
		from = m.Sender
	}
	var ttl int
	if m.ValidFor > 0 {
		ttl = int(min(max(m.ValidFor, minTTL), maxTTL) / time.Second)
	}
	return json.Marshal(struct {
		Type    string `json:"message_type"`
		Channel string `json:"channel"`
		To      string `json:"to"`
		From    string `json:"from"`
		Text    string `json:"text"`
		Ref     string `json:"client_ref"`
		TTL     int    `json:"ttl,omitempty"`
		URL     string `json:"webhook_url,omitempty"`
		Version string `json:"webhook_version,omitempty"`
	}{
		"text", "sms", strings.TrimPrefix(m.To.Text(), "+"), strings.TrimPrefix(from, "+"), m.Text.Reveal(), m.ID, ttl,
		s.receipts, version(s.receipts),
	})
}

// version is the form of the receipts that are read here.
func version(receipts string) string {
	if receipts == "" {
		return ""
	}
	return "v1"
}

// read is what is understood of Vonage's answer. It lets json skip what has another type
// than expected, and go on. A refusal names its kind by the end of an address ("type").
func read(from post.Answer) (id string, code post.Code) {
	var in struct {
		ID   string `json:"message_uuid"`
		Type string `json:"type"`
	}
	_ = json.Unmarshal(from.Body, &in)
	return post.PlainID(in.ID), codeOf(in.Type)
}

// codeOf is the code at the end of an address such as
// https://developer.vonage.com/api-errors/messages#1120; empty if there is none.
func codeOf(address string) post.Code {
	_, code, _ := strings.Cut(address, "#")
	if len(code) > 6 || strings.Trim(code, "0123456789") != "" {
		return ""
	}
	return post.Code(code)
}
