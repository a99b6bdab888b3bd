package e2e_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"countersign/gate"
)

// guarded is an application behind gate.Require, as one process of several: the service
// says whether a proof was used before.
func guarded(t *testing.T, s *service, number string) (address, profile string) {
	t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	profile = s.newProfile(t, server.URL+"/back")
	g, err := gate.New(gate.Config{
		Server: s.URL, APIKey: s.APIKey, ProfileID: profile, ReturnURL: server.URL + "/back", Redeem: true, Now: s.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	handler = g.Require(func(*http.Request) (gate.Ask, error) {
		return gate.Ask{Visit: "the one visit of this test", PhoneNumber: number}, nil
	}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "inside "+r.URL.RequestURI()) }))
	return server.URL, profile
}

func TestAHandlerBehindTheGateIsReachedWithAProofAlone(t *testing.T) {
	s := newService(t)
	const number = "+12015550120"
	address, _ := guarded(t, s, number)

	p := newPerson(t)
	p.open(address + "/inner?a=1")
	if !strings.HasPrefix(p.at.String(), s.URL+"/s/") {
		t.Fatalf("the person is at %s", p.at)
	}
	back := p.verify(s, number)
	p.open(back.String())
	p.says("inside /inner?a=1")
	p.open(address + "/other")
	p.says("inside /other")

	var shown struct {
		Data struct {
			Status     string
			RedeemedAt time.Time `json:"redeemed_at"`
		}
	}
	s.call(t, http.MethodGet, "/v2/verification_sessions/"+back.Query().Get("session_id"), nil, &shown)
	if shown.Data.Status != "verified" || shown.Data.RedeemedAt.IsZero() {
		t.Errorf("%+v", shown.Data)
	}
	p.open(back.String()) // by the back button, and the link of our last page
	p.says("inside /")
	stranger := newPerson(t)
	stranger.open(back.String())
	stranger.says("You were not verified")

	s.pass(13 * time.Hour)
	p.open(address + "/other")
	if !strings.HasPrefix(p.at.String(), s.URL+"/s/") {
		t.Errorf("after 13 hours the person is at %s", p.at)
	}
}

func TestAnotherProcessHadTheProofBefore(t *testing.T) {
	s := newService(t)
	const number = "+12015550121"
	address, _ := guarded(t, s, number)
	p := newPerson(t)
	p.open(address)
	back := p.verify(s, number)
	query := back.Query()
	var answer struct{ Data map[string]any }
	path := "/v2/verification_sessions/" + query.Get("session_id") + "/redeem"
	if status := s.call(t, http.MethodPost, path, map[string]string{"proof": query.Get("proof")}, &answer); status != http.StatusOK {
		t.Fatalf("redeeming: %d", status)
	}
	p.open(back.String())
	p.says("You were not verified")
}

func TestTheGateSaysWhatTheServiceRefuses(t *testing.T) {
	s := newService(t)
	profile := s.newProfile(t, home)
	conf := gate.Config{Server: s.URL, APIKey: s.APIKey, ProfileID: profile, ReturnURL: home, Now: s.now}
	begin := func(conf gate.Config, number string) *gate.ServiceError {
		g, err := gate.New(conf)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/sign-in", nil)
		refused, _ := errors.AsType[*gate.ServiceError](g.Begin(httptest.NewRecorder(), r, gate.Ask{Visit: "1", PhoneNumber: number}))
		return refused
	}
	if err := begin(conf, "+12015550122"); err != nil {
		t.Fatal(err)
	}
	if err := begin(conf, "+1201"); err == nil || err.Pointer != "/phone_number" || err.Status/100 != 4 {
		t.Errorf("a number that is none: %v", err)
	}
	elsewhere := conf
	elsewhere.ReturnURL += "/else"
	if err := begin(elsewhere, "+12015550122"); err == nil || err.Pointer != "/return_url" {
		t.Errorf("another way back: %v", err)
	}
	stranger := conf
	stranger.APIKey = "KEY_of_nobody"
	if err := begin(stranger, "+12015550122"); err == nil || err.Status != http.StatusUnauthorized {
		t.Errorf("another key: %v", err)
	}
}
