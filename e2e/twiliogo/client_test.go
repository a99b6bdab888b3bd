// Package twiliogo drives the official Go package of Twilio, unmodified, against a
// running Countersign. It is a module of its own, so that nothing else requires that
// package; the tests of module e2e start the server, run these, and look at every answer.
package twiliogo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twilio/twilio-go"
	"github.com/twilio/twilio-go/client"
	verify "github.com/twilio/twilio-go/rest/verify/v2"

	"countersign/examples/clients"
)

// setting reads what e2e's tests, or a person who runs these by hand, must say.
func setting(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: these tests are run by those of module e2e (cd e2e && go test -run Twilio .)", name)
	}
	return value
}

// connect makes the client as an application makes it.
func connect(t *testing.T, user, password string) *twilio.RestClient {
	t.Helper()
	base, err := url.Parse(setting(t, "COUNTERSIGN_URL"))
	if err != nil {
		t.Fatal(err)
	}
	c := &client.Client{
		Credentials: client.NewCredentials(user, password),
		HTTPClient:  &http.Client{Transport: clients.Countersign{Base: base, Next: http.DefaultTransport}, Timeout: 30 * time.Second},
	}
	c.SetAccountSid(user)
	return twilio.NewRestClientWithParams(twilio.ClientParams{Client: c})
}

func newAPI(t *testing.T) *verify.ApiService {
	t.Helper()
	return connect(t, setting(t, "TWILIO_ACCOUNT_SID"), setting(t, "TWILIO_AUTH_TOKEN")).VerifyV2
}

// must is what a call returned; the test ends if it is an error.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// refused asserts that an error is the package's own, with a code and a status, and
// that it leads to a page of this server.
func refused(t *testing.T, err error, code, status int) {
	t.Helper()
	rest, ok := errors.AsType[*client.TwilioRestError](err)
	if !ok {
		t.Fatalf("got %v, want a TwilioRestError with code %d", err, code)
	}
	if rest.Code != code || rest.Status != status {
		t.Errorf("got code %d, status %d (%s), want %d, %d", rest.Code, rest.Status, rest.Message, code, status)
	}
	if want := fmt.Sprintf("%s/docs/errors/%d", setting(t, "COUNTERSIGN_URL"), code); rest.MoreInfo != want {
		t.Errorf("got more_info %q, want %q", rest.MoreInfo, want)
	}
}

// equal asserts that a field, which the package may leave nil, holds what it should.
func equal[T comparable](t *testing.T, what string, got *T, want T) {
	t.Helper()
	if got == nil {
		t.Errorf("%s: got nothing, want %v", what, want)
		return
	}
	if *got != want {
		t.Errorf("%s: got %v, want %v", what, *got, want)
	}
}

// message is what the inbox shows.
type message struct{ To, Subject, Text, Keys, Code, Channel string }

// received waits for the newest message to an address.
func received(t *testing.T, to string) message {
	t.Helper()
	q := url.Values{"to": {to}, "timeout": {"30s"}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, setting(t, "COUNTERSIGN_INBOX")+"/wait?"+q.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("no message to %s: %d %v", to, res.StatusCode, err)
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// wrong is a code of the same length that is not the right one.
func wrong(right string) string {
	if zeros := strings.Repeat("0", len(right)); zeros != right {
		return zeros
	}
	return strings.Repeat("1", len(right))
}
