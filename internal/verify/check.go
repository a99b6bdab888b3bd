package verify

import (
	"errors"
	"time"
)

// Outcome is what a check found. Only OutcomeAccepted says yes.
type Outcome string

// The outcomes. A wrong code is an outcome, not an error.
const (
	OutcomeAccepted  Outcome = "accepted"
	OutcomeWrong     Outcome = "wrong"
	OutcomeExhausted Outcome = "exhausted" // no guess is left, or was the last one
	OutcomeExpired   Outcome = "expired"
	OutcomeUsed      Outcome = "used" // the code was accepted before
	OutcomeCanceled  Outcome = "canceled"
	OutcomeLocked    Outcome = "locked" // MaxStreak wrong guesses in a row
)

// Outcomes lists every outcome, for tests.
func Outcomes() []Outcome {
	return []Outcome{
		OutcomeAccepted, OutcomeWrong, OutcomeExhausted, OutcomeExpired, OutcomeUsed, OutcomeCanceled, OutcomeLocked,
	}
}

// Check says whether a guess is the code of a verification, named by id or as
// the newest one of a target. Exactly one check of a verification is ever
// answered with OutcomeAccepted, a replay of the same Once apart.
//
// A code for a payment is good for that payment alone: the dynamic linking of
// Commission Delegated Regulation (EU) 2018/389, article 5.
//
// Refusals: Invalid (code, payment), NotFound, KeyReused.
type Check struct {
	Tenant       string
	Verification ID     // zero: Target names it
	Target       Target // looked at only without Verification
	Guess        string
	Amount       string // of a payment: what the person was shown with the code; empty if it is none
	Payee        string
	Once         *Once
}

// Checked is the answer to a check.
type Checked struct {
	Outcome      Outcome
	Verification Verification
}

// Needs names the verification or the subject, and the replay.
func (c Check) Needs(env *Env) (Needs, error) {
	n := Needs{Verification: c.Verification}
	err := c.Once.name(env, "check", c.Tenant, &n)
	if c.Verification == (ID{}) {
		err = errors.Join(err, c.Target.name(env, &n))
	}
	return n, err
}

// Decide counts the guess, and only then compares it.
func (c Check) Decide(env *Env, rows Rows, now time.Time) (Changes, Checked, error) {
	if done, err := c.Once.replayed(env, rows, now); done || err != nil {
		if err != nil {
			return Changes{}, Checked{}, err
		}
		return Changes{}, Checked{rows.Replay.Outcome, *rows.Replayed}, nil
	}
	if c.Guess == "" {
		return Changes{}, Checked{}, &Error{Kind: Invalid, Field: FieldCode, Err: errors.New("must not be empty")}
	}
	v, subject := rows.Verification, rows.Subject
	if v == nil || v.Tenant != c.Tenant {
		return Changes{}, Checked{}, &Error{Kind: NotFound}
	}
	if other, err := c.anothers(env, *v); other || err != nil {
		if err != nil {
			return Changes{}, Checked{}, err
		}
		return Changes{}, Checked{}, &Error{Kind: NotFound}
	}
	if v.Details.Amount != c.Amount || v.Details.Payee != c.Payee {
		return Changes{}, Checked{}, &Error{Kind: Invalid, Field: FieldPayment, Err: errors.New("must be the ones that the verification was started with")}
	}
	changes := Changes{}
	outcome, open := unguessable(*v, subject, now)
	if open {
		streak := subject.Streak
		var err error
		if outcome, err = guess(env, v, subject, c.Guess, now); err != nil {
			return Changes{}, Checked{}, err
		}
		changes.Verifications = []Verification{*v}
		if subject.Streak != streak { // right at once, as most are: a row less to write
			changes.Subject = subject
		}
		// What was not evaluated is answered alike again without being remembered,
		// and could otherwise be asked for without end.
		if changes.Replay, err = c.Once.remember(env, rows, *v, outcome, now); err != nil {
			return Changes{}, Checked{}, err
		}
	}
	return changes, Checked{outcome, *v}, nil
}

// anothers says that v, found by a target, is of another address. Only somebody who
// has moved rows about in the database can make it so, and what is sealed in a row
// says whose it is. The error is of package secret.
func (c Check) anothers(env *Env, v Verification) (bool, error) {
	if c.Verification != (ID{}) {
		return false, nil
	}
	to, err := v.To(env.Keys)
	return !to.Equal(c.Target.Address), err
}

// unguessable says why no guess is evaluated, or that one may be.
func unguessable(v Verification, s *Subject, now time.Time) (Outcome, bool) {
	switch v.StatusAt(now) {
	case Accepted:
		return OutcomeUsed, false
	case Canceled:
		return OutcomeCanceled, false
	case Expired:
		return OutcomeExpired, false
	case Exhausted:
		return OutcomeExhausted, false
	}
	if s == nil {
		// It went to another key while v was over by the clock of the node that saw to
		// it. Only what has been followed by another is ever without its subject.
		return OutcomeExpired, false
	}
	if s.Streak >= MaxStreak {
		return OutcomeLocked, false
	}
	if v.Guesses >= MaxGuesses {
		return OutcomeExhausted, false
	}
	return "", true
}

// guess evaluates one guess. It is counted before anyone compares, so that none
// is free; both counts are in the commit that answers.
func guess(env *Env, v *Verification, s *Subject, text string, now time.Time) (Outcome, error) {
	v.Guesses++
	s.Streak++
	v.UpdatedAt = now
	want, err := v.Reveal(env.Keys)
	if err != nil {
		return "", err
	}
	if want.Matches(text) {
		v.Status = Accepted
		s.Streak = 0
		return OutcomeAccepted, nil
	}
	if v.Guesses >= MaxGuesses {
		v.Status = Exhausted
		return OutcomeExhausted, nil
	}
	return OutcomeWrong, nil
}

// Cancel ends a pending verification: its code is no longer good.
//
// Refusals: NotFound, Settled.
type Cancel struct {
	Tenant       string
	Verification ID
}

// Needs names the verification.
func (c Cancel) Needs(*Env) (Needs, error) { return Needs{Verification: c.Verification}, nil }

// Decide cancels or refuses.
func (c Cancel) Decide(_ *Env, rows Rows, now time.Time) (Changes, Verification, error) {
	v := rows.Verification
	if v == nil || v.Tenant != c.Tenant {
		return Changes{}, Verification{}, &Error{Kind: NotFound}
	}
	if v.StatusAt(now) != Pending {
		return Changes{}, Verification{}, &Error{Kind: Settled}
	}
	v.Status, v.UpdatedAt = Canceled, now
	return Changes{Verifications: []Verification{*v}}, *v, nil
}

// Approve settles a pending verification as accepted on the tenant's word: it has
// seen by itself that the person is the right one. It counts as the one acceptance.
//
// Refusals: NotFound, Settled.
type Approve struct {
	Tenant       string
	Verification ID
}

// Needs names the verification.
func (a Approve) Needs(*Env) (Needs, error) { return Needs{Verification: a.Verification}, nil }

// Decide accepts or refuses.
func (a Approve) Decide(_ *Env, rows Rows, now time.Time) (Changes, Verification, error) {
	v, subject := rows.Verification, rows.Subject
	if v == nil || v.Tenant != a.Tenant {
		return Changes{}, Verification{}, &Error{Kind: NotFound}
	}
	if v.StatusAt(now) != Pending {
		return Changes{}, Verification{}, &Error{Kind: Settled}
	}
	v.Status, v.UpdatedAt = Accepted, now
	changes := Changes{Verifications: []Verification{*v}}
	if subject != nil && subject.Streak > 0 {
		subject.Streak = 0
		changes.Subject = subject
	}
	return changes, *v, nil
}

// Unlock forgets the streak of a subject, as an operator may who knows that the
// person is the right one. The answer says whether there was a streak.
//
// Refusals: NotFound.
type Unlock struct{ Target Target }

// Needs names the subject.
func (u Unlock) Needs(env *Env) (Needs, error) {
	var n Needs
	err := u.Target.name(env, &n)
	return n, err
}

// Decide forgets the streak.
func (u Unlock) Decide(_ *Env, rows Rows, _ time.Time) (Changes, bool, error) {
	s := rows.Subject
	if s == nil {
		return Changes{}, false, &Error{Kind: NotFound}
	}
	if s.Streak == 0 {
		return Changes{}, false, nil
	}
	s.Streak = 0
	changes := Changes{Subject: s}
	if rows.Other != nil { // its streak would come back; what it knew besides is in s
		changes.GoneSubjects = []SubjectKey{rows.Other.Key}
	}
	return changes, true, nil
}
