package pages_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"
	"time"

	"countersign/internal/limit"
	"countersign/internal/pages"
	"countersign/internal/secret"
)

// Sends of a page's visitor count against the visitor's network, the first one
// and those after it.
func TestWhatAVisitorAsksForCountsAgainstTheNetwork(t *testing.T) {
	s := newSite(t, func(c *pages.Config) { c.Network = func(*http.Request) string { return "192.0.2.1/32" } })
	s.Env.Limits.Network = limit.Rule{Count: 2, Per: 24 * time.Hour}
	b := s.browser(t)
	form := b.begin()
	s.pass(time.Minute)
	resend := func() { b.follow(b.post("/resend", "v", form.field("v")), "/verify") }
	resend()
	if s.sent() != 2 {
		t.Fatalf("%d messages, want the two that the limit allows", s.sent())
	}
	s.pass(2 * time.Minute)
	resend()                                                // one too many by resend
	s.browser(t).post("/request", "phone", "+447400999999") // and by a start of another number
	if s.sent() != 2 {
		t.Errorf("%d messages, the limit is 2", s.sent())
	}
}

// Whatever else is sealed with our keys must not pass for a session. Beside each
// stands the same text sealed as it should be, which shows that only the seal or
// the time is at fault.
func TestACookieSealedForAnythingElseCountsAsNone(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	form := b.begin()
	name := b.client.Jar.Cookies(form.Request.URL)[0].Name
	for what, tt := range map[string]struct {
		use   secret.Use
		place string
		ahead time.Duration
		want  int
	}{
		"ours":            {secret.Page, "pages session", 0, http.StatusOK},
		"another use":     {secret.Row, "pages session", 0, http.StatusSeeOther},
		"another place":   {secret.Page, "another place", 0, http.StatusSeeOther},
		"from the future": {secret.Page, "pages session", time.Minute, http.StatusSeeOther},
	} {
		at := s.clock().Add(tt.ahead).Format(time.RFC3339)
		sealed, err := s.keys.Seal(tt.use, tt.place, fmt.Appendf(nil, `{"v":%q,"t":"x","n":"+447400123456","a":%q,"s":%q}`, form.field("v"), at, at))
		if err != nil {
			t.Fatal(err)
		}
		r := b.request(http.MethodGet, "/done", nil)
		r.Header.Set("Cookie", name+"="+base64.RawURLEncoding.EncodeToString(sealed))
		if a := s.browser(t).do(r); a.StatusCode != tt.want {
			t.Errorf("%s: %d, want %d", what, a.StatusCode, tt.want)
		}
	}
}
