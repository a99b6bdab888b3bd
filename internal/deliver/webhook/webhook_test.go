package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"countersign/internal/code"
	"countersign/internal/deliver/webhook"
	"countersign/internal/mailbox"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/verify"
	"countersign/internal/verify/sendertest"
)

const (
	service    = "https://sms.example/v1/send"
	secret     = "quokka-c0ffee-quokka-c0ffee"
	bearer     = "Bearer wombat_c0ffee"
	to         = "+12025550147"
	messageID  = "0198c0de-0000-7000-8000-000000000001-1"
	receiptURL = "https://otp.example/receipts/own"
)

var update = flag.Bool("update", false, "write the requests into the golden file")

// clock gives every request the same instant.
func clock() time.Time { return time.Unix(1_780_000_000, 0) }

func TestItIsASenderOfEveryChannel(t *testing.T) {
	for _, row := range []struct {
		channel verify.Channel
		body    string
	}{{verify.SMS, ""}, {verify.Call, `{"number":"{{to}}","say":"{{text}}"}`}} {
		t.Run(string(row.channel), func(t *testing.T) {
			sendertest.Run(t, sendertest.Harness{
				New: func(t *testing.T, server string, timeout time.Duration) verify.Sender {
					return carrier(t, webhook.Config{
						URL: server + "/send", Body: row.body, Headers: map[string]string{"Authorization": bearer}, ReceiptURL: receiptURL, Timeout: timeout,
					})
				},
				Take: func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(http.StatusAccepted)
					_, _ = io.WriteString(w, `{"id":"own-1"}`)
				},
				CarrierID: "own-1",
				Channel:   row.channel,
				Secrets:   []string{secret, bearer, "wombat_c0ffee"},
			})
		})
	}
}

type made struct {
	config  webhook.Config
	message verify.Message
}

// requests are what each golden request is made of.
func requests() map[string]made {
	full := webhook.Config{Headers: map[string]string{"Authorization": bearer, "x-tenant": "7"}, ReceiptURL: receiptURL}
	with := func(c webhook.Config, change func(*verify.Message)) made {
		m := text("4711")
		change(&m)
		return made{c, m}
	}
	template := webhook.Config{Body: `{"number": "{{to}}", "parts": [{"message": "{{text}}"}], "ttl": {{valid_for}}, "about": {"{{channel}}": "{{id}}"}, "from": "{{sender}}"}`}
	return map[string]made{
		"a text": with(webhook.Config{}, func(*verify.Message) {}),
		"a text in full": with(full, func(m *verify.Message) {
			m.AppName, m.Locale, m.Sender, m.ValidFor = "Müller & Söhne", "de", "Acme", 5*time.Minute
		}),
		"a text by template":  with(template, func(m *verify.Message) { m.Sender, m.ValidFor = `"Ac\me"`, 90*time.Second }),
		"a template's values": with(webhook.Config{Body: `["{{to}}","{{code}}","{{app_name}}","{{locale}}","{{subject}}","{{keys}}","{{receipt_url}}"]`, ReceiptURL: receiptURL}, func(m *verify.Message) { m.AppName, m.Keys = `{{code}}","x":"`, "1w2" }),
		"a call with keys":    with(webhook.Config{}, func(m *verify.Message) { m.Channel, m.Keys = verify.Call, "1w2" }),
		"an e-mail": with(webhook.Config{}, func(m *verify.Message) {
			a, err := mailbox.Parse("someone@example.com")
			if err != nil {
				panic(err)
			}
			m.Channel, m.To, m.Subject = verify.Email, verify.Mail(a), "Your code"
		}),
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
		got[name] = asked(t, requests()[name])
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

// asked returns the one request that a message makes, and checks its signature as
// docs/carriers/webhook.md says.
func asked(t *testing.T, r made) string {
	t.Helper()
	var got string
	r.config.Transport = trip(func(request *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "1780000000.message.%s", body)
		if got, want := request.Header.Get("Countersign-Signature"), "t=1780000000,v1="+hex.EncodeToString(mac.Sum(nil)); got != want {
			t.Errorf("signed %s, want %s", got, want)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, body, "", "  "); err != nil {
			t.Errorf("%v in %s", err, body)
		}
		request.Header.Del("Countersign-Signature")
		var head bytes.Buffer
		_ = request.Header.Write(&head)
		got += fmt.Sprintf("%s %s\n%s\n%s\n", request.Method, request.URL, strings.ReplaceAll(head.String(), "\r", ""), pretty.String())
		return answered(request, 200, `{}`), nil
	})
	if _, err := carrier(t, r.config).Send(t.Context(), r.message); err != nil || strings.Count(got, "User-Agent") != 1 {
		t.Fatalf("%v after\n%s", err, got)
	}
	return got
}

func TestAnAnswerMayNameTheMessageAndItsLine(t *testing.T) {
	for body, want := range map[string]verify.Submission{
		``:                                      {},
		`{}`:                                    {},
		`{"id":"a-1","line":"landline"}`:        {CarrierID: "a-1", Line: verify.Landline, Unnamed: true},
		`{"id":"a b","line":"sea"}`:             {},
		`{"id":7,"line":"mobile"}`:              {Line: verify.Mobile},
		`{"error":{"class":"no such"}}`:         {},
		`{"error":"opted out","id":"a"}`:        {CarrierID: "a", Unnamed: true},
		`{"error":{"class":null},"id":"a"}`:     {CarrierID: "a", Unnamed: true},
		`{"id":"` + strings.Repeat("a", 65):     {},
		`[{"error":{"class":"invalid number"}}`: {},
	} {
		got, err := send(t, 200, nil, body)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", body, got, err, want)
		}
	}
	// Without a place for receipts nothing needs to be found.
	c := webhook.Config{Transport: trip(func(r *http.Request) (*http.Response, error) { return answered(r, 200, `{"id":"a"}`), nil })}
	if got, err := carrier(t, c).Send(t.Context(), text("4711")); err != nil || got.Unnamed {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestARefusalHasTheClassThatTheServiceNames(t *testing.T) {
	for _, class := range verify.Classes() {
		for _, status := range []int{200, 202, 400, 422, 500, 503} {
			body, _ := json.Marshal(map[string]any{"id": "a", "error": map[string]any{"class": class, "detail": "to " + to}})
			_, err := send(t, status, http.Header{"Retry-After": {"7"}}, string(body))
			e := refusal(t, err)
			if e.Class != class || e.Ambiguous || (e.Wait == 7*time.Second) != (class == verify.Throttled || class == verify.Temporary) {
				t.Errorf("%d with %q: %v, wait %s", status, class, err, e.Wait)
			}
		}
	}
	// A status alone has its usual meaning.
	_, err := send(t, 500, nil, `{"error":{"class":"whatever"}}`)
	if e := refusal(t, err); e.Class != verify.Temporary || !e.Ambiguous {
		t.Error(err)
	}
}

func TestAConfigurationThatCannotWorkIsRefusedInWords(t *testing.T) {
	for _, row := range []struct {
		spoil func(*webhook.Config)
		says  string
	}{
		{func(c *webhook.Config) { c.URL = "" }, "no url"},
		{func(c *webhook.Config) { c.URL = "sms.example" }, "url: "},
		{func(c *webhook.Config) { c.URL = "http://sms.example/" }, "in the clear"},
		{func(c *webhook.Config) { c.URL = "https://u:" + secret + "@sms.example/" }, "user name"},
		{func(c *webhook.Config) { c.URL = service + "?key=" + secret }, "?"},
		{func(c *webhook.Config) { c.Secret = "" }, "no secret"},
		{func(c *webhook.Config) { c.Secret = secret[:15] }, "fewer than 16"},
		{func(c *webhook.Config) { c.Secret = secret + "\n" }, "does not print"},
		{func(c *webhook.Config) { c.Now = nil }, "no clock"},
		{func(c *webhook.Config) { c.Timeout = -1 }, "negative"},
		{func(c *webhook.Config) { c.ReceiptURL = "otp.example" }, "public_url"},
		{func(c *webhook.Config) { c.Headers = map[string]string{"X Y": secret} }, `"X Y" is no name`},
		{func(c *webhook.Config) { c.Headers = map[string]string{"": secret} }, "is no name"},
		{func(c *webhook.Config) { c.Headers = map[string]string{"X-A": secret + "\r\nX-B: 1"} }, `the value of "X-A"`},
		{func(c *webhook.Config) { c.Headers = map[string]string{"X-A": secret + " "} }, `the value of "X-A"`},
		{func(c *webhook.Config) { c.Headers = map[string]string{"X-A": secret, "x-a": secret} }, "twice"},
		{func(c *webhook.Config) { c.Headers = map[string]string{"content-type": "text/plain"} }, "set by Countersign"},
		{func(c *webhook.Config) { c.Headers = map[string]string{"Countersign-Signature": secret} }, "set by Countersign"},
		{func(c *webhook.Config) { c.Headers = map[string]string{"host": "x"} }, "set by Countersign"},
		{func(c *webhook.Config) { c.Body = `{"a":"{{code}}"}` }, "must hold {{to}}"},
		{func(c *webhook.Config) { c.Body = `{"a":"{{to}}"}` }, "{{code}} or {{text}}"},
		{func(c *webhook.Config) { c.Body = `{"a":"{{to}}","b":"{{kode}}","c":"{{code}}"}` }, "{{kode}} is no variable"},
		{func(c *webhook.Config) { c.Body = `{"a":"{{to}}","b":"{{ code }}","c":"{{code}}"}` }, "{{ code }} is no variable"},
		{func(c *webhook.Config) { c.Body = `{"a":{{to}},"b":"{{code}}"}` }, "within quotes"},
		{func(c *webhook.Config) { c.Body = `{"a":"{{to}}","b":{{code}}}` }, "within quotes"},
		{func(c *webhook.Config) { c.Body = `{"a":"{{to}}","b":"{{text}}"` }, "not JSON"},
		{func(c *webhook.Config) { c.Body = `to={{to}}&text={{text}}` }, "not JSON"},
	} {
		c := webhook.Config{URL: service, Secret: secret, Now: clock}
		row.spoil(&c)
		_, err := webhook.New(c)
		switch {
		case err == nil:
			t.Errorf("%s is taken, though %q", c, row.says)
		case !strings.Contains(err.Error(), row.says), strings.Contains(err.Error(), secret):
			t.Errorf("want %q said and no secret: %v", row.says, err)
		}
	}
}

// Whatever a message holds, a template's JSON keeps its form.
func FuzzNoValueBreaksOutOfATemplate(f *testing.F) {
	f.Add("Acme", "de", "0198c0de-1")
	f.Add(`","x":"`, "\\", "\x00\xff\u2028")
	f.Add("{{code}}", `\u0022`, "</script>")
	f.Fuzz(func(t *testing.T, app, sender, id string) {
		m := text("4711")
		m.AppName, m.Sender, m.ID = app, sender, id
		var body []byte
		c := carrier(t, webhook.Config{
			Body: `{"to":"{{to}}","code":"{{code}}","rest":["{{app_name}}","{{sender}}","{{id}}"]}`,
			Transport: trip(func(r *http.Request) (*http.Response, error) {
				body, _ = io.ReadAll(r.Body)
				return answered(r, 200, ""), nil
			}),
		})
		if _, err := c.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		var got struct {
			To, Code string
			Rest     []string
		}
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		if err := d.Decode(&got); err != nil || got.To != to || got.Code != "4711" || len(got.Rest) != 3 {
			t.Errorf("%v: %q", err, body)
		} else if want := []string{app, sender, id}; utf8.ValidString(app+"|"+sender+"|"+id) && !slices.Equal(got.Rest, want) {
			t.Errorf("%q, want %q", got.Rest, want)
		}
	})
}

func TestNothingPrintsTheSecrets(t *testing.T) {
	config := webhook.Config{URL: service, Secret: secret, Now: clock, Headers: map[string]string{"Authorization": bearer}, ReceiptURL: receiptURL}
	sender, err := webhook.New(config)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(map[string]any{"config": config, "sender": sender})
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		sender *webhook.Carrier
		inner  webhook.Carrier
	}
	out := string(encoded) + config.LogValue().String()
	for _, v := range []any{config, &config, []webhook.Config{config}, sender, *sender, holder{sender, *sender}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%x", "%d"} {
			out += fmt.Sprintf(verb, v)
		}
	}
	for _, hidden := range []string{secret, fmt.Sprintf("%x", secret), strings.Trim(fmt.Sprintf("%d", []byte(secret)), "[]"), bearer} {
		if strings.Contains(out, hidden) {
			t.Errorf("%q in %s", hidden, out)
		}
	}
	if strings.Contains(config.String(), "v1/send") {
		t.Errorf("%s shows a path, which may be a secret", config)
	}
}

// carrier makes a carrier of what c leaves open.
func carrier(t testing.TB, c webhook.Config) *webhook.Carrier {
	t.Helper()
	if c.URL == "" {
		c.URL = service
	}
	c.Secret, c.Now = secret, clock
	sender, err := webhook.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

// send sends to a service that answers so, without a network.
func send(t testing.TB, status int, header http.Header, body string) (verify.Submission, error) {
	t.Helper()
	return carrier(t, webhook.Config{ReceiptURL: receiptURL, Transport: trip(func(r *http.Request) (*http.Response, error) {
		resp := answered(r, status, body)
		maps.Copy(resp.Header, header)
		return resp, nil
	})}).Send(t.Context(), text("4711"))
}

// trip is a transport that a test writes as a function.
type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answered(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

func text(digits string) verify.Message {
	c, err := code.Custom(digits)
	if err != nil {
		panic(err)
	}
	return verify.Message{
		ID: messageID, Channel: verify.SMS, To: verify.Phone(phone.Trusted(to)), Code: c,
		Text: message.Render(message.Plain, message.Values{Code: c}),
	}
}

func refusal(t testing.TB, err error) *verify.SendError {
	t.Helper()
	e, ok := errors.AsType[*verify.SendError](err)
	if !ok {
		t.Fatalf("%v is no *verify.SendError", err)
	}
	return e
}
