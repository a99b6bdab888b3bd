package twilioapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
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
