package twilio_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/deliver/receipt"
	"countersign/internal/deliver/receipt/receipttest"
	"countersign/internal/deliver/twilio"
	"countersign/internal/verify"
)

const (
	receiptURL = "https://otp.example/receipts/twilio"
	messageID  = "0198c0de-0000-7000-8000-000000000001-1"
	textSID    = "SM11112222333344445555666677778888"
	callSID    = "CA11112222333344445555666677778888"
)

func receiver(t testing.TB) receipt.Receiver {
	t.Helper()
	return carrier(t, twilio.Config{ReceiptURL: receiptURL})
}

func mac(h func() hash.Hash, key, text string) string {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// runTogether is what is signed of a form.
func runTogether(body string) string {
	values, err := url.ParseQuery(body)
	if err != nil {
		panic(err)
	}
	var names []string
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	out := ""
	for _, name := range names {
		out += name + values.Get(name)
	}
	return out
}

// posted is a callback to an address, signed with the token.
func posted(address, body string) receipt.Posted {
	return signedAs(address, body, mac(sha1.New, token, address+runTogether(body)))
}

func signedAs(address, body, signature string) receipt.Posted {
	return receipt.Posted{
		Method: http.MethodPost, URL: address, Body: []byte(body), Now: time.Unix(1_780_000_000, 0),
		Header: http.Header{"Content-Type": {formKind}, "X-Twilio-Signature": {signature}},
	}
}

const named = receiptURL + "?message=" + messageID

func ofText(status, code string) string {
	out := "AccountSid=" + account + "&ApiVersion=2010-04-01"
	if code != "" {
		out += "&ErrorCode=" + code
	}
	return out + "&From=%2B15551234567&MessageSid=" + textSID + "&MessageStatus=" + status +
		"&RawDlrDoneDate=2605282026&SmsSid=" + textSID + "&SmsStatus=" + status + "&To=%2B12025550147"
}

func ofCall(status string) string {
	return "AccountSid=" + account + "&ApiVersion=2010-04-01&CallDuration=14&CallSid=" + callSID + "&CallStatus=" + status +
		"&Called=%2B12025550147&Caller=%2B15551234567&CallbackSource=call-progress-events&Direction=outbound-api&From=%2B15551234567" +
		"&SequenceNumber=0&Timestamp=Thu%2C+28+May+2026+20%3A26%3A40+%2B0000&To=%2B12025550147"
}

func TestNothingForgedIsTakenForAReceipt(t *testing.T) {
	delivered := ofText("delivered", "")
	hashed := func(body string) string { return fmt.Sprintf("&bodySHA256=%x", sha256.Sum256([]byte(body))) }
	object := `{"AccountSid":"` + account + `","MessageSid":"` + textSID + `","MessageStatus":"delivered"}`
	sent := []verify.Receipt{{Message: messageID, CarrierID: textSID, State: verify.Sent}}
	receipttest.Run(t, receipttest.Harness{
		Receiver: receiver(t),
		Valid: []receipttest.Valid{
			{Posted: posted(named, delivered), Want: []verify.Receipt{{Message: messageID, CarrierID: textSID, State: verify.Delivered}}},
			{Posted: posted(named, ofText("undelivered", "30006")), Want: []verify.Receipt{{Message: messageID, CarrierID: textSID, State: verify.Failed, Class: verify.NotMobile}}},
			{Posted: posted(receiptURL+"?message=another-2", ofText("sent", "")), Want: []verify.Receipt{{Message: "another-2", CarrierID: textSID, State: verify.Sent}}},
			{Posted: posted(named, ofCall("completed")), Want: []verify.Receipt{{Message: messageID, CarrierID: callSID, State: verify.Delivered}}},
		},
		Signed:    []string{"X-Twilio-Signature"},
		SignsURL:  true,
		SignsForm: true,
		Forgeries: map[string]receipt.Posted{
			"signed with another token":       signedAs(named, delivered, mac(sha1.New, "another", named+runTogether(delivered))),
			"signed with no token":            signedAs(named, delivered, mac(sha1.New, "", named+runTogether(delivered))),
			"signed by SHA-256":               signedAs(named, delivered, mac(sha256.New, token, named+runTogether(delivered))),
			"signed without the address":      signedAs(named, delivered, mac(sha1.New, token, runTogether(delivered))),
			"signed over the body's bytes":    signedAs(named, delivered, mac(sha1.New, token, named+delivered)),
			"of another account":              posted(named, strings.ReplaceAll(delivered, account, "AC"+strings.Repeat("7", 32))),
			"of no account":                   posted(named, strings.Replace(delivered, "AccountSid", "Account", 1)),
			"to another carrier's address":    posted("https://otp.example/receipts/twilio-2?message="+messageID, delivered),
			"to an address without message":   posted(receiptURL, delivered),
			"to an address with two messages": posted(named+"&message=other", delivered),
			"with a parameter twice":          posted(named, delivered+"&To=%2B12025550147"),
			"with another hash in its address": signedAs(named+hashed("x"), delivered,
				mac(sha1.New, token, named+hashed("x"))),
			"a form with its own hash":   signedAs(named+hashed(delivered), delivered, mac(sha1.New, token, named+hashed(delivered))),
			"an object without its hash": signedAs(named, object, mac(sha1.New, token, named)),
			"an object of another account": signedAs(named+hashed(`{"AccountSid":"x"}`), `{"AccountSid":"x"}`,
				mac(sha1.New, token, named+hashed(`{"AccountSid":"x"}`))),
			"a list with its hash": signedAs(named+hashed(`[]`), `[]`, mac(sha1.New, token, named+hashed(`[]`))),
			"Telnyx's signature":   {Method: "POST", URL: named, Body: []byte(delivered), Header: http.Header{"Telnyx-Timestamp": {"1780000000"}, "Telnyx-Signature-Ed25519": {"AAAA"}}},
			"no headers at all":    {Method: "POST", URL: named, Body: []byte(delivered), Header: http.Header{}},
		},
	})
	// JSON is signed by its hash; a second body of the same address is not.
	p := signedAs(named+hashed(object), object, mac(sha1.New, token, named+hashed(object)))
	if got, err := receiver(t).Receive(p); err != nil || len(got) != 1 || got[0].State != verify.Delivered {
		t.Errorf("an object with its hash: %+v, %v", got, err)
	}
	p.Body = []byte(strings.Replace(object, "delivered", "undelivered", 1))
	if got, err := receiver(t).Receive(p); !errors.Is(err, receipt.ErrForged) {
		t.Errorf("an object with another's hash: %+v, %v", got, err)
	}
	if got, err := receiver(t).Receive(posted(named, ofText("sent", ""))); err != nil || cmp.Diff(sent, got) != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// The signature does not know where a name ends and its value begins. Every way to cut
// what was signed into other parameters, or to move its end into the address, is either
// refused or says the same.
func TestWhatWasSignedCannotBeCutAnew(t *testing.T) {
	good := posted(named, ofText("undelivered", "30006"))
	want, err := receiver(t).Receive(good)
	if err != nil {
		t.Fatal(err)
	}
	signature := good.Header.Get("X-Twilio-Signature")
	text := named + runTogether(string(good.Body))
	values, _ := url.ParseQuery(string(good.Body))
	tried := 0
	try := func(address string, form url.Values) {
		tried++
		got, err := receiver(t).Receive(signedAs(address, form.Encode(), signature))
		if err == nil && cmp.Diff(want, got) != "" {
			t.Errorf("%s with %v says %+v", address, form, got)
		}
	}
	// Two parameters that follow each other become one, cut at each place.
	names := slices.Sorted(maps.Keys(values))
	for i := range names {
		whole := ""
		rest := url.Values{}
		for j, name := range names {
			if j == i || j == i+1 {
				whole += name + values.Get(name)
			} else {
				rest.Set(name, values.Get(name))
			}
		}
		for cut := 1; cut <= len(whole); cut++ {
			form := url.Values{whole[:cut]: {whole[cut:]}}
			for name := range rest {
				form[name] = rest[name]
			}
			if runTogether(form.Encode()) == text[len(named):] {
				try(named, form)
			}
		}
	}
	// The border between the address and the parameters moves.
	for at := len(receiptURL); at < len(text); at++ {
		for cut := at + 1; cut <= min(at+60, len(text)); cut += 5 {
			try(text[:at], url.Values{text[at:cut]: {text[cut:]}})
		}
		form := url.Values{}
		for name := range values {
			form[name] = values[name]
		}
		if at < len(named) {
			form[text[at:len(named)]] = []string{""}
			try(text[:at], form)
		}
	}
	if tried < 1000 {
		t.Errorf("%d ways were tried", tried)
	}
}

func TestTheSignatureIsLookedForWithAndWithoutThePort(t *testing.T) {
	body := ofText("delivered", "")
	for _, row := range []struct {
		ours, signed string
		good         bool
	}{
		{"https://otp.example/receipts/twilio", "https://otp.example/receipts/twilio", true},
		{"https://otp.example/receipts/twilio", "https://otp.example:443/receipts/twilio", true},
		{"https://otp.example/receipts/twilio", "https://otp.example:80/receipts/twilio", false},
		{"https://otp.example:8443/receipts/twilio", "https://otp.example:8443/receipts/twilio", true},
		{"https://otp.example:8443/receipts/twilio", "https://otp.example/receipts/twilio", true},
		{"https://otp.example:8443/receipts/twilio", "https://otp.example:443/receipts/twilio", false},
		{"http://127.0.0.1/receipts/twilio", "http://127.0.0.1:80/receipts/twilio", true},
		{"http://[::1]/receipts/twilio", "http://[::1]:80/receipts/twilio", true},
		{"http://[::1]:3000/receipts/twilio", "http://[::1]/receipts/twilio", true},
		{"https://otp.example/receipts/twilio", "http://otp.example/receipts/twilio", false},
	} {
		query := "?message=" + messageID
		p := signedAs(row.ours+query, body, mac(sha1.New, token, row.signed+query+runTogether(body)))
		_, err := carrier(t, twilio.Config{ReceiptURL: row.ours}).Receive(p)
		if (err == nil) != row.good || err != nil && !errors.Is(err, receipt.ErrForged) {
			t.Errorf("%+v: %v", row, err)
		}
	}
}

// The example of Twilio's own SDKs: token 12345, with their parameters, is in every one of
// their tests. Here it shows that the text signed is the one that they sign.
func TestTheSignatureIsThatOfTwiliosSDKs(t *testing.T) {
	const address = "https://mycompany.com/myapp.php?foo=1&bar=2"
	const body = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"
	if got, want := mac(sha1.New, "12345", address+runTogether(body)), "RSOYDt4T1cUTdK1PDd93/VVr8B8="; got != want {
		t.Errorf("signed as %s, want %s", got, want)
	}
}

func TestEachStatusIsAState(t *testing.T) {
	for _, row := range []struct {
		body  string
		id    string
		state verify.DeliveryState
		class verify.Class
	}{
		{ofText("accepted", ""), textSID, verify.Sent, ""},
		{ofText("scheduled", ""), textSID, verify.Sent, ""},
		{ofText("queued", ""), textSID, verify.Sent, ""},
		{ofText("sending", ""), textSID, verify.Sent, ""},
		{ofText("sent", ""), textSID, verify.Sent, ""},
		{ofText("delivered", ""), textSID, verify.Delivered, ""},
		{ofText("read", ""), textSID, verify.Delivered, ""},
		{ofText("canceled", ""), textSID, verify.Failed, verify.UnknownClass},
		{ofText("undelivered", ""), textSID, verify.Failed, verify.UnknownClass},
		{ofText("undelivered", "99999"), textSID, verify.Failed, verify.UnknownClass},
		{ofText("undelivered", "30003"), textSID, verify.Failed, verify.Temporary},
		{ofText("undelivered", "30004"), textSID, verify.Failed, verify.OptedOut},
		{ofText("undelivered", "30005"), textSID, verify.Failed, verify.BadNumber},
		{ofText("failed", "30036"), textSID, verify.Failed, verify.Temporary},
		{ofText("failed", "30450"), textSID, verify.Failed, verify.Pumping},
		{ofText("delivered", "30006"), textSID, verify.Delivered, ""},
		{strings.ReplaceAll(ofText("delivered", ""), "SM1", "MM1"), "MM" + textSID[2:], verify.Delivered, ""},
		{ofCall("initiated"), callSID, verify.Sent, ""},
		{ofCall("ringing"), callSID, verify.Sent, ""},
		{ofCall("in-progress"), callSID, verify.Sent, ""},
		{ofCall("completed"), callSID, verify.Delivered, ""},
		{ofCall("busy"), callSID, verify.Failed, verify.Temporary},
		{ofCall("no-answer"), callSID, verify.Failed, verify.Temporary},
		{ofCall("failed"), callSID, verify.Failed, verify.UnknownClass},
		{ofCall("canceled"), callSID, verify.Failed, verify.UnknownClass},
	} {
		got, err := receiver(t).Receive(posted(named, row.body))
		want := []verify.Receipt{{Message: messageID, CarrierID: row.id, State: row.state, Class: row.class}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", row.body, err, diff)
		}
	}
	if got, err := receiver(t).Receive(posted(named, ofText("lost", ""))); got != nil || !errors.Is(err, receipt.ErrUnreadable) {
		t.Errorf("a status that is not known: %+v, %v", got, err)
	}
}

func TestWithoutAnAddressEveryReceiptIsForged(t *testing.T) {
	for _, address := range []string{named, "", "?message=" + messageID} {
		if got, err := carrier(t, twilio.Config{}).Receive(posted(address, ofText("delivered", ""))); got != nil || !errors.Is(err, receipt.ErrForged) {
			t.Errorf("%q: %+v, %v", address, got, err)
		}
	}
}

func FuzzWhatTwilioSignedIsReadOrRefused(f *testing.F) {
	f.Add(ofText("delivered", ""))
	f.Add(ofText("undelivered", "30006"))
	f.Add(ofCall("completed"))
	f.Add("MessageStatusun=delivered&AccountSid=" + account)
	f.Fuzz(func(t *testing.T, body string) {
		if _, err := url.ParseQuery(body); err != nil {
			return
		}
		got, err := receiver(t).Receive(posted(named, body))
		if err != nil && got != nil {
			t.Errorf("%+v, %v", got, err)
		}
		for _, r := range got {
			if r.Message != messageID || len(r.CarrierID) != 34 || (r.Class != "") != (r.State == verify.Failed) {
				t.Errorf("%+v", r)
			}
		}
	})
}
