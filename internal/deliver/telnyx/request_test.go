package telnyx_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"countersign/internal/deliver/telnyx"
	"countersign/internal/message"
	"countersign/internal/verify"
)

const application = "1293384261075731499"

var update = flag.Bool("update", false, "write the requests into the golden file")

// requests are what each golden request is made of.
func requests() map[string]func() (telnyx.Config, verify.Message) {
	full := telnyx.Config{MessagingProfileID: "40017f6d-profile", TeXMLApplicationID: application, ReceiptURL: receiptURL, PublicKey: publicKey(telnyxes)}
	with := func(c telnyx.Config, change func(*verify.Message)) func() (telnyx.Config, verify.Message) {
		return func() (telnyx.Config, verify.Message) {
			m := text("4711")
			m.ID, m.ValidFor = messageID, 5*time.Minute
			change(&m)
			return c, m
		}
	}
	call := func(m *verify.Message) {
		m.Channel, m.Locale = verify.Call, "pt-BR"
		m.Text = message.Spoken(message.Values{Code: m.Code, AppName: "Müller & Söhne", Locale: m.Locale})
	}
	return map[string]func() (telnyx.Config, verify.Message){
		"a text":                          with(telnyx.Config{}, func(*verify.Message) {}),
		"a text with receipts":            with(full, func(*verify.Message) {}),
		"a text from the route's sender":  with(full, func(m *verify.Message) { m.Sender = "Acme" }),
		"a call":                          with(full, call),
		"a call in a language not spoken": with(full, func(m *verify.Message) { call(m); m.Locale = "uk" }),
		"a call with keys, from the route's sender": with(full, func(m *verify.Message) {
			call(m)
			m.Locale, m.Keys, m.Sender = "en", "1wW#*D", "+442079460000"
		}),
		"a call that no name can make": with(full, func(m *verify.Message) { call(m); m.Sender = "Acme" }),
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
		c, m := requests()[name]()
		got[name] = asked(t, c, m)
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

// asked sends m by a carrier of c and returns the one request that this makes.
func asked(t *testing.T, c telnyx.Config, m verify.Message) string {
	t.Helper()
	var got string
	c.Transport = trip(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		var pretty bytes.Buffer
		err = errors.Join(err, json.Indent(&pretty, body, "", "  "))
		got += fmt.Sprintf("%s %s\nAuthorization: %s\nContent-Type: %s\n\n%s\n", r.Method, r.URL, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), pretty.String())
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{}`)), Request: r}, err
	})
	if _, err := carrier(t, c).Send(t.Context(), m); err != nil || strings.Count(got, "Authorization") != 1 {
		t.Fatalf("%v after\n%s", err, got)
	}
	return got
}

func TestASenderThatCannotTextIsRefused(t *testing.T) {
	for _, sender := range []string{"Acme", "+1 555", "Twelve Chars", "a<b"} {
		m := text("4711")
		m.Sender = sender
		_, err := carrier(t, telnyx.Config{Transport: trip(func(*http.Request) (*http.Response, error) {
			t.Error("Telnyx was asked")
			return nil, errors.New("nobody")
		})}).Send(t.Context(), m)
		if e := refusal(t, err); e.Class != verify.SenderUnready || e.Ambiguous || !e.OtherCarrier() {
			t.Errorf("%q: %v", sender, err)
		}
	}
}

func TestTheLineIsLearnedFromTheAnswer(t *testing.T) {
	for word, want := range map[string]verify.Line{
		"Wireless": verify.Mobile, "Pre-Paid Wireless": verify.Mobile, "Wireline": verify.Landline, "VoIP": verify.VoIP, "VoWiFi": verify.VoIP, "": "", "Satellite": "",
	} {
		got, err := send(t, 200, nil, `{"data":{"id":"a","to":[{"status":"queued","line_type":"`+word+`"}]}}`)
		if err != nil || got != (verify.Submission{CarrierID: "a", Line: want}) {
			t.Errorf("%q: %+v, %v; want %q", word, got, err, want)
		}
	}
}

// Receipts of a call have Telnyx's name for it alone.
func TestOnlyACallWithReceiptsMustBeFoundByTelnyxsName(t *testing.T) {
	for _, row := range []struct {
		channel  verify.Channel
		receipts string
		want     bool
	}{{verify.SMS, receiptURL, false}, {verify.Call, receiptURL, true}, {verify.Call, "", false}} {
		m := text("4711")
		m.Channel = row.channel
		got, err := carrier(t, telnyx.Config{
			TeXMLApplicationID: application, ReceiptURL: row.receipts, PublicKey: publicKey(telnyxes),
			Transport: trip(func(r *http.Request) (*http.Response, error) {
				body := `{"call_sid":"` + callID + `","data":{"id":"` + callID + `"}}`
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
			}),
		}).Send(t.Context(), m)
		if err != nil || got.Unnamed != row.want || got.CarrierID != callID {
			t.Errorf("%+v: %+v, %v", row, got, err)
		}
	}
}

// A verb that came in by a template would call at our cost, and keys are no better.
func TestNothingInACallIsAVerb(t *testing.T) {
	for _, hostile := range []string{
		`</Say><Dial>+19005550100</Dial>`, `"/><Dial>`, `]]><Dial/>`, `<!-- `, `&lt;Dial&gt;`, `'><Hangup/>`, "a\x00b", "\xff", "Müller & Söhne <3",
	} {
		m := text("4711")
		m.Channel, m.Locale, m.Keys = verify.Call, "de", hostile
		m.Text = message.Render(hostile+" {{code}}", message.Values{Code: m.Code})
		var body struct{ Texml string }
		_, request, _ := strings.Cut(asked(t, telnyx.Config{TeXMLApplicationID: application}, m), "\n\n")
		if err := json.Unmarshal([]byte(request), &body); err != nil {
			t.Fatal(err)
		}
		var names []string
		for d := xml.NewDecoder(strings.NewReader(body.Texml)); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v in %q", err, body.Texml)
			}
			if start, ok := token.(xml.StartElement); ok {
				names = append(names, start.Name.Local)
			}
		}
		if strings.Join(names, " ") != "Response Play Say" {
			t.Errorf("%q is %q", hostile, names)
		}
	}
}

func TestEveryLanguageSpokenIsOfALocaleThatThereIs(t *testing.T) {
	spoken := 0
	for _, locale := range message.Locales() {
		m := text("4711")
		m.Channel, m.Locale = verify.Call, locale
		if strings.Contains(asked(t, telnyx.Config{TeXMLApplicationID: application}, m), "language=") {
			spoken++
		}
	}
	if spoken < 19 {
		t.Errorf("%d locales are spoken, want 19: is one not called as package message calls it?", spoken)
	}
}
