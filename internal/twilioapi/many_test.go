package twilioapi_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMoreAttemptsThanAreReadAtOnceAreAllCountedAndFound(t *testing.T) {
	s := newService(t)
	s.send(t, "POST /v2/Services\n\nFriendlyName=Acme")
	const n = 503
	for i := range n {
		rec := s.send(t, fmt.Sprintf("POST /v2/Services/$VA1/Verifications\n\nTo=%%2B1303555%04d&Channel=sms", i))
		if rec.Code != http.StatusCreated {
			t.Fatal(rec.Body)
		}
	}
	for path, want := range map[string]string{
		"/Summary": fmt.Sprintf(`"total_attempts":%d,`, n),
		"/Summary?DestinationPrefix=%2B130355500": `"total_attempts":100,`,
		"?ChannelData.To=%2B13035550000":          `"to":"+13035550000"`, // the oldest one
		"?PageSize=1000":                          `"next_page_url":null`,
	} {
		if rec := s.send(t, "GET /v2/Attempts"+path); rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s: %d, without %s", path, rec.Code, want)
		}
	}
	var found int
	for path := "/v2/Attempts?PageSize=100&Country=US"; path != ""; {
		body := s.send(t, "GET "+path).Body.String()
		found += strings.Count(body, `"channel_data"`)
		_, rest, ok := strings.Cut(body, `"next_page_url":"https://verify.example.com`)
		path, _, _ = strings.Cut(rest, `"`)
		if !ok {
			path = ""
		}
	}
	if found != n {
		t.Errorf("%d of %d were listed", found, n)
	}
	// What is passed over is read: whoever follows a list passes over nothing, and nobody
	// passes over all there is.
	for _, q := range s.asked {
		if q.Offset > 0 {
			t.Errorf("a list that was followed read %d attempts in vain", q.Offset)
		}
	}
	for _, path := range []string{"?Page=1000&PageSize=1000", "?PageToken=PT1000000-1", "?PageToken=PT5-1-zz"} {
		if rec := s.send(t, "GET /v2/Attempts"+path); rec.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
}

// link is an address of a list's meta, as a path; empty if there is none.
func link(body, name string) string {
	_, rest, _ := strings.Cut(body, `"`+name+`":"https://verify.example.com`)
	path, _, _ := strings.Cut(rest, `"`)
	return path
}

var attemptSID = regexp.MustCompile(`"sid":"VL[0-9a-f]{32}"`)

func TestAListOfMoreAttemptsThanAreReadAtOnceLeadsBackWhereItCameFrom(t *testing.T) {
	s := newService(t)
	s.send(t, "POST /v2/Services\n\nFriendlyName=Acme")
	start := func(n int) {
		rec := s.send(t, fmt.Sprintf("POST /v2/Services/$VA1/Verifications\n\nTo=%%2B1303555%04d&Channel=sms", n))
		if rec.Code != http.StatusCreated {
			t.Fatal(rec.Body)
		}
	}
	const n = 1015
	for i := range n {
		start(i)
	}
	read := func(path string) (body string, sids []string) {
		t.Helper()
		body = s.send(t, "GET "+path).Body.String()
		if sids = attemptSID.FindAllString(body, -1); len(sids) == 0 {
			t.Fatalf("%s: %s", path, body)
		}
		return body, sids
	}
	body, first := read("/v2/Attempts?PageSize=505")
	s.pass(time.Second)
	start(n) // it is no part of the list that is being read
	body, second := read(link(body, "next_page_url"))
	body, third := read(link(body, "next_page_url"))
	if len(first) != 505 || len(second) != 505 || len(third) != 5 || slices.Contains(first, second[0]) || slices.Contains(second, third[0]) {
		t.Fatalf("%d, %d and %d", len(first), len(second), len(third))
	}
	if _, again := read(link(body, "previous_page_url")); !slices.Equal(again, second) {
		t.Errorf("the page before has %d attempts, and another first one: %v", len(again), again[0] != second[0])
	}
}
