package telnyx

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net/url"

	"countersign/internal/deliver/post"
	"countersign/internal/deliver/receipt"
	"countersign/internal/verify"
)

var _ receipt.Receiver = (*Carrier)(nil)

// Receive implements receipt.Receiver. The signature is over instant and body
// ("Webhook Fundamentals", signature verification), so nothing else is looked at: least
// of all the address, whose query anybody could change. Without a ReceiptURL everything is
// refused: there is no key.
func (c *Carrier) Receive(p receipt.Posted) ([]verify.Receipt, error) {
	stamp, one := receipt.One(p.Header, "Telnyx-Timestamp")
	text, only := receipt.One(p.Header, "Telnyx-Signature-Ed25519")
	if !one || !only {
		return nil, fmt.Errorf("telnyx: %w: signature or timestamp is missing, or comes twice", receipt.ErrForged)
	}
	signature, ok := receipt.Base64(text)
	if !ok || c.set.key == nil || !ed25519.Verify(c.set.key, append([]byte(stamp+"|"), p.Body...), signature) {
		return nil, fmt.Errorf("telnyx: %w: the signature is wrong", receipt.ErrForged)
	}
	if !receipt.Fresh(stamp, p.Now) {
		return nil, fmt.Errorf("telnyx: %w: it was not signed just now", receipt.ErrForged)
	}
	if len(p.Body) > 0 && p.Body[0] == '{' {
		return c.message(p.Body)
	}
	return ofCall(p.Body)
}

// states sorts what Telnyx says of a text ("Receiving webhooks", delivery statuses). A
// text of which no receipt came from the network is still on its way, as far as is known.
var states = map[string]verify.DeliveryState{
	"queued": verify.Sent, "sending": verify.Sent, "sent": verify.Sent, "delivery_unconfirmed": verify.Sent,
	"delivered": verify.Delivered,
	"expired":   verify.Failed, "sending_failed": verify.Failed, "delivery_failed": verify.Failed,
}

// event is what is understood of a message event.
type event struct {
	Data struct {
		Type    string `json:"event_type"`
		Payload struct {
			ID         string      `json:"id"`
			To         []addressee `json:"to"`
			Errors     []fault     `json:"errors"`
			WebhookURL string      `json:"webhook_url"` // as we gave it
		} `json:"payload"`
	} `json:"data"`
	Meta struct {
		DeliveredTo string `json:"delivered_to"` // likewise
	} `json:"meta"`
}

func (c *Carrier) message(body []byte) ([]verify.Receipt, error) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, fmt.Errorf("telnyx: %w: the event is not JSON of the known form", receipt.ErrUnreadable)
	}
	if e.Data.Type != "message.sent" && e.Data.Type != "message.finalized" {
		return nil, nil // an inbound message, or what else the profile's address is told of
	}
	in := e.Data.Payload
	out := verify.Receipt{CarrierID: post.PlainID(in.ID)}
	if len(in.To) != 1 || out.CarrierID == "" {
		return nil, fmt.Errorf("telnyx: %w: the event has no id, or not one addressee", receipt.ErrUnreadable)
	}
	var known bool
	if out.State, known = states[in.To[0].Status]; !known {
		return nil, fmt.Errorf("telnyx: %w: the event has a status that is not known", receipt.ErrUnreadable)
	}
	out.Line = in.To[0].line()
	if out.State == verify.Failed {
		out.Class = classOf(in.To[0].Status, in.Errors)
	}
	for _, address := range []string{in.WebhookURL, e.Meta.DeliveredTo} {
		if name, ok := receipt.MessageOf(c.set.receipts, address); ok {
			out.Message = name
			break
		}
	}
	return []verify.Receipt{out}, nil
}

// classOf is the class of the first code that is known.
func classOf(status string, faults []fault) verify.Class {
	for _, f := range faults {
		if class, ok := classes[f.Code]; ok {
			return class
		}
	}
	if status == "expired" {
		return verify.Temporary // it waited too long
	}
	return verify.UnknownClass
}

// callStates sorts what a TeXML status callback says of a call. One that was taken and
// has ended has been heard, as far as is known.
var callStates = map[string]verify.Receipt{
	"queued": {State: verify.Sent}, "initiated": {State: verify.Sent}, "ringing": {State: verify.Sent}, "in-progress": {State: verify.Sent},
	"completed": {State: verify.Delivered},
	"busy":      {State: verify.Failed, Class: verify.Temporary}, "no-answer": {State: verify.Failed, Class: verify.Temporary},
	"canceled": {State: verify.Failed, Class: verify.UnknownClass}, "failed": {State: verify.Failed, Class: verify.UnknownClass},
}

func ofCall(body []byte) ([]verify.Receipt, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("telnyx: %w: it is neither JSON nor a form", receipt.ErrUnreadable)
	}
	if form.Get("CallbackSource") != "call-progress-events" {
		return nil, nil // of a recording, say
	}
	out, known := callStates[form.Get("CallStatus")]
	out.CarrierID = post.PlainID(form.Get("CallSid"))
	if !known || out.CarrierID == "" {
		return nil, fmt.Errorf("telnyx: %w: the call has no id, or a status that is not known", receipt.ErrUnreadable)
	}
	if out.State == verify.Failed && form.Get("HangupCause") == "not_found" {
		out.Class = verify.BadNumber
	}
	return []verify.Receipt{out}, nil
}
