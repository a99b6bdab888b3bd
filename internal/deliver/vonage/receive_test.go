package vonage_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/deliver/receipt"
	"countersign/internal/deliver/receipt/receipttest"
	"countersign/internal/deliver/vonage"
	"countersign/internal/verify"
)

func enc(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// jwt signs claims with a key, and says of itself what head says.
func jwt(h func() hash.Hash, key, head, claims string) string {
	signed := enc(head) + "." + enc(claims)
	m := hmac.New(h, []byte(key))
	m.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

const hs256 = `{"alg":"HS256","typ":"JWT"}`

// claims are those of Vonage's documents, of a body at a time.
func claims(at time.Time, body string) string {
	sum := sha256.Sum256([]byte(body))
	return fmt.Sprintf(`{"iat":%d,"jti":"c5ba8f24","iss":"Vonage","payload_hash":%q,"api_key":%q}`, at.Unix(), hex.EncodeToString(sum[:]), apiKey)
}

func withToken(token, body string) receipt.Posted {
	return receipt.Posted{
		Method: http.MethodPost, URL: receiptURL, Body: []byte(body), Now: clock(),
		Header: http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + token}},
	}
}

func posted(body string) receipt.Posted {
	return withToken(jwt(sha256.New, signing, hs256, claims(clock(), body)), body)
}

func status(word, more string) string {
	return fmt.Sprintf(`{"message_uuid":%q,"to":"12025550147","from":"15551234567","timestamp":"2026-05-28T20:26:40Z","status":%q,"client_ref":%q,"channel":"sms"%s}`,
		uuidOfTheir, word, messageID, more)
}

func TestNothingForgedIsTakenForAReceipt(t *testing.T) {
	delivered := status("delivered", "")
	rejected := status("rejected", `,"error":{"type":"https://developer.vonage.com/api-errors/messages#1240","title":1240}`)
	of := func(head, claims string) receipt.Posted {
		return withToken(jwt(sha256.New, signing, head, claims), delivered)
	}
	good := claims(clock(), delivered)
	receipttest.Run(t, receipttest.Harness{
		Receiver: carrier(t, config()),
		Valid: []receipttest.Valid{
			{Posted: posted(delivered), Want: []verify.Receipt{{Message: messageID, CarrierID: uuidOfTheir, State: verify.Delivered}}},
			{Posted: posted(rejected), Want: []verify.Receipt{{Message: messageID, CarrierID: uuidOfTheir, State: verify.Failed, Class: verify.OptedOut}}},
		},
		Signed: []string{"Authorization"},
		Dated:  true,
		Forgeries: map[string]receipt.Posted{
			"signed with another secret":      withToken(jwt(sha256.New, "another", hs256, good), delivered),
			"signed with no secret":           withToken(jwt(sha256.New, "", hs256, good), delivered),
			"signed with the API secret":      withToken(jwt(sha256.New, apiSecret, hs256, good), delivered),
			"signed by HS512":                 withToken(jwt(sha512.New, signing, `{"alg":"HS512"}`, good), delivered),
			"of algorithm none":               withToken(enc(`{"alg":"none"}`)+"."+enc(good)+".", delivered),
			"that calls itself none":          of(`{"alg":"none"}`, good),
			"that calls itself RS256":         of(`{"alg":"RS256"}`, good),
			"without a hash of the body":      of(hs256, fmt.Sprintf(`{"iat":%d}`, clock().Unix())),
			"with an empty hash":              of(hs256, fmt.Sprintf(`{"iat":%d,"payload_hash":""}`, clock().Unix())),
			"with another body's hash":        of(hs256, claims(clock(), rejected)),
			"without a time":                  of(hs256, strings.Replace(good, `"iat"`, `"nbf"`, 1)),
			"of six minutes ago":              of(hs256, claims(clock().Add(-6*time.Minute), delivered)),
			"of six minutes ahead":            of(hs256, claims(clock().Add(6*time.Minute), delivered)),
			"of another account":              of(hs256, strings.Replace(good, apiKey, "other123", 1)),
			"with claims that are no JSON":    of(hs256, "hello"),
			"with a head that is no JSON":     of("hello", good),
			"without Bearer":                  {Method: "POST", URL: receiptURL, Body: []byte(delivered), Now: clock(), Header: http.Header{"Authorization": {jwt(sha256.New, signing, hs256, good)}}},
			"with the account's own password": {Method: "POST", URL: receiptURL, Body: []byte(delivered), Now: clock(), Header: http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(apiKey+":"+apiSecret))}}},
			"with no headers at all":          {Method: "POST", URL: receiptURL, Body: []byte(delivered), Now: clock(), Header: http.Header{}},
			"with four parts":                 withToken(jwt(sha256.New, signing, hs256, good)+".x", delivered),
		},
	})
}

func TestWhatStatusesSay(t *testing.T) {
	of := func(state verify.DeliveryState, class verify.Class) []verify.Receipt {
		return []verify.Receipt{{Message: messageID, CarrierID: uuidOfTheir, State: state, Class: class}}
	}
	for body, want := range map[string][]verify.Receipt{
		status("submitted", ""):                              of(verify.Sent, ""),
		status("read", ""):                                   of(verify.Delivered, ""),
		status("undeliverable", ""):                          of(verify.Failed, verify.UnknownClass),
		status("undeliverable", `,"error":{"title":"1180"}`): of(verify.Failed, verify.Temporary),
		status("rejected", `,"error":{"title":1170}`):        of(verify.Failed, verify.BadNumber),
		status("rejected", `,"error":{"type":"https://developer.vonage.com/api-errors#other"}`): of(verify.Failed, verify.UnknownClass),
		status("warmed", ""): nil,
		`{}`:                 nil,
	} {
		got, err := carrier(t, config()).Receive(posted(body))
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v\n%s", body, err, d)
		}
	}
	for _, body := range []string{"", "[]", `{"status":"delivered"}`} {
		if _, err := carrier(t, config()).Receive(posted(body)); !errors.Is(err, receipt.ErrUnreadable) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestNobodyWhoWasNotAskedIsBelieved(t *testing.T) {
	c := config()
	c.ReceiptURL, c.SignatureSecret = "", ""
	body := status("delivered", "")
	if _, err := carrier(t, c).Receive(withToken(jwt(sha256.New, "", hs256, claims(clock(), body)), body)); !errors.Is(err, receipt.ErrForged) {
		t.Errorf("without a secret: %v", err)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte(status("delivered", "")))
	f.Add([]byte(status("rejected", `,"error":{"title":{}}`)))
	k, err := vonage.New(config())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := k.Receive(posted(string(body)))
		if errors.Is(err, receipt.ErrForged) {
			t.Error("a signed body is forged")
		}
		for _, r := range list {
			if r.State == "" || r.Message == "" && r.CarrierID == "" {
				t.Errorf("%+v", r)
			}
		}
	})
}
