package verify_test

import (
	"testing"
	"time"

	"countersign/internal/phone"
	"countersign/internal/verify"
)

func TestTheRightCodeIsAcceptedOnce(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	right := w.code(t, v)
	outcome(t, w, check(v, " "+right[:3]+"-"+right[3:]), verify.OutcomeAccepted)
	outcome(t, w, check(v, right), verify.OutcomeUsed)
	if got := w.Verification(v.ID).Status; got != verify.Accepted {
		t.Errorf("status %s", got)
	}
}

func TestFiveGuessesAreEvaluatedAndNotOneMore(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	for range 4 {
		outcome(t, w, check(v, w.wrong(t, v)), verify.OutcomeWrong)
	}
	outcome(t, w, check(v, w.wrong(t, v)), verify.OutcomeExhausted)
	outcome(t, w, check(v, w.code(t, v)), verify.OutcomeExhausted)
	if got := w.Verification(v.ID); got.Guesses != 5 || got.GuessesLeft() != 0 {
		t.Errorf("%d guesses counted, %d left", got.Guesses, got.GuessesLeft())
	}
}

func TestTheFifthGuessMayBeTheRightOne(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	for range 4 {
		outcome(t, w, check(v, w.wrong(t, v)), verify.OutcomeWrong)
	}
	outcome(t, w, check(v, w.code(t, v)), verify.OutcomeAccepted)
}

func TestAResendDoesNotGiveGuessesBack(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	for n := range 4 {
		outcome(t, w, check(v, w.wrong(t, v)), verify.OutcomeWrong)
		if n%2 == 1 {
			w.pass(time.Minute)
			must(t, w, verify.Resend{Tenant: "t", Verification: v.ID})
		}
	}
	outcome(t, w, check(v, w.wrong(t, v)), verify.OutcomeExhausted)
}

func TestACodeIsGoodUntilItsTimeIsOverAndNoLonger(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	w.pass(10*time.Minute - time.Millisecond)
	outcome(t, w, check(v, w.wrong(t, v)), verify.OutcomeWrong)
	w.pass(time.Millisecond)
	outcome(t, w, check(v, w.code(t, v)), verify.OutcomeExpired)
	if got := w.Verification(v.ID).Guesses; got != 1 {
		t.Errorf("%d guesses: one after the end was counted", got)
	}
}

func TestAVerificationFromAClockThatStoodAheadIsOver(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	w.pass(-verify.ClockSlack)
	outcome(t, w, check(v, w.wrong(t, v)), verify.OutcomeWrong)
	w.pass(-time.Second)
	outcome(t, w, check(v, w.code(t, v)), verify.OutcomeExpired)
}

func TestTheHundredAndFirstWrongGuessInARowLocksEvenTheRightOne(t *testing.T) {
	w := newWorld()
	for range 20 {
		v := must(t, w, start(ada)).Verification
		for range 5 {
			must(t, w, check(v, w.wrong(t, v)))
		}
	}
	refused(t, w, start(ada), verify.Locked)

	// One short of it, a verification begun before the lock is locked within.
	w = newWorld()
	var v verify.Verification
	for range 19 {
		v = must(t, w, start(ada)).Verification
		for range 5 {
			must(t, w, check(v, w.wrong(t, v)))
		}
	}
	v = must(t, w, start(ada)).Verification
	for range 4 {
		must(t, w, check(v, w.wrong(t, v)))
	}
	s := *w.Subject(v.Subject)
	if s.Streak != 99 {
		t.Fatalf("the streak is %d", s.Streak)
	}
	s.Streak = verify.MaxStreak
	w.Apply(verify.Changes{Subject: &s})
	outcome(t, w, check(v, w.code(t, v)), verify.OutcomeLocked)
}

func TestAnOperatorCanUnlockANumber(t *testing.T) {
	w := newWorld()
	target := verify.Target{Tenant: "t", Profile: profile.ID, Address: verify.Phone(ada)}
	refused(t, w, verify.Unlock{Target: target}, verify.NotFound)
	for range 20 {
		v := must(t, w, start(ada)).Verification
		for range 5 {
			must(t, w, check(v, w.wrong(t, v)))
		}
	}
	refused(t, w, start(ada), verify.Locked)
	if !must(t, w, verify.Unlock{Target: target}) || must(t, w, verify.Unlock{Target: target}) {
		t.Error("the streak was not forgotten once")
	}
	must(t, w, start(ada))
}

func TestARightGuessEndsTheStreak(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	for range 3 {
		must(t, w, check(v, w.wrong(t, v)))
	}
	if got := w.Subject(v.Subject).Streak; got != 3 {
		t.Errorf("streak %d after three wrong guesses", got)
	}
	outcome(t, w, check(v, w.code(t, v)), verify.OutcomeAccepted)
	if got := w.Subject(v.Subject).Streak; got != 0 {
		t.Errorf("streak %d after the right one", got)
	}
}

func TestACodeWorksOnlyForItsTenantProfilePurposeNumberAndVerification(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	must(t, w, start(bob))
	right := w.code(t, v)
	target := verify.Target{Tenant: "t", Profile: profile.ID, Address: verify.Phone(ada)}
	for name, cmd := range map[string]verify.Check{
		"another tenant, by id":     {Tenant: "u", Verification: v.ID, Guess: right},
		"another verification":      {Tenant: "t", Verification: verify.ID{1}, Guess: right},
		"another tenant, by number": {Tenant: "u", Target: verify.Target{Tenant: "u", Profile: profile.ID, Address: verify.Phone(ada)}, Guess: right},
		"another profile":           {Tenant: "t", Target: verify.Target{Tenant: "t", Profile: verify.ID{7}, Address: verify.Phone(ada)}, Guess: right},
		"another purpose":           {Tenant: "t", Target: verify.Target{Tenant: "t", Profile: profile.ID, Purpose: "pay", Address: verify.Phone(ada)}, Guess: right},
		"a number never seen":       {Tenant: "t", Target: verify.Target{Tenant: "t", Profile: profile.ID, Address: verify.Phone(phone.Trusted("+447400999999"))}, Guess: right},
	} {
		t.Run(name, func(t *testing.T) { refused(t, w, cmd, verify.NotFound) })
	}
	outcome(t, w, verify.Check{Tenant: "t", Target: verify.Target{Tenant: "t", Profile: profile.ID, Address: verify.Phone(bob)}, Guess: right}, verify.OutcomeWrong)
	outcome(t, w, verify.Check{Tenant: "t", Target: target, Guess: right}, verify.OutcomeAccepted)
}

func TestAnOldCodeIsNoGoodForANewVerification(t *testing.T) {
	w := newWorld()
	old := must(t, w, start(ada)).Verification
	w.pass(10 * time.Minute)
	fresh := must(t, w, start(ada)).Verification
	if old.ID == fresh.ID || w.code(t, old) == w.code(t, fresh) {
		t.Fatal("the new verification is the old one")
	}
	outcome(t, w, check(fresh, w.code(t, old)), verify.OutcomeWrong)
	outcome(t, w, check(old, w.code(t, old)), verify.OutcomeExpired)
}

func TestAnEmptyGuessIsRefusedAndNotCounted(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	if e := refused(t, w, check(v, ""), verify.Invalid); e.Field != verify.FieldCode {
		t.Errorf("names the field %q", e.Field)
	}
	if got := w.Verification(v.ID).Guesses; got != 0 {
		t.Errorf("%d guesses counted", got)
	}
}

func TestACheckUnderAnIdempotencyKeyHasOneAnswer(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	yes := check(v, w.code(t, v))
	yes.Once = &verify.Once{Key: "k", Fingerprint: [16]byte{1}}
	outcome(t, w, yes, verify.OutcomeAccepted)
	outcome(t, w, yes, verify.OutcomeAccepted)
	outcome(t, w, check(v, w.code(t, v)), verify.OutcomeUsed)
	no := yes
	no.Once = &verify.Once{Key: "k", Fingerprint: [16]byte{2}}
	refused(t, w, no, verify.KeyReused)
}

func TestOnlyEvaluatedGuessesAreRemembered(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	for n := range 100 {
		no := check(v, w.wrong(t, v))
		no.Once = &verify.Once{Key: string(rune('A' + n))}
		must(t, w, no)
	}
	if n := len(w.DirtyReplays()); n != verify.MaxGuesses {
		t.Errorf("%d answers are remembered", n)
	}
}

func TestAWrongGuessUnderAnIdempotencyKeyCountsOnce(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	no := check(v, w.wrong(t, v))
	no.Once = &verify.Once{Key: "k", Fingerprint: [16]byte{1}}
	for range 10 {
		outcome(t, w, no, verify.OutcomeWrong)
	}
	if got := w.Verification(v.ID).Guesses; got != 1 {
		t.Errorf("%d guesses counted", got)
	}
}

func TestExpiryIsWrittenDownOnceItIsTrue(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	if must(t, w, verify.Expire{Verification: v.ID}) {
		t.Error("a pending verification was expired before its time")
	}
	w.pass(10 * time.Minute)
	if !must(t, w, verify.Expire{Verification: v.ID}) || w.Verification(v.ID).Status != verify.Expired {
		t.Error("a verification whose time is over was not expired")
	}
	if must(t, w, verify.Expire{Verification: v.ID}) {
		t.Error("it was expired twice")
	}
}
