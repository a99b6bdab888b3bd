package verify_test

import (
	"testing"
	"time"

	"countersign/internal/limit"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

func TestTheRightGuessIsCountedToo(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	outcome(t, w, check(v, w.wrong(t, v)), verify.OutcomeWrong)
	outcome(t, w, check(v, w.code(t, v)), verify.OutcomeAccepted)
	if got := w.Verification(v.ID).Guesses; got != 2 {
		t.Errorf("%d guesses counted, want 2: one was free", got)
	}
}

func TestALockedSubjectGetsNoMessageByAResendEither(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	s := *w.Subject(v.Subject)
	s.Streak = verify.MaxStreak
	w.Apply(verify.Changes{Subject: &s})
	w.pass(time.Minute)
	refused(t, w, verify.Resend{Tenant: "t", Verification: v.ID}, verify.Locked)
}

func TestTheDaysLimitBindsWhereTheHoursDoesNot(t *testing.T) {
	w := newWorld()
	w.env.Limits.Hour, w.env.Limits.Day = hourly(2), limit.Rule{Count: 3, Per: 24 * time.Hour}
	for range 3 {
		v := must(t, w, start(ada)).Verification
		outcome(t, w, check(v, w.code(t, v)), verify.OutcomeAccepted)
		w.pass(time.Hour)
	}
	if e := refused(t, w, start(ada), verify.TooManyStarts); e.Wait != 5*time.Hour {
		t.Errorf("told to wait %s", e.Wait)
	}
}

func TestAResendIsAMessageLikeAnyOther(t *testing.T) {
	const network = "192.0.2.1/32"
	for name, tt := range map[string]struct {
		limits verify.Limits
		want   verify.Kind
	}{
		"to one number":    {verify.Limits{Hour: hourly(1)}, verify.TooManyStarts},
		"from one network": {verify.Limits{Network: hourly(1)}, verify.TooManyStarts},
		"a full outbox":    {verify.Limits{Backlog: 10}, verify.Busy},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.env.Limits = tt.limits
			s := start(ada)
			s.Network = network
			v := must(t, w, s).Verification
			w.pass(time.Minute)
			refused(t, w, verify.Resend{Tenant: "t", Verification: v.ID, Network: network, Backlog: 10}, tt.want)
			if len(w.jobs) != 1 {
				t.Errorf("%d messages", len(w.jobs))
			}
		})
	}
}

// Profile ids are unique, but nothing may hang on that.
func TestTenantsDoNotMeetEvenUnderOneProfileID(t *testing.T) {
	w := newWorld()
	mine := must(t, w, start(ada)).Verification
	s := start(ada)
	s.Profile.Tenant = "u"
	theirs := must(t, w, s)
	if theirs.Verification.ID == mine.ID || theirs.Verification.Subject == mine.Subject || !theirs.Sent {
		t.Errorf("two tenants share a verification: %v, or a subject: %v",
			theirs.Verification.ID == mine.ID, theirs.Verification.Subject == mine.Subject)
	}
}

func TestAnIdempotencyKeyBelongsToItsTenantAndOperation(t *testing.T) {
	w := newWorld()
	once := &verify.Once{Key: "k", Fingerprint: [16]byte{1}}
	s := start(ada)
	s.Once = once
	mine := must(t, w, s).Verification
	s.Profile.Tenant, s.Address = "u", verify.Phone(phone.Trusted("+447400111222"))
	if theirs := must(t, w, s).Verification; theirs.ID == mine.ID || theirs.Tenant != "u" {
		t.Error("another tenant got the answer of the first")
	}
	c := check(mine, w.code(t, mine))
	c.Once = once
	outcome(t, w, c, verify.OutcomeAccepted)
}

func TestASealedColumnOpensInNoOtherColumn(t *testing.T) {
	w := newWorld()
	s := start(ada)
	s.CustomCode = "AB4711"
	v := must(t, w, s).Verification
	v.Address, v.CustomCode = v.CustomCode, v.Address
	if n, err := v.To(w.env.Keys); err == nil {
		t.Errorf("the code opens as an address: %s", n)
	}
	if _, err := v.Reveal(w.env.Keys); err == nil {
		t.Error("the address opens as a code")
	}
}

func TestADeliveryThatWasSentIsNotClaimedAgain(t *testing.T) {
	for name, refused := range map[string]*verify.SendError{
		"sent": nil, "unconfirmed": refusal(verify.Temporary, true), "failed": refusal(verify.BadNumber, false),
	} {
		w := newWorld()
		must(t, w, start(ada))
		before := w.report(t, w.jobs[0], refused).State
		w.pass(verify.Lease)
		if must(t, w, verify.Claim{Key: w.jobs[0].Delivery.Key}) != nil {
			t.Errorf("%s: a second message would go out", name)
		}
		if d := w.Rows(verify.Needs{Delivery: w.jobs[0].Delivery.Key}).Delivery; d.State != before {
			t.Errorf("%s became %s", before, d.State)
		}
	}
}

func TestALateSuccessDoesNotUnmakeAFailure(t *testing.T) {
	w := newWorld()
	must(t, w, start(ada))
	w.report(t, w.jobs[0], refusal(verify.BadNumber, false))
	if d := w.report(t, w.jobs[0], nil); d.State != verify.Failed {
		t.Errorf("failed became %s", d.State)
	}
}

// By the clock of another node the first is over, and a second has begun.
func TestAVerificationThatWasFollowedByAnotherIsNotSentAgain(t *testing.T) {
	w := newWorld()
	first := must(t, w, start(ada)).Verification
	w.now = first.ExpiresAt
	second := must(t, w, start(ada)).Verification
	w.pass(-2 * time.Second)
	refused(t, w, verify.Resend{Tenant: "t", Verification: first.ID}, verify.Settled)
	target := verify.Target{Tenant: "t", Profile: profile.ID, Address: verify.Phone(ada)}
	outcome(t, w, verify.Check{Tenant: "t", Target: target, Guess: w.code(t, second)}, verify.OutcomeAccepted)
}
