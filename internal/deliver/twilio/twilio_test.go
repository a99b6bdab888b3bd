package twilio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/code"
	"countersign/internal/deliver/twilio"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/verify"
	"countersign/internal/verify/sendertest"
)

const (
	account = "AC0123456789abcdef0123456789abcdef"
	keySID  = "SKfedcba9876543210fedcba9876543210"
	service = "MG00112233445566778899aabbccddeeff"
	token   = "c0ffee_quokka_c0ffee"
	from    = "+15551234567"
	to      = "+12025550147"

	// Of account and token, and of keySID and token, as they travel.
	asAccount = "QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjpjMGZmZWVfcXVva2thX2MwZmZlZQ=="
	asKey     = "U0tmZWRjYmE5ODc2NTQzMjEwZmVkY2JhOTg3NjU0MzIxMDpjMGZmZWVfcXVva2thX2MwZmZlZQ=="
)

func TestItIsASenderOfTextsAndOfCalls(t *testing.T) {
	for channel, id := range map[verify.Channel]string{
		verify.SMS: "SM11112222333344445555666677778888", verify.Call: "CA11112222333344445555666677778888",
	} {
		t.Run(string(channel), func(t *testing.T) {
			sendertest.Run(t, sendertest.Harness{
				New: func(t *testing.T, server string, timeout time.Duration) verify.Sender {
					return carrier(t, twilio.Config{BaseURL: server, Timeout: timeout})
				},
				Take: func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(http.StatusCreated)
					_, _ = fmt.Fprintf(w, `{"sid":%q,"status":"queued","error_code":null,"price":null,"num_segments":"1"}`, id)
				},
				CarrierID: id,
				Channel:   channel,
				Secrets:   []string{token, account + ":" + token, asAccount},
			})
		})
	}
}

// request is what arrived at Twilio.
type request struct {
	Line, Authorization, Kind, Agent string
	Form                             url.Values
}

// asked sends m by a carrier of c and returns the one request that this makes.
func asked(t *testing.T, c twilio.Config, m verify.Message) request {
	t.Helper()
	var got []request
	c.Transport = trip(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		form, err := url.ParseQuery(string(body))
		got = append(got, request{
			r.Method + " " + r.URL.String(), r.Header.Get("Authorization"), r.Header.Get("Content-Type"), r.Header.Get("User-Agent"), form,
		})
		return answered(r, 201, nil, `{"sid":"x"}`), err
	})
	sender, err := twilio.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sender.Send(t.Context(), m); err != nil || len(got) != 1 {
		t.Fatalf("%d requests, %v", len(got), err)
	}
	return got[0]
}

const formKind = "application/x-www-form-urlencoded"

func TestATextIsPostedToTheAccountsMessages(t *testing.T) {
	got := asked(t, twilio.Config{AccountSID: account, AuthToken: token, From: from}, text("4711"))
	want := request{
		"POST https://api.twilio.com/2010-04-01/Accounts/" + account + "/Messages.json", "Basic " + asAccount, formKind, "countersign",
		url.Values{"To": {to}, "From": {from}, "Body": {"Your verification code is 4711."}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestACallIsPostedWithItsTwiMLAndItsKeys(t *testing.T) {
	m := call("4711", "Acme")
	m.Keys = "1wW#*D"
	got := asked(t, twilio.Config{AccountSID: account, APIKeySID: keySID, APIKeySecret: token, From: from}, m)
	want := request{
		"POST https://api.twilio.com/2010-04-01/Accounts/" + account + "/Calls.json", "Basic " + asKey, formKind, "countersign",
		url.Values{
			"To": {to}, "From": {from}, "SendDigits": {"1wW#*D"},
			"Twiml": {"<Response><Say>" + m.Text.Reveal() + "</Say></Response>"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestACallWithoutKeysPressesNone(t *testing.T) {
	got := asked(t, twilio.Config{AccountSID: account, AuthToken: token, From: from}, call("4711", "Acme"))
	if got.Form.Has("SendDigits") {
		t.Errorf("%v", got.Form)
	}
}

func TestTextsGoByTheMessagingServiceAndCallsFromTheNumber(t *testing.T) {
	c := twilio.Config{AccountSID: account, AuthToken: token, From: from, MessagingServiceSID: service, BaseURL: "https://proxy.example/twilio/"}
	form := asked(t, c, text("4711")).Form
	if form.Get("MessagingServiceSid") != service || form.Has("From") {
		t.Errorf("a text: %v", form)
	}
	got := asked(t, c, call("4711", "Acme"))
	if got.Form.Get("From") != from || got.Form.Has("MessagingServiceSid") || !strings.HasPrefix(got.Line, "POST https://proxy.example/twilio/2010-04-01/") {
		t.Errorf("a call: %+v", got)
	}
}

func TestWithoutANumberNobodyIsCalled(t *testing.T) {
	for _, c := range []twilio.Config{
		{MessagingServiceSID: service}, {From: "Acme"}, {From: "12345"}, {From: "Acme", MessagingServiceSID: service},
	} {
		c.AccountSID, c.AuthToken, c.Transport = account, token, nobody(t)
		sender, err := twilio.New(c)
		if err != nil {
			t.Fatal(err)
		}
		_, err = sender.Send(t.Context(), call("4711", "Acme"))
		if e := refusal(t, err); e.Class != verify.SenderUnready || e.Ambiguous || !e.OtherCarrier() {
			t.Errorf("%s: %v", c, err)
		}
	}
}

func TestOtherChannelsAreRefused(t *testing.T) {
	for _, channel := range []verify.Channel{verify.Email, verify.WhatsApp, verify.Flashcall, ""} {
		m := text("4711")
		m.Channel = channel
		_, err := carrier(t, twilio.Config{Transport: nobody(t)}).Send(t.Context(), m)
		if e := refusal(t, err); e.Class != verify.UnknownClass || e.Ambiguous {
			t.Errorf("%q: %v", channel, err)
		}
	}
}

func TestNothingPrintsTheCredentials(t *testing.T) {
	for _, config := range []twilio.Config{
		{AccountSID: account, AuthToken: token, From: from},
		{AccountSID: account, APIKeySID: keySID, APIKeySecret: token, From: from},
		{AccountSID: account, AuthToken: token, From: from, ReceiptURL: receiptURL},
	} {
		sender, err := twilio.New(config)
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := json.Marshal(map[string]any{"config": config, "sender": sender})
		if err != nil {
			t.Fatal(err)
		}
		type holder struct {
			sender *twilio.Carrier
			inner  twilio.Carrier
		}
		out := string(encoded) + config.LogValue().String()
		for _, v := range []any{config, &config, []twilio.Config{config}, sender, *sender, holder{sender, *sender}} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%x", "%d"} {
				out += fmt.Sprintf(verb, v)
			}
		}
		for _, secret := range []string{token, fmt.Sprintf("%x", token), strings.Trim(fmt.Sprintf("%d", []byte(token)), "[]"), asAccount, asKey} {
			if strings.Contains(out, secret) {
				t.Errorf("%q in %s", secret, out)
			}
		}
	}
}

// carrier makes a carrier of what c leaves open.
func carrier(t testing.TB, c twilio.Config) *twilio.Carrier {
	t.Helper()
	c.AccountSID, c.AuthToken, c.From = account, token, from
	sender, err := twilio.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

// trip is a transport that a test writes as a function.
type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// nobody is a transport that must not be used.
func nobody(t *testing.T) trip {
	return func(*http.Request) (*http.Response, error) {
		t.Error("Twilio was asked")
		return nil, errors.New("nobody")
	}
}

func answered(r *http.Request, status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

func text(digits string) verify.Message {
	c := custom(digits)
	return verify.Message{
		ID: "0198c0de-0000-7000-8000-000000000001", Channel: verify.SMS, To: verify.Phone(phone.Trusted(to)), Code: c,
		Text: message.Render(message.Plain, message.Values{Code: c}),
	}
}

func call(digits, app string) verify.Message {
	m := text(digits)
	m.Channel, m.Text = verify.Call, message.Spoken(message.Values{Code: m.Code, AppName: app})
	return m
}

func custom(digits string) code.Code {
	c, err := code.Custom(digits)
	if err != nil {
		panic(err)
	}
	return c
}

func refusal(t testing.TB, err error) *verify.SendError {
	t.Helper()
	e, ok := errors.AsType[*verify.SendError](err)
	if !ok {
		t.Fatalf("%v is no *verify.SendError", err)
	}
	if !slices.Contains(verify.Classes(), e.Class) {
		t.Errorf("%q is no class", e.Class)
	}
	return e
}
