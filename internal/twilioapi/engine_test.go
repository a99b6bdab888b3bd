package twilioapi_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/internal/twilioapi"
	"countersign/internal/verify"
)

// broken is an engine whose checks have one outcome and whose commands one error.
type broken struct {
	*service
	outcome verify.Outcome
	err     error
}

var _ twilioapi.Engine = broken{}

func (b broken) Start(context.Context, verify.Start) (verify.Started, error) {
	return verify.Started{}, b.err
}

func (b broken) Check(ctx context.Context, c verify.Check) (verify.Checked, error) {
	v, err := b.store.Verification(ctx, c.Verification)
	if err != nil || b.err != nil {
		return verify.Checked{}, errors.Join(err, b.err)
	}
	return verify.Checked{Outcome: b.outcome, Verification: *v}, nil
}

const check = "POST /v2/Services/$VA1/VerificationCheck\n\nVerificationSid=$VE1&Code=123456"

func TestOnlyAcceptedIsAnsweredWithYes(t *testing.T) {
	want := map[verify.Outcome]struct {
		status int
		holds  string
	}{
		verify.OutcomeAccepted:  {201, `"status":"approved","valid":true`},
		verify.OutcomeWrong:     {201, `"status":"pending","valid":false`},
		verify.OutcomeExhausted: {404, `"code":20404`}, // its time is over; until then 60202, as a golden shows
		verify.OutcomeLocked:    {429, `"code":60202`},
		verify.OutcomeExpired:   {404, `"code":20404`},
		verify.OutcomeUsed:      {404, `"code":20404`},
		verify.OutcomeCanceled:  {404, `"code":20404`},
	}
	s := world(t)
	for _, outcome := range verify.Outcomes() {
		s.serve(broken{service: s, outcome: outcome})
		if outcome == verify.OutcomeExhausted {
			s.pass(10 * time.Minute)
		}
		rec := s.send(t, check)
		if w := want[outcome]; rec.Code != w.status || !strings.Contains(rec.Body.String(), w.holds) {
			t.Errorf("%s: %d %s", outcome, rec.Code, rec.Body)
		}
	}
}

func TestWhoeverMustWaitIsToldHowLong(t *testing.T) {
	s := world(t)
	for _, kind := range []verify.Kind{verify.Busy, verify.Unavailable, verify.Cooldown, verify.TooManySends, verify.TooManyStarts, verify.QuotaSpent, verify.SpendLimit} {
		s.serve(broken{service: s, err: &verify.Error{Kind: kind, Wait: 1500 * time.Millisecond, Err: errors.New("secret reason")}})
		rec := s.send(t, "POST /v2/Services/$VA1/Verifications\n\nTo=%2B13035551234&Channel=sms")
		if rec.Header().Get("Retry-After") != "2" || rec.Code != http.StatusTooManyRequests && rec.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %v", kind, rec.Code, rec.Header())
		}
		if strings.Contains(rec.Body.String(), "secret") {
			t.Errorf("%s: %s", kind, rec.Body)
		}
	}
}

func TestAFaultOfOursIsLoggedAndNotShown(t *testing.T) {
	s := world(t)
	s.serve(broken{service: s, err: errors.New("the disk is full")})
	rec := s.send(t, check)
	if rec.Code != http.StatusInternalServerError || strings.Contains(rec.Body.String(), "disk") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if log := s.log.String(); !strings.Contains(log, "the disk is full") || strings.Contains(log, "123456") || strings.Contains(log, "3035551234") {
		t.Error(log)
	}
}

func TestAutoTakesWhatsAppWhereThereAreNoTextsAndNeverCalls(t *testing.T) {
	const auto = "POST /v2/Services/$VA1/Verifications\n\nTo=%2B13035551239&Channel=auto"
	s := newService(t, verify.Call, verify.Email)
	s.send(t, "POST /v2/Services\n\nFriendlyName=Acme")
	if rec := s.send(t, auto); rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), "60223") {
		t.Errorf("with calls alone: %d %s", rec.Code, rec.Body)
	}
	s = newService(t, verify.Call, verify.WhatsApp)
	s.send(t, "POST /v2/Services\n\nFriendlyName=Acme")
	if rec := s.send(t, auto); rec.Code != http.StatusCreated || !strings.Contains(rec.Body.String(), `"channel":"whatsapp"`) {
		t.Errorf("with WhatsApp: %d %s", rec.Code, rec.Body)
	}
}

func TestAMessageHasWhatTheStartAskedFor(t *testing.T) {
	s := world(t)
	rec := s.send(t, "POST /v2/Services/$VA1/Verifications\n\nTo=%2B13035551239&Channel=sms&Locale=de-AT&CustomFriendlyName=Shop&Tags=%7B%22a%22%3A%22b%22%7D&AppHash=FA%2B9qCX9VSu"+
		"&TemplateSid=HJ0abb5b4f459f445abfcd488998b7572d")
	if rec.Code != http.StatusCreated {
		t.Fatal(rec.Body)
	}
	jobs, err := s.store.Attempts(t.Context(), verify.AttemptQuery{Tenant: "default", Limit: 1})
	if err != nil || len(jobs) != 1 {
		t.Fatal(jobs, err)
	}
	v := jobs[0].Verification
	if d := v.Details; d.Locale != "de" || d.AppHash != "FA+9qCX9VSu" || d.Tags["a"] != "b" || v.AppName != "Shop" || !strings.Contains(v.Template, "{{app_name}}") {
		t.Errorf("%+v, %s, %s", d, v.AppName, v.Template)
	}
}
