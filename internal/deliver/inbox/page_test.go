package inbox_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"countersign/internal/code"
	"countersign/internal/mailbox"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

func TestThePageShowsTheNewestFirstWithTheCodeMarked(t *testing.T) {
	b := newInbox()
	send(t, b, "a", alice, "111111")
	last := send(t, b, "b", bob, "222222")
	for _, path := range []string{"/dev/", "/dev/inbox"} {
		w := get(t.Context(), b, path)
		page := w.Body.String()
		for _, want := range []string{
			"<mark>111111</mark>.", "<mark>222222</mark>.", ">&#43;12015550123<", `data-last="` + last + `"`,
			`<noscript><meta http-equiv="refresh"`, `<template id="message">`,
		} {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %q:\n%s", path, want, page)
			}
		}
		if strings.Index(page, "222222") > strings.Index(page, "111111") {
			t.Error("the oldest comes first")
		}
	}
}

func TestThePageCanShowOneNumberAlone(t *testing.T) {
	b := newInbox()
	send(t, b, "a", alice, "111111")
	send(t, b, "b", bob, "222222")
	page := get(t.Context(), b, "/dev/inbox?to=+447400123456").Body.String()
	if !strings.Contains(page, "111111") || strings.Contains(page, "222222") || !strings.Contains(page, `value="&#43;447400123456"`) {
		t.Error(page)
	}
	w := get(t.Context(), b, `/dev/inbox?to="><script>`)
	if w.Code != http.StatusBadRequest || strings.Contains(w.Body.String(), `"><script>`) || strings.Contains(w.Body.String(), "111111") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestAMessageIsShownAsTextAndNothingElse(t *testing.T) {
	b := newInbox()
	c, err := code.Custom("1234")
	if err != nil {
		t.Fatal(err)
	}
	for i, template := range []string{`<img src=x onerror=alert(1)>{{code}}`, "no code in it"} {
		_, err := b.Send(t.Context(), verify.Message{
			ID: strconv.Itoa(i), To: verify.Phone(phone.Trusted(alice)), Code: c, Text: message.Render(template, message.Values{Code: c}),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	page := get(t.Context(), b, "/dev/").Body.String()
	if strings.Contains(page, "<img") || !strings.Contains(page, "no code in it</p>") || !strings.Contains(page, "&lt;img") {
		t.Error(page)
	}
}

func TestEveryAnswerCarriesTheHeaders(t *testing.T) {
	b := newInbox()
	send(t, b, "a", alice, "111111")
	for _, r := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/dev/", 200}, {"HEAD", "/dev/inbox", 200}, {"GET", "/dev/messages", 200}, {"GET", "/dev/messages/wait", 200},
		{"GET", "/dev/assets/inbox.css", 200}, {"GET", "/dev/assets/inbox.js", 200}, {"GET", "/dev/assets/nothing", 404},
		{"GET", "/dev/assets/..%2fpage.html", 404}, {"GET", "/dev/nothing", 404}, {"POST", "/dev/messages", 405}, {"DELETE", "/dev/", 405},
	} {
		w := httptest.NewRecorder()
		b.Handler().ServeHTTP(w, httptest.NewRequest(r.method, r.path, nil))
		h := w.Header()
		if w.Code != r.status {
			t.Errorf("%s %s: %d", r.method, r.path, w.Code)
		}
		if !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'; style-src 'self'; script-src 'self';") ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%s %s: %v", r.method, r.path, h)
		}
		asset := strings.HasPrefix(r.path, "/dev/assets/") && r.status == 200
		if !asset && h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s may be kept", r.method, r.path)
		}
	}
}

func TestAnEMailShowsItsSubjectAndACallWhatIsSaid(t *testing.T) {
	b := newInbox()
	c, err := code.Custom("493817")
	if err != nil {
		t.Fatal(err)
	}
	box, err := mailbox.Parse("ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	said := message.Render("Your code is 4, 9, 3, 8, 1, 7.", message.Values{})
	for _, m := range []verify.Message{
		{ID: "1", Channel: verify.Email, To: verify.Mail(box), Code: c, Subject: "Your code <for> Acme", Text: message.Render("It is {{code}}.", message.Values{Code: c})},
		{ID: "2", Channel: verify.Call, To: verify.Phone(phone.Trusted(alice)), Code: c, Text: said, Keys: "1w2"},
	} {
		if _, err := b.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	page := get(t.Context(), b, "/dev/inbox").Body.String()
	for _, want := range []string{
		"Your code &lt;for&gt; Acme", "ada@example.com", "It is <mark>493817</mark>.", `class="message email"`,
		"4, 9, 3, 8, 1, 7.", "<kbd>1w2</kbd>", `class="message call"`, `data-code="493817"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %s", want)
		}
	}
	if one := list(t, b, "?to=ADA@example.com"); len(one) != 1 || one[0].Subject != "Your code <for> Acme" {
		t.Errorf("to the mailbox: %+v", one)
	}
}
