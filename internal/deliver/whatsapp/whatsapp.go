// Package whatsapp hands codes to WhatsApp through Meta's Cloud API, as authentication
// templates, and reads the receipts that Meta posts.
//
// The one idea is that the words are not ours: Meta takes a code to a person only in a
// template that it has approved, so a message is the template's name, a language that the
// template has, and the code. verify.Message's text is not used.
//
// The package takes no other channel, makes no template, reads no message that a person
// writes, and never tries twice.
//
// Wire facts are from developers.facebook.com/docs/whatsapp/cloud-api: "Messages",
// "Authentication templates", "Error codes" and "Webhooks", and from the Graph API's
// "Webhooks: getting started" for what is signed.
package whatsapp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"countersign/internal/deliver/post"
	"countersign/internal/verify"
)

var _ verify.Sender = (*Carrier)(nil)

// Carrier is a WhatsApp business number. It is safe for concurrent use. Printed in any
// way, it shows no credential.
type Carrier struct{ set *settings }

type settings struct {
	client    *post.Client
	url       string
	number    string // id of the business number
	template  string
	languages []string
	receipts  bool    // they are asked for
	secret    *string // a pointer as post.Client.Authorization is
	token     *string // of the handshake; likewise
}

// New makes a carrier of a configuration, or says in a sentence what is wrong with it.
// It does not speak to Meta. The error holds no credential.
func New(c Config) (*Carrier, error) {
	url, err := c.check()
	if err != nil {
		return nil, fmt.Errorf("whatsapp: %w", err)
	}
	authorization := "Bearer " + c.AccessToken
	return &Carrier{&settings{
		client: post.New(post.Client{
			Carrier: "whatsapp", Authorization: &authorization, Kind: "application/json", Timeout: c.Timeout, Transport: c.Transport,
		}),
		url: url, number: c.PhoneNumberID, template: c.Template, languages: c.Languages,
		receipts: c.ReceiptURL != "", secret: &c.AppSecret, token: &c.VerifyToken,
	}}, nil
}

// maxCode is how many characters a code of an authentication template may have.
const maxCode = 15

// Send hands a code to WhatsApp. Every error is a *verify.SendError, with no credential,
// code or whole number in it.
func (c *Carrier) Send(ctx context.Context, m verify.Message) (verify.Submission, error) {
	if m.Channel != verify.WhatsApp {
		return verify.Submission{}, c.set.client.Refuse(verify.UnknownClass, fmt.Sprintf("this carrier takes WhatsApp only, not %q", m.Channel))
	}
	if len(m.Code.Text()) > maxCode {
		return verify.Submission{}, c.set.client.Refuse(verify.UnknownClass, fmt.Sprintf("a code of an authentication template has at most %d characters", maxCode))
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

// body is an authentication template with its code twice: in the words, and behind the
// button that copies it ("Authentication templates": sub_type url, whichever button the
// template has).
func (s *settings) body(m verify.Message) ([]byte, error) {
	type parameter struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	type component struct {
		Type       string      `json:"type"`
		SubType    string      `json:"sub_type,omitempty"`
		Index      string      `json:"index,omitempty"`
		Parameters []parameter `json:"parameters"`
	}
	code := []parameter{{"text", m.Code.Text()}}
	type language struct {
		Code string `json:"code"`
	}
	type template struct {
		Name       string      `json:"name"`
		Language   language    `json:"language"`
		Components []component `json:"components"`
	}
	return json.Marshal(struct {
		Product   string   `json:"messaging_product"`
		Recipient string   `json:"recipient_type"`
		To        string   `json:"to"`
		Type      string   `json:"type"`
		Template  template `json:"template"`
		Callback  string   `json:"biz_opaque_callback_data"`
	}{
		"whatsapp", "individual", strings.TrimPrefix(m.To.Text(), "+"), "template",
		template{s.template, language{s.language(m.Locale)}, []component{
			{Type: "body", Parameters: code},
			{Type: "button", SubType: "url", Index: "0", Parameters: code},
		}},
		m.ID,
	})
}

// language is the template's for a locale: the same, or the same but for the country, or
// else the first one. Meta writes pt_BR where others write pt-BR.
func (s *settings) language(locale string) string {
	want := strings.ReplaceAll(locale, "-", "_")
	tongue, _, _ := strings.Cut(want, "_")
	near := ""
	for _, have := range s.languages {
		if strings.EqualFold(have, want) {
			return have
		}
		if of, _, _ := strings.Cut(have, "_"); near == "" && tongue != "" && strings.EqualFold(of, tongue) {
			near = have
		}
	}
	if near != "" {
		return near
	}
	return s.languages[0]
}

// read is what is understood of Meta's answer. It lets json skip what has another type
// than expected, and go on.
func read(from post.Answer) (id string, code post.Code) {
	var in struct {
		Messages []struct {
			ID string `json:"id"`
		} `json:"messages"`
		Error struct {
			Code post.Code `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(from.Body, &in)
	if len(in.Messages) > 0 {
		id = stored(in.Messages[0].ID)
	}
	return id, in.Error.Code
}

// stored is what stands for Meta's name for a message wherever we keep one. That name is
// "wamid." and Base64 in which the person's number stands in the clear, so it is hashed;
// in the answer to a send and in receipts alike, so that they meet.
func stored(id string) string {
	if id == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(id))
	return "wamid-" + hex.EncodeToString(sum[:])[:32]
}
