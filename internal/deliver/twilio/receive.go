package twilio

import (
	"crypto/hmac"
	"crypto/sha1" // #nosec: what Twilio signs with; as an HMAC it is sound
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"countersign/internal/deliver/post"
	"countersign/internal/deliver/receipt"
	"countersign/internal/verify"
)

var _ receipt.Receiver = (*Carrier)(nil)

// Receive implements receipt.Receiver. The signature ("Webhooks security") is over the
// address and the parameters' names and values, sorted and run together without anything
// between them, and it has no instant. Whoever has one good request could therefore cut
// the same text into other parameters, or move its end into the address. So the address
// must be one that we gave, to the letter, and the parameters must look like Twilio's:
// see checked. Without a ReceiptURL everything is refused: no address was given.
func (c *Carrier) Receive(p receipt.Posted) ([]verify.Receipt, error) {
	signature, ok := receipt.One(p.Header, "X-Twilio-Signature")
	if !ok {
		return nil, fmt.Errorf("twilio: %w: the signature is missing, or comes twice", receipt.ErrForged)
	}
	address, hash, hashed := strings.Cut(p.URL, "&bodySHA256=")
	message, ours := receipt.MessageOf(c.set.receipts, address)
	if !ours || c.set.receipts == "" {
		return nil, fmt.Errorf("twilio: %w: the address is not one that was given to Twilio", receipt.ErrForged)
	}
	said, ok := form(p.Body)
	signed := said
	if hashed {
		said, ok = object(p.Body, hash)
		signed = nil // the hash in the address stands for them
	}
	if !ok || !c.signed(signature, p.URL, signed) {
		return nil, fmt.Errorf("twilio: %w: the signature is wrong, or a parameter comes twice", receipt.ErrForged)
	}
	if !c.checked(said) {
		return nil, fmt.Errorf("twilio: %w: it is not a status callback of this account", receipt.ErrForged)
	}
	return receiptOf(message, said)
}

// signed compares with the signature of the address as it is, with the port that its
// scheme has by itself, and without a port: Twilio's own SDKs say that it is not always
// the same. All three are tried in any case.
func (c *Carrier) signed(signature, address string, said map[string]string) bool {
	text := runTogether(said)
	good := 0
	for _, form := range ports(address) {
		mac := hmac.New(sha1.New, []byte(*c.set.token))
		_, _ = mac.Write([]byte(form + text)) // it takes everything
		good |= subtle.ConstantTimeCompare([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(signature))
	}
	return good == 1
}

// runTogether is what of parameters is signed.
func runTogether(said map[string]string) string {
	text := ""
	for _, name := range slices.Sorted(maps.Keys(said)) {
		text += name + said[name]
	}
	return text
}

// ports are the forms of an address, which begins with our own.
func ports(address string) [3]string {
	scheme, rest, _ := strings.Cut(address, "://")
	host, path, _ := strings.Cut(rest, "/")
	bare, _, ported := cutPort(host)
	with := host
	if !ported {
		with += map[string]string{"https": ":443", "http": ":80"}[scheme]
	}
	return [3]string{address, scheme + "://" + with + "/" + path, scheme + "://" + bare + "/" + path}
}

// cutPort leaves the colons of an IPv6 address alone.
func cutPort(host string) (bare, port string, ok bool) {
	at := strings.LastIndexByte(host, ':')
	if at < 0 || strings.HasSuffix(host, "]") {
		return host, "", false
	}
	return host[:at], host[at+1:], true
}

// form reads a body that is a form, and refuses one in which a parameter comes twice:
// one could have been verified, and the other read.
func form(body []byte) (map[string]string, bool) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, false
	}
	out := make(map[string]string, len(values))
	for name, all := range values {
		if len(all) != 1 {
			return nil, false
		}
		out[name] = all[0]
	}
	return out, true
}

// object reads a body of JSON, whose hash stands in the signed address. What it holds
// besides texts is left out.
func object(body []byte, hash string) (map[string]string, bool) {
	sum := sha256.Sum256(body)
	if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(hash)) != 1 {
		return nil, false
	}
	var in map[string]any
	if json.Unmarshal(body, &in) != nil {
		return nil, false
	}
	out := map[string]string{}
	for name, value := range in {
		if text, ok := value.(string); ok {
			out[name] = text
		}
	}
	return out, true
}

// telling are the parameters that we read.
var telling = []string{"AccountSid", "MessageSid", "MessageStatus", "CallSid", "CallStatus", "ErrorCode"}

// checked says whether parameters are this account's and cut as Twilio cuts them. Names
// are words, and wherever the name of a parameter that we read stands in the text that was
// signed, a name ends with it: none is cut in two, and none hides in a value.
func (c *Carrier) checked(said map[string]string) bool {
	text := runTogether(said)
	for _, one := range telling {
		ends := 0
		for name := range said {
			before, ok := strings.CutSuffix(name, one)
			if ok && strings.Trim(before, letters) == "" { // as ParentCallSid
				ends++
			}
		}
		if strings.Count(text, one) != ends {
			return false
		}
	}
	for name := range said {
		if name == "" || name[0] < 'A' || name[0] > 'Z' || post.PlainID(name) != name {
			return false
		}
	}
	code := said["ErrorCode"]
	if len(code) > 6 || strings.Trim(code, "0123456789") != "" {
		return false
	}
	ofText := isSID("SM", said["MessageSid"]) || isSID("MM", said["MessageSid"])
	return said["AccountSid"] == c.set.account &&
		(ofText && word(said["MessageStatus"]) || isSID("CA", said["CallSid"]) && word(said["CallStatus"]))
}

const (
	small   = "abcdefghijklmnopqrstuvwxyz"
	letters = small + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

func word(text string) bool { return text != "" && strings.Trim(text, small+"-") == "" }

// states sorts what Twilio says of a text ("Messages resource", Status) and of a call
// ("Calls resource", Status). A call that has ended after it was taken has been heard, as
// far as is known.
var states = map[string]verify.Receipt{
	"accepted": {State: verify.Sent}, "scheduled": {State: verify.Sent}, "queued": {State: verify.Sent}, "sending": {State: verify.Sent},
	"sent": {State: verify.Sent}, "delivered": {State: verify.Delivered}, "read": {State: verify.Delivered},
	"undelivered": {State: verify.Failed, Class: verify.UnknownClass}, "failed": {State: verify.Failed, Class: verify.UnknownClass},
	"canceled": {State: verify.Failed, Class: verify.UnknownClass},

	"initiated": {State: verify.Sent}, "ringing": {State: verify.Sent}, "in-progress": {State: verify.Sent}, "answered": {State: verify.Sent},
	"completed": {State: verify.Delivered},
	"busy":      {State: verify.Failed, Class: verify.Temporary}, "no-answer": {State: verify.Failed, Class: verify.Temporary},
}

func receiptOf(message string, said map[string]string) ([]verify.Receipt, error) {
	status, id := said["MessageStatus"], said["MessageSid"]
	if status == "" {
		status, id = said["CallStatus"], said["CallSid"]
	}
	out, known := states[status]
	if !known {
		return nil, fmt.Errorf("twilio: %w: the status is not known", receipt.ErrUnreadable)
	}
	out.Message, out.CarrierID = message, id
	if class, ok := classes[post.Code(said["ErrorCode"])]; ok && out.State == verify.Failed {
		out.Class = class
	}
	return []verify.Receipt{out}, nil
}
