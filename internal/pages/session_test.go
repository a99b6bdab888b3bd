package pages_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/ledger"
	"countersign/internal/limit"
	"countersign/internal/mailbox"
	"countersign/internal/pages"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

const returnURL = "https://app.example.com/back?keep=1"

// sessions is a site with sessions: its proofs are the word proof and the session's id.
func sessions(t *testing.T, changes ...func(*pages.Config)) *site {
	t.Helper()
	return newSite(t, append([]func(*pages.Config){func(c *pages.Config) {
		c.Rules = func(context.Context, verify.Session, verify.Channel, string) (verify.Profile, error) {
			return profile, nil
		}
		c.AppName = func(context.Context, verify.Session) (string, error) { return "Acme", nil }
		c.Prove = func(_ *http.Request, s verify.Session) (string, error) { return "proof-" + s.ID.String(), nil }
	}}, changes...)...)
}

// visit is a session, and the path of its link.
type visit struct {
	verify.Session
	path string
}

func (s *site) visit(t *testing.T, to verify.Address, change func(*verify.SessionDetails)) visit {
	t.Helper()
	d := verify.SessionDetails{ReturnURL: returnURL, State: "st&te", Channels: []verify.Channel{verify.SMS, verify.Call}}
	if change != nil {
		change(&d)
	}
	made, err := ledger.Do(t.Context(), s.Ledger, verify.OpenSession{Profile: profile, Returns: []string{returnURL}, Details: d, Address: to})
	if err != nil {
		t.Fatal(err)
	}
	link, err := made.Link(s.keys)
	if err != nil {
		t.Fatal(err)
	}
	return visit{made, "/s/" + link}
}

var ada = verify.Phone(phone.Trusted("+447400123456"))

// home is where the last page leads.
func (a answer) home(t *testing.T) url.Values {
	t.Helper()
	_, target, ok := strings.Cut(a.Header.Get("Refresh"), "0; url=")
	u, err := url.Parse(target)
	if !ok || err != nil || !strings.HasPrefix(target, returnURL+"&") {
		t.Fatalf("it leads to %q", a.Header.Get("Refresh"))
	}
	return u.Query()
}

func TestASessionForANumberLeadsHomeWithAProof(t *testing.T) {
	s := sessions(t)
	v := s.visit(t, ada, nil)
	b := s.browser(t)
	first := b.get(v.path)
	first.wants(t, "Acme asks you to confirm", `<bdi dir="ltr">56</bdi>`, "Text me the code", "Call me with the code", "error=canceled", "st%26te")
	first.lacks(t, `name="phone"`, "7400")
	form := b.follow(b.post(v.path+"/request", "channel", "sms"), v.path+"/verify")
	form.wants(t, "Check your phone", `data-live="`+v.path+`/events"`)
	form.lacks(t, "Change the number", "Step")
	right, _ := s.codes(t, form)
	done := b.follow(b.post(v.path+"/verify", "code", right, "v", form.field("v")), v.path+"/done")
	done.wants(t, "You are being taken back to Acme.", "Return to Acme")
	q := done.home(t)
	if q.Get("state") != "st&te" || q.Get("session_id") != v.ID.String() || q.Get("proof") != "proof-"+v.ID.String() || q.Get("keep") != "1" {
		t.Errorf("home with %v", q)
	}
	// Back, reload, and every other page of the session: the same, but it throws nobody out again.
	for _, page := range []string{"/done", "", "/verify"} {
		again := b.get(v.path + page)
		again.wants(t, "Already verified", "Return to Acme", "proof-"+v.ID.String())
		if again.Header.Get("Refresh") != "" {
			t.Errorf("%s leads away by itself", page)
		}
	}
	b.follow(b.post(v.path+"/verify", "code", "000000"), v.path+"/done")
	s.pass(verify.ProofValidity)
	b.get(v.path+"/done").wants(t, "This took too long", "error=expired")
}

func TestASessionAsksForWhatTheApplicationDidNotSay(t *testing.T) {
	s := sessions(t)
	v := s.visit(t, verify.Address{}, func(d *verify.SessionDetails) { d.Channels = []verify.Channel{verify.SMS, verify.Email} })
	b := s.browser(t)
	b.get(v.path).wants(t, "Acme asks you to verify your phone number", `name="phone"`, "Use an email address instead", `name="country"`)
	b.get(v.path+"?with=email").wants(t, `type="email"`, `autocomplete="email"`, "Use a phone number instead")
	for typed, says := range map[string]string{
		"": "Enter an email address.", "name": "in the right form", "a@b@c.example": "in the right form", "a@localhost": "cannot exist", "näme@example.com": "in the right form",
	} {
		b.follow(b.post(v.path+"/request", "email", typed), v.path).wants(t, "Error: ", says, `href="#email"`, `value="`)
	}
	form := b.follow(b.post(v.path+"/request", "email", "ada@example.com"), v.path+"/verify")
	form.wants(t, "Check your email", "ada@example.com", "Change the address", "spam")
	right, _ := s.codes(t, form)
	done := b.follow(b.post(v.path+"/verify", "code", right, "v", form.field("v")), v.path+"/done")
	done.wants(t, "Email address verified")
	done.home(t)
}

func TestALandlineIsCalledWhereThatMayBe(t *testing.T) {
	s := sessions(t)
	b := s.browser(t)
	ways := func(all ...verify.Channel) visit {
		return s.visit(t, verify.Address{}, func(d *verify.SessionDetails) { d.Channels = all })
	}
	v := ways(verify.SMS, verify.Call)
	form := b.follow(b.post(v.path+"/request", "phone", "+44 20 7183 8750"), v.path+"/verify")
	form.wants(t, "We are calling the number ending in")
	form.lacks(t, "Text me instead")
	if got := s.verification(t, form).Channel; got != verify.Call {
		t.Errorf("it went by %s", got)
	}
	v = ways(verify.SMS)
	b.follow(b.post(v.path+"/request", "phone", "+44 20 7183 8750"), v.path).wants(t, "This looks like a landline.")
}

func TestNoCountryIsChosenForAnybody(t *testing.T) {
	s := sessions(t, func(c *pages.Config) { c.Region = "" })
	b := s.browser(t)
	v := s.visit(t, verify.Address{}, nil)
	b.get(v.path).wants(t, "<option value=\"\" selected>Country</option>\n<option value=\"AF\">")
	b.follow(b.post(v.path+"/request", "phone", "07400 123456", "country", ""), v.path).wants(t, "Begin with + and your country code")
	if s.sent() != 0 {
		t.Error("a message went out")
	}
}

func TestTheStreamTellsNothingOfASessionThatIsOverAndEndsNobodysWayHome(t *testing.T) {
	s := sessions(t)
	v := s.visit(t, ada, nil)
	b := s.browser(t)
	form := b.follow(b.post(v.path+"/request", "channel", "sms"), v.path+"/verify")
	right, _ := s.codes(t, form)
	done := b.post(v.path+"/verify", "code", right, "v", form.field("v"))
	if a := b.get(v.path + "/events"); a.StatusCode != http.StatusNoContent || a.Header.Get("Refresh") != "" || a.text != "" {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, a.text)
	}
	b.follow(done, v.path+"/done").home(t)
	s.pass(verify.SessionValidity)
	if a := b.get(v.path + "/events"); a.StatusCode != http.StatusNoContent {
		t.Errorf("after its time: %d", a.StatusCode)
	}
}

func TestTheChosenCountryCountsOnlyWithoutAPlus(t *testing.T) {
	s := sessions(t)
	for typed, country := range map[string]string{"07400 123456": "GB", "+44 7400 123456": "US", "7400123456": "GB"} {
		v := s.visit(t, verify.Address{}, nil)
		s.pass(time.Minute)
		b := s.browser(t)
		form := b.follow(b.post(v.path+"/request", "phone", typed, "country", country), v.path+"/verify")
		to, err := s.verification(t, form).To(s.keys)
		if err != nil || !to.Equal(ada) {
			t.Errorf("%s with %s went to %v, %v", typed, country, to, err)
		}
		s.pass(20 * time.Minute)
	}
}

func TestASessionIsOfTheFirstBrowserThatDoesSomethingInIt(t *testing.T) {
	s := sessions(t)
	v := s.visit(t, ada, nil)
	// Looking binds nobody: mail scanners and messengers look before the person does.
	for range 3 {
		s.browser(t).get(v.path).wants(t, "Text me the code")
	}
	first, second := s.browser(t), s.browser(t)
	second.get(v.path)
	form := first.follow(first.post(v.path+"/request"), v.path+"/verify")
	right, _ := s.codes(t, form)
	for _, a := range []answer{
		second.get(v.path), second.get(v.path + "/verify"), second.get(v.path + "/done"),
		second.post(v.path + "/request"), second.post(v.path+"/verify", "code", right), second.post(v.path + "/resend"),
	} {
		a.wants(t, "This link is open in another browser", `href="https://app.example.com/"`)
		a.lacks(t, "st%26te", "proof-")
		if a.StatusCode != http.StatusForbidden {
			t.Errorf("%d", a.StatusCode)
		}
	}
	if a := second.get(v.path + "/events"); a.StatusCode != http.StatusNoContent || a.text != "" {
		t.Errorf("its stream: %d %s", a.StatusCode, a.text)
	}
	if got := s.verification(t, form); got.Guesses != 0 || s.sent() != 1 {
		t.Errorf("%d guesses, %d messages", got.Guesses, s.sent())
	}
	// Another tab of the first browser goes on where the first one is.
	first.get(v.path).wants(t, "Text me the code", "I already have a code")
	first.follow(first.post(v.path+"/verify", "code", right, "v", form.field("v")), v.path+"/done").home(t)
	second.get(v.path).wants(t, "This link has been used")
	second.get(v.path+"/done").lacks(t, "proof-")
}

func TestTheCookieOfOneSessionOpensNoOther(t *testing.T) {
	s := sessions(t)
	mine, other := s.visit(t, ada, nil), s.visit(t, ada, nil)
	b := s.browser(t)
	form := b.follow(b.post(mine.path+"/request"), mine.path+"/verify")
	right, _ := s.codes(t, form)
	at, err := url.Parse(s.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	var forged []*http.Cookie
	for _, c := range b.client.Jar.Cookies(at) {
		forged = append(forged, &http.Cookie{Name: "countersign-" + lastHex(other), Value: c.Value, Path: "/"})
	}
	b.client.Jar.SetCookies(at, forged)
	b.follow(b.post(other.path+"/verify", "code", right), other.path).wants(t, "We have lost track")
	b.follow(b.post(mine.path+"/verify", "code", right), mine.path+"/done").home(t)
	b.get(other.path+"/done").lacks(t, "proof-")
}

func lastHex(v visit) string { return strings.ReplaceAll(v.ID.String(), "-", "")[20:] }

func TestALinkThatLeadsNowhereSaysSoKindly(t *testing.T) {
	s := sessions(t)
	v := s.visit(t, ada, nil)
	b := s.browser(t)
	for _, path := range []string{"/s/", "/s/x", "/s/" + strings.Repeat("A", 43), v.path[:len(v.path)-1] + flip(v.path[len(v.path)-1]), v.path[:20] + "/verify"} {
		a := b.get(path)
		a.wants(t, "This link does not work", "begin again")
		if a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	b.get(v.path+"/nowhere").wants(t, "Page not found")
	s.pass(verify.SessionValidity)
	a := b.get(v.path)
	a.wants(t, "This link has expired", "error=expired", "state=st%26te")
	if a.StatusCode != http.StatusGone {
		t.Errorf("%d", a.StatusCode)
	}
	b.post(v.path+"/request").wants(t, "This link has expired")
	if s.sent() != 0 {
		t.Error("a message went out")
	}
}

func flip(c byte) string {
	if c == 'A' {
		return "Q"
	}
	return "A"
}

func TestAnotherWayIsOfferedAfterTheSecondResendAndBringsTheSameCode(t *testing.T) {
	s := sessions(t)
	v := s.visit(t, ada, nil)
	b := s.browser(t)
	form := b.follow(b.post(v.path+"/request"), v.path+"/verify")
	right, _ := s.codes(t, form)
	for _, wait := range []time.Duration{30 * time.Second, time.Minute} {
		form.wants(t, "data-others hidden", "Call me instead")
		s.pass(wait)
		form = b.follow(b.post(v.path+"/resend", "v", form.field("v"), "sends", form.field("sends")), v.path+"/verify")
	}
	form.lacks(t, "data-others hidden")
	form.wants(t, "Call me instead")
	s.pass(2 * time.Minute)
	called := b.follow(b.post(v.path+"/resend", "v", form.field("v"), "channel", "call"), v.path+"/verify")
	called.wants(t, "We are calling you.", "Answer your phone", "Text me instead")
	if called.field("v") != form.field("v") || s.sent() != 4 {
		t.Errorf("%d messages", s.sent())
	}
	b.follow(b.post(v.path+"/verify", "code", right, "v", called.field("v")), v.path+"/done").home(t)
	kept, err := s.store.Session(t.Context(), v.ID)
	if err != nil || !slices.Equal(kept.Progress.Used, []verify.Channel{verify.SMS, verify.Call}) {
		t.Errorf("%v, %v", kept.Progress, err)
	}
	other := b.post(v.path+"/resend", "channel", "whatsapp")
	if other.StatusCode != http.StatusSeeOther {
		t.Errorf("%d", other.StatusCode)
	}
}

func TestAResendCountsForAllOfATenantsProfilesAndPurposes(t *testing.T) {
	s := sessions(t, func(c *pages.Config) {
		rules := c.Rules
		c.Rules = func(ctx context.Context, v verify.Session, ch verify.Channel, locale string) (verify.Profile, error) {
			p, err := rules(ctx, v, ch, locale)
			p.Joint = true
			return p, err
		}
	})
	s.Env.Limits.Hour = limit.Rule{Count: 3, Per: time.Hour}
	b := s.browser(t)
	begin := func(purpose string) (path, verification string) {
		v := s.visit(t, ada, func(d *verify.SessionDetails) { d.Purpose = purpose })
		return v.path, b.follow(b.post(v.path+"/request"), v.path+"/verify").field("v")
	}
	first, one := begin("one")
	second, two := begin("two")
	s.pass(30 * time.Second)
	b.follow(b.post(first+"/resend", "v", one), first+"/verify").wants(t, "We have sent the code again.")
	b.follow(b.post(second+"/resend", "v", two), second+"/verify").wants(t, "Too many codes have been asked for.")
	if s.sent() != 3 {
		t.Errorf("%d messages", s.sent())
	}
}

func TestHowMuchOfAnAddressIsShownIsTheApplicationsChoice(t *testing.T) {
	m, err := mailbox.Parse("ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		to     verify.Address
		reveal verify.Reveal
		wants  string
		lacks  []string
	}{
		"a masked number": {ada, verify.RevealMasked, `>56<`, []string{"7400"}},
		"a whole number":  {ada, verify.RevealFull, "+447400123456", nil},
		"no number":       {ada, verify.RevealNone, "Check your phone", []string{"56<", "7400"}},
		"a masked mail":   {verify.Mail(m), verify.RevealMasked, "a***@e***.com", []string{"ada@", "example.com<"}},
		"a whole mail":    {verify.Mail(m), verify.RevealFull, "ada@example.com", nil},
		"no mail":         {verify.Mail(m), verify.RevealNone, "Check your email", []string{"example.com<", "ada@"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := sessions(t)
			_, mail := c.to.Mailbox()
			v := s.visit(t, c.to, func(d *verify.SessionDetails) {
				d.Reveal = c.reveal
				if mail {
					d.Channels = []verify.Channel{verify.Email}
				}
			})
			b := s.browser(t)
			b.get(v.path).lacks(t, c.lacks...)
			form := b.follow(b.post(v.path+"/request"), v.path+"/verify")
			form.wants(t, c.wants)
			form.lacks(t, c.lacks...)
			s.pass(10 * time.Minute)
			b.get(v.path+"/verify").lacks(t, c.lacks...)
			b.get(v.path+"/verify").wants(t, "This code has expired")
		})
	}
}

func TestAPopUpKeepsTheWindowThatOpenedItAndLeavesTheRestToItsScript(t *testing.T) {
	s := sessions(t)
	v := s.visit(t, ada, func(d *verify.SessionDetails) { d.Popup = true })
	b := s.browser(t)
	if got := b.get(v.path).Header.Get("Cross-Origin-Opener-Policy"); got != "unsafe-none" {
		t.Error(got)
	}
	form := b.follow(b.post(v.path+"/request"), v.path+"/verify")
	right, _ := s.codes(t, form)
	done := b.follow(b.post(v.path+"/verify", "code", right, "v", form.field("v")), v.path+"/done")
	done.wants(t, `data-home="https://app.example.com"`, `data-state="st&amp;te"`, `data-proof="proof-`, "You can close this window")
	if done.Header.Get("Refresh") != "" {
		t.Error("it leads away by itself")
	}
	if got := b.get("/").Header.Get("Cross-Origin-Opener-Policy"); got != "same-origin" {
		t.Error(got)
	}
}

func TestNoLookAheadSpendsWhatIsSaidOnce(t *testing.T) {
	s := sessions(t)
	v := s.visit(t, ada, nil)
	b := s.browser(t)
	form := b.follow(b.post(v.path+"/request"), v.path+"/verify")
	right, _ := s.codes(t, form)
	b.post(v.path+"/verify", "code", right, "v", form.field("v"))
	r := b.request(http.MethodGet, v.path+"/done", nil)
	r.Header.Set("Sec-Purpose", "prefetch")
	if got := b.do(r).Header.Get("Refresh"); got != "" {
		t.Errorf("a prefetch is sent home: %q", got)
	}
	b.get(v.path + "/done").home(t)
}

func TestABrowserRemembersAHandfulOfSessions(t *testing.T) {
	s := sessions(t)
	b := s.browser(t)
	at, err := url.Parse(s.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		b.get(s.visit(t, ada, nil).path).wants(t, "Text me the code")
		if n := len(b.client.Jar.Cookies(at)); n > 12 {
			t.Fatalf("%d cookies", n)
		}
	}
	// Two at a time do not meet.
	one, two := s.visit(t, ada, nil), s.visit(t, verify.Phone(phone.Trusted("+447400123499")), nil)
	first := b.follow(b.post(one.path+"/request"), one.path+"/verify")
	b.follow(b.post(two.path+"/request"), two.path+"/verify")
	right, _ := s.codes(t, first)
	b.follow(b.post(one.path+"/verify", "code", right, "v", first.field("v")), one.path+"/done").home(t)
}
