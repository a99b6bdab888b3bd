package whatsapp

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"countersign/internal/deliver/post"
	"countersign/internal/deliver/receipt"
	"countersign/internal/verify"
)

var _ receipt.Challenger = (*Carrier)(nil)

// signatureHeader holds sha256= and the HMAC-SHA-256 of the body under the app's secret,
// in small hexadecimal digits.
const signatureHeader = "X-Hub-Signature-256"

// Receive implements receipt.Receiver. It looks at the header and the body alone.
// Without a ReceiptURL everything is refused: nobody was asked for receipts. Meta signs
// no time, so a receipt that is posted again is taken again, and says nothing new.
func (c *Carrier) Receive(p receipt.Posted) ([]verify.Receipt, error) {
	header, ok := receipt.One(p.Header, signatureHeader)
	if !ok || !c.set.receipts {
		return nil, fmt.Errorf("whatsapp: %w: the signature is missing, or comes twice", receipt.ErrForged)
	}
	mac := hmac.New(sha256.New, []byte(*c.set.secret))
	_, _ = mac.Write(p.Body) // it takes everything
	if !hmac.Equal([]byte("sha256="+hex.EncodeToString(mac.Sum(nil))), []byte(header)) {
		return nil, fmt.Errorf("whatsapp: %w: the signature is wrong", receipt.ErrForged)
	}
	return c.set.said(p.Body, p.Now)
}

// status is what became of a message ("Webhooks": statuses).
type status struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	Timestamp string `json:"timestamp"` // Unix seconds
	Callback  string `json:"biz_opaque_callback_data"`
	Errors    []struct {
		Code post.Code `json:"code"`
	} `json:"errors"`
}

// said reads the statuses of our number. Meta posts to one address whatever an app
// subscribed to, of all its numbers: the rest is passed over.
func (s *settings) said(body []byte, now time.Time) ([]verify.Receipt, error) {
	var in struct {
		Entry []struct {
			Changes []struct {
				Value struct {
					Metadata struct {
						Number string `json:"phone_number_id"`
					} `json:"metadata"`
					Statuses []status `json:"statuses"`
				} `json:"value"`
			} `json:"changes"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("whatsapp: %w: the body is not JSON of the known form", receipt.ErrUnreadable)
	}
	var out []verify.Receipt
	for _, entry := range in.Entry {
		for _, change := range entry.Changes {
			if change.Value.Metadata.Number != s.number {
				continue
			}
			for _, st := range change.Value.Statuses {
				if r, ok := st.receipt(now); ok {
					out = append(out, r)
				}
			}
		}
	}
	return out, nil
}

// receipt is what a status says. One from the future is passed over, and so is a word
// that we do not know.
func (s status) receipt(now time.Time) (r verify.Receipt, ok bool) {
	seconds, err := strconv.ParseInt(s.Timestamp, 10, 64)
	if err != nil || time.Unix(seconds, 0).Sub(now) > receipt.Window {
		return r, false
	}
	r = verify.Receipt{Message: post.PlainID(s.Callback), CarrierID: stored(s.ID)}
	switch s.Status {
	case "sent":
		r.State = verify.Sent
	case "delivered", "read":
		r.State = verify.Delivered
	case "failed":
		r.State, r.Class = verify.Failed, verify.UnknownClass
		for _, e := range s.Errors {
			if class, known := classes[e.Code]; known {
				r.Class = class
				break
			}
		}
	default:
		return r, false
	}
	return r, r.Message != "" || r.CarrierID != ""
}

// maxChallenge is more than Meta's challenges have.
const maxChallenge = 128

// Challenge implements receipt.Challenger: Meta asks once, when the address is set,
// whether whoever answers there knows the token.
func (c *Carrier) Challenge(p receipt.Posted) ([]byte, error) {
	u, err := url.Parse(p.URL)
	if err != nil || !c.set.receipts {
		return nil, fmt.Errorf("whatsapp: %w: no receipts are asked for", receipt.ErrForged)
	}
	query, err := url.ParseQuery(u.RawQuery)
	mode, token, challenge := query["hub.mode"], query["hub.verify_token"], query["hub.challenge"]
	if err != nil || len(mode) != 1 || len(token) != 1 || len(challenge) != 1 || mode[0] != "subscribe" {
		return nil, fmt.Errorf("whatsapp: %w: not the question that Meta asks", receipt.ErrForged)
	}
	// Hashed, so that not even its length can be told by the time.
	want, got := sha256.Sum256([]byte(*c.set.token)), sha256.Sum256([]byte(token[0]))
	if subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return nil, fmt.Errorf("whatsapp: %w: the token is another one", receipt.ErrForged)
	}
	if len(challenge[0]) > maxChallenge || !plain(challenge[0]) {
		return nil, fmt.Errorf("whatsapp: %w: the challenge is no plain word", receipt.ErrForged)
	}
	return []byte(challenge[0]), nil
}

// plain says whether a text has nothing in it that a browser or a log could take for
// more than a word.
func plain(text string) bool {
	const marks = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.+=_-"
	return text != "" && strings.Trim(text, marks) == ""
}
