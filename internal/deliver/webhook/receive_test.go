package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/deliver/receipt"
	"countersign/internal/deliver/receipt/receipttest"
	"countersign/internal/deliver/webhook"
	"countersign/internal/verify"
)

func receiver(t testing.TB) receipt.Receiver {
	t.Helper()
	return carrier(t, webhook.Config{ReceiptURL: receiptURL})
}

func mac(h func() hash.Hash, key, text string) string {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}

func withHeader(header, body string) receipt.Posted {
	return receipt.Posted{
		Method: http.MethodPost, URL: receiptURL + "?message=" + messageID, Body: []byte(body), Now: clock(),
		Header: http.Header{"Content-Type": {"application/json"}, "Countersign-Signature": {header}},
	}
}

// posted is a receipt that is signed as docs/carriers/webhook.md says.
func posted(at time.Time, body string) receipt.Posted {
	t := strconv.FormatInt(at.Unix(), 10)
	return withHeader("t="+t+",v1="+mac(sha256.New, secret, t+".receipt."+body), body)
}

func TestNothingForgedIsTakenForAReceipt(t *testing.T) {
	delivered := `{"message":"` + messageID + `","state":"delivered","line":"mobile"}`
	failed := `{"message":"` + messageID + `","id":"own-1","state":"failed","class":"opted out"}`
	const seconds = "1780000000"
	signed := func(text string) receipt.Posted {
		return withHeader("t="+seconds+",v1="+mac(sha256.New, secret, text), delivered)
	}
	digest := mac(sha256.New, secret, seconds+".receipt."+delivered)
	raw, _ := hex.DecodeString(digest)
	receipttest.Run(t, receipttest.Harness{
		Receiver: receiver(t),
		Valid: []receipttest.Valid{
			{Posted: posted(clock(), delivered), Want: []verify.Receipt{{Message: messageID, State: verify.Delivered, Line: verify.Mobile}}},
			{Posted: posted(clock(), failed), Want: []verify.Receipt{{Message: messageID, CarrierID: "own-1", State: verify.Failed, Class: verify.OptedOut}}},
			{Posted: posted(clock(), `{"id":"own-1","state":"sent","extra":[1]}`), Want: []verify.Receipt{{CarrierID: "own-1", State: verify.Sent}}},
		},
		Signed: []string{"Countersign-Signature"},
		Dated:  true,
		Forgeries: map[string]receipt.Posted{
			"our own request, posted back":   signed(seconds + ".message." + delivered),
			"signed without a direction":     signed(seconds + "." + delivered),
			"signed without the instant":     signed(delivered),
			"signed with another secret":     withHeader("t="+seconds+",v1="+mac(sha256.New, "another", seconds+".receipt."+delivered), delivered),
			"signed with no secret":          withHeader("t="+seconds+",v1="+mac(sha256.New, "", seconds+".receipt."+delivered), delivered),
			"signed by SHA-512":              withHeader("t="+seconds+",v1="+mac(sha512.New, secret, seconds+".receipt."+delivered), delivered),
			"signed in Base64":               withHeader("t="+seconds+",v1="+base64.StdEncoding.EncodeToString(raw), delivered),
			"signed in capitals":             withHeader("t="+seconds+",v1="+strings.ToUpper(digest), delivered),
			"signed too long ago":            posted(clock().Add(-receipt.Window-time.Second), delivered),
			"signed too far ahead":           posted(clock().Add(receipt.Window+time.Second), delivered),
			"signed as another version":      withHeader("t="+seconds+",v0="+digest, delivered),
			"the signature alone":            withHeader("v1="+digest, delivered),
			"the parts in the other order":   withHeader("v1="+digest+",t="+seconds, delivered),
			"a second signature":             withHeader("t="+seconds+",v1=00,v1="+digest, delivered),
			"a second instant":               withHeader("t=1,t="+seconds+",v1="+digest, delivered),
			"a space between the parts":      withHeader("t="+seconds+", v1="+digest, delivered),
			"an instant that is no number":   withHeader("t=now,v1="+mac(sha256.New, secret, "now.receipt."+delivered), delivered),
			"an instant in milliseconds":     withHeader("t=1780000000000,v1="+mac(sha256.New, secret, "1780000000000.receipt."+delivered), delivered),
			"no instant":                     withHeader("t=,v1="+mac(sha256.New, secret, ".receipt."+delivered), delivered),
			"the instant grown by the body":  withHeader("t="+seconds+".receipt.{}.receipt,v1="+digest, delivered),
			"no headers at all":              {Method: "POST", URL: receiptURL, Body: []byte(delivered), Now: clock(), Header: http.Header{}},
			"another carrier's signature":    {Method: "POST", URL: receiptURL, Body: []byte(delivered), Now: clock(), Header: http.Header{"X-Twilio-Signature": {"GvWf1cFY/Q7PnoempGyD5oXAezc="}}},
			"the secret itself, as a header": withHeader(secret, delivered),
		},
	})
}

// The signature is what the Python of docs/carriers/webhook.md made of it.
func TestWhatTheDocumentedProgramSignsIsTaken(t *testing.T) {
	p := withHeader("t=1780000000,v1=bc099bb419983f700fec054c4e690875a4fff9dea93ce4af275754001e163e41",
		`{"message":"m-1","state":"delivered"}`)
	if got, err := receiver(t).Receive(p); err != nil || len(got) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestEachStateIsRead(t *testing.T) {
	for body, want := range map[string]verify.Receipt{
		`{"message":"m-1","state":"sent"}`:                                                 {Message: "m-1", State: verify.Sent},
		`{"message":"m-1","state":"delivered","class":"opted out"}`:                        {Message: "m-1", State: verify.Delivered},
		`{"message":"m-1","state":"failed"}`:                                               {Message: "m-1", State: verify.Failed, Class: verify.UnknownClass},
		`{"message":"m-1","state":"failed","class":"whatever"}`:                            {Message: "m-1", State: verify.Failed, Class: verify.UnknownClass},
		`{"id":"own-1","state":"failed","class":"not a mobile","line":"landline"}`:         {CarrierID: "own-1", State: verify.Failed, Class: verify.NotMobile, Line: verify.Landline},
		`{"message":"m-1","id":"own-1","state":"delivered","line":"yacht","more":{"a":1}}`: {Message: "m-1", CarrierID: "own-1", State: verify.Delivered},
	} {
		got, err := receiver(t).Receive(posted(clock(), body))
		if diff := cmp.Diff([]verify.Receipt{want}, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", body, err, diff)
		}
	}
}

func TestASignedReceiptThatMakesNoSenseIsUnreadable(t *testing.T) {
	for _, body := range []string{
		``, `{`, `[]`, `{}`, `{"message":"m-1"}`, `{"state":"delivered"}`, `{"message":"a b","state":"delivered"}`, `{"message":7,"state":"delivered"}`,
		`{"message":"m-1","state":"queued"}`, `{"message":"m-1","state":"Delivered"}`, `{"message":"m-1","state":"dropped"}`,
	} {
		if got, err := receiver(t).Receive(posted(clock(), body)); got != nil || !errors.Is(err, receipt.ErrUnreadable) {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

func TestWithoutAnAddressEveryReceiptIsForged(t *testing.T) {
	p := posted(clock(), `{"message":"m-1","state":"delivered"}`)
	for _, address := range []string{p.URL, "", "?message=" + messageID} {
		p.URL = address
		if got, err := carrier(t, webhook.Config{}).Receive(p); got != nil || !errors.Is(err, receipt.ErrForged) {
			t.Errorf("%q: %+v, %v", address, got, err)
		}
	}
}

func FuzzWhatTheServiceSignedIsReadOrRefused(f *testing.F) {
	f.Add(`{"message":"m-1","state":"failed","class":"opted out"}`)
	f.Add(`{"id":{},"state":[],"line":7}`)
	f.Fuzz(func(t *testing.T, body string) {
		got, err := receiver(t).Receive(posted(clock(), body))
		if errors.Is(err, receipt.ErrForged) || err != nil && got != nil {
			t.Errorf("%+v, %v", got, err)
		}
		for _, r := range got {
			if r.Message == "" && r.CarrierID == "" || (r.Class != "") != (r.State == verify.Failed) {
				t.Errorf("%+v", r)
			}
		}
	})
}
