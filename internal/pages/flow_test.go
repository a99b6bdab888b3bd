package pages_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/internal/code"
	"countersign/internal/pages"
	"countersign/internal/verify"
)

func TestANumberAndItsCodeLeadToTheSuccessPage(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	first := b.get("/")
	first.wants(t, "<title>Verify your phone number – Acme</title>", `name="phone"`, `type="tel"`, `autocomplete="tel"`, "07400 123456")
	form := b.begin()
	form.wants(t, `<bdi dir="ltr">56</bdi>`, "6 digits", "another 10 minutes", `inputmode="numeric"`,
		`autocomplete="one-time-code"`, "in 30 seconds", "Change the number", "autofocus")
	form.lacks(t, "7400", "123456", "maxlength", "Error:")
	right, _ := s.codes(t, form)
	done := b.follow(b.post("/verify", "code", right, "v", form.field("v")), "/done")
	done.wants(t, "Phone number verified", `<bdi dir="ltr">56</bdi>`)
	if v := s.verification(t, form); v.Status != verify.Accepted || v.Guesses != 1 || s.sent() != 1 {
		t.Errorf("%s after %d guesses and %d messages", v.Status, v.Guesses, s.sent())
	}
}

func TestTheTutorialsFieldNamesWork(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	form := b.follow(b.post("/request", "phone_number", "+447400123456"), "/verify")
	right, _ := s.codes(t, form)
	b.follow(b.post("/verify", "token", right), "/done").wants(t, "Phone number verified")
}

func TestACodeMayBeTypedWithSpacesMarksAndDigitsOfAnotherScript(t *testing.T) {
	for name, spell := range map[string]func(string) string{
		"spaces":       func(c string) string { return " " + c[:3] + " " + c[3:] + "\t" },
		"a hyphen":     func(c string) string { return c[:3] + "-" + c[3:] },
		"RTL marks":    func(c string) string { return "\u200f" + c + "\u202c" },
		"full width":   func(c string) string { return shift(c, '０') },
		"Arabic-Indic": func(c string) string { return shift(c, '٠') },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			b := s.browser(t)
			form := b.begin()
			right, _ := s.codes(t, form)
			b.follow(b.post("/verify", "code", spell(right), "v", form.field("v")), "/done")
		})
	}
}

func shift(digits string, zero rune) string {
	return strings.Map(func(r rune) rune { return r - '0' + zero }, digits)
}

func TestAWrongCodeSaysHowManyTriesAreLeftOnce(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	form := b.begin()
	_, wrong := s.codes(t, form)
	again := b.follow(b.post("/verify", "code", wrong, "v", form.field("v")), "/verify")
	again.wants(t, "<title>Error: Check your phone", "That code is not right", "4 tries left", `role="alert"`,
		`aria-invalid="true"`, `aria-describedby="code-hint code-error"`, `href="#code"`)
	again.lacks(t, "autofocus", wrong)
	b.get("/verify").lacks(t, "Error:", "not right", "aria-invalid")
}

func TestTheFifthWrongCodeEndsAndANewOneIsOffered(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	form := b.begin()
	right, _ := s.codes(t, form)
	var last answer
	for i := range 5 {
		guess := right[:5] + string('0'+(right[5]-'0'+byte(i)+1)%10)
		last = b.follow(b.post("/verify", "code", guess, "v", form.field("v")), "/verify")
	}
	last.wants(t, "That was the last try", "Get a new code")
	last.lacks(t, `name="code"`)
	// The right one comes too late.
	b.follow(b.post("/verify", "code", right, "v", form.field("v")), "/verify").wants(t, "That was the last try")
	s.pass(time.Minute)
	next := b.follow(b.post("/resend", "v", form.field("v")), "/verify")
	next.wants(t, "We have sent a new code", `name="code"`)
	if next.field("v") == form.field("v") {
		t.Error("the verification is the one that ended")
	}
}

func TestAnExpiredCodeOffersANewOne(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	form := b.begin()
	right, _ := s.codes(t, form)
	s.pass(10 * time.Minute)
	b.get("/verify").wants(t, "This code has expired", "Get a new code")
	b.follow(b.post("/verify", "code", right, "v", form.field("v")), "/verify").wants(t, "This code has expired")
	next := b.follow(b.post("/resend", "v", form.field("v")), "/verify")
	right, _ = s.codes(t, next)
	b.follow(b.post("/verify", "code", right, "v", next.field("v")), "/done")
}

func TestASlipOfTheKeyboardSpendsNoGuess(t *testing.T) {
	s := newSite(t)
	for name, c := range map[string]struct{ guess, says string }{
		"nothing":    {"", "Enter the code from the message."},
		"spaces":     {"  ", "Enter the code from the message."},
		"too short":  {"12345", "The code is 6 digits and you entered 5."},
		"too long":   {"1234567", "you entered 7."},
		"letters":    {"12345O", "The code is 6 digits and nothing else."},
		"emoji":      {"🙂", "you entered 1."},
		"a sentence": {strings.Repeat("9", 5000), "you entered 5000."},
	} {
		t.Run(name, func(t *testing.T) {
			s.pass(20 * time.Minute)
			b := s.browser(t)
			form := b.begin()
			b.follow(b.post("/verify", "code", c.guess, "v", form.field("v")), "/verify").wants(t, c.says, "Error:")
			if v := s.verification(t, form); v.Guesses != 0 || s.checks != 0 {
				t.Errorf("%d guesses in %d checks", v.Guesses, s.checks)
			}
		})
	}
}

func TestANumberThatCannotBeTextedIsSaidBesideTheField(t *testing.T) {
	s := newSite(t, func(c *pages.Config) { c.Profile.Countries = []string{"GB", "US"} })
	b := s.browser(t)
	for text, says := range map[string]string{
		"":                  "Enter a phone number.",
		" \u200f":           "Enter a phone number.",
		"07400":             "This number is too short.",
		"074001234567890":   "This number is too long.",
		"+999 123456789":    "Begin with + and your country code",
		"call me 🙂":         "with digits only",
		"+447":              "too short",
		"07999 999 99 9 9":  "This number",
		"020 7946 0018":     "This looks like a landline.",
		"0909 8790000":      "premium-rate",
		"0800 1111":         "",
		"+33 6 12 34 56 78": "We cannot send codes to numbers of this country.",
	} {
		page := b.follow(b.post("/request", "phone", text), "/")
		page.wants(t, says, "<title>Error: ", `role="alert"`, `aria-invalid="true"`, `href="#phone"`)
	}
	if s.sent() != 0 {
		t.Errorf("%d messages", s.sent())
	}
}

func TestANumberIsShownAgainAsItWasTypedAndNoLonger(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	b.follow(b.post("/request", "phone", `"><script>`), "/").wants(t, `value="&#34;&gt;&lt;script&gt;"`)
	long := strings.Repeat("é", 100)
	page := b.follow(b.post("/request", "phone", long), "/")
	page.wants(t, `value="`+long[:128]+`"`)
}

func TestWithoutARegionTheHintAsksForTheCountryCode(t *testing.T) {
	s := newSite(t, func(c *pages.Config) { c.Region = "" })
	b := s.browser(t)
	b.get("/").wants(t, "Begin with + and your country code")
	b.follow(b.post("/request", "phone", number), "/").wants(t, "Begin with + and your country code, like")
}

func TestACodeOfLettersGetsAKeyboardWithLetters(t *testing.T) {
	s := newSite(t, func(c *pages.Config) { c.Profile.Code = code.Spec{Alphabet: code.Hex, Length: 8} })
	b := s.browser(t)
	form := b.begin()
	form.wants(t, `inputmode="text"`, "8 letters and digits")
	c, err := s.verification(t, form).Reveal(s.keys)
	if err != nil {
		t.Fatal(err)
	}
	b.follow(b.post("/verify", "code", strings.ToLower(c.Text()), "v", form.field("v")), "/done")
}

func TestAMessageThatCouldNotBeDeliveredIsSaid(t *testing.T) {
	s := newSite(t)
	for _, class := range verify.Classes() {
		s.pass(20 * time.Minute)
		b := s.browser(t)
		s.deliveries = nil
		b.begin()
		s.deliveries = &verify.Delivery{State: verify.Failed, Class: class}
		b.get("/verify").wants(t, "Error: ", "We c", "hange the number", "No message has reached")
	}
}

func TestARefusalIsSaidOnTheNextPage(t *testing.T) {
	s := newSite(t)
	for _, kind := range verify.Kinds() {
		if kind == verify.WorkNeeded {
			continue // a page of its own
		}
		s.pass(20 * time.Minute)
		b := s.browser(t)
		refusal := &verify.Error{Kind: kind, Wait: 24 * time.Second}
		s.fail(refusal)
		b.follow(b.post("/request", "phone", number), "/").wants(t, "Error: ", "There is a problem")
		s.fail(nil)
		form := b.begin()
		right, _ := s.codes(t, form)
		s.fail(refusal)
		b.follow(b.post("/verify", "code", right, "v", form.field("v")), "/verify").wants(t, `id="code"`)
		b.follow(b.post("/resend", "v", form.field("v"), "sends", "1"), "/verify").wants(t, `id="code"`)
		s.fail(nil)
		b.follow(b.post("/verify", "code", right, "v", form.field("v")), "/done")
	}
}

func TestEveryOutcomeLeadsToAPage(t *testing.T) {
	s := newSite(t)
	for _, outcome := range verify.Outcomes() {
		s.pass(20 * time.Minute)
		b := s.browser(t)
		form := b.begin()
		_, wrong := s.codes(t, form)
		s.outcome = outcome
		to := "/verify"
		if outcome == verify.OutcomeAccepted {
			to = "/done"
		}
		if page := b.follow(b.post("/verify", "code", wrong, "v", form.field("v")), to); page.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", outcome, page.StatusCode)
		}
	}
}
