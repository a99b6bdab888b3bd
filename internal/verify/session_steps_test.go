package verify_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/phone"
	"countersign/internal/verify"
)

func asks(s verify.Session, by verify.BrowserKey, to phone.Number) verify.SessionStart {
	own := start(to)
	own.Purpose = s.Purpose()
	return verify.SessionStart{Session: s.ID, Browser: by, Start: own}
}

func asksAgain(s verify.Session, by verify.BrowserKey, v verify.Verification) verify.SessionResend {
	return verify.SessionResend{Session: s.ID, Browser: by, Resend: verify.Resend{Tenant: "t", Verification: v.ID}}
}

func types(s verify.Session, by verify.BrowserKey, v verify.Verification, guess string) verify.SessionCheck {
	return verify.SessionCheck{Session: s.ID, Browser: by, Check: check(v, guess)}
}

// typed demands an outcome of a check in a session.
func typed(t *testing.T, w *world, cmd verify.SessionCheck, want verify.Outcome) {
	t.Helper()
	if got := must(t, w, cmd).Outcome; got != want {
		t.Fatalf("the check found %q, want %q", got, want)
	}
}

// begun is a session in which hers has asked for a code to ada.
func begun(t *testing.T, w *world, open verify.OpenSession) (verify.Session, verify.Verification) {
	t.Helper()
	s := must(t, w, open)
	v := must(t, w, asks(s, hers, ada)).Verification
	return *w.session(s.ID), v
}

// verified is a session in which hers has typed the code.
func verified(t *testing.T, w *world) (verify.Session, verify.Verification) {
	t.Helper()
	s, v := begun(t, w, visit())
	typed(t, w, types(s, hers, v, w.code(t, v)), verify.OutcomeAccepted)
	return *w.session(s.ID), v
}

// stays demands that a session is stored as it was.
func stays(t *testing.T, w *world, was verify.Session) {
	t.Helper()
	if d := cmp.Diff(&was, w.session(was.ID)); d != "" {
		t.Errorf("the session has changed: %s", d)
	}
}

func TestTheCodeOfASessionVerifiesIt(t *testing.T) {
	w := visited()
	s, v := begun(t, w, visit())
	if s.Verification != v.ID || s.Browser != hers || s.Channel() != verify.SMS || s.Progress.Starts != 1 || s.Progress.Sends != 1 || len(w.jobs) != 1 {
		t.Errorf("%+v with %d jobs", s, len(w.jobs))
	}
	if to, err := s.To(w.env.Keys); err != nil || !to.Equal(verify.Phone(ada)) {
		t.Errorf("it is for %v, %v", to, err)
	}
	typed(t, w, types(s, hers, v, w.wrong(t, v)), verify.OutcomeWrong)
	stays(t, w, s)
	if got := w.Verification(v.ID).Guesses; got != 1 {
		t.Errorf("%d guesses counted", got)
	}
	w.pass(time.Minute)
	typed(t, w, types(s, hers, v, w.code(t, v)), verify.OutcomeAccepted)
	got := w.session(s.ID)
	if got.Status != verify.SessionVerified || !got.VerifiedAt.Equal(w.now) || !got.UpdatedAt.Equal(w.now) || !got.ProofUntil().Equal(w.now.Add(5*time.Minute)) {
		t.Errorf("%+v", got)
	}
	if assurance, methods := got.Proves(); assurance != verify.Restricted || !slices.Equal(methods, []string{"sms"}) {
		t.Errorf("it proves %s by %v", assurance, methods)
	}
	if w.Verification(v.ID).Status != verify.Accepted {
		t.Error("its verification is not accepted")
	}
	if !s.ProofUntil().IsZero() {
		t.Error("an open session has a proof")
	}
}

func TestASessionIsTheFirstBrowsers(t *testing.T) {
	w := visited()
	s, v := begun(t, w, visit())
	w.pass(time.Minute)
	jobs := len(w.jobs)
	refused(t, w, asks(s, theirs, ada), verify.Forbidden)
	refused(t, w, asks(s, theirs, bob), verify.Forbidden)
	refused(t, w, asksAgain(s, theirs, v), verify.Forbidden)
	refused(t, w, types(s, theirs, v, w.code(t, v)), verify.Forbidden)
	refused(t, w, types(s, theirs, v, w.wrong(t, v)), verify.Forbidden)
	stays(t, w, s)
	if got := w.Verification(v.ID); got.Guesses != 0 || got.Sends != 1 || len(w.jobs) != jobs {
		t.Errorf("another browser had its way: %+v", got)
	}
	if !s.BoundTo(hers) || s.BoundTo(theirs) || s.BoundTo(verify.BrowserKey{}) {
		t.Error("it is not bound to the one")
	}
	typed(t, w, types(s, hers, v, w.code(t, v)), verify.OutcomeAccepted)
}

func TestARefusedStartBindsNobody(t *testing.T) {
	w := visited()
	s := must(t, w, visit())
	refused(t, w, asks(s, theirs, phone.Trusted("+442079460123")), verify.NumberType)
	w.env.Limits.Backlog = 1
	busy := asks(s, theirs, ada)
	busy.Start.Backlog = 1
	refused(t, w, busy, verify.Busy)
	stays(t, w, s)
	if !s.BoundTo(theirs) || !s.BoundTo(hers) {
		t.Error("it is bound before anybody did something")
	}
	must(t, w, asks(s, hers, ada))
	refused(t, w, asks(s, theirs, ada), verify.Forbidden)
}

func TestABrowserWithoutAKeyIsAFaultOfOurs(t *testing.T) {
	w := visited()
	s := must(t, w, visit())
	if _, err := do(w, asks(s, verify.BrowserKey{}, ada)); err == nil || verify.KindOf(err) == verify.Forbidden {
		t.Errorf("told %v", err)
	}
	s, v := verified(t, w)
	refused(t, w, types(s, theirs, v, w.code(t, v)), verify.Forbidden)
	if _, err := do(w, types(s, verify.BrowserKey{}, v, w.code(t, v))); err == nil {
		t.Error("a browser without a key is told yes")
	}
}

func TestASessionThatIsNotThereOrOverTakesNothing(t *testing.T) {
	none := verify.Session{ID: verify.ID{7}}
	w := visited()
	s, v := begun(t, w, visit())
	refused(t, w, asks(none, hers, ada), verify.NotFound)
	refused(t, w, asksAgain(none, hers, v), verify.NotFound)
	refused(t, w, types(none, hers, v, w.code(t, v)), verify.NotFound)
	for name, end := range map[string]func(*world, verify.Session, verify.Verification){
		"its time is over": func(w *world, s verify.Session, v verify.Verification) {
			w.now = s.ExpiresAt
		},
		"the application ended it": func(w *world, s verify.Session, v verify.Verification) {
			must(t, w, verify.EndSession{Tenant: "t", Session: s.ID})
		},
		"it is verified": func(w *world, s verify.Session, v verify.Verification) {
			typed(t, w, types(s, hers, v, w.code(t, v)), verify.OutcomeAccepted)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := visited()
			s := must(t, w, visit())
			w.now = s.ExpiresAt.Add(-5 * time.Minute) // so that the code is good for longer
			v := must(t, w, asks(s, hers, ada)).Verification
			w.pass(time.Minute)
			end(w, s, v)
			s = *w.session(s.ID)
			was := *w.Verification(v.ID)
			jobs := len(w.jobs)
			refused(t, w, asks(s, hers, bob), verify.Settled)
			refused(t, w, asksAgain(s, hers, v), verify.Settled)
			if s.Status != verify.SessionVerified {
				refused(t, w, types(s, hers, v, w.code(t, v)), verify.Settled)
			}
			stays(t, w, s)
			if d := cmp.Diff(&was, w.Verification(v.ID)); d != "" || len(w.jobs) != jobs {
				t.Errorf("%d more messages; %s", len(w.jobs)-jobs, d)
			}
		})
	}
	// One moment before its end everything goes.
	w.now = s.ExpiresAt.Add(-time.Millisecond)
	v = must(t, w, asks(s, hers, ada)).Verification
	typed(t, w, types(s, hers, v, w.code(t, v)), verify.OutcomeAccepted)
}

func TestAStartMustBeTheSessionsOwn(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*verify.Start)
		kind   verify.Kind
		field  string
	}{
		"another tenant's":  {func(s *verify.Start) { s.Profile.Tenant = "u" }, verify.NotFound, ""},
		"another profile's": {func(s *verify.Start) { s.Profile.ID = verify.ID{15: 2} }, verify.NotFound, ""},
		"another purpose":   {func(s *verify.Start) { s.Purpose = "pay" }, verify.NotFound, ""},
		"no purpose":        {func(s *verify.Start) { s.Purpose = "" }, verify.NotFound, ""},
		"another channel":   {func(s *verify.Start) { s.Channel = verify.WhatsApp }, verify.NoChannel, ""},
		"another number":    {func(s *verify.Start) { s.Address = verify.Phone(bob) }, verify.Invalid, verify.FieldAddress},
	} {
		t.Run(name, func(t *testing.T) {
			w, open := visited(), visit(verify.SMS, verify.Call)
			open.Address, open.Details.Purpose = verify.Phone(ada), "log in"
			s := must(t, w, open)
			own := asks(s, hers, ada)
			wrong := own
			tt.change(&wrong.Start)
			for range 2 { // also once it has begun
				if e := refused(t, w, wrong, tt.kind); e.Field != tt.field {
					t.Errorf("names the field %q", e.Field)
				}
				must(t, w, own)
				w.pass(time.Minute)
			}
		})
	}
}

// On the first page, which is open to everybody, codes are for no purpose.
func TestAStrangerWithoutAPurposeDoesNotTouchASession(t *testing.T) {
	w := visited()
	s := must(t, w, visit(verify.WhatsApp))
	own := asks(s, hers, ada)
	own.Start.Channel = verify.WhatsApp
	v := must(t, w, own).Verification
	w.pass(time.Minute)
	other := must(t, w, start(ada)).Verification
	if other.ID == v.ID || w.code(t, other) == w.code(t, v) {
		t.Error("they share a verification")
	}
	for range verify.MaxGuesses {
		must(t, w, check(other, "000000"))
	}
	typed(t, w, types(s, hers, v, w.code(t, v)), verify.OutcomeAccepted)
	if weakest, _ := w.session(s.ID).Proves(); weakest != verify.OutOfBand {
		t.Errorf("it proves %s", weakest)
	}
}

func TestAnAddressThatCannotBeOpenedIsNotTakenForNone(t *testing.T) {
	w, open := visited(), visit()
	open.Address = verify.Phone(ada)
	s := must(t, w, open)
	s.Address = append(slices.Clone(s.Address), 0)
	w.Apply(verify.Changes{Session: &s})
	if _, err := do(w, asks(s, hers, ada)); err == nil {
		t.Error("a code was sent")
	}
}

// Two applications, or two visits, may be about one number: they share its verification.
func TestOfTwoSessionsOnlyTheOneWithTheCodeIsVerified(t *testing.T) {
	w := visited()
	one, v := begun(t, w, visit())
	two := must(t, w, visit())
	joined := must(t, w, asks(two, theirs, ada))
	if joined.Sent || joined.Verification.ID != v.ID {
		t.Fatal("the second session has a verification of its own")
	}
	two = *w.session(two.ID)
	if two.Progress.Starts != 0 || two.Progress.Sends != 0 || two.Channel() != "" || two.Browser != theirs {
		t.Errorf("it is told to have sent what the other one sent: %+v", two)
	}
	typed(t, w, types(one, hers, v, w.wrong(t, v)), verify.OutcomeWrong)
	typed(t, w, types(two, theirs, v, w.code(t, v)), verify.OutcomeAccepted)
	stays(t, w, one)
	typed(t, w, types(one, hers, v, w.code(t, v)), verify.OutcomeUsed)
	stays(t, w, one)
	refused(t, w, verify.Redeem{Tenant: "t", Session: one.ID}, verify.NotFound)
	if got := w.session(two.ID); got.Status != verify.SessionVerified || got.Channel() != verify.SMS {
		t.Errorf("%+v", got)
	}
	if got := w.Verification(v.ID).Guesses; got != 2 {
		t.Errorf("%d guesses are counted over both", got)
	}
}

func TestACodeThatTheApplicationCheckedVerifiesNoSession(t *testing.T) {
	w := visited()
	s, v := begun(t, w, visit())
	outcome(t, w, check(v, w.code(t, v)), verify.OutcomeAccepted)
	typed(t, w, types(s, hers, v, w.code(t, v)), verify.OutcomeUsed)
	stays(t, w, s)
}

func TestAnAnswerThatIsRememberedVerifiesNoSession(t *testing.T) {
	w := visited()
	s, v := begun(t, w, visit())
	yes := check(v, w.code(t, v))
	yes.Once = &verify.Once{Key: "k"}
	outcome(t, w, yes, verify.OutcomeAccepted)
	again := types(s, hers, v, w.code(t, v))
	again.Check.Once = yes.Once
	typed(t, w, again, verify.OutcomeUsed)
	stays(t, w, s)

	// In the session that it verified it says yes again, whatever the key.
	s, v = begun(t, w, visit())
	again = types(s, hers, v, w.code(t, v))
	again.Check.Once = &verify.Once{Key: "l"}
	typed(t, w, again, verify.OutcomeAccepted)
	typed(t, w, again, verify.OutcomeAccepted)
	again.Check.Once = &verify.Once{Key: "m"}
	typed(t, w, again, verify.OutcomeAccepted)
}

func TestAnotherAddressIsAnotherVerification(t *testing.T) {
	w := visited()
	s, old := begun(t, w, visit())
	w.pass(time.Minute)
	must(t, w, asksAgain(s, hers, old))
	fresh := must(t, w, asks(s, hers, bob)).Verification
	got := w.session(s.ID)
	if got.Verification != fresh.ID || got.Progress.Sends != 1 || got.Progress.Starts != 2 || !slices.Equal(got.Progress.Used, []verify.Channel{verify.SMS}) {
		t.Errorf("%+v", got)
	}
	if to, err := got.To(w.env.Keys); err != nil || !to.Equal(verify.Phone(bob)) {
		t.Errorf("it is for %v, %v", to, err)
	}
	refused(t, w, types(s, hers, old, w.code(t, old)), verify.NotFound)
	refused(t, w, asksAgain(s, hers, old), verify.NotFound)
	typed(t, w, types(s, hers, fresh, w.code(t, fresh)), verify.OutcomeAccepted)
}

func TestASessionAsksTenTimesOverAllAddresses(t *testing.T) {
	w := visited()
	s := must(t, w, visit())
	for n := range verify.MaxSessionStarts {
		if n > 0 {
			must(t, w, asks(s, hers, caller(n-1))) // a button pressed twice is one start
		}
		must(t, w, asks(s, hers, caller(n)))
	}
	w.pass(time.Minute)
	if e := refused(t, w, asks(s, hers, caller(10)), verify.TooManyStarts); e.Wait != s.ExpiresAt.Sub(w.now) {
		t.Errorf("told to wait %s", e.Wait)
	}
	refused(t, w, asks(s, hers, caller(0)), verify.TooManyStarts)
	if len(w.jobs) != verify.MaxSessionStarts {
		t.Errorf("%d messages", len(w.jobs))
	}
	last := w.session(s.ID).Verification // of which the code can still be had and typed
	v := *w.Verification(last)
	must(t, w, asksAgain(s, hers, v))
	must(t, w, asks(must(t, w, visit()), hers, caller(11)))
	typed(t, w, types(s, hers, v, w.code(t, v)), verify.OutcomeAccepted)
}

func TestAResendIsTheSessions(t *testing.T) {
	w := visited()
	s, v := begun(t, w, visit())
	other := must(t, w, start(bob)).Verification
	refused(t, w, asksAgain(s, hers, v), verify.Cooldown)
	stays(t, w, s)
	w.pass(time.Minute)
	refused(t, w, asksAgain(s, hers, other), verify.NotFound)
	if !must(t, w, asksAgain(s, hers, v)).Sent {
		t.Fatal("nothing was sent")
	}
	got := *w.session(s.ID)
	if got.Progress.Sends != 2 || got.Progress.Starts != 1 || !got.UpdatedAt.Equal(w.now) || !slices.Equal(got.Progress.Used, []verify.Channel{verify.SMS}) {
		t.Errorf("%+v", got)
	}
	twice := asksAgain(s, hers, v)
	twice.Resend.Sends = 1
	w.pass(time.Minute)
	if must(t, w, twice).Sent {
		t.Error("a button pressed twice sends twice")
	}
	stays(t, w, got)
	fresh := must(t, w, visit())
	refused(t, w, asksAgain(fresh, hers, v), verify.NotFound) // nothing of it has been asked for here
	refused(t, w, asksAgain(fresh, hers, verify.Verification{}), verify.NotFound)
}

func TestAResendGoesByNoChannelThatTheSessionIsNotFor(t *testing.T) {
	w := visited()
	s, v := begun(t, w, visit(verify.SMS))
	w.pass(time.Minute)
	byCall := start(ada) // another session of the same purpose, for the same number and code
	byCall.Channel, byCall.Purpose = verify.Call, s.Purpose()
	if must(t, w, byCall).Verification.ID != v.ID {
		t.Fatal("it is another verification")
	}
	w.pass(2 * time.Minute)
	refused(t, w, asksAgain(s, hers, v), verify.NoChannel)
	stays(t, w, s)
	must(t, w, asks(s, hers, ada)) // by the session's own
}

func TestACheckMustBeOfTheSessionsVerification(t *testing.T) {
	w := visited()
	s, v := begun(t, w, visit())
	other := must(t, w, start(bob)).Verification
	refused(t, w, types(s, hers, other, w.code(t, other)), verify.NotFound)
	byNumber := verify.SessionCheck{Session: s.ID, Browser: hers, Check: verify.Check{
		Tenant: "t", Target: verify.Target{Tenant: "t", Profile: profile.ID, Address: verify.Phone(bob)}, Guess: w.code(t, other),
	}}
	refused(t, w, byNumber, verify.NotFound)
	fresh := must(t, w, visit())
	byNumber.Session = fresh.ID // which has none
	refused(t, w, byNumber, verify.NotFound)
	refused(t, w, types(fresh, hers, v, w.code(t, v)), verify.NotFound)
	for _, v := range []verify.Verification{v, other} {
		if got := w.Verification(v.ID); got.Guesses != 0 || got.Status != verify.Pending {
			t.Errorf("%+v", got)
		}
	}
}

func TestTheSameBrowserIsToldYesAgain(t *testing.T) {
	w := visited()
	s, v := verified(t, w)
	was := *w.Verification(v.ID)
	w.pass(time.Hour) // the page is loaded again, its time over
	for _, guess := range []string{w.code(t, v), w.wrong(t, v), ""} {
		if got := must(t, w, types(s, hers, v, guess)); got.Outcome != verify.OutcomeAccepted || got.Verification.ID != v.ID {
			t.Errorf("told %s", got.Outcome)
		}
	}
	stays(t, w, s)
	if d := cmp.Diff(&was, w.Verification(v.ID)); d != "" {
		t.Errorf("the verification has changed: %s", d)
	}
	refused(t, w, types(s, theirs, v, w.code(t, v)), verify.Forbidden)
	other := must(t, w, start(bob)).Verification
	refused(t, w, types(s, hers, other, w.code(t, other)), verify.Settled)
}

func TestAnApplicationEndsItsSession(t *testing.T) {
	w := visited()
	s := must(t, w, visit())
	end := verify.EndSession{Tenant: "t", Session: s.ID}
	refused(t, w, verify.EndSession{Tenant: "u", Session: s.ID}, verify.NotFound)
	refused(t, w, verify.EndSession{Tenant: "t", Session: verify.ID{7}}, verify.NotFound)
	w.pass(time.Minute)
	ended := must(t, w, end)
	if ended.Status != verify.SessionExpired || !ended.UpdatedAt.Equal(w.now) {
		t.Errorf("%+v", ended)
	}
	stays(t, w, ended)
	w.pass(time.Minute)
	must(t, w, end) // it stays as it is
	stays(t, w, ended)

	over := must(t, w, visit())
	w.now = over.ExpiresAt
	if got := must(t, w, verify.EndSession{Tenant: "t", Session: over.ID}); got.StatusAt(w.now) != verify.SessionExpired {
		t.Errorf("%+v", got)
	}
	stays(t, w, over)

	done, _ := verified(t, w)
	refused(t, w, verify.EndSession{Tenant: "t", Session: done.ID}, verify.Settled)
	stays(t, w, done)
}
