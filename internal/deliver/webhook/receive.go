package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"countersign/internal/deliver/post"
	"countersign/internal/deliver/receipt"
	"countersign/internal/verify"
)

// SignatureHeader holds, both ways, t=SECONDS,v1=HEX: Unix seconds, and HMAC-SHA-256 in
// small hexadecimal digits of the seconds, a full stop, the direction, a full stop and
// the body, under the secret.
const SignatureHeader = "Countersign-Signature"

// The directions. One word of them is signed, so that what we post is no receipt, even to
// whoever can read it on its way.
const (
	outward = "message"
	inward  = "receipt"
)

func signature(secret, seconds, direction string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(seconds + "." + direction + ".")) // it takes everything
	_, _ = mac.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

var _ receipt.Receiver = (*Carrier)(nil)

// Receive implements receipt.Receiver. It looks at the header and the body alone.
// Without a ReceiptURL everything is refused: nobody was asked for receipts.
func (c *Carrier) Receive(p receipt.Posted) ([]verify.Receipt, error) {
	header, ok := receipt.One(p.Header, SignatureHeader)
	if !ok || c.set.receipts == "" {
		return nil, fmt.Errorf("webhook: %w: the signature is missing, or comes twice", receipt.ErrForged)
	}
	seconds, _, _ := strings.Cut(strings.TrimPrefix(header, "t="), ",")
	if !hmac.Equal([]byte(signature(*c.set.secret, seconds, inward, p.Body)), []byte(header)) {
		return nil, fmt.Errorf("webhook: %w: the signature is wrong", receipt.ErrForged)
	}
	if !receipt.Fresh(seconds, p.Now) {
		return nil, fmt.Errorf("webhook: %w: it was not signed just now", receipt.ErrForged)
	}
	return said(p.Body)
}

// said reads a receipt. A class that is not one of ours is not known, and of a message
// that has not failed it means nothing.
func said(body []byte) ([]verify.Receipt, error) {
	var in struct {
		Message string               `json:"message"` // what we called it
		ID      string               `json:"id"`      // what the service did
		State   verify.DeliveryState `json:"state"`
		Class   string               `json:"class"`
		Line    verify.Line          `json:"line"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("webhook: %w: the body is not JSON of the known form", receipt.ErrUnreadable)
	}
	out := verify.Receipt{Message: post.PlainID(in.Message), CarrierID: post.PlainID(in.ID), State: in.State, Line: lineOf(in.Line)}
	if out.Message == "" && out.CarrierID == "" {
		return nil, fmt.Errorf("webhook: %w: it has neither message nor id", receipt.ErrUnreadable)
	}
	switch in.State {
	case verify.Sent, verify.Delivered:
	case verify.Failed:
		out.Class = verify.UnknownClass
		if class, known := classes()[post.Code(in.Class)]; known {
			out.Class = class
		}
	default:
		return nil, fmt.Errorf("webhook: %w: its state is none of sent, delivered and failed", receipt.ErrUnreadable)
	}
	return []verify.Receipt{out}, nil
}
