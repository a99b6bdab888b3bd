package verify

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign/internal/code"
	"countersign/internal/limit"
	"countersign/internal/secret"
)

// Target names a subject in the clear.
type Target struct {
	Tenant  string
	Profile ID
	Purpose string
	Address Address
}

// name puts the subject's keys into n.
func (t Target) name(env *Env, n *Needs) error {
	now, other, err := env.hash16("subject", t.Tenant, t.Profile.String(), t.Purpose, t.Address.Key())
	n.Subject, n.OtherSubject = now, other
	return err
}

// Keys are what the subject is found by: under the current key, and under the one
// beside it (zero if there is none).
func (t Target) Keys(env *Env) (now, other SubjectKey, err error) {
	var n Needs
	err = t.name(env, &n)
	return n.Subject, n.OtherSubject, err
}

// Start begins a verification of an address. If one is pending there already, the
// same code goes out once more, as Resend would send it; an equal start within
// RepeatWindow is answered like the first and sends nothing.
//
// Refusals: Invalid (timeout, custom_code), NumberType, Country, NoChannel,
// Locked, Cooldown, TooManySends, TooManyStarts, WorkNeeded, QuotaSpent, SpendLimit,
// KeyReused, Busy.
type Start struct {
	Profile    Profile
	Purpose    string
	Channel    Channel
	Address    Address
	Validity   time.Duration // zero: the profile's; more than MaxValidity is cut
	CustomCode string        // empty: ours
	Details    Details
	Quotas     []Quota // besides the profile's
	Network    string  // the visitor's network where a page asks; empty: not limited
	Worked     bool    // the visitor's browser has done the work that a page asks for
	Backlog    int     // deliveries waiting to be sent
	Once       *Once
}

// Started is the answer to a start or a resend.
type Started struct {
	Verification Verification
	Sent         bool // a message goes out; false if this was a repetition
	Allowance    Allowance
}

// Allowance is how many more messages the address may get, by the tighter one of the
// operator's limits. A zero Limit is no limit, or not known.
type Allowance struct {
	Limit, Left int
	Reset       time.Duration // until the whole limit is there again
}

// memory is a limit with what is spent of it.
type memory struct {
	limit.Rule
	limit.State
}

// allowance is what is left of the limits on the address. spent are the quotas of the
// start, in their order.
func (s Start) allowance(env *Env, subject Subject, spent []Bucket, now time.Time) (tightest Allowance) {
	limits := []memory{{env.Limits.Hour, subject.Hour}, {env.Limits.Day, subject.Day}}
	for i, q := range s.quotas(env) {
		if q.Kind == TooManyStarts {
			limits = append(limits, memory{q.Rule, spent[i].State})
		}
	}
	for _, one := range limits {
		if one.Unlimited() {
			continue
		}
		left, reset := one.Left(one.State, now)
		if tightest.Limit == 0 || left < tightest.Left {
			tightest = Allowance{one.Count, left, reset}
		}
	}
	return tightest
}

func (s Start) target() Target {
	return Target{s.Profile.Tenant, s.Profile.ID, s.Purpose, s.Address}
}

// quotas are all that a message of this start spends.
func (s Start) quotas(env *Env) []Quota {
	all := slices.Concat(s.Profile.Quotas, s.Quotas)
	if network := env.Limits.Network; s.Network != "" && !s.Worked && !network.Unlimited() {
		// Half of the share, by itself: of the whole one, a machine that is patient would
		// have each message that comes back, before anybody has worked for it.
		network.Count = (network.Count + 1) / 2
		all = append(all, Quota{Name: "without work " + s.Network, Rule: network, Kind: WorkNeeded})
	}
	if s.Profile.Joint {
		all = append(all, joint(env, s.Address)...)
	}
	return all
}

// Needs names the subject, the buckets and the replay. It refuses what
// can be refused without rows, before anyone else has to wait for it.
func (s Start) Needs(env *Env) (Needs, error) {
	if err := s.check(env); err != nil {
		return Needs{}, err
	}
	var n Needs
	err := errors.Join(
		s.target().name(env, &n), nameNetwork(env, s.Network, &n), nameQuotas(env, s.Profile.Tenant, s.quotas(env), &n),
		s.Once.name(env, "start", s.Profile.Tenant, &n))
	return n, err
}

// Decide begins, repeats or resends.
func (s Start) Decide(env *Env, rows Rows, now time.Time) (Changes, Started, error) {
	if done, err := s.Once.replayed(env, rows, now); done || err != nil {
		if err != nil {
			return Changes{}, Started{}, err
		}
		return Changes{}, Started{Verification: *rows.Replayed}, nil
	}
	subject := Subject{Key: rows.Needs.Subject, KeyID: env.Keys.Current()}
	if rows.Subject != nil {
		subject = *rows.Subject
	}
	if subject.Streak >= MaxStreak {
		return Changes{}, Started{}, &Error{Kind: Locked}
	}
	changes, answer, err := s.send(env, rows, subject, now)
	if err != nil {
		return Changes{}, Started{}, err
	}
	if changes.Subject != nil {
		subject = *changes.Subject
	}
	spent := changes.Quotas
	if !answer.Sent {
		spent = rows.Quotas
	}
	answer.Allowance = s.allowance(env, subject, spent, now)
	changes.Replay, err = s.Once.remember(env, rows, answer.Verification, "", now)
	return changes, answer, err
}

func (s Start) check(env *Env) error {
	if s.Validity != 0 && s.Validity < MinValidity {
		return &Error{Kind: Invalid, Field: FieldTimeout, Err: fmt.Errorf("must be at least %s", MinValidity)}
	}
	if s.CustomCode != "" {
		if _, err := code.Custom(s.CustomCode); err != nil {
			return &Error{Kind: Invalid, Field: FieldCustom, Err: errors.New("must be 4 to 10 letters or digits")}
		}
	}
	if err := s.Details.check(); err != nil {
		return err
	}
	if s.Profile.Payments && s.Details.Amount == "" {
		return &Error{Kind: Invalid, Field: FieldPayment, Err: errors.New("must have both an amount and a payee: the profile is for payments alone")}
	}
	return guard(env, s.Profile, s.Channel, s.Address)
}

// send decides between a repetition, a resend and a new verification.
func (s Start) send(env *Env, rows Rows, subject Subject, now time.Time) (Changes, Started, error) {
	live := rows.Verification
	if live == nil || live.StatusAt(now) != Pending {
		return s.begin(env, rows, subject, now)
	}
	same, err := s.sameCode(env, *live)
	same = same && live.Details.Amount == s.Details.Amount && live.Details.Payee == s.Details.Payee
	if err != nil {
		return Changes{}, Started{}, err
	}
	if same && live.Channel == s.Channel && now.Before(live.SentAt.Add(RepeatWindow)) {
		return Changes{}, Started{Verification: *live}, nil
	}
	if err := resendable(*live, now); err != nil {
		return Changes{}, Started{}, err
	}
	if same {
		v := *live
		v.Channel = s.Channel
		return dispatch{subject, v, visitor{s.Network, s.Worked}, s.quotas(env), s.Backlog}.deliver(env, rows, now)
	}
	// The customer wants another code of its own, or one for another payment: the old
	// one must not stay good.
	old := *live
	old.Status, old.UpdatedAt = Canceled, now
	changes, answer, err := s.begin(env, rows, subject, now)
	changes.Verifications = append(changes.Verifications, old)
	return changes, answer, err
}

// begin makes a new verification and its first message. It is the moment at which
// a subject can go to the current key: no verification of it is pending any more.
func (s Start) begin(env *Env, rows Rows, subject Subject, now time.Time) (Changes, Started, error) {
	subject, gone := subject.rekeyed(env, rows)
	v, err := s.verification(env, subject, now)
	if err != nil {
		return Changes{}, Started{}, err
	}
	changes, answer, err := dispatch{subject, v, visitor{s.Network, s.Worked}, s.quotas(env), s.Backlog}.deliver(env, rows, now)
	if err == nil {
		changes.GoneSubjects = gone
	}
	return changes, answer, err
}

// sameCode says whether the pending verification's code is the one asked for.
func (s Start) sameCode(env *Env, live Verification) (bool, error) {
	if s.CustomCode == "" || live.CustomCode == nil {
		return s.CustomCode == "" && live.CustomCode == nil, nil
	}
	has, err := live.Reveal(env.Keys)
	if err != nil {
		return false, err
	}
	return has.Matches(s.CustomCode), nil
}

func (s Start) verification(env *Env, subject Subject, now time.Time) (Verification, error) {
	id, err := NewID(now, env.Random)
	if err != nil {
		return Verification{}, err
	}
	validity := s.Validity
	if validity == 0 {
		validity = s.Profile.Validity
	}
	expires, purge := now.Add(min(validity, MaxValidity)), time.Time{}
	if s.Profile.Retention > 0 {
		purge = expires.Add(s.Profile.Retention)
	}
	v := Verification{
		ID: id, Tenant: s.Profile.Tenant, Profile: s.Profile.ID, Subject: subject.Key,
		Purpose: s.Purpose, Channel: s.Channel,
		KeyID: env.Keys.Current(), Code: s.Profile.Code,
		Template: s.Profile.Template, AppName: s.Profile.AppName, Details: s.Details, Previous: subject.Live,
		Status: Pending, CreatedAt: now, ExpiresAt: expires, PurgeAt: purge,
	}
	v.Details.Events, v.Details.Domain = s.Profile.Events, s.Profile.Domain
	if v.Details.Locale == "" {
		v.Details.Locale = s.Profile.Locale
	}
	v.Address, err = env.Keys.Seal(secret.Row, place(id, "address"), []byte(s.Address.Text()))
	if err != nil {
		return Verification{}, err
	}
	if s.CustomCode != "" {
		v.CustomCode, err = env.Keys.Seal(secret.Row, place(id, "code"), []byte(s.CustomCode))
	}
	return v, err
}
