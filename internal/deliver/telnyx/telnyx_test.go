package telnyx_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/code"
	"countersign/internal/deliver/telnyx"
	"countersign/internal/deliver/telnyx/telnyxtest"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/verify"
	"countersign/internal/verify/sendertest"
)

const (
	key  = "KEY0190C0FFEE_quokka"
	from = "+15551234567"
	to   = "+12025550147"
)

func TestItIsASender(t *testing.T) {
	const id = "40385f64-5717-4562-b3fc-2c963f66afa6"
	sendertest.Run(t, sendertest.Harness{
		New: func(t *testing.T, server string, timeout time.Duration) verify.Sender {
			return carrier(t, telnyx.Config{BaseURL: server + "/v2", Timeout: timeout})
		},
		Take: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"data":{"id":%q,"to":[{"status":"queued"}],"errors":[]}}`, id)
		},
		CarrierID: id,
		Secrets:   []string{key, "Bearer " + key},
	})
}

func TestItIsASenderOfCalls(t *testing.T) {
	sendertest.Run(t, sendertest.Harness{
		New: func(t *testing.T, server string, timeout time.Duration) verify.Sender {
			return carrier(t, telnyx.Config{BaseURL: server + "/v2", Timeout: timeout, TeXMLApplicationID: application})
		},
		Take: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"call_sid":%q,"from":%q,"to":%q,"status":"queued"}`, callID, from, to)
		},
		CarrierID: callID,
		Channel:   verify.Call,
		Secrets:   []string{key, "Bearer " + key},
	})
}

func TestTheTutorialsMessageIsPostedWithItsThreeKeys(t *testing.T) {
	api := telnyxtest.New(key)
	var header http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		api.ServeHTTP(w, r)
	}))
	defer server.Close()
	submission, err := carrier(t, telnyx.Config{BaseURL: server.URL + "/v2"}).Send(t.Context(), text("4711"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := api.Wait(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(m.Raw, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"from": from, "to": to, "text": "Your verification code is 4711."}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if submission.CarrierID == "" || submission.CarrierID != m.ID {
		t.Errorf("called %q here and %q there", submission.CarrierID, m.ID)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer " + key, "Content-Type": "application/json", "User-Agent": "countersign",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestAMessagingProfileIsNamedIfThereIsOne(t *testing.T) {
	api, server := imitation(t)
	for _, name := range []string{"Acme", ""} {
		sender, err := telnyx.New(telnyx.Config{
			APIKey: key, From: name, MessagingProfileID: "profile", BaseURL: server + "/v2/",
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sender.Send(t.Context(), text("4711")); err != nil {
			t.Fatal(err)
		}
		m, err := api.Wait(t.Context(), to)
		if err != nil {
			t.Fatal(err)
		}
		if m.From != name || m.ProfileID != "profile" || strings.Contains(string(m.Raw), `"from"`) != (name != "") {
			t.Errorf("from %q it sent %s", name, m.Raw)
		}
	}
}

func TestOtherChannelsThanTextsAndCallsAreRefused(t *testing.T) {
	api, server := imitation(t)
	for channel, class := range map[verify.Channel]verify.Class{
		verify.Call: verify.SenderUnready, verify.WhatsApp: verify.UnknownClass, verify.Flashcall: verify.UnknownClass, "": verify.UnknownClass,
	} {
		m := text("4711")
		m.Channel = channel
		_, err := carrier(t, telnyx.Config{BaseURL: server + "/v2"}).Send(t.Context(), m)
		if e := refusal(t, err); e.Class != class || e.Ambiguous {
			t.Errorf("%q: %v", channel, err)
		}
	}
	if api.Requests() != 0 {
		t.Error("Telnyx was asked")
	}
}

// Every class of the core can come of Telnyx: a new one needs a row here, or a
// word on why Telnyx never says so.
func TestEveryClassCanBeToldByTelnyx(t *testing.T) {
	reached := map[verify.Class]bool{}
	for _, row := range []struct {
		status int
		code   string
		class  verify.Class
	}{
		{400, "40001", verify.NotMobile},
		{400, "40310", verify.BadNumber},
		{403, "40300", verify.OptedOut},
		{422, "40002", verify.Filtered},
		{503, "", verify.Temporary},
		{429, "10011", verify.Throttled},
		{400, "40020", verify.Pumping},
		{400, "40305", verify.SenderUnready},
		{400, "40309", verify.RegionOff},
		{403, "20100", verify.NoMoney},
		{403, "10010", verify.Credentials},
		{422, "10015", verify.UnknownClass},
	} {
		reached[row.class] = true
		api, server := imitation(t)
		api.Fail(to, row.status, row.code)
		_, err := carrier(t, telnyx.Config{BaseURL: server + "/v2"}).Send(t.Context(), text("4711"))
		if e := refusal(t, err); e.Class != row.class || e.Ambiguous {
			t.Errorf("%d %s: %v", row.status, row.code, err)
		}
		if row.code != "" && !strings.Contains(err.Error(), row.code) {
			t.Errorf("the operator is not told of %s: %v", row.code, err)
		}
	}
	for _, class := range verify.Classes() {
		if !reached[class] {
			t.Errorf("no row for %q", class)
		}
	}
}

func TestAKeyThatTelnyxDoesNotKnowIsSaidSo(t *testing.T) {
	server := httptest.NewServer(telnyxtest.New("another key"))
	defer server.Close()
	_, err := carrier(t, telnyx.Config{BaseURL: server.URL + "/v2"}).Send(t.Context(), text("4711"))
	if e := refusal(t, err); e.Class != verify.Credentials || !strings.Contains(err.Error(), "10009") {
		t.Error(err)
	}
}

func TestAnAnswerThatIsLostIsAmbiguous(t *testing.T) {
	api, server := imitation(t)
	api.Fail(to, 0, "")
	_, err := carrier(t, telnyx.Config{BaseURL: server + "/v2"}).Send(t.Context(), text("4711"))
	if e := refusal(t, err); e.Class != verify.Temporary || !e.Ambiguous {
		t.Error(err)
	}
	if got := api.Messages(); len(got) != 1 {
		t.Errorf("%d messages were taken", len(got))
	}
}

func TestNothingPrintsTheKey(t *testing.T) {
	config := telnyx.Config{APIKey: key, From: from}
	sender := carrier(t, config)
	encoded, err := json.Marshal(map[string]any{"config": config, "sender": sender})
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		sender *telnyx.Carrier
		inner  telnyx.Carrier
	}
	out := string(encoded) + config.LogValue().String()
	for _, v := range []any{config, &config, []telnyx.Config{config}, sender, *sender, holder{sender, *sender}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%x", "%d"} {
			out += fmt.Sprintf(verb, v)
		}
	}
	if strings.Contains(out, key) || strings.Contains(out, fmt.Sprintf("%x", key)) {
		t.Error(out)
	}
}

// carrier makes a carrier of what c leaves open.
func carrier(t testing.TB, c telnyx.Config) *telnyx.Carrier {
	t.Helper()
	c.APIKey, c.From = key, from
	sender, err := telnyx.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

func imitation(t *testing.T) (*telnyxtest.API, string) {
	t.Helper()
	api := telnyxtest.New(key)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return api, server.URL
}

func text(digits string) verify.Message {
	c, err := code.Custom(digits)
	if err != nil {
		panic(err)
	}
	return verify.Message{
		ID: "0198c0de-0000-7000-8000-000000000001", Channel: verify.SMS, To: verify.Phone(phone.Trusted(to)), Code: c,
		Text: message.Render(message.Plain, message.Values{Code: c}),
	}
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
