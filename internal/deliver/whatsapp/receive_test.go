package whatsapp_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/deliver/receipt"
	"countersign/internal/deliver/receipt/receipttest"
	"countersign/internal/deliver/whatsapp"
	"countersign/internal/verify"
)

func clock() time.Time { return time.Unix(1_780_000_000, 0) }

func mac(h func() hash.Hash, key, text string) string {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}

func withHeader(header, body string) receipt.Posted {
	return receipt.Posted{
		Method: http.MethodPost, URL: receiptURL, Body: []byte(body), Now: clock(),
		Header: http.Header{"Content-Type": {"application/json"}, "X-Hub-Signature-256": {header}},
	}
}

func posted(body string) receipt.Posted {
	return withHeader("sha256="+mac(sha256.New, secret, body), body)
}

// said is a webhook of one status, as Meta's documents show it.
func said(of, status, more string) string {
	return fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages","value":{`+
		`"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":%q},`+
		`"statuses":[{"id":%q,"status":%q,"timestamp":"1779999990","recipient_id":"12025550147","biz_opaque_callback_data":%q%s}]}}]}]}`,
		of, wamid, status, messageID, more)
}

func TestNothingForgedIsTakenForAReceipt(t *testing.T) {
	delivered := said(number, "delivered", "")
	failed := said(number, "failed", `,"errors":[{"code":131026,"title":"Message undeliverable"}]`)
	digest := mac(sha256.New, secret, delivered)
	raw, _ := hex.DecodeString(digest)
	receipttest.Run(t, receipttest.Harness{
		Receiver: carrier(t, config()),
		Valid: []receipttest.Valid{
			{Posted: posted(delivered), Want: []verify.Receipt{{Message: messageID, CarrierID: storedID, State: verify.Delivered}}},
			{Posted: posted(failed), Want: []verify.Receipt{{Message: messageID, CarrierID: storedID, State: verify.Failed, Class: verify.BadNumber}}},
		},
		Signed: []string{"X-Hub-Signature-256"},
		Forgeries: map[string]receipt.Posted{
			"signed with another secret":  withHeader("sha256="+mac(sha256.New, "another", delivered), delivered),
			"signed with no secret":       withHeader("sha256="+mac(sha256.New, "", delivered), delivered),
			"signed with the handshake's": withHeader("sha256="+mac(sha256.New, handshake, delivered), delivered),
			"signed by SHA-1":             withHeader("sha1="+mac(sha1.New, secret, delivered), delivered),
			"SHA-1 that says SHA-256":     withHeader("sha256="+mac(sha1.New, secret, delivered), delivered),
			"no algorithm":                withHeader(digest, delivered),
			"algorithm none":              withHeader("none=", delivered),
			"in Base64":                   withHeader("sha256="+base64.StdEncoding.EncodeToString(raw), delivered),
			"in capitals":                 withHeader("sha256="+strings.ToUpper(digest), delivered),
			"the old header alone": {Method: "POST", URL: receiptURL, Body: []byte(delivered), Now: clock(),
				Header: http.Header{"X-Hub-Signature": {"sha1=" + mac(sha1.New, secret, delivered)}}},
			"no headers at all": {Method: "POST", URL: receiptURL, Body: []byte(delivered), Now: clock(), Header: http.Header{}},
		},
	})
}

func TestWhatStatusesSay(t *testing.T) {
	of := func(state verify.DeliveryState, class verify.Class) []verify.Receipt {
		return []verify.Receipt{{Message: messageID, CarrierID: storedID, State: state, Class: class}}
	}
	for name, tt := range map[string]struct {
		body string
		want []verify.Receipt
	}{
		"sent":                     {said(number, "sent", ""), of(verify.Sent, "")},
		"read":                     {said(number, "read", ""), of(verify.Delivered, "")},
		"failed for who knows":     {said(number, "failed", ""), of(verify.Failed, verify.UnknownClass)},
		"a word of tomorrow":       {said(number, "warmed", ""), nil},
		"another number's":         {said("106540352242923", "delivered", ""), nil},
		"a person's message":       {`{"entry":[{"changes":[{"value":{"metadata":{"phone_number_id":"` + number + `"},"messages":[{"id":"x","text":{"body":"hello"}}]}}]}]}`, nil},
		"nothing":                  {`{}`, nil},
		"a status from the future": {strings.ReplaceAll(said(number, "delivered", ""), "1779999990", "1780000301"), nil},
		"a status without a time":  {strings.ReplaceAll(said(number, "delivered", ""), "1779999990", ""), nil},
	} {
		got, err := carrier(t, config()).Receive(posted(tt.body))
		if d := cmp.Diff(tt.want, got); d != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, d)
		}
	}
	for _, body := range []string{"", "[]", `{"entry":7}`, "null x"} {
		if _, err := carrier(t, config()).Receive(posted(body)); !errors.Is(err, receipt.ErrUnreadable) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// Meta's name for a message is Base64 of, among others, the person's number.
func TestWhatIsKeptOfMetasNameHoldsNoNumberAndIsTheSameInAnswerAndReceipt(t *testing.T) {
	name := "wamid." + base64.StdEncoding.EncodeToString([]byte("\x1c\x18\x0b12025550147\x15\x02\x00\x11\x18\x129A3CA5B3D4CD6E67E7\x00"))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"messages":[{"id":%q}]}`, name)
	}))
	defer server.Close()
	c := config()
	c.BaseURL = server.URL
	k := carrier(t, c)
	sent, err := k.Send(t.Context(), message("4711"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := k.Receive(posted(strings.ReplaceAll(said(number, "delivered", ""), wamid, name)))
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v %v", list, err)
	}
	if sent.CarrierID == "" || sent.CarrierID != list[0].CarrierID {
		t.Errorf("the answer's is %q, the receipt's %q", sent.CarrierID, list[0].CarrierID)
	}
	if len(sent.CarrierID) != len("wamid-")+32 || strings.Trim(strings.TrimPrefix(sent.CarrierID, "wamid-"), "0123456789abcdef") != "" {
		t.Errorf("%q is no hash", sent.CarrierID)
	}
	list, err = k.Receive(posted(strings.ReplaceAll(said(number, "delivered", ""), wamid, "")))
	if err != nil || len(list) != 1 || list[0].CarrierID != "" {
		t.Errorf("without a name: %+v %v", list, err)
	}
}

func TestNobodyWhoWasNotAskedIsBelieved(t *testing.T) {
	c := config()
	c.ReceiptURL, c.AppSecret, c.VerifyToken = "", "", ""
	body := said(number, "delivered", "")
	if _, err := carrier(t, c).Receive(withHeader("sha256="+mac(sha256.New, "", body), body)); !errors.Is(err, receipt.ErrForged) {
		t.Errorf("without a secret: %v", err)
	}
	if _, err := carrier(t, c).Challenge(receipt.Posted{URL: receiptURL + "?hub.mode=subscribe&hub.verify_token=&hub.challenge=1"}); !errors.Is(err, receipt.ErrForged) {
		t.Errorf("without a token: %v", err)
	}
}

func TestMetasQuestionIsAnsweredToWhoeverKnowsTheToken(t *testing.T) {
	ask := func(query url.Values) (string, error) {
		answer, err := carrier(t, config()).Challenge(receipt.Posted{Method: http.MethodGet, URL: receiptURL + "?" + query.Encode(), Now: clock()})
		return string(answer), err
	}
	good := func() url.Values {
		return url.Values{"hub.mode": {"subscribe"}, "hub.verify_token": {handshake}, "hub.challenge": {"1158201444"}}
	}
	if got, err := ask(good()); got != "1158201444" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	for name, spoil := range map[string]func(url.Values){
		"another token":      func(q url.Values) { q.Set("hub.verify_token", handshake+"x") },
		"no token":           func(q url.Values) { q.Del("hub.verify_token") },
		"two tokens":         func(q url.Values) { q.Add("hub.verify_token", handshake) },
		"another mode":       func(q url.Values) { q.Set("hub.mode", "unsubscribe") },
		"no challenge":       func(q url.Values) { q.Del("hub.challenge") },
		"an empty challenge": func(q url.Values) { q.Set("hub.challenge", "") },
		"a page":             func(q url.Values) { q.Set("hub.challenge", "<script>") },
		"a link":             func(q url.Values) { q.Set("hub.challenge", "https://example.com") },
		"a book":             func(q url.Values) { q.Set("hub.challenge", strings.Repeat("1", 200)) },
	} {
		q := good()
		spoil(q)
		if got, err := ask(q); !errors.Is(err, receipt.ErrForged) {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte(said(number, "delivered", "")))
	f.Add([]byte(`{"entry":[{"changes":[{"value":{"statuses":[{}]}}]}]}`))
	k, err := whatsapp.New(config())
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
