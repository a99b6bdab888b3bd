package telnyx_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/deliver/receipt"
	"countersign/internal/deliver/receipt/receipttest"
	"countersign/internal/deliver/telnyx"
	"countersign/internal/verify"
)

const (
	receiptURL = "https://otp.example/receipts/telnyx"
	messageID  = "0198c0de-0000-7000-8000-000000000001-1"
	carrierID  = "40385f64-5717-4562-b3fc-2c963f66afa6"
	callID     = "v3:MdI91X4lWFEs7IgbBEOT9M4AigoY08M0WWZFISt1Yw2axZ_IiE4pqg"
)

var (
	now      = time.Unix(1_780_000_000, 0).UTC()
	telnyxes = ed25519.NewKeyFromSeed([]byte("the key that Telnyx signs with.."))
	forgers  = ed25519.NewKeyFromSeed([]byte("the key that a forger signs with"))
)

func publicKey(k ed25519.PrivateKey) string {
	return base64.StdEncoding.EncodeToString(k.Public().(ed25519.PublicKey))
}

func receiver(t testing.TB) receipt.Receiver {
	t.Helper()
	return carrier(t, telnyx.Config{ReceiptURL: receiptURL, PublicKey: publicKey(telnyxes)})
}

// posted is a request that is signed with a key at an instant.
func posted(k ed25519.PrivateKey, at time.Time, body string) receipt.Posted {
	stamp := strconv.FormatInt(at.Unix(), 10)
	return receipt.Posted{
		Method: http.MethodPost, URL: receiptURL + "?message=" + messageID, Body: []byte(body), Now: now,
		Header: http.Header{
			"Content-Type":             {"application/json"},
			"Telnyx-Timestamp":         {stamp},
			"Telnyx-Signature-Ed25519": {base64.StdEncoding.EncodeToString(ed25519.Sign(k, []byte(stamp+"|"+body)))},
		},
	}
}

// event is a message event as Telnyx documents it.
func event(kind, status, faults string) string {
	return `{"data":{"event_type":"` + kind + `","id":"4ee8c3a6-4995-4309-a3c6-38e3db9ea4be","occurred_at":"2026-05-28T20:26:40.148+00:00",` +
		`"payload":{"completed_at":null,"direction":"outbound","encoding":"GSM-7","errors":[` + faults + `],` +
		`"from":{"carrier":"Telnyx","line_type":"Wireless","phone_number":"` + from + `"},"id":"` + carrierID + `","parts":1,"record_type":"message","tags":[],` +
		`"to":[{"carrier":"T-MOBILE USA, INC.","line_type":"Wireless","phone_number":"` + to + `","status":"` + status + `"}],"type":"SMS","valid_until":null,` +
		`"webhook_failover_url":null,"webhook_url":"` + receiptURL + `?message=` + messageID + `"},"record_type":"event"},` +
		`"meta":{"attempt":1,"delivered_to":"` + receiptURL + `?message=` + messageID + `"}}`
}

func callback(status, more string) string {
	return "AccountSid=f5586561-8ff0-4291-a51b-c7dfe4139ff9&CallSid=" + strings.ReplaceAll(callID, ":", "%3A") + "&CallStatus=" + status +
		"&CallbackSource=call-progress-events&From=%2B15551234567&SequenceNumber=3&To=%2B12025550147" + more
}

func TestNothingForgedIsTakenForAReceipt(t *testing.T) {
	delivered := verify.Receipt{Message: messageID, CarrierID: carrierID, State: verify.Delivered, Line: verify.Mobile}
	failed := verify.Receipt{Message: messageID, CarrierID: carrierID, State: verify.Failed, Class: verify.OptedOut, Line: verify.Mobile}
	finalized := event("message.finalized", "delivered", "")
	good := posted(telnyxes, now, finalized)
	other := func(change func(*receipt.Posted)) receipt.Posted {
		p := posted(telnyxes, now, finalized)
		change(&p)
		return p
	}
	receipttest.Run(t, receipttest.Harness{
		Receiver: receiver(t),
		Valid: []receipttest.Valid{
			{Posted: good, Want: []verify.Receipt{delivered}},
			{Posted: posted(telnyxes, now, event("message.finalized", "delivery_failed", `{"code":"40300","title":"Blocked"}`)), Want: []verify.Receipt{failed}},
			{Posted: posted(telnyxes, now, callback("completed", "")), Want: []verify.Receipt{{CarrierID: callID, State: verify.Delivered}}},
			{Posted: posted(telnyxes, now, event("message.received", "webhook_delivered", "")), Want: nil},
		},
		Signed: []string{"Telnyx-Signature-Ed25519", "Telnyx-Timestamp"},
		Dated:  true,
		Forgeries: map[string]receipt.Posted{
			"signed with another key":       posted(forgers, now, finalized),
			"signed too long ago":           posted(telnyxes, now.Add(-receipt.Window-time.Second), finalized),
			"signed too far ahead":          posted(telnyxes, now.Add(receipt.Window+time.Second), finalized),
			"signed without the instant":    other(func(p *receipt.Posted) { p.Header.Set("Telnyx-Signature-Ed25519", sign(finalized)) }),
			"signed with another separator": other(func(p *receipt.Posted) { p.Header.Set("Telnyx-Signature-Ed25519", sign(stampOf(p)+"."+finalized)) }),
			"signed body, then instant":     other(func(p *receipt.Posted) { p.Header.Set("Telnyx-Signature-Ed25519", sign(finalized+"|"+stampOf(p))) }),
			"the instant moved into the body": other(func(p *receipt.Posted) {
				p.Header.Set("Telnyx-Timestamp", "1")
				p.Body = []byte("780000000|" + finalized)
			}),
			"an instant in milliseconds":               signedAt("1780000000000", finalized),
			"an instant with a sign":                   signedAt("+1780000000", finalized),
			"an instant with a fraction":               signedAt("1780000000.0", finalized),
			"an instant with a space":                  signedAt("1780000000 ", finalized),
			"an instant that is no number":             signedAt("now", finalized),
			"the public key as signature":              other(func(p *receipt.Posted) { p.Header.Set("Telnyx-Signature-Ed25519", publicKey(telnyxes)) }),
			"Twilio's signature":                       {Method: "POST", URL: receiptURL, Body: []byte(finalized), Now: now, Header: http.Header{"X-Twilio-Signature": {"GvWf1cFY/Q7PnoempGyD5oXAezc="}}},
			"no headers at all":                        {Method: "POST", URL: receiptURL, Body: []byte(finalized), Now: now, Header: http.Header{}},
			"a signature of zeros by a key of nothing": signedAt("0", ""),
		},
	})
}

func sign(text string) string {
	return base64.StdEncoding.EncodeToString(ed25519.Sign(telnyxes, []byte(text)))
}

func stampOf(p *receipt.Posted) string { return p.Header.Get("Telnyx-Timestamp") }

// signedAt has Telnyx's own key sign an instant that is none.
func signedAt(stamp, body string) receipt.Posted {
	p := posted(telnyxes, now, body)
	p.Header.Set("Telnyx-Timestamp", stamp)
	p.Header.Set("Telnyx-Signature-Ed25519", sign(stamp+"|"+body))
	return p
}

func TestEachStatusOfATextIsAState(t *testing.T) {
	for _, row := range []struct {
		kind, status, faults string
		state                verify.DeliveryState
		class                verify.Class
	}{
		{"message.sent", "queued", "", verify.Sent, ""},
		{"message.sent", "sending", "", verify.Sent, ""},
		{"message.sent", "sent", "", verify.Sent, ""},
		{"message.finalized", "delivered", "", verify.Delivered, ""},
		{"message.finalized", "delivery_unconfirmed", "", verify.Sent, ""},
		{"message.finalized", "expired", "", verify.Failed, verify.Temporary},
		{"message.finalized", "delivery_failed", "", verify.Failed, verify.UnknownClass},
		{"message.finalized", "delivery_failed", `{"code":"1"},{"code":"40001"}`, verify.Failed, verify.NotMobile},
		{"message.finalized", "sending_failed", `{"code":40300}`, verify.Failed, verify.OptedOut},
		{"message.finalized", "sending_failed", `{"code":"40333"}`, verify.Failed, verify.NoMoney},
		{"message.finalized", "delivered", `{"code":"40300"}`, verify.Delivered, ""},
	} {
		got, err := receiver(t).Receive(posted(telnyxes, now, event(row.kind, row.status, row.faults)))
		want := []verify.Receipt{{Message: messageID, CarrierID: carrierID, State: row.state, Class: row.class, Line: verify.Mobile}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%+v: %v (-want +got):\n%s", row, err, diff)
		}
	}
}

func TestEachStatusOfACallIsAState(t *testing.T) {
	for _, row := range []struct {
		status, more string
		state        verify.DeliveryState
		class        verify.Class
	}{
		{"initiated", "", verify.Sent, ""},
		{"ringing", "", verify.Sent, ""},
		{"in-progress", "", verify.Sent, ""},
		{"completed", "&HangupCause=normal_clearing", verify.Delivered, ""},
		{"busy", "&HangupCause=user_busy", verify.Failed, verify.Temporary},
		{"no-answer", "", verify.Failed, verify.Temporary},
		{"canceled", "", verify.Failed, verify.UnknownClass},
		{"failed", "", verify.Failed, verify.UnknownClass},
		{"failed", "&HangupCause=not_found", verify.Failed, verify.BadNumber},
	} {
		got, err := receiver(t).Receive(posted(telnyxes, now, callback(row.status, row.more)))
		want := []verify.Receipt{{CarrierID: callID, State: row.state, Class: row.class}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%+v: %v (-want +got):\n%s", row, err, diff)
		}
	}
}

// The address that a request came to is not signed. What names the message is the one
// that Telnyx repeats, and only if it is the one that we gave.
func TestOnlyOurOwnAddressNamesTheMessage(t *testing.T) {
	const echoed = receiptURL + "?message=" + messageID
	for _, row := range []struct{ webhookURL, deliveredTo, want string }{
		{echoed, echoed, messageID},
		{echoed, "", messageID},
		{"", echoed, messageID},
		{"https://elsewhere.example/hook", echoed, messageID},
		{"https://evil.example/receipts/telnyx?message=" + messageID, "", ""},
		{receiptURL, "", ""},
		{receiptURL + "-2?message=" + messageID, "", ""},
		{echoed + "&message=other", "", ""},
		{receiptURL + "?message=", "", ""},
		{receiptURL + "?message=%zz", "", ""},
	} {
		body := strings.Replace(event("message.finalized", "delivered", ""), `"webhook_url":"`+echoed, `"webhook_url":"`+row.webhookURL, 1)
		body = strings.Replace(body, `"delivered_to":"`+echoed, `"delivered_to":"`+row.deliveredTo, 1)
		got, err := receiver(t).Receive(posted(telnyxes, now, body))
		if err != nil || len(got) != 1 || got[0].Message != row.want || got[0].CarrierID != carrierID {
			t.Errorf("%+v: %+v, %v", row, got, err)
		}
	}
}

func TestWhatIsNotAboutAMessageSaysNothing(t *testing.T) {
	for _, body := range []string{
		event("message.received", "delivered", ""), `{"data":{"event_type":"10dlc.brand.update"}}`, `{}`,
		strings.Replace(callback("completed", ""), "call-progress-events", "recording", 1), "a=b",
	} {
		if got, err := receiver(t).Receive(posted(telnyxes, now, body)); err != nil || got != nil {
			t.Errorf("%.60s: %+v, %v", body, got, err)
		}
	}
}

func TestASignedReceiptThatMakesNoSenseIsUnreadable(t *testing.T) {
	good := event("message.finalized", "delivered", "")
	for _, body := range []string{
		"{", `{"data":7}`, `{"data":{"event_type":"message.finalized"}}`,
		event("message.finalized", "lost", ""),
		strings.Replace(good, `"id":"`+carrierID, `"id":"a b`, 1),
		strings.Replace(good, `"to":[{`, `"to":[{},{`, 1),
		callback("vanished", ""), "CallbackSource=call-progress-events&CallStatus=completed", "%zz",
	} {
		if got, err := receiver(t).Receive(posted(telnyxes, now, body)); got != nil || !errors.Is(err, receipt.ErrUnreadable) {
			t.Errorf("%.60s: %+v, %v", body, got, err)
		}
	}
}

func TestWithoutAnAddressEveryReceiptIsForged(t *testing.T) {
	p := posted(telnyxes, now, event("message.finalized", "delivered", ""))
	for _, address := range []string{p.URL, "", "?message=" + messageID} {
		p.URL = address
		if got, err := carrier(t, telnyx.Config{PublicKey: publicKey(telnyxes)}).Receive(p); got != nil || !errors.Is(err, receipt.ErrForged) {
			t.Errorf("%q: %+v, %v", address, got, err)
		}
	}
}

func FuzzWhatTelnyxSignedIsReadOrRefused(f *testing.F) {
	f.Add(event("message.finalized", "delivered", ""))
	f.Add(event("message.finalized", "sending_failed", `{"code":40300}`))
	f.Add(callback("completed", ""))
	f.Add(`{"data":{"event_type":"message.sent","payload":{"id":[],"to":{},"errors":7}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		got, err := receiver(t).Receive(posted(telnyxes, now, body))
		if errors.Is(err, receipt.ErrForged) || err != nil && got != nil {
			t.Errorf("%+v, %v", got, err)
		}
		for _, r := range got {
			if r.CarrierID == "" || len(r.CarrierID) > 64 || (r.Class != "") != (r.State == verify.Failed) {
				t.Errorf("%+v", r)
			}
		}
		if err != nil && len(body) > 20 && strings.Contains(fmt.Sprint(err), body) {
			t.Errorf("the error quotes the body: %v", err)
		}
	})
}
