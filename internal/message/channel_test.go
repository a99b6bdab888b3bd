package message_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/internal/message"
)

func TestACallSaysTheCodeTwiceAndSlowly(t *testing.T) {
	v := message.Values{Code: custom(t, "47a1"), AppName: "Acme"}
	for locale, want := range map[string]string{
		"":      "Hello. Your Acme verification code is: 4, 7, A, 1. Again: 4, 7, A, 1. Goodbye.",
		"de-AT": "Guten Tag. Ihr Bestätigungscode für Acme lautet: 4, 7, A, 1. Ich wiederhole: 4, 7, A, 1. Auf Wiederhören.",
		"zh":    "您好。您的 Acme 验证码是：4, 7, A, 1. 重复一遍：4, 7, A, 1. 再见。",
	} {
		v.Locale = locale
		if got := message.Spoken(v).Reveal(); got != want {
			t.Errorf("%q: %s", locale, got)
		}
	}
	v.AppName, v.Locale = " \n", "en"
	if got := message.Spoken(v).Reveal(); got != "Hello. Your verification code is: 4, 7, A, 1. Again: 4, 7, A, 1. Goodbye." {
		t.Errorf("without a name: %s", got)
	}
}

func TestWhoApprovesAPaymentHearsAndReadsWhatItIs(t *testing.T) {
	v := message.Values{Code: custom(t, "4711"), Amount: "€10.00", Payee: "Acme"}
	_, body := message.Mail(v)
	for _, text := range []string{body.Reveal(), message.Spoken(v).Reveal(), message.Render(message.Payment("en"), v).Reveal()} {
		if !strings.Contains(text, "You are about to pay €10.00 to Acme. Your verification code is") {
			t.Error(text)
		}
	}
	v.Payee = ""
	if text := message.Spoken(v).Reveal(); strings.Contains(text, "€") {
		t.Errorf("half a payment: %s", text)
	}
}

func TestAMailSaysAllThatIsToBeKnown(t *testing.T) {
	v := message.Values{Code: custom(t, "4711"), AppName: "Acme", Validity: 10 * time.Minute, Locale: "en"}
	subject, body := message.Mail(v)
	if subject != "Your Acme verification code" {
		t.Errorf("subject %q", subject)
	}
	const want = "Your Acme verification code is:\n\n4711\n\nThe code is valid for 10 minutes.\n\n" +
		"If you did not ask for this code, ignore this message. Nobody from Acme will ever ask you for this code.\n"
	if got := body.Reveal(); got != want {
		t.Errorf("body %q", got)
	}
	subject, body = message.Mail(message.Values{Code: custom(t, "4711"), Locale: "en"})
	if subject != "Your verification code" || strings.Contains(body.Reveal(), "minute") || strings.Contains(body.Reveal(), "  ") {
		t.Errorf("with nothing but a code: %q %q", subject, body.Reveal())
	}
}

func TestOneMinuteIsOneMinute(t *testing.T) {
	for locale, want := range map[string][2]string{
		"en": {"is valid for 1 minute.", "is valid for 2 minutes."},
		"de": {"ist 1 Minute gültig.", "ist 2 Minuten gültig."},
		"fi": {"1 minuutin.", "2 minuuttia."},
		"he": {"דקה אחת.", "2 דקות."},
		"pl": {"1 min.", "2 min."},
		"tr": {"1 dakika ", "2 dakika "},
	} {
		for i, validity := range []time.Duration{time.Second, 61 * time.Second} {
			if _, body := message.Mail(message.Values{Locale: locale, Validity: validity}); !strings.Contains(body.Reveal(), want[i]) {
				t.Errorf("%s: %s", locale, body.Reveal())
			}
		}
	}
}

func TestNoSubjectHoldsTheCodeAndAllAreOneLine(t *testing.T) {
	v := message.Values{Code: custom(t, "4711"), AppName: "Acme\r\nBcc: eve@example.com {{code}}", Validity: time.Minute}
	for _, locale := range message.Locales() {
		v.Locale = locale
		subject, body := message.Mail(v)
		if strings.Contains(subject, "4711") || strings.ContainsAny(subject, "\r\n") {
			t.Errorf("%s: %q", locale, subject)
		}
		if strings.Count(body.Reveal(), "4711") != 1 {
			t.Errorf("%s: the code does not stand once in %q", locale, body.Reveal())
		}
		if spoken := message.Spoken(v).Reveal(); strings.Count(spoken, "4, 7, 1, 1.") != 2 || strings.Contains(spoken, "4711") {
			t.Errorf("%s: the code is not said twice in %q", locale, spoken)
		}
	}
}

func TestNothingPrintsWhatIsSaidOrMailed(t *testing.T) {
	v := message.Values{Code: custom(t, "4711"), AppName: "Acme"}
	_, body := message.Mail(v)
	out := fmt.Sprintf("%v %+v %#v %s %+v %#v", body, message.Spoken(v), body, body, v, v)
	if strings.Contains(out, "4711") || strings.Contains(out, "4, 7, 1, 1") {
		t.Error(out)
	}
}
