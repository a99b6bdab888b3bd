package pages_test

import (
	"sync"
	"testing"
	"time"
)

func TestADoubleClickOnTheRightCodeShowsTheSuccessTwice(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	form := b.begin()
	right, _ := s.codes(t, form)
	cookies := b.client.Jar.Cookies(form.Request.URL)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			click := s.browser(t) // the same cookie, as before any answer came
			click.client.Jar.SetCookies(form.Request.URL, cookies)
			a := click.post("/verify", "code", right, "v", form.field("v"))
			if a.Header.Get("Location") != "/done" {
				t.Errorf("one click led to %q", a.Header.Get("Location"))
			}
		})
	}
	all.Wait()
	if v := s.verification(t, form); v.Guesses != 1 {
		t.Errorf("%d guesses", v.Guesses)
	}
}

func TestADoubleClickOnAWrongCodeSpendsOneGuess(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	form := b.begin()
	_, wrong := s.codes(t, form)
	for range 2 {
		b.follow(b.post("/verify", "code", wrong, "v", form.field("v")), "/verify").wants(t, "4 tries left")
	}
}

func TestAnotherBrowserIsNotToldYesForAUsedCode(t *testing.T) {
	s := newSite(t)
	one, other := s.browser(t), s.browser(t)
	form := one.begin()
	same := other.begin() // joins the pending verification
	if same.field("v") != form.field("v") {
		t.Fatal("not the same verification")
	}
	right, _ := s.codes(t, form)
	one.follow(one.post("/verify", "code", right, "v", form.field("v")), "/done")
	other.follow(other.post("/verify", "code", right, "v", form.field("v")), "/verify").
		wants(t, "This code has been used", "Get a new code")
	other.follow(other.get("/done"), "/verify")
}

func TestBackFromTheSuccessSaysAlreadyVerified(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	form := b.begin()
	right, wrong := s.codes(t, form)
	b.follow(b.post("/verify", "code", right, "v", form.field("v")), "/done")
	b.get("/verify").wants(t, "Already verified")
	checks := s.checks
	b.follow(b.post("/verify", "code", wrong, "v", form.field("v")), "/done").wants(t, "Phone number verified")
	b.follow(b.post("/resend", "v", form.field("v"), "sends", "1"), "/done")
	if s.checks != checks || s.sent() != 1 {
		t.Errorf("%d checks more, %d messages", s.checks-checks, s.sent())
	}
	// The first page begins anew, for the next number.
	b.get("/").lacks(t, "I already have a code")
	b.begin().wants(t, "Check your phone")
}

func TestAFormOfAnotherTabSpendsNothing(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	old := b.begin()
	right, _ := s.codes(t, old)
	b.follow(b.post("/request", "phone", "07400 123457"), "/verify")
	b.follow(b.post("/verify", "code", right, "v", old.field("v")), "/verify").wants(t, "another code since that page was opened")
	b.follow(b.post("/resend", "v", old.field("v"), "sends", "1"), "/verify").wants(t, "another code since that page was opened")
	if v := s.verification(t, old); v.Guesses != 0 || s.sent() != 2 {
		t.Errorf("%d guesses, %d messages", v.Guesses, s.sent())
	}
}

func TestResendSendsTheSameCodeAfterTheWait(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	form := b.begin()
	right, _ := s.codes(t, form)
	s.pass(6 * time.Second)
	b.follow(b.post("/resend", "v", form.field("v"), "sends", "1"), "/verify").
		wants(t, "You can ask for another code in 24 seconds.", "Error:")
	s.pass(24 * time.Second)
	ready := b.get("/verify")
	ready.lacks(t, "data-wait")
	again := b.follow(b.post("/resend", "v", form.field("v"), "sends", ready.field("sends")), "/verify")
	again.wants(t, "We have sent the code again", `data-wait="60"`)
	same, _ := s.codes(t, again)
	if same != right || s.sent() != 2 || again.field("sends") != "2" {
		t.Errorf("another code: %v; %d messages; sends %s", same != right, s.sent(), again.field("sends"))
	}
}

func TestADoubleClickOnResendSendsOnce(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	form := b.begin()
	s.pass(time.Minute)
	for range 2 {
		b.follow(b.post("/resend", "v", form.field("v"), "sends", "1"), "/verify").wants(t, "We have sent the code again")
	}
	s.pass(10 * time.Minute)
	for range 2 { // and where a new code is made
		b.post("/resend", "v", form.field("v"))
	}
	if s.sent() != 3 {
		t.Errorf("%d messages", s.sent())
	}
}

func TestAfterTheLastMessageThePageSaysSo(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	form := b.begin()
	for _, wait := range []time.Duration{30, 60, 120, 300} {
		s.pass(wait * time.Second)
		form = b.follow(b.post("/resend", "v", form.field("v"), "sends", form.field("sends")), "/verify")
	}
	form.wants(t, "No more messages can be sent")
	form.lacks(t, `action="/resend"`)
	b.follow(b.post("/resend", "v", form.field("v"), "sends", "5"), "/verify").wants(t, "All messages for this code have been sent")
}

func TestTheSameNumberTypedAgainTooSoonLeadsToTheCodeForm(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	b.begin()
	s.pass(15 * time.Second)
	b.get("/").wants(t, "I already have a code")
	b.follow(b.post("/request", "phone", number), "/verify").wants(t, "The code we sent still works", "in 15 seconds", `name="code"`)
	// Who has no code for it is told how long to wait.
	stranger := s.browser(t)
	stranger.follow(stranger.post("/request", "phone", number), "/").wants(t, "in 15 seconds", `value="07400 123456"`)
}
