package app_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"countersign/internal/app"
)

const twilioToken = "quokka-and-numbat"

// twilioSigned is a request as Twilio signs it ("Security": the address, and the
// parameters in the order of their names).
func twilioSigned(t *testing.T, to string, form url.Values, public string) *http.Request {
	t.Helper()
	var names []string
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	text := public
	for _, name := range names {
		text += name + form.Get(name)
	}
	mac := hmac.New(sha1.New, []byte(twilioToken))
	_, _ = mac.Write([]byte(text))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return r
}

// listener is a service by the address at which it listens: its public one is another.
type listener struct {
	app.Started
	url string
}

func listening(t *testing.T, c app.Config) listener {
	t.Helper()
	at, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = at.Close() // the service takes its place
	c.Listen = at.Addr().String()
	where, _ := serve(t, c, app.Options{})
	return listener{where, "http://" + c.Listen}
}

func (l listener) ask(t *testing.T, method, path, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, l.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+l.APIKey)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %s %v", method, path, res.Status, text, err)
	}
	return string(text)
}

func (l listener) begin(t *testing.T, number string) (id string) {
	t.Helper()
	var got struct{ Data struct{ ID string } }
	text := l.ask(t, http.MethodPost, "/v2/verifications/sms", `{"phone_number":"`+number+`","verify_profile_id":"`+l.ProfileID+`"}`)
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	return got.Data.ID
}

func (l listener) timeline(t *testing.T, id string) string {
	t.Helper()
	return l.ask(t, http.MethodGet, "/v2/verifications/"+id+"/timeline", "")
}

func TestACarriersReceiptIsBelievedIfItIsSignedAndShownInTheTimeline(t *testing.T) {
	const sid, account = "SM0123456789abcdef0123456789abcdef", "AC0123456789abcdef0123456789abcdef"
	callbacks := make(chan string, 10)
	carrier := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		callbacks <- r.FormValue("StatusCallback")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"sid":"`+sid+`","status":"queued","error_code":null}`)
	}))
	defer carrier.Close()
	c := app.Development(filepath.Join(t.TempDir(), "data"))
	c.PublicURL = "http://localhost:3000"
	c.Carriers = []app.CarrierConfig{{
		Name: "tw", Type: "twilio", AccountSID: account, AuthToken: app.NewSecret(twilioToken), From: "+12015550100", BaseURL: carrier.URL,
	}}
	s := listening(t, c)
	id := s.begin(t, "+13035551201")
	callback := <-callbacks
	if !strings.HasPrefix(callback, "http://localhost:3000/receipts/tw?message="+id) {
		t.Fatalf("Twilio is to call %q", callback)
	}
	query := callback[strings.Index(callback, "/receipts/"):]
	form := url.Values{"MessageSid": {sid}, "AccountSid": {account}, "MessageStatus": {"delivered"}}
	post := func(signedFor string, form url.Values) int {
		res, err := http.DefaultClient.Do(twilioSigned(t, s.url+query, form, signedFor))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	if got := post("http://localhost:3000/receipts/other", form); got != http.StatusForbidden {
		t.Errorf("a receipt that is signed for another address answers %d", got)
	}
	if line := s.timeline(t, id); strings.Contains(line, `"delivered"`) {
		t.Errorf("and counts: %s", line)
	}
	for range 2 { // the second one changes nothing
		if got := post(callback, form); got/100 != 2 {
			t.Errorf("a receipt answers %d", got)
		}
	}
	if line := s.timeline(t, id); strings.Count(line, `"delivered"`) != 1 || strings.Contains(line, "accepted") {
		t.Errorf("the time line is %s", line)
	}
}

func TestReceiptsWithoutAKeyToVerifyThemAreNoReasonToStart(t *testing.T) {
	c := app.Development(filepath.Join(t.TempDir(), "data"))
	c.PublicURL = "http://localhost:3000"
	c.Carriers = []app.CarrierConfig{{Name: "t", Type: "telnyx", APIKey: app.NewSecret("KEY"), From: "+12015550100", Receipts: "on"}}
	if _, err := app.Open(t.Context(), c, app.Options{}); err == nil || !strings.Contains(err.Error(), "public_key") {
		t.Errorf("it starts, or says %v", err)
	}
	c.PublicURL = ""
	if _, err := app.Open(t.Context(), c, app.Options{}); err == nil || !strings.Contains(err.Error(), "public_url must be set") {
		t.Errorf("it starts, or says %v", err)
	}
}
