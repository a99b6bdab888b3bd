package verify_test

import (
	"strings"
	"testing"
	"time"

	"countersign/internal/limit"
	"countersign/internal/verify"
)

// kept is a start whose verification goes an hour after its time is over.
func kept() verify.Start {
	s := start(ada)
	s.Profile.Retention = time.Hour
	return s
}

// guessWrong makes n wrong guesses, over as many verifications as it takes.
func (w *world) guessWrong(t *testing.T, n int) verify.Verification {
	t.Helper()
	var v verify.Verification
	for i := range n {
		if i%verify.MaxGuesses == 0 {
			v = must(t, w, kept()).Verification
		}
		must(t, w, check(v, w.wrong(t, v)))
	}
	return v
}

func TestAVerificationGoesWhenItsRetentionIsOverAndNotBefore(t *testing.T) {
	w := newWorld()
	v := must(t, w, kept()).Verification
	if want := v.ExpiresAt.Add(time.Hour); !v.PurgeAt.Equal(want) {
		t.Fatalf("it may go at %s, want %s", v.PurgeAt, want)
	}
	w.now = v.PurgeAt.Add(-time.Millisecond)
	if must(t, w, verify.Purge{Verification: v.ID}) {
		t.Fatal("it went too early")
	}
	w.pass(time.Millisecond)
	if !must(t, w, verify.Purge{Verification: v.ID}) {
		t.Fatal("it stayed")
	}
	if w.Verification(v.ID) != nil || w.Subject(v.Subject) != nil || len(w.DirtyDeliveries()) != 0 {
		t.Error("something of it is left")
	}
	if must(t, w, verify.Purge{Verification: v.ID}) {
		t.Error("it went twice")
	}
	refused(t, w, check(v, "123456"), verify.NotFound)
}

func TestWithoutARetentionNothingGoes(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	w.pass(10 * 365 * 24 * time.Hour)
	if must(t, w, verify.Purge{Verification: v.ID}) {
		t.Error("it went")
	}
}

func TestAnOlderVerificationGoesAndItsSubjectStays(t *testing.T) {
	w := newWorld()
	old := must(t, w, kept()).Verification
	outcome(t, w, check(old, w.code(t, old)), verify.OutcomeAccepted)
	w.now = old.PurgeAt
	live := must(t, w, kept()).Verification
	if !must(t, w, verify.Purge{Verification: old.ID}) {
		t.Fatal("the old one stayed")
	}
	if w.Verification(old.ID) != nil || w.Subject(live.Subject) == nil || w.Verification(live.ID) == nil {
		t.Error("the wrong one went")
	}
	outcome(t, w, check(live, w.code(t, live)), verify.OutcomeAccepted)
}

func TestWhoWaitsForTheRetentionToEndGetsNoNewGuesses(t *testing.T) {
	w := newWorld()
	v := w.guessWrong(t, verify.MaxStreak)
	w.now = v.PurgeAt
	if must(t, w, verify.Purge{Verification: v.ID}) {
		t.Fatal("the wrong guesses are forgotten")
	}
	refused(t, w, kept(), verify.Locked)
	w.now = w.Verification(v.ID).UpdatedAt.Add(verify.StreakAge)
	if !must(t, w, verify.Purge{Verification: v.ID}) {
		t.Error("it stays for ever")
	}
	must(t, w, kept())
}

func TestWhoWaitsForTheRetentionToEndGetsNoNewMessages(t *testing.T) {
	w := newWorld()
	w.env.Limits = verify.Limits{Day: limit.Rule{Count: 1, Per: 24 * time.Hour}}
	v := must(t, w, kept()).Verification
	w.now = v.PurgeAt
	if must(t, w, verify.Purge{Verification: v.ID}) {
		t.Fatal("the day's messages are forgotten")
	}
	refused(t, w, kept(), verify.TooManyStarts)
	w.now = v.CreatedAt.Add(24 * time.Hour)
	if !must(t, w, verify.Purge{Verification: v.ID}) {
		t.Error("it stayed")
	}
}

func TestWhoWantsToBeForgottenIsForgottenAtOnce(t *testing.T) {
	w := newWorld()
	old := w.guessWrong(t, verify.MaxGuesses)
	v := must(t, w, kept()).Verification
	for _, id := range []verify.ID{old.ID, v.ID} {
		if !must(t, w, verify.Erase{Verification: id}) {
			t.Error("it was not there")
		}
	}
	if must(t, w, verify.Erase{Verification: v.ID}) {
		t.Error("it was there twice")
	}
	if w.Verification(old.ID) != nil || w.Verification(v.ID) != nil || w.Subject(v.Subject) != nil || len(w.DirtyDeliveries()) != 0 {
		t.Error("something is left")
	}
	w.jobs = nil
	if got := must(t, w, verify.Report{Key: verify.DeliveryKey{Verification: v.ID, Number: 1}}); got != nil {
		t.Error("a report brought the delivery back")
	}
}

// rotated is a ring in which k2 takes over at noon+1h from k1.
func rotated(t *testing.T, w *world) (promote func()) {
	t.Helper()
	both, err := w.env.Keys.Rotate(w.now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	w.env.Keys = both.At(w.now)
	return func() { w.env.Keys = both.At(w.now.Add(2 * time.Hour)) }
}

func TestWhateverKeyIsCurrentTheSameNumberIsTheSameSubject(t *testing.T) {
	w := newWorld()
	first := must(t, w, start(ada)).Verification
	outcome(t, w, check(first, w.wrong(t, first)), verify.OutcomeWrong)
	promote := rotated(t, w)
	again := must(t, w, start(ada)) // within the window of a repetition
	promote()
	third := must(t, w, start(ada))
	if again.Sent || third.Sent || again.Verification.ID != first.ID || third.Verification.ID != first.ID {
		t.Error("the key made another verification")
	}
	target := verify.Target{Tenant: "t", Profile: profile.ID, Address: verify.Phone(ada)}
	outcome(t, w, verify.Check{Tenant: "t", Target: target, Guess: w.wrong(t, first)}, verify.OutcomeWrong)
	if n := w.Subject(first.Subject).Streak; n != 2 {
		t.Errorf("%d wrong guesses in a row, want 2", n)
	}
	outcome(t, w, verify.Check{Tenant: "t", Target: target, Guess: w.code(t, first)}, verify.OutcomeAccepted)
}

func TestARotationKeepsTheAnswersToIdempotencyKeys(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	cmd := check(v, w.code(t, v))
	cmd.Once = &verify.Once{Key: "order-1", Fingerprint: [16]byte{1}}
	outcome(t, w, cmd, verify.OutcomeAccepted)
	promote := rotated(t, w)
	outcome(t, w, cmd, verify.OutcomeAccepted)
	promote()
	outcome(t, w, cmd, verify.OutcomeAccepted)
	cmd.Once.Fingerprint = [16]byte{2}
	refused(t, w, cmd, verify.KeyReused)
}

func TestWhatANetworkSpentUnderTheOldKeyIsSpent(t *testing.T) {
	w := newWorld()
	w.env.Limits = verify.Limits{Network: hourly(2)}
	ask := func() verify.Start {
		s := start(ada)
		s.Network, s.Worked = "192.0.2.0/24", true
		return s
	}
	must(t, w, ask())
	rotated(t, w)()
	w.pass(31 * time.Second)
	must(t, w, ask())
	w.pass(61 * time.Second)
	refused(t, w, ask(), verify.TooManyStarts)
}

func TestRekeyLeavesNothingUnderTheOldKeyAndLosesNothing(t *testing.T) {
	w := newWorld()
	old := w.guessWrong(t, verify.MaxGuesses)
	custom := kept()
	custom.CustomCode = "AB12CD"
	pending := must(t, w, custom).Verification
	rotated(t, w)()
	rekey := func(v verify.Verification) bool {
		target, err := v.Target(w.env.Keys)
		if err != nil {
			t.Fatal(err)
		}
		return must(t, w, verify.Rekey{Verification: v.ID, Target: target})
	}
	if !rekey(old) {
		t.Error("what is over waits")
	}
	if rekey(pending) {
		t.Fatal("a pending verification went to a key that its code is not drawn from")
	}
	outcome(t, w, check(old, "123456"), verify.OutcomeExhausted) // though its subject is under the other key still
	outcome(t, w, check(pending, "000000"), verify.OutcomeWrong)
	outcome(t, w, check(pending, "ab12cd"), verify.OutcomeAccepted)
	if !rekey(pending) {
		t.Error("what is over waits")
	}
	for _, d := range w.DirtyVerifications() {
		if d.Row.KeyID != "k2" || strings.Contains(string(d.Row.Address), "k1") || d.Row.CustomCode != nil {
			t.Errorf("%s is under %s", d.Row.ID, d.Row.KeyID)
		}
		if to, err := d.Row.To(w.env.Keys); err != nil || !to.Equal(verify.Phone(ada)) {
			t.Errorf("its number is lost: %v", err)
		}
		if s := w.Subject(d.Row.Subject); s == nil || s.KeyID != "k2" || s.Live != pending.ID {
			t.Errorf("its subject is %+v", s)
		}
	}
	if n := len(w.DirtySubjects()); n != 1 {
		t.Errorf("%d subjects", n)
	}
	w.env.Keys, _ = w.env.Keys.Without("k1")
	outcome(t, w, check(pending, "AB12CD"), verify.OutcomeUsed)
}

func TestANewVerificationTakesItsSubjectToTheCurrentKey(t *testing.T) {
	w := newWorld()
	w.guessWrong(t, verify.MaxGuesses)
	rotated(t, w)()
	v := must(t, w, kept()).Verification
	s := w.Subject(v.Subject)
	if v.KeyID != "k2" || s == nil || s.KeyID != "k2" || s.Streak != verify.MaxGuesses || len(w.DirtySubjects()) != 1 {
		t.Errorf("verification under %s, subject %+v of %d", v.KeyID, s, len(w.DirtySubjects()))
	}
}

// A node that has not read the key file in time makes a subject of its own.
func TestASubjectThatStandsTwiceCountsOnceTheWorstOfBoth(t *testing.T) {
	w := newWorld()
	alone := w.env.Keys
	promote := rotated(t, w)
	promote()
	both := w.env.Keys
	first := must(t, w, start(ada)).Verification // under k2
	w.env.Keys = alone
	second := w.guessWrong(t, 3) // under k1, unseen
	if second.Subject == first.Subject {
		t.Fatal("there is one subject only")
	}
	w.env.Keys = both
	w.pass(verify.MaxValidity)
	third := must(t, w, kept()).Verification
	if s := w.Subject(third.Subject); s.Streak != 3 || len(w.DirtySubjects()) != 1 {
		t.Errorf("the streak is %d, in %d rows", s.Streak, len(w.DirtySubjects()))
	}
}

// A node whose clock is behind may write under the old key for a little longer.
func TestTheOldKeyIsNeededUntilTheLastAnswerUnderItIsForgotten(t *testing.T) {
	w := newWorld()
	promote := rotated(t, w)
	takenOver := w.env.Keys.From("k2")
	w.now = takenOver.Add(verify.ClockSlack - time.Second) // by a clock that is right
	v := must(t, w, start(ada)).Verification
	cmd := check(v, w.code(t, v))
	cmd.Once = &verify.Once{Key: "order-1"}
	outcome(t, w, cmd, verify.OutcomeAccepted)
	promote()
	w.now = verify.KeyNeededUntil(takenOver).Add(-2 * time.Second)
	outcome(t, w, cmd, verify.OutcomeAccepted)
	w.now = verify.KeyNeededUntil(takenOver)
	outcome(t, w, cmd, verify.OutcomeUsed)
}

func TestUnlockingASubjectThatStandsTwiceUnlocksBoth(t *testing.T) {
	w := newWorld()
	alone := w.env.Keys
	promote := rotated(t, w)
	promote()
	both := w.env.Keys
	must(t, w, start(ada)) // under k2
	w.env.Keys = alone
	w.guessWrong(t, verify.MaxStreak) // under k1, unseen
	w.env.Keys = both
	w.pass(verify.MaxValidity)
	refused(t, w, kept(), verify.Locked)
	if !must(t, w, verify.Unlock{Target: verify.Target{Tenant: "t", Profile: profile.ID, Address: verify.Phone(ada)}}) {
		t.Error("there was nothing to unlock")
	}
	must(t, w, kept())
}
