package telnyx_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"countersign/internal/deliver/telnyx"
	"countersign/internal/deliver/telnyx/telnyxtest"
	"countersign/internal/verify"
)

// trip is a transport that a test writes as a function.
type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAMessageWhoseBodyNobodyReadWasSurelyNotSent(t *testing.T) {
	var late func([]byte) (int, error)
	lost := trip(func(r *http.Request) (*http.Response, error) {
		late = r.Body.Read
		return nil, errors.New("the far side said " + key)
	})
	_, err := carrier(t, telnyx.Config{Transport: lost}).Send(t.Context(), text("4711"))
	if e := refusal(t, err); e.Class != verify.Temporary || e.Ambiguous {
		t.Error(err)
	}
	if strings.Contains(err.Error(), key) {
		t.Error("a transport's own words are shown")
	}
	if n, err := late(make([]byte, 100)); n != 0 || err == nil {
		t.Errorf("after Send gave up, %d bytes of the message can still be read", n)
	}
}

func TestAMessageWhoseBodyWasReadMayHaveBeenSent(t *testing.T) {
	lost := trip(func(r *http.Request) (*http.Response, error) {
		_, _ = r.Body.Read(make([]byte, 1))
		return nil, errors.New("lost")
	})
	_, err := carrier(t, telnyx.Config{Transport: lost}).Send(t.Context(), text("4711"))
	if e := refusal(t, err); e.Class != verify.Temporary || !e.Ambiguous {
		t.Error(err)
	}
}

func TestACertificateThatNobodyKnowsIsSurelyNothingSent(t *testing.T) {
	api := telnyxtest.New(key)
	server := httptest.NewUnstartedServer(api)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	_, err := carrier(t, telnyx.Config{BaseURL: server.URL + "/v2"}).Send(t.Context(), text("4711"))
	e := refusal(t, err)
	if e.Class != verify.Temporary || e.Ambiguous || !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
	if api.Requests() != 0 {
		t.Error("the server was asked")
	}
}

func TestHTTP2IsTheSame(t *testing.T) {
	api := telnyxtest.New(key)
	var protocol string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol = r.Proto
		api.ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	sender := carrier(t, telnyx.Config{BaseURL: server.URL + "/v2", Transport: server.Client().Transport})
	if _, err := sender.Send(t.Context(), text("4711")); err != nil {
		t.Fatal(err)
	}
	if protocol != "HTTP/2.0" {
		t.Errorf("spoken was %s", protocol)
	}
	api.Fail(to, 0, "")
	_, err := sender.Send(t.Context(), text("4711"))
	if e := refusal(t, err); e.Class != verify.Temporary || !e.Ambiguous {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = sender.Send(ctx, text("4711"))
	if e := refusal(t, err); e.Class != verify.Temporary || e.Ambiguous || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
