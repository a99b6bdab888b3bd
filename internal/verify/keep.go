package verify

import (
	"time"

	"countersign/internal/secret"
)

// Expire writes down that a pending verification's time is over. Nothing waits
// for it: everyone who looks sees so by the clock. The answer says whether it
// changed anything.
type Expire struct{ Verification ID }

// Needs names the verification.
func (e Expire) Needs(*Env) (Needs, error) { return Needs{Verification: e.Verification}, nil }

// Decide expires what is over.
func (e Expire) Decide(_ *Env, rows Rows, now time.Time) (Changes, bool, error) {
	v := rows.Verification
	if v == nil || v.Status != Pending || v.StatusAt(now) != Expired {
		return Changes{}, false, nil
	}
	v.Status, v.UpdatedAt = Expired, now
	return Changes{Verifications: []Verification{*v}}, true, nil
}

// Purge deletes a verification whose retention is over, with its deliveries. The
// newest one of a subject goes with the subject, and not before the subject has
// nothing to remember. The answer says whether it is gone.
type Purge struct{ Verification ID }

// Needs names the verification, and its deliveries by the first.
func (p Purge) Needs(*Env) (Needs, error) { return whole(p.Verification), nil }

// Decide deletes what nobody needs any more.
func (p Purge) Decide(_ *Env, rows Rows, now time.Time) (Changes, bool, error) {
	v, s := rows.Verification, rows.Subject
	if v == nil || v.PurgeAt.IsZero() || now.Before(v.PurgeAt) || v.StatusAt(now) == Pending {
		return Changes{}, false, nil
	}
	if s != nil && s.Live == v.ID && s.remembers(*v, now) {
		return Changes{}, false, nil
	}
	return erased(*v, s), true, nil
}

// Erase deletes a verification with its deliveries, whatever its state, and the
// subject with its newest verification: a person wants to be forgotten. The
// answer says whether it was there.
type Erase struct{ Verification ID }

// Needs names the verification, and its deliveries by the first.
func (e Erase) Needs(*Env) (Needs, error) { return whole(e.Verification), nil }

// Decide deletes.
func (e Erase) Decide(_ *Env, rows Rows, _ time.Time) (Changes, bool, error) {
	if rows.Verification == nil {
		return Changes{}, false, nil
	}
	return erased(*rows.Verification, rows.Subject), true, nil
}

// whole names a verification with its deliveries. They have one lock, so to name
// the first is to lock them all.
func whole(id ID) Needs { return Needs{Verification: id, Delivery: DeliveryKey{id, 1}} }

func erased(v Verification, s *Subject) Changes {
	c := Changes{GoneVerifications: []ID{v.ID}, GoneEvents: eventsOf(v)}
	if s != nil && s.Live == v.ID {
		c.GoneSubjects = []SubjectKey{s.Key}
	}
	return c
}

// remembers says whether forgetting the subject, whose newest verification is v,
// would give somebody guesses or messages that they do not have.
func (s Subject) remembers(v Verification, now time.Time) bool {
	guesses := s.Streak > 0 && now.Before(v.UpdatedAt.Add(StreakAge))
	return guesses || !s.Hour.Idle(now) || !s.Day.Idle(now)
}

// Target is the subject of the verification in the clear. The error is of package
// secret.
func (v Verification) Target(keys *secret.Ring) (Target, error) {
	to, err := v.To(keys)
	return Target{v.Tenant, v.Profile, v.Purpose, to}, err
}

// Rekey puts a verification under the current key, and the subject with its newest
// one. A pending one waits until it is over, since its code is drawn from its key.
// The answer says whether it stands under the current key.
type Rekey struct {
	Verification ID
	Target       Target // of the verification
}

// Needs names the verification and its subject under every key.
func (r Rekey) Needs(env *Env) (Needs, error) {
	n := Needs{Verification: r.Verification}
	err := r.Target.name(env, &n)
	return n, err
}

// Decide seals anew what is over.
func (r Rekey) Decide(env *Env, rows Rows, now time.Time) (Changes, bool, error) {
	v, s := rows.Verification, rows.Subject
	if v == nil || v.KeyID == env.Keys.Current() {
		return Changes{}, true, nil
	}
	if v.Status = v.StatusAt(now); v.Status == Pending {
		return Changes{}, false, nil
	}
	var err error
	if v.Address, err = env.Keys.Seal(secret.Row, place(v.ID, "address"), []byte(r.Target.Address.Text())); err != nil {
		return Changes{}, false, err
	}
	v.CustomCode = nil // it is over: nobody will ask for it again
	v.KeyID, v.Subject = env.Keys.Current(), rows.Needs.Subject
	changes := Changes{Verifications: []Verification{*v}}
	if s != nil && s.Live == v.ID {
		moved, gone := s.rekeyed(env, rows)
		changes.Subject, changes.GoneSubjects = &moved, gone
	}
	return changes, true, nil
}

// KeyNeededUntil is the first instant at which a key may go that another one took
// over from, if no verification stands under it: replays and limits that were made
// under it are over by then, but for tenants' own over more than a day. Those begin
// anew, which is better than to need a key for a month that is to go.
func KeyNeededUntil(takenOver time.Time) time.Time { return takenOver.Add(ReplayAge + ClockSlack) }

// rekeyed returns the subject under the current key, and the keys that it leaves.
func (s Subject) rekeyed(env *Env, rows Rows) (Subject, []SubjectKey) {
	var gone []SubjectKey
	for _, had := range []*Subject{&s, rows.Other} {
		if had != nil && had.Key != rows.Needs.Subject {
			gone = append(gone, had.Key)
		}
	}
	if rows.Other != nil {
		s.merge(*rows.Other)
	}
	s.Key, s.KeyID = rows.Needs.Subject, env.Keys.Current()
	return s, gone
}
