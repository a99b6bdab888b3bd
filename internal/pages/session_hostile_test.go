package pages_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/phone"
	"countersign/internal/verify"
)

func TestEveryAnswerOfASessionCarriesTheHeaders(t *testing.T) {
	s := sessions(t)
	v := s.visit(t, ada, nil)
	b := s.browser(t)
	b.get(v.path)
	for _, r := range []struct {
		method, path string
		status       int
	}{
		{"GET", v.path, 200}, {"HEAD", v.path, 200}, {"GET", v.path + "/", 200}, {"GET", v.path + "/verify", 303}, {"GET", v.path + "/done", 303},
		{"GET", v.path + "/events", 204}, {"HEAD", v.path + "/events", 204},
		{"POST", v.path + "/request", 415}, {"POST", v.path + "/verify", 415}, {"POST", v.path + "/resend", 415},
		{"POST", v.path, 405}, {"PUT", v.path + "/verify", 405}, {"DELETE", v.path, 405}, {"GET", v.path + "/request", 405}, {"POST", v.path + "/events", 405},
		{"GET", v.path + "/nowhere", 404}, {"GET", v.path + "//verify", 404}, {"GET", "/s/", 404}, {"GET", "/s/x/verify", 404}, {"POST", "/s/x/verify", 404},
		{"GET", "/embed.js", 200}, {"POST", "/embed.js", 405},
	} {
		a := b.do(b.request(r.method, r.path, nil))
		if a.StatusCode != r.status {
			t.Errorf("%s %s: %d, want %d", r.method, r.path, a.StatusCode, r.status)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s %s: %s is %q", r.method, r.path, name, got)
			}
		}
		csp := a.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s %s: the policy lacks %s", r.method, r.path, part)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s %s: %s", r.method, r.path, csp)
		}
		if got := a.Header.Get("Cache-Control"); got != "no-store" && r.path != "/embed.js" {
			t.Errorf("%s %s may be kept: %q", r.method, r.path, got)
		}
		if strings.Contains(a.text, " style=") || strings.Contains(a.text, " onclick") || strings.Contains(a.text, "<script>") {
			t.Errorf("%s %s has scripts or styles of its own", r.method, r.path)
		}
	}
}

func TestAFormOfASessionFromAnotherWebsiteIsRefused(t *testing.T) {
	s := sessions(t)
	v := s.visit(t, ada, nil)
	b := s.browser(t)
	form := b.follow(b.post(v.path+"/request"), v.path+"/verify")
	right, _ := s.codes(t, form)
	for _, header := range [][2]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://app.example.com"}, {"Origin", "null"},
	} {
		for _, page := range []string{"/request", "/verify", "/resend"} {
			r := b.request(http.MethodPost, v.path+page, strings.NewReader("code="+right))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(header[0], header[1])
			if a := b.do(r); a.StatusCode != http.StatusForbidden {
				t.Errorf("%s with %v: %d", page, header, a.StatusCode)
			}
		}
	}
	if got := s.verification(t, form); got.Status != verify.Pending || got.Guesses != 0 || s.sent() != 1 {
		t.Errorf("%s after %d guesses and %d messages", got.Status, got.Guesses, s.sent())
	}
}

// TestAPlantedCookieBringsThePlanterNoProof is session fixation: whoever knew the link
// first sees no proof of the person who then acts in it.
func TestAPlantedCookieBringsThePlanterNoProof(t *testing.T) {
	s := sessions(t)
	v := s.visit(t, verify.Address{}, nil)
	planter, victim := s.browser(t), s.browser(t)
	planter.get(v.path) // has a cookie of its own now, and nothing is bound
	form := victim.follow(victim.post(v.path+"/request", "phone", number), v.path+"/verify")
	right, _ := s.codes(t, form)
	planter.get(v.path+"/verify").wants(t, "This link is open in another browser")
	victim.follow(victim.post(v.path+"/verify", "code", right, "v", form.field("v")), v.path+"/done").home(t)
	for _, page := range []string{"", "/done", "/verify", "/events"} {
		planter.get(v.path+page).lacks(t, "proof-")
	}
}

func TestTwoSessionsForOneNumberShareTheCodeAndNotTheSuccess(t *testing.T) {
	s := sessions(t)
	mine, theirs := s.visit(t, ada, nil), s.visit(t, ada, nil)
	me, they := s.browser(t), s.browser(t)
	they.follow(they.post(theirs.path+"/request"), theirs.path+"/verify")
	s.pass(5 * time.Second)
	form := me.follow(me.post(mine.path+"/request"), mine.path+"/verify") // an equal start: no second message
	right, _ := s.codes(t, form)
	if s.sent() != 1 {
		t.Errorf("%d messages", s.sent())
	}
	me.follow(me.post(mine.path+"/verify", "code", right, "v", form.field("v")), mine.path+"/done").home(t)
	for _, page := range []string{"", "/done", "/verify"} {
		they.get(theirs.path+page).lacks(t, "proof-", "Refresh")
	}
	they.follow(they.post(theirs.path+"/verify", "code", right), theirs.path+"/verify").wants(t, "This code has been used")
	kept, err := s.store.Session(t.Context(), theirs.ID)
	if err != nil || kept.Status != verify.SessionOpen {
		t.Errorf("%+v, %v", kept, err)
	}
}

// TestAKnownAndAnUnknownAddressLookTheSameInASession compares what a stranger sees of a
// number that has been verified here and of one that never was, but for what differs by
// chance.
func TestAKnownAndAnUnknownAddressLookTheSameInASession(t *testing.T) {
	s := sessions(t)
	v := s.visit(t, ada, nil)
	b := s.browser(t)
	form := b.follow(b.post(v.path+"/request"), v.path+"/verify")
	right, _ := s.codes(t, form)
	b.follow(b.post(v.path+"/verify", "code", right, "v", form.field("v")), v.path+"/done")
	s.pass(time.Hour)
	seen := func(to verify.Address) string {
		v := s.visit(t, to, nil)
		b := s.browser(t)
		var out strings.Builder
		for _, a := range []answer{b.get(v.path), b.post(v.path + "/request"), b.get(v.path + "/verify"), b.post(v.path+"/verify", "code", "00000x"), b.get(v.path + "/verify")} {
			a.Header.Del("Date")
			for _, c := range a.Cookies() {
				a.Header.Set("Set-Cookie", c.Name+" of "+string(rune('0'+len(c.Value)/100)))
			}
			head, err := json.Marshal(a.Header)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.NewReplacer(v.path, "/s/LINK", v.ID.String(), "ID", lastHex(v), "HEX", a.field("v"), "V").Replace(a.Status + string(head) + a.text)
			out.WriteString(text)
		}
		return out.String()
	}
	other := verify.Phone(phone.Trusted("+447400123556")) // as many digits, and the same last two
	if a, b := seen(ada), seen(other); a != b {
		t.Errorf("known:\n%s\nunknown:\n%s", a, b)
	}
}

// told is one event of a stream.
type told struct {
	State, Text string
	Other       bool
}

// follow reads the stream of a visit's newest message to its end. After the first event
// the message is as next has it.
func follow(t *testing.T, s *site, b *browser, path string, first, next verify.Delivery) (all []told) {
	t.Helper()
	set := func(d verify.Delivery) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.deliveries = &d
	}
	set(first)
	res, err := b.client.Do(b.request(http.MethodGet, path+"/events", nil))
	if err != nil || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(res, err)
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var n told
		if err := json.Unmarshal([]byte(data), &n); err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
		set(next)
	}
	return all
}

func TestTheMessageIsFollowedUntilItHasArrivedOrFailed(t *testing.T) {
	s := sessions(t)
	v := s.visit(t, ada, nil)
	b := s.browser(t)
	b.follow(b.post(v.path+"/request"), v.path+"/verify")
	// Of a call that rings there is nothing to say.
	calls := follow(t, s, b, v.path, verify.Delivery{State: verify.Sent, Channel: verify.Call}, verify.Delivery{State: verify.Delivered, Channel: verify.Call})
	if want := []told{{State: "sent"}, {State: "delivered"}}; !slices.Equal(calls, want) {
		t.Errorf("of a call: %+v", calls)
	}
	texts := follow(t, s, b, v.path, verify.Delivery{State: verify.Sent, Channel: verify.SMS},
		verify.Delivery{State: verify.Failed, Class: verify.NotMobile, Channel: verify.SMS})
	want := []told{
		{State: "sent", Text: "The message has been sent. It should be there any moment."},
		{State: "failed", Text: "Your carrier says that this number cannot get texts. We can call you instead.", Other: true},
	}
	if !slices.Equal(texts, want) {
		t.Errorf("of a text: %+v", texts)
	}
	b.get(v.path+"/verify").wants(t, "Call me instead", "We could not deliver the message. Ask for it again, or try another way.")
	b.get(v.path+"/verify").lacks(t, "data-others hidden", "Change the number", `href="#change"`)
}

func TestTheReturnAddressKeepsWhatItHas(t *testing.T) {
	s := sessions(t)
	v := s.visit(t, ada, func(d *verify.SessionDetails) { d.State = `"><script>&=+ %` })
	b := s.browser(t)
	first := b.get(v.path)
	first.lacks(t, "<script>&")
	form := b.follow(b.post(v.path+"/request"), v.path+"/verify")
	right, _ := s.codes(t, form)
	q := b.follow(b.post(v.path+"/verify", "code", right, "v", form.field("v")), v.path+"/done").home(t)
	if q.Get("state") != `"><script>&=+ %` || len(q) != 4 {
		t.Errorf("%v", url.Values(q))
	}
}

func TestNobodyTakesAllStreams(t *testing.T) {
	s := sessions(t)
	v := s.visit(t, ada, nil)
	b := s.browser(t)
	b.follow(b.post(v.path+"/request"), v.path+"/verify")
	open := func() *http.Response {
		t.Helper()
		res, err := b.client.Do(b.request(http.MethodGet, v.path+"/events", nil))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}
	for range 3 {
		if res := open(); res.StatusCode != http.StatusOK {
			t.Errorf("%d", res.StatusCode)
		}
	}
	if res := open(); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("a fourth: %d", res.StatusCode)
	}
	// Another person's is none of that.
	other := s.visit(t, verify.Phone(phone.Trusted("+447400123499")), nil)
	b2 := s.browser(t)
	b2.follow(b2.post(other.path+"/request"), other.path+"/verify")
	res, err := b2.client.Do(b2.request(http.MethodGet, other.path+"/events", nil))
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("another's: %v, %v", res, err)
	}
	_ = res.Body.Close()
	// And a code that is over has none.
	s.pass(verify.MaxValidity)
	if a := b2.get(other.path + "/events"); a.StatusCode != http.StatusNoContent {
		t.Errorf("of a code that is over: %d", a.StatusCode)
	}
}
