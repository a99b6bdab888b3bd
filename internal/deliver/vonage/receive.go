package vonage

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"countersign/internal/deliver/post"
	"countersign/internal/deliver/receipt"
	"countersign/internal/verify"
)

var _ receipt.Receiver = (*Carrier)(nil)

// Receive implements receipt.Receiver. It looks at the Authorization header and the body
// alone. The token must be by HS256 whatever it says of itself, not older than
// receipt.Window, and hold the hash of this very body, which Vonage's own documents leave
// to whoever checks. Without a ReceiptURL everything is refused.
func (c *Carrier) Receive(p receipt.Posted) ([]verify.Receipt, error) {
	header, ok := receipt.One(p.Header, "Authorization")
	jwt, bearer := strings.CutPrefix(header, "Bearer ")
	parts := strings.Split(jwt, ".")
	if !ok || !bearer || len(parts) != 3 || c.set.receipts == "" {
		return nil, fmt.Errorf("vonage: %w: the signature is missing, or comes twice", receipt.ErrForged)
	}
	mac := hmac.New(sha256.New, []byte(*c.set.secret))
	_, _ = mac.Write([]byte(parts[0] + "." + parts[1])) // it takes everything
	if !hmac.Equal([]byte(encoded(mac.Sum(nil))), []byte(parts[2])) {
		return nil, fmt.Errorf("vonage: %w: the signature is wrong", receipt.ErrForged)
	}
	if !c.set.ours(parts[0], parts[1], p) {
		return nil, fmt.Errorf("vonage: %w: the token is of another request, another account or another time", receipt.ErrForged)
	}
	return said(p.Body)
}

// ours says whether a token, whose signature is right, is of this request and account.
func (s *settings) ours(head, claims string, p receipt.Posted) bool {
	var is struct {
		Algorithm string `json:"alg"`
	}
	var in struct {
		IssuedAt    json.Number `json:"iat"`
		PayloadHash string      `json:"payload_hash"`
		APIKey      string      `json:"api_key"`
		Application string      `json:"application_id"`
	}
	sum := sha256.Sum256(p.Body)
	return decode(head, &is) && decode(claims, &in) && is.Algorithm == "HS256" &&
		hmac.Equal([]byte(in.PayloadHash), []byte(hex.EncodeToString(sum[:]))) &&
		receipt.Fresh(in.IssuedAt.String(), p.Now) &&
		(in.APIKey == "" || s.key == "" || in.APIKey == s.key) &&
		(in.Application == "" || s.application == "" || in.Application == s.application)
}

func decode(part string, into any) bool {
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}

// said reads a status.
func said(body []byte) ([]verify.Receipt, error) {
	var in struct {
		ID     string `json:"message_uuid"`
		Ref    string `json:"client_ref"`
		Status string `json:"status"`
		Error  struct {
			Type  string `json:"type"`
			Title any    `json:"title"` // the code, as a text or a number
		} `json:"error"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("vonage: %w: the body is not JSON of the known form", receipt.ErrUnreadable)
	}
	r := verify.Receipt{Message: post.PlainID(in.Ref), CarrierID: post.PlainID(in.ID)}
	switch in.Status {
	case "submitted":
		r.State = verify.Sent
	case "delivered", "read":
		r.State = verify.Delivered
	case "rejected", "undeliverable":
		r.State, r.Class = verify.Failed, verify.UnknownClass
		for _, code := range []post.Code{codeOf(in.Error.Type), titled(in.Error.Title)} {
			if class, known := classes[code]; known {
				r.Class = class
				break
			}
		}
	default:
		return nil, nil // something else that an application is told
	}
	if r.Message == "" && r.CarrierID == "" {
		return nil, fmt.Errorf("vonage: %w: it names no message", receipt.ErrUnreadable)
	}
	return []verify.Receipt{r}, nil
}

func titled(title any) post.Code {
	switch t := title.(type) {
	case string:
		return post.Code(t)
	case float64:
		return post.Code(strconv.FormatFloat(t, 'f', 0, 64))
	}
	return ""
}
