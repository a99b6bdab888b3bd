package verify_test

import (
	"strings"
	"testing"
	"time"

	"countersign/internal/mailbox"
	"countersign/internal/verify"
)

// written starts a verification and returns its one message.
func written(t *testing.T, w *world, s verify.Start) (verify.Message, string) {
	t.Helper()
	w.env.Channels = verify.Channels()
	v := must(t, w, s).Verification
	m, err := w.jobs[len(w.jobs)-1].Message(w.env.Keys, w.now)
	if err != nil {
		t.Fatal(err)
	}
	return m, w.code(t, v)
}

func TestACallSaysTheCodeTwiceDigitByDigitInTheLocale(t *testing.T) {
	s := start(ada)
	s.Channel, s.Details = verify.Call, verify.Details{Locale: "de", Keys: "1w2"}
	m, code := written(t, newWorld(), s)
	spelled := strings.Join(strings.Split(code, ""), ", ")
	if text := m.Text.Reveal(); strings.Count(text, spelled) != 2 || !strings.Contains(text, "Ihr Bestätigungscode") {
		t.Errorf("it says %q", text)
	}
	if m.Keys != "1w2" || m.Subject != "" {
		t.Errorf("keys %q, subject %q", m.Keys, m.Subject)
	}
}

func TestAnEMailHasTheCodeInItsBodyAndNotInItsSubject(t *testing.T) {
	box, err := mailbox.Parse("ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	s := start(ada)
	s.Address, s.Channel = verify.Mail(box), verify.Email
	m, code := written(t, newWorld(), s)
	if m.Subject == "" || strings.Contains(m.Subject, code) || !strings.Contains(m.Text.Reveal(), code) {
		t.Errorf("subject %q, body %q", m.Subject, m.Text.Reveal())
	}
	if m.To.Text() != "ada@example.com" || m.Keys != "" {
		t.Errorf("to %v, keys %q", m.To, m.Keys)
	}
}

func TestATextAboutAPaymentSaysWhichWhateverTheTemplate(t *testing.T) {
	s := start(ada)
	s.Details = verify.Details{Amount: "€10.00", Payee: "Acme"}
	m, code := written(t, newWorld(), s)
	for _, want := range []string{"€10.00", "Acme", code} {
		if !strings.Contains(m.Text.Reveal(), want) {
			t.Errorf("the text %q lacks %s", m.Text.Reveal(), want)
		}
	}
	s.Address, s.Profile.Template = verify.Phone(bob), "{{payee}} wants {{amount}}: {{code}}"
	if m, code = written(t, newWorld(), s); m.Text.Reveal() != "Acme wants €10.00: "+code {
		t.Errorf("the text of its own template is %q", m.Text.Reveal())
	}
}

func TestATextEndsWithTheHashOfTheApp(t *testing.T) {
	s := start(ada)
	s.Details.AppHash = "FA+9qCX9VSu"
	if m, _ := written(t, newWorld(), s); !strings.HasSuffix(m.Text.Reveal(), "\nFA+9qCX9VSu") {
		t.Errorf("the text is %q", m.Text.Reveal())
	}
}

func TestTheProfilesLocaleHoldsWhereAStartNamesNone(t *testing.T) {
	s := start(ada)
	s.Channel, s.Profile.Locale = verify.Call, "fr"
	french, _ := written(t, newWorld(), s)
	s.Details.Locale = "de"
	german, _ := written(t, newWorld(), s)
	if french.Text.Reveal() == german.Text.Reveal() || !strings.Contains(german.Text.Reveal(), "Bestätigungscode") {
		t.Errorf("%q and %q", french.Text.Reveal(), german.Text.Reveal())
	}
}

func TestAResendOnAnotherChannelHasThatChannelsWords(t *testing.T) {
	w := newWorld()
	s := start(ada)
	text, code := written(t, w, s)
	w.pass(time.Minute)
	s.Channel = verify.Call
	call, again := written(t, w, s)
	if code != again || call.Text.Reveal() == text.Text.Reveal() || call.Channel != verify.Call {
		t.Errorf("first %q, then %q", text.Text.Reveal(), call.Text.Reveal())
	}
}
