package twilio_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"countersign/internal/deliver/twilio"
	"countersign/internal/message"
	"countersign/internal/verify"
)

var update = flag.Bool("update", false, "write the requests into the golden file")

type made struct {
	config  twilio.Config
	message verify.Message
}

// requests are what each golden request is made of.
func requests() map[string]made {
	plain := twilio.Config{AccountSID: account, AuthToken: token, From: from}
	full := plain
	full.MessagingServiceSID, full.ReceiptURL = service, receiptURL
	with := func(c twilio.Config, m verify.Message, change func(*verify.Message)) made {
		m.ID = messageID
		change(&m)
		return made{c, m}
	}
	german := func(m *verify.Message) {
		m.Locale = "de"
		m.Text = message.Spoken(message.Values{Code: m.Code, AppName: "Müller & Söhne", Locale: m.Locale})
	}
	return map[string]made{
		"a text":                                with(plain, text("4711"), func(*verify.Message) {}),
		"a text with receipts":                  with(full, text("4711"), func(m *verify.Message) { m.ValidFor = 5 * time.Minute }),
		"a text that is good for long":          with(plain, text("4711"), func(m *verify.Message) { m.ValidFor = 24 * time.Hour }),
		"a text that is good for hardly at all": with(plain, text("4711"), func(m *verify.Message) { m.ValidFor = time.Millisecond }),
		"a text from the route's sender":        with(full, text("4711"), func(m *verify.Message) { m.Sender = "Acme" }),
		"a text by the route's service":         with(plain, text("4711"), func(m *verify.Message) { m.Sender = service }),
		"a call":                                with(full, call("4711", "Acme"), german),
		"a call in a language not spoken":       with(plain, call("4711", "Acme"), func(m *verify.Message) { german(m); m.Locale = "tlh" }),
		"a call from the route's sender":        with(plain, call("4711", "Acme"), func(m *verify.Message) { m.Sender, m.Keys = "+442079460000", "1wW#*D" }),
		"a call that no name can make":          with(plain, call("4711", "Acme"), func(m *verify.Message) { m.Sender = "Acme" }),
	}
}

func TestRequestsAreThoseOfTheGoldenFile(t *testing.T) {
	const path = "testdata/requests.txtar"
	archive, err := txtar.ParseFile(path)
	if err != nil && !*update {
		t.Fatal(err)
	}
	want, got := map[string]string{}, map[string]string{}
	out := &txtar.Archive{}
	for _, name := range slices.Sorted(maps.Keys(requests())) {
		r := requests()[name]
		request := asked(t, r.config, r.message)
		var b strings.Builder
		fmt.Fprintf(&b, "%s\nAuthorization: %s\nContent-Type: %s\n\n", request.Line, request.Authorization, request.Kind)
		for _, field := range slices.Sorted(maps.Keys(request.Form)) {
			fmt.Fprintf(&b, "%s: %s\n", field, strings.Join(request.Form[field], "\n  and: "))
		}
		got[name] = b.String()
		out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(got[name])})
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(out), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, f := range archive.Files {
		want[f.Name] = string(f.Data)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestASenderThatCannotTextIsRefused(t *testing.T) {
	for _, sender := range []string{"+1 555", "Twelve Chars", "a<b", "AC" + service[2:]} {
		m := text("4711")
		m.Sender = sender
		_, err := carrier(t, twilio.Config{Transport: nobody(t)}).Send(t.Context(), m)
		if e := refusal(t, err); e.Class != verify.SenderUnready || e.Ambiguous || !e.OtherCarrier() {
			t.Errorf("%q: %v", sender, err)
		}
	}
}

func TestARoutesNumberCallsWhereTheCarrierHasNone(t *testing.T) {
	m := call("4711", "Acme")
	m.Sender = from
	got := asked(t, twilio.Config{AccountSID: account, AuthToken: token, MessagingServiceSID: service}, m)
	if got.Form.Get("From") != from {
		t.Errorf("%v", got.Form)
	}
}

// Not every language has a voice; a slip in a locale's name would silence one that has.
func TestTheLocalesThatTwilioSpeaksAreCalledAsOursAre(t *testing.T) {
	spoken := 0
	for _, locale := range message.Locales() {
		m := call("4711", "Acme")
		m.Locale = locale
		twiml := asked(t, twilio.Config{AccountSID: account, AuthToken: token, From: from}, m).Form.Get("Twiml")
		if strings.HasPrefix(twiml, `<Response><Say language="`) {
			spoken++
		}
	}
	if spoken < 30 {
		t.Errorf("%d locales are spoken", spoken)
	}
}
