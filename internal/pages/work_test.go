package pages_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/internal/limit"
	"countersign/internal/pages"
	"countersign/internal/verify"
	"countersign/internal/work"
)

// busy is a site of which a network may ask for four codes an hour, two of them for
// nothing.
func busy(t *testing.T) *site {
	t.Helper()
	s := sessions(t, func(c *pages.Config) { c.Network = func(*http.Request) string { return "192.0.2.0/24" } })
	s.Env.Limits.Network = limit.Rule{Count: 4, Per: time.Hour}
	return s
}

var challenge = regexp.MustCompile(`data-work="([^"]+)"`)

// challenged is what a page asks a browser to work on.
func (a answer) challenged(t *testing.T) string {
	t.Helper()
	m := challenge.FindStringSubmatch(a.text)
	if m == nil {
		t.Fatalf("no work in %s", a.text)
	}
	return m[1]
}

func TestABusyNetworkGetsTheLastHalfOfItsShareForWork(t *testing.T) {
	s := busy(t)
	for _, number := range []string{"07400 123450", "07400 123451"} {
		b := s.browser(t)
		b.follow(b.post("/request", "phone", number), "/verify")
	}
	b := s.browser(t)
	page := b.follow(b.post("/request", "phone", "07400 123452"), "/")
	page.wants(t, "Your browser does a short sum first", "<noscript>", `value="07400 123452"`, "work.js", "in 30 minutes")
	c := page.challenged(t)
	nonce := work.Do(c)
	if s.sent() != 2 {
		t.Errorf("%d messages before the work", s.sent())
	}

	// It counts for what it was done for alone.
	other := s.browser(t)
	for name, try := range map[string]answer{
		"another number":  b.post("/request", "phone", "07400 123453", "work", c, "nonce", nonce),
		"another browser": other.post("/request", "phone", "07400 123452", "work", c, "nonce", nonce),
		"another nonce":   b.post("/request", "phone", "07400 123452", "work", c, "nonce", nonce+"1"),
		"no work":         b.post("/request", "phone", "07400 123452"),
		"easier work":     b.post("/request", "phone", "07400 123452", "work", strings.Replace(c, c[:2], "AA", 1), "nonce", nonce),
	} {
		if try.Header.Get("Location") != "/" || s.sent() != 2 {
			t.Errorf("%s: to %s with %d messages", name, try.Header.Get("Location"), s.sent())
		}
	}
	b.follow(b.post("/request", "phone", "07400 123452", "work", c, "nonce", nonce), "/verify")

	// And then the whole share is spent.
	last := s.browser(t)
	c = last.follow(last.post("/request", "phone", "07400 123454"), "/").challenged(t)
	last.follow(last.post("/request", "phone", "07400 123454", "work", c, "nonce", work.Do(c)), "/verify")
	if work.Bits(c) <= work.Least {
		t.Errorf("the work did not grow: %d bits", work.Bits(c))
	}
	late := s.browser(t)
	late.follow(late.post("/request", "phone", "07400 123455"), "/").wants(t, "Too many codes have been asked for. Try again in 15 minutes.")
}

// What is kept of a field is cut: what is read of it must be the same, or work done for the
// first letters is good for all that can follow.
func TestWorkIsNotDoneForTheDotsBeforeANumber(t *testing.T) {
	s := busy(t)
	for _, number := range []string{"07400 123450", "07400 123451"} {
		b := s.browser(t)
		b.follow(b.post("/request", "phone", number), "/verify")
	}
	b := s.browser(t)
	dots := strings.Repeat(".", 64)
	b.follow(b.post("/request", "phone", dots+"+447400123452"), "/").wants(t, "too long")
	for _, field := range []string{"phone", "email"} {
		c := b.follow(b.post("/request", "phone", dots[:51]+"+447400123452"), "/").challenged(t)
		padded := strings.Repeat(" ", 254) + "ada@example.com"
		if field == "phone" {
			padded = dots[:51] + "+447400123453"
		}
		b.post("/request", field, padded, "work", c, "nonce", work.Do(c))
	}
	if s.sent() != 2 {
		t.Errorf("%d messages", s.sent())
	}
}

func TestInASessionWorkIsDoneForItsOwnAddress(t *testing.T) {
	s := busy(t)
	for _, number := range []string{"07400 123450", "07400 123451"} {
		b := s.browser(t)
		b.follow(b.post("/request", "phone", number), "/verify")
	}
	v := s.visit(t, ada, nil)
	b := s.browser(t)
	b.get(v.path)
	page := b.follow(b.post(v.path+"/request", "channel", "call"), v.path)
	page.wants(t, `name="channel" value="call"`)
	page.lacks(t, `name="phone"`, "7400")
	c := page.challenged(t)
	b.follow(b.post(v.path+"/request", "channel", "call", "work", c, "nonce", work.Do(c)), v.path+"/verify").wants(t, "Answer your phone")
}

func TestANewCodeAfterTheLastOneMayNeedWorkToo(t *testing.T) {
	s := busy(t)
	b := s.browser(t)
	form := b.follow(b.post("/request", "phone", number), "/verify")
	other := s.browser(t)
	other.follow(other.post("/request", "phone", "07400 123450"), "/verify")
	s.pass(verify.MaxValidity)
	third := s.browser(t)
	third.post("/request", "phone", "07400 123451")
	page := b.follow(b.post("/resend", "v", form.field("v")), "/")
	c := page.challenged(t)
	b.follow(b.post("/request", "phone", "+447400123456", "work", c, "nonce", work.Do(c)), "/verify")
}
