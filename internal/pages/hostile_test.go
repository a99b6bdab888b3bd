package pages_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/internal/secret"
	"countersign/internal/verify"
)

// raw sends a body as it is.
func (b *browser) raw(path, contentType, body string) answer {
	b.t.Helper()
	r := b.request(http.MethodPost, path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return b.do(r)
}

func TestABodyThatIsNoFormOfOursIsRefusedWithAPage(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		kind, body string
		status     int
	}{
		"a megabyte":            {form, "phone=" + strings.Repeat("1", 1<<20), http.StatusRequestEntityTooLarge},
		"just too large":        {form, "phone=" + strings.Repeat("1", 16<<10), http.StatusRequestEntityTooLarge},
		"JSON":                  {"application/json", `{"phone":"+447400123456"}`, http.StatusUnsupportedMediaType},
		"multipart":             {"multipart/form-data; boundary=x", "--x--", http.StatusUnsupportedMediaType},
		"no content type":       {"", "phone=1", http.StatusUnsupportedMediaType},
		"a broken type":         {"a/b/c;;", "phone=1", http.StatusUnsupportedMediaType},
		"a field twice":         {form, "phone=%2B447400123456&phone=%2B447400123457&code=1&code=2&v=1&v=2", http.StatusBadRequest},
		"a field under 2 names": {form, "phone=1&phone_number=2&code=1&token=2", http.StatusBadRequest},
		"a broken escape":       {form, "phone=%zz", http.StatusBadRequest},
		"a semicolon":           {form, "phone=1;code=2", http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			b := s.browser(t)
			b.begin()
			for _, path := range []string{"/request", "/verify", "/resend"} {
				a := b.raw(path, c.kind, c.body)
				if a.StatusCode != c.status {
					t.Errorf("%s: %d, want %d", path, a.StatusCode, c.status)
				}
				a.wants(t, "Go to the first page", "Go back")
			}
			if s.sent() != 1 || s.checks != 0 {
				t.Errorf("%d messages, %d checks", s.sent(), s.checks)
			}
		})
	}
}

func TestStrangeTextIsNeverAFaultOfOurs(t *testing.T) {
	s := newSite(t)
	for _, text := range []string{
		"", "\x00", "\xff\xfe", "🙂🙂🙂🙂🙂🙂", "\u202e654321", "' OR 1=1 --", "<b>", "{{.}}", "%00", "+", "++447400123456",
		strings.Repeat("٣", 500), strings.Repeat("\u200f", 1000), strings.Repeat("9", 15000),
	} {
		s.pass(20 * time.Minute)
		b := s.browser(t)
		a := b.follow(b.post("/request", "phone", text), "/")
		if a.StatusCode != http.StatusOK || strings.Contains(a.text, "Something on our side") {
			t.Errorf("phone %.20q: %d\n%s", text, a.StatusCode, a.text)
		}
		form := b.begin()
		for _, fields := range [][]string{
			{"code", text}, {"code", text, "v", form.field("v")}, {"code", "123456", "v", text}, {"v", text},
		} {
			a := b.follow(b.post("/verify", fields...), "/verify")
			if a.StatusCode != http.StatusOK || strings.Contains(a.text, "Something on our side") {
				t.Errorf("%.40q: %d\n%s", fields, a.StatusCode, a.text)
			}
		}
	}
}

func TestResendRefusesACountThatIsNone(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	form := b.begin()
	for _, text := range []string{"", "x", "-1", "1e3", "99999999999999999999"} {
		if a := b.post("/resend", "v", form.field("v"), "sends", text); a.StatusCode != http.StatusBadRequest {
			t.Errorf("sends %q: %d", text, a.StatusCode)
		}
	}
}

func TestAFormFromAnotherWebsiteIsRefused(t *testing.T) {
	for name, header := range map[string][2]string{
		"cross-site":     {"Sec-Fetch-Site", "cross-site"},
		"same-site":      {"Sec-Fetch-Site", "same-site"},
		"another origin": {"Origin", "https://evil.example"},
		"no origin":      {"Origin", "null"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			b := s.browser(t)
			form := b.begin()
			right, _ := s.codes(t, form)
			for _, path := range []string{"/request", "/verify", "/resend"} {
				r := b.request(http.MethodPost, path, strings.NewReader("phone=%2B447400123457&code="+right))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set(header[0], header[1])
				a := b.do(r)
				if a.StatusCode != http.StatusForbidden {
					t.Errorf("%s: %d", path, a.StatusCode)
				}
				a.wants(t, "This came from another website")
			}
			if v := s.verification(t, form); v.Status != verify.Pending || s.sent() != 1 {
				t.Errorf("%s, %d messages", v.Status, s.sent())
			}
		})
	}
}

func TestACookieThatIsNotOursCountsAsNone(t *testing.T) {
	s, elsewhere := newSite(t), newSite(t)
	b, c := s.browser(t), elsewhere.browser(t)
	form := b.begin()
	c.begin()
	mine := b.client.Jar.Cookies(form.Request.URL)[0]
	theirs := c.client.Jar.Cookies(c.request(http.MethodGet, "/", nil).URL)[0]
	page, err := s.keys.Seal(secret.Page, "another place", []byte(`{"v":"`+form.field("v")+`","a":"2026-03-01T12:00:00Z"}`))
	if err != nil {
		t.Fatal(err)
	}
	flipped := mine.Value[:20] + map[bool]string{true: "B", false: "A"}[mine.Value[20] == 'A'] + mine.Value[21:]
	for name, value := range map[string]string{
		"changed": flipped, "cut": mine.Value[:len(mine.Value)-4], "of other keys": theirs.Value,
		"sealed for another place": base64.RawURLEncoding.EncodeToString(page), "empty": "", "text": "accepted", "long": strings.Repeat("A", 3000),
	} {
		for path, to := range map[string]string{"/verify": "/", "/done": "/"} {
			r := b.request(http.MethodGet, path, nil)
			r.Header.Set("Cookie", mine.Name+"="+value)
			w := s.browser(t)
			w.follow(w.do(r), to)
		}
		r := b.request(http.MethodPost, "/verify", strings.NewReader("code=123456"))
		r.Header.Set("Cookie", mine.Name+"="+value)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := s.browser(t)
		w.follow(w.do(r), "/").wants(t, "We have lost track of your code")
		if t.Failed() {
			t.Fatal("with a cookie " + name)
		}
	}
	if s.checks != 0 {
		t.Errorf("%d checks", s.checks)
	}
}

func TestACookieAgesEvenIfABrowserKeepsIt(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	b.begin()
	s.pass(time.Hour)
	b.follow(b.get("/verify"), "/")
}

func TestTheCookieTellsNothing(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	a := b.post("/request", "phone", number)
	cookies := a.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies", len(cookies))
	}
	c := cookies[0]
	if c.Name != "countersign" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Secure || c.MaxAge != 3600 {
		t.Errorf("%+v", c)
	}
	if strings.Contains(c.Value, "7400") || len(c.Value) > 1000 {
		t.Errorf("a cookie of %d characters", len(c.Value))
	}
}

func TestLookingChangesNothing(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	form := b.begin()
	_, wrong := s.codes(t, form)
	b.post("/verify", "code", wrong, "v", form.field("v"))
	before, sent, checks := s.verification(t, form), s.sent(), s.checks
	for _, path := range []string{
		"/", "/verify", "/done", "/request", "/resend", "/verify?code=" + wrong, "/resend?v=" + form.field("v"), "/nowhere", "/assets/page.css",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
			r := b.request(method, path, nil)
			r.Header.Set("Sec-Purpose", "prefetch")
			if a := b.do(r); a.StatusCode >= 500 || len(a.Cookies()) != 0 {
				t.Errorf("%s %s: %d, cookies %v", method, path, a.StatusCode, a.Cookies())
			}
		}
	}
	if v := s.verification(t, form); v.Guesses != before.Guesses || v.Sends != before.Sends || s.sent() != sent || s.checks != checks {
		t.Errorf("%+v", v)
	}
	// What was to be said has waited for the person.
	b.get("/verify").wants(t, "4 tries left")
}

func TestTwoTabsDoNotTakeEachOthersWords(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	b.begin()
	b.post("/request", "phone", "07")
	b.get("/verify").lacks(t, "Error:")
	b.get("/").wants(t, "Error:")
}

func TestAFaultOfOursIsLoggedAndSaidWithoutItsCause(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	form := b.begin()
	right, _ := s.codes(t, form)
	s.fail(errors.New("the disk caught fire"))
	for path, to := range map[string]string{"/request": "/", "/verify": "/verify", "/resend": "/verify"} {
		a := b.follow(b.post(path, "phone", number, "code", right, "v", form.field("v")), to)
		a.wants(t, "Something on our side did not work. Nothing was lost")
		a.lacks(t, "fire")
	}
	if got := strings.Count(s.log.String(), "the disk caught fire"); got != 3 {
		t.Errorf("logged %d times", got)
	}
	if strings.Contains(s.log.String(), right) || strings.Contains(s.log.String(), "7400") {
		t.Error("the log tells")
	}
}

func TestAStoreThatDoesNotAnswerIsOurFaultAndNotTheVisitors(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	b.begin()
	s.unreadable = &verify.Error{Kind: verify.Unavailable}
	a := b.get("/verify")
	if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d", a.StatusCode)
	}
	s.unreadable = errors.New("?")
	if a := b.get("/verify"); a.StatusCode != http.StatusInternalServerError {
		t.Errorf("%d", a.StatusCode)
	}
}

func TestAVerificationThatIsGoneCanBeBegunAgain(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	form := b.begin()
	s.forgotten = true
	b.get("/verify").wants(t, "Let us begin again", "Get a new code")
	s.forgotten = false
	form = b.follow(b.post("/resend", "v", form.field("v")), "/verify")
	form.wants(t, `name="code"`)
}

func TestAKnownAndAnUnknownNumberLookTheSame(t *testing.T) {
	s := newSite(t)
	known := s.browser(t)
	form := known.begin()
	right, _ := s.codes(t, form)
	known.follow(known.post("/verify", "code", right, "v", form.field("v")), "/done")
	s.pass(2 * time.Minute)
	shown := func(text string) string {
		b := s.browser(t)
		a := b.follow(b.post("/request", "phone", text), "/verify")
		return strings.ReplaceAll(a.text, a.field("v"), "")
	}
	if a, b := shown(number), shown("07400 123556"); a != b {
		t.Errorf("%s\n%s", a, b)
	}
}
