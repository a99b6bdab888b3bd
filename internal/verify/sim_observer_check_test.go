package verify_test

import (
	"slices"
	"time"

	"countersign/internal/verify"
)

// checked judges the answer to a check of a verification or of a target.
func (o *observer) checked(cmd verify.Check, got verify.Checked, err error, t time.Time) {
	replay := o.replayed(cmd.Tenant, "check", cmd.Once, t)
	if unknown(err) {
		o.maybeGuessed(cmd)
		o.remember(cmd.Tenant, "check", cmd.Once, seenReplay{at: t})
		return
	}
	if o.reused(cmd.Tenant, "check", cmd.Once, err, t) {
		return
	}
	if err != nil {
		o.checkRefused(cmd, verify.KindOf(err))
		return
	}
	if replay != nil && replay.sure && t.Sub(replay.at) < 24*time.Hour-slack {
		o.sim.figures.Replayed++
		if got.Outcome != replay.outcome || got.Verification.ID != replay.id {
			o.sim.fail("a check was answered %s for %s first and %s for %s again",
				replay.outcome, replay.id, got.Outcome, got.Verification.ID)
		}
		return
	}
	v := o.adopt(got.Verification, t)
	o.bound(cmd, v, replay == nil)
	right, known := o.right(v, cmd.Guess)
	if !known {
		right = got.Outcome == verify.OutcomeAccepted // an old code, sent again to a new verification
	}
	repeated := replay != nil && o.afterwards(v, got.Outcome, right)
	if !repeated && !slices.Contains(o.mayAnswer(v, right, t), got.Outcome) {
		o.sim.fail("a check of %s (right=%v) found %s and may find %v: %s, streak %d to %d",
			v.id, right, got.Outcome, o.mayAnswer(v, right, t), v, v.subject.low, v.subject.high)
	}
	if g := got.Verification.Guesses; replay == nil && !v.vague && (g > 5 || g < v.guesses || g > v.guesses+v.maybe+1) {
		o.sim.fail("%s has had %d guesses, seen were %d and perhaps %d", v.id, g, v.guesses, v.maybe)
	}
	evaluated := o.evaluated(v, got.Outcome, replay == nil, t)
	o.remember(cmd.Tenant, "check", cmd.Once, seenReplay{at: t, id: v.id, outcome: got.Outcome, sure: evaluated})
}

// afterwards says that the answer may be that of an earlier request under the same
// Idempotency-Key, whose answer was lost and which was the one to be accepted, or
// the one that was wrong, before whatever has been told since.
func (o *observer) afterwards(v *seenVerification, outcome verify.Outcome, right bool) bool {
	switch outcome {
	case verify.OutcomeAccepted:
		return right && v.maybeAccepted && v.accepted != "yes"
	case verify.OutcomeWrong, verify.OutcomeExhausted:
		return !right && v.maybe > 0
	}
	return false
}

// evaluated takes in what an answer says about guesses, and says whether this one
// surely was compared with the code. One that was asked before may have been
// counted then, and forgotten since with the streak that it was in.
func (o *observer) evaluated(v *seenVerification, outcome verify.Outcome, anew bool, t time.Time) bool {
	s := v.subject
	if !anew {
		defer func(low, high int) { s.low, s.high = min(low, s.low), max(high, s.high) }(s.low, s.high)
	}
	switch outcome {
	case verify.OutcomeAccepted:
		v.accepted = "yes"
		v.guesses++
		v.settle(t)
		s.low, s.high = 0, 0
		return true
	case verify.OutcomeWrong:
		v.guesses++
		s.low++
		s.high++
		return true
	case verify.OutcomeExhausted:
		sure := !v.used && v.guesses == 4 && v.maybe == 0
		switch {
		case sure:
			v.guesses++
			s.low++
			s.high++
		case !v.used:
			v.maybe++
			s.high++
		}
		v.used = true
		v.settle(t)
		return sure
	case verify.OutcomeExpired:
		v.expired = v.expired || !t.Before(v.end.Add(slack))
	case verify.OutcomeCanceled:
		v.canceled = true
		v.settle(t)
	case verify.OutcomeUsed:
		if v.accepted == "" {
			v.accepted = "unheard"
		}
		v.settle(t)
		s.low = 0
	}
	return false
}

// bound demands that the verification is one that the check may be about. An
// answer that is given again may be about what was the newest one at first.
func (o *observer) bound(cmd verify.Check, v *seenVerification, anew bool) {
	switch {
	case v.subject.name.tenant != cmd.Tenant:
		o.sim.fail("a check by %s was answered about %s of %s", cmd.Tenant, v.id, v.subject.name.tenant)
	case cmd.Verification != (verify.ID{}):
		if v.id != cmd.Verification {
			o.sim.fail("a check of %s was answered about %s", cmd.Verification, v.id)
		}
	case v.subject.name != nameOf(cmd.Target):
		o.sim.fail("a check of a target was answered about %s, which is another's", v.id)
	case anew && v.subject.newest != v && v.subject.maybeNew == 0:
		o.sim.fail("a check of a target was answered about %s, which is not its newest", v.id)
	}
}

func (o *observer) checkRefused(cmd verify.Check, kind verify.Kind) {
	switch {
	case kind == verify.Invalid && cmd.Guess == "":
		return
	case kind == verify.NotFound:
		if cmd.Verification == (verify.ID{}) {
			if s := o.subjects[nameOf(cmd.Target)]; s == nil || s.newest == nil {
				return
			}
		} else if v := o.byID[cmd.Verification]; v == nil || v.subject.name.tenant != cmd.Tenant {
			return
		}
	}
	o.sim.fail("a check of %s was refused: %s", cmd.Verification, kind)
}

// maybeGuessed takes in a check of which nobody knows what came.
func (o *observer) maybeGuessed(cmd verify.Check) {
	if cmd.Guess == "" {
		return
	}
	v := o.byID[cmd.Verification]
	if cmd.Verification == (verify.ID{}) {
		if s := o.subjects[nameOf(cmd.Target)]; s != nil {
			v = s.newest
			s.high++
		}
	}
	if v == nil || v.subject.name.tenant != cmd.Tenant {
		return
	}
	v.maybe++
	if right, known := o.right(v, cmd.Guess); right || !known {
		v.maybeAccepted = true
		v.subject.low = 0
		return
	}
	v.subject.high++
}

func nameOf(t verify.Target) subjectName {
	return subjectName{t.Tenant, t.Profile, t.Purpose, t.Address.Text()}
}

// canceled judges the answer to a cancel.
func (o *observer) canceled(cmd verify.Cancel, err error, t time.Time) {
	v := o.byID[cmd.Verification]
	mine := v != nil && v.subject.name.tenant == cmd.Tenant
	switch kind := verify.KindOf(err); {
	case unknown(err):
		if mine {
			v.maybeCanceled = true
		}
	case err == nil:
		if !mine || v.over(t) {
			o.sim.fail("%s was canceled by %s: %s", cmd.Verification, cmd.Tenant, v)
			return
		}
		v.canceled = true
		v.settle(t)
	case kind == verify.NotFound && !mine:
	case kind == verify.Settled && mine && !v.alive(t):
	default:
		o.sim.fail("a cancel of %s was refused: %s", cmd.Verification, kind)
	}
}

// unlocked judges the answer to an unlock.
func (o *observer) unlocked(cmd verify.Unlock, had bool, err error) {
	s := o.subjects[nameOf(cmd.Target)]
	known := s != nil && s.newest != nil
	switch {
	case unknown(err):
		if s != nil {
			s.low = 0
		}
	case err == nil:
		if s == nil || had && s.high == 0 || !had && s.low > 0 {
			o.sim.fail("an unlock says that there was a streak=%v: %s", had, s)
			return
		}
		s.low, s.high = 0, 0
	case verify.KindOf(err) != verify.NotFound || known:
		o.sim.fail("an unlock was refused: %v", err)
	}
}

// lapsed judges the answer to an expire.
func (o *observer) lapsed(cmd verify.Expire, changed bool, err error, t time.Time) {
	v := o.byID[cmd.Verification]
	if err == nil && changed && v != nil {
		if t.Before(v.end.Add(-slack)) || v.dead() && !v.expired {
			o.sim.fail("%s was expired: %s", v.id, v)
		}
		v.expired = true
		v.settle(t)
	}
}
