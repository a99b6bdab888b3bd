package verify_test

import (
	"bytes"
	"testing"
	"time"

	"countersign/internal/phone"
	"countersign/internal/verify"
)

func TestAStartMakesOneVerificationAndOneDelivery(t *testing.T) {
	w := newWorld()
	s := must(t, w, start(ada))
	v := s.Verification
	if !s.Sent || len(w.jobs) != 1 || v.Sends != 1 || v.Status != verify.Pending {
		t.Errorf("sent %v, %d jobs, %d sends, %s", s.Sent, len(w.jobs), v.Sends, v.Status)
	}
	if got := v.ExpiresAt.Sub(v.CreatedAt); got != 10*time.Minute {
		t.Errorf("valid for %s", got)
	}
	if n, err := v.To(w.env.Keys); err != nil || !n.Equal(verify.Phone(ada)) {
		t.Errorf("the address opens to %v, %v", n, err)
	}
	m, err := w.jobs[0].Message(w.env.Keys, w.now)
	if err != nil || !m.To.Equal(verify.Phone(ada)) || m.Text.Reveal() != "Your verification code is "+w.code(t, v)+"." {
		t.Errorf("message %v %q %v", m.To, m.Text.Reveal(), err)
	}
	if m.ID != v.ID.String()+"-1" {
		t.Errorf("message id %s", m.ID)
	}
}

func TestNoColumnHoldsNumberOrCode(t *testing.T) {
	w := newWorld()
	s := start(ada)
	s.CustomCode = "AB4711"
	v := must(t, w, s).Verification
	for name, column := range map[string][]byte{"address": v.Address, "custom code": v.CustomCode, "subject": v.Subject[:]} {
		if bytes.Contains(column, []byte("7400")) || bytes.Contains(column, []byte("4711")) {
			t.Errorf("%s shows its content", name)
		}
	}
	other := v
	other.ID = verify.ID{1}
	if _, err := other.To(w.env.Keys); err == nil {
		t.Error("an address moved to another row opens")
	}
	if _, err := other.Reveal(w.env.Keys); err == nil {
		t.Error("a custom code moved to another row opens")
	}
}

func TestTheSameStartWithinSecondsSendsNothingMore(t *testing.T) {
	w := newWorld()
	first := must(t, w, start(ada))
	w.pass(9 * time.Second)
	again := must(t, w, start(ada))
	if again.Verification.ID != first.Verification.ID || again.Sent || len(w.jobs) != 1 {
		t.Errorf("another verification: %v, sent %v, %d jobs", again.Verification.ID != first.Verification.ID, again.Sent, len(w.jobs))
	}
}

func TestResendsKeepTheCodeAndWaitLongerEachTime(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	want := w.code(t, v)
	for n, wait := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute} {
		w.pass(wait - time.Second)
		if e := refused(t, w, verify.Resend{Tenant: "t", Verification: v.ID}, verify.Cooldown); e.Wait != time.Second {
			t.Errorf("resend %d, a second early, is told to wait %s", n+1, e.Wait)
		}
		if e := refused(t, w, start(ada), verify.Cooldown); e.Wait != time.Second {
			t.Errorf("start instead of resend %d is told to wait %s", n+1, e.Wait)
		}
		w.pass(time.Second)
		s := must(t, w, verify.Resend{Tenant: "t", Verification: v.ID})
		if s.Verification.Sends != n+2 || w.code(t, s.Verification) != want || len(w.jobs) != n+2 {
			t.Fatalf("resend %d: %d sends, same code %v, %d jobs", n+1, s.Verification.Sends, w.code(t, s.Verification) == want, len(w.jobs))
		}
		if !s.Verification.ExpiresAt.Equal(v.ExpiresAt) {
			t.Errorf("resend %d moves the expiry", n+1)
		}
	}
	w.pass(70 * time.Second)
	if e := refused(t, w, verify.Resend{Tenant: "t", Verification: v.ID}, verify.TooManySends); e.Wait != v.ExpiresAt.Sub(w.now) {
		t.Errorf("a sixth message is told to wait %s", e.Wait)
	}
	outcome(t, w, check(v, want), verify.OutcomeAccepted)
}

func TestPressingResendTwiceSendsOnce(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	w.pass(31 * time.Second)
	press := verify.Resend{Tenant: "t", Verification: v.ID, Sends: 1}
	if s := must(t, w, press); !s.Sent {
		t.Error("the first press sends nothing")
	}
	if s := must(t, w, press); s.Sent || len(w.jobs) != 2 {
		t.Errorf("the second press: sent %v, %d jobs", s.Sent, len(w.jobs))
	}
}

func TestAnotherChannelKeepsVerificationCodeAndCounters(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	outcome(t, w, check(v, w.wrong(t, v)), verify.OutcomeWrong)
	call := start(ada)
	call.Channel = verify.Call
	refused(t, w, call, verify.Cooldown)
	w.pass(30 * time.Second)
	s := must(t, w, call)
	if s.Verification.ID != v.ID || s.Verification.Guesses != 1 || s.Verification.Sends != 2 || w.code(t, s.Verification) != w.code(t, v) {
		t.Errorf("by call: %+v", s.Verification)
	}
	if got := w.jobs[1].Delivery.Channel; got != verify.Call {
		t.Errorf("the second delivery goes by %s", got)
	}
}

func TestValidityIsCutToTenMinutes(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{0: 10 * time.Minute, time.Minute: time.Minute, 24 * time.Hour: 10 * time.Minute} {
		w := newWorld()
		s := start(ada)
		s.Validity = asked
		v := must(t, w, s).Verification
		if got := v.ExpiresAt.Sub(v.CreatedAt); got != want {
			t.Errorf("asked for %s, got %s, want %s", asked, got, want)
		}
	}
	s := start(ada)
	s.Validity = time.Millisecond
	if e := refused(t, newWorld(), s, verify.Invalid); e.Field != verify.FieldTimeout {
		t.Errorf("a millisecond names the field %q", e.Field)
	}
}

func TestAnotherCustomCodeReplacesTheVerificationAfterTheCooldown(t *testing.T) {
	w := newWorld()
	one, two := start(ada), start(ada)
	one.CustomCode, two.CustomCode = "111111", "222222"
	old := must(t, w, one).Verification
	refused(t, w, two, verify.Cooldown)
	w.pass(30 * time.Second)
	fresh := must(t, w, two).Verification
	outcome(t, w, check(old, "111111"), verify.OutcomeCanceled)
	outcome(t, w, check(fresh, "222222"), verify.OutcomeAccepted)
}

func TestBadCustomCodesAreRefused(t *testing.T) {
	for _, bad := range []string{"123", "12345678901", "12 34", "😀😀😀😀"} {
		s := start(ada)
		s.CustomCode = bad
		if e := refused(t, newWorld(), s, verify.Invalid); e.Field != verify.FieldCustom {
			t.Errorf("%q names the field %q", bad, e.Field)
		}
	}
}

func TestMessagesGoOnlyToNumbersThatTheChannelReaches(t *testing.T) {
	for e164, want := range map[string]verify.Kind{
		"+447400123456": "",
		"+12015550123":  "",
		"+442071838750": verify.NumberType,
		"+18002345678":  verify.NumberType,
		"+19002345678":  verify.NumberType,
		"+449012345678": verify.NumberType,
		"+445612345678": verify.NumberType,
		"+447640123456": verify.NumberType,
		"+80012345678":  verify.NumberType,
	} {
		w := newWorld()
		_, err := do(w, start(phone.Trusted(e164)))
		if verify.KindOf(err) != want || len(w.jobs) != 0 && want != "" {
			t.Errorf("%s: %v, %d jobs; want %q", e164, err, len(w.jobs), want)
		}
	}
	landline := start(phone.Trusted("+442071838750"))
	landline.Channel = verify.Call
	must(t, newWorld(), landline)
}

func TestCountriesAndChannelsThatAreNotEnabledAreRefused(t *testing.T) {
	s := start(ada)
	s.Profile.Countries = []string{"US", "DE"}
	refused(t, newWorld(), s, verify.Country)
	s.Profile.Countries = []string{"US", "GB"}
	must(t, newWorld(), s)
	satellite, err := phone.ParseE164("+881612345678")
	if err != nil {
		t.Fatal(err)
	}
	refused(t, newWorld(), start(satellite), verify.Country)
	s.Channel = verify.WhatsApp
	refused(t, newWorld(), s, verify.NoChannel)
}

func TestLimitsBoundMessagesOverAllVerificationsOfANumber(t *testing.T) {
	w := newWorld()
	w.env.Limits.Hour = hourly(3)
	for range 3 {
		v := must(t, w, start(ada)).Verification
		outcome(t, w, check(v, w.code(t, v)), verify.OutcomeAccepted)
	}
	if e := refused(t, w, start(ada), verify.TooManyStarts); e.Wait != 20*time.Minute {
		t.Errorf("told to wait %s", e.Wait)
	}
	must(t, w, start(bob))
	w.pass(20 * time.Minute)
	must(t, w, start(ada))
}

func TestLimitsBoundMessagesOfANetworkOverAllNumbers(t *testing.T) {
	w := newWorld()
	w.env.Limits.Network = hourly(2)
	from := func(to phone.Number, network string) verify.Start {
		s := start(to)
		s.Network = network
		return s
	}
	must(t, w, from(ada, "192.0.2.1/32"))
	second := from(bob, "192.0.2.1/32")
	if e := refused(t, w, second, verify.WorkNeeded); e.Wait != time.Hour { // the last half is for whoever works for it
		t.Errorf("told to wait %s", e.Wait)
	}
	second.Worked = true
	must(t, w, second)
	third := phone.Trusted("+447400111222")
	worked := from(third, "192.0.2.1/32")
	worked.Worked = true
	refused(t, w, worked, verify.TooManyStarts)
	must(t, w, from(third, "192.0.2.2/32"))
	must(t, w, start(phone.Trusted("+447400111333"))) // an API caller has no network
}

func TestARefusedStartSpendsNothing(t *testing.T) {
	w := newWorld()
	w.env.Limits.Hour, w.env.Limits.Network = hourly(5), hourly(1)
	s := start(ada)
	s.Network = "192.0.2.1/32"
	must(t, w, s)
	s.Address = verify.Phone(bob)
	for range 10 {
		refused(t, w, s, verify.TooManyStarts)
	}
	s.Network = ""
	for range 5 {
		v := must(t, w, s).Verification
		outcome(t, w, check(v, w.code(t, v)), verify.OutcomeAccepted)
	}
}

func TestAFullOutboxRefusesWithATimeToWait(t *testing.T) {
	w := newWorld()
	w.env.Limits.Backlog = 10
	s := start(ada)
	s.Backlog = 10
	if e := refused(t, w, s, verify.Busy); e.Wait == 0 || len(w.jobs) != 0 {
		t.Errorf("wait %s, %d jobs", e.Wait, len(w.jobs))
	}
	s.Backlog = 9
	must(t, w, s)
}

func TestAnIdempotencyKeyGetsTheSameAnswerAndAnotherRequestIsRefused(t *testing.T) {
	w := newWorld()
	s := start(ada)
	s.Once = &verify.Once{Key: "k", Fingerprint: [16]byte{1}}
	first := must(t, w, s).Verification
	outcome(t, w, check(first, w.code(t, first)), verify.OutcomeAccepted)
	w.pass(23 * time.Hour)
	if again := must(t, w, s); again.Verification.ID != first.ID || again.Sent || len(w.jobs) != 1 {
		t.Errorf("the repeat: same verification %v, %d jobs", again.Verification.ID == first.ID, len(w.jobs))
	}
	other := s
	other.Once = &verify.Once{Key: "k", Fingerprint: [16]byte{2}}
	refused(t, w, other, verify.KeyReused)
	w.pass(time.Hour)
	if later := must(t, w, s); later.Verification.ID == first.ID {
		t.Error("after a day the key is still remembered")
	}
}

func TestResendAndCancelNeedThePendingVerificationOfTheTenant(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	w.pass(time.Minute)
	refused(t, w, verify.Resend{Tenant: "other", Verification: v.ID}, verify.NotFound)
	refused(t, w, verify.Resend{Tenant: "t", Verification: verify.ID{9}}, verify.NotFound)
	refused(t, w, verify.Cancel{Tenant: "other", Verification: v.ID}, verify.NotFound)
	must(t, w, verify.Cancel{Tenant: "t", Verification: v.ID})
	refused(t, w, verify.Resend{Tenant: "t", Verification: v.ID}, verify.Settled)
	refused(t, w, verify.Cancel{Tenant: "t", Verification: v.ID}, verify.Settled)
	outcome(t, w, check(v, w.code(t, v)), verify.OutcomeCanceled)
}
