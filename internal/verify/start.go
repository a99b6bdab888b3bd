package verify

import (
	"errors"
	"fmt"
	"time"

	"countersign/internal/code"
	"countersign/internal/phone"
	"countersign/internal/secret"
)

// Once carries an Idempotency-Key: the same key with the same fingerprint gets
// the same answer for ReplayAge, whatever happened meanwhile.
type Once struct {
	Key         string
	Fingerprint [16]byte // a hash of the request
}

// Target names a subject in the clear.
type Target struct {
	Tenant  string
	Profile ID
	Purpose string
	Number  phone.Number
}

// Key returns the subject's key, under the current key of the ring.
func (t Target) Key(env *Env) (SubjectKey, error) {
	return env.hash16("subject", t.Tenant, t.Profile.String(), t.Purpose, t.Number.E164())
}

// Start begins a verification of a number. If one is pending there already, the
// same code goes out once more, as Resend would send it; an equal start within
// RepeatWindow is answered like the first and sends nothing.
//
// Refusals: Invalid (timeout, custom_code), NumberType, Country, NoChannel,
// Locked, Cooldown, TooManySends, TooManyStarts, KeyReused, Busy.
type Start struct {
	Profile    Profile
	Purpose    string
	Channel    Channel
	Number     phone.Number
	Validity   time.Duration // zero: the profile's; more than MaxValidity is cut
	CustomCode string        // empty: ours
	Network    string        // the visitor's network where a page asks; empty: not limited
	Backlog    int           // deliveries waiting to be sent
	Once       *Once
}

// Started is the answer to a start or a resend.
type Started struct {
	Verification Verification
	Sent         bool // a message goes out; false if this was a repetition
}

func (s Start) target() Target {
	return Target{s.Profile.Tenant, s.Profile.ID, s.Purpose, s.Number}
}

// Needs names the subject, the network's bucket and the replay. It refuses what
// can be refused without rows, before anyone else has to wait for it.
func (s Start) Needs(env *Env) (Needs, error) {
	if err := s.check(env); err != nil {
		return Needs{}, err
	}
	subject, err := s.target().Key(env)
	if err != nil {
		return Needs{}, err
	}
	bucket, err := networkBucket(env, s.Network)
	if err != nil {
		return Needs{}, err
	}
	replay, err := s.Once.key(env, "start", s.Profile.Tenant)
	if err != nil {
		return Needs{}, err
	}
	return Needs{Subject: subject, Bucket: bucket, Replay: replay}, nil
}

// Decide begins, repeats or resends.
func (s Start) Decide(env *Env, rows Rows, now time.Time) (Changes, Started, error) {
	if done, err := s.Once.replayed(rows, now); done || err != nil {
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
	changes.Replay = s.Once.remember(rows, answer.Verification, "", now)
	return changes, answer, nil
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
	return guard(env, s.Profile, s.Channel, s.Number)
}

// send decides between a repetition, a resend and a new verification.
func (s Start) send(env *Env, rows Rows, subject Subject, now time.Time) (Changes, Started, error) {
	live := rows.Verification
	if live == nil || live.StatusAt(now) != Pending {
		v, err := s.verification(env, subject, now)
		if err != nil {
			return Changes{}, Started{}, err
		}
		return dispatch{subject, v, s.Network, s.Backlog}.deliver(env, rows, now)
	}
	same, err := s.sameCode(env, *live)
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
		return dispatch{subject, v, s.Network, s.Backlog}.deliver(env, rows, now)
	}
	// The customer wants another code of its own: the old one must not stay good.
	old := *live
	old.Status, old.UpdatedAt = Canceled, now
	v, err := s.verification(env, subject, now)
	if err != nil {
		return Changes{}, Started{}, err
	}
	changes, answer, err := dispatch{subject, v, s.Network, s.Backlog}.deliver(env, rows, now)
	changes.Verifications = append(changes.Verifications, old)
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
	v := Verification{
		ID: id, Tenant: s.Profile.Tenant, Profile: s.Profile.ID, Subject: subject.Key,
		Purpose: s.Purpose, Channel: s.Channel,
		KeyID: env.Keys.Current(), Code: s.Profile.Code,
		Template: s.Profile.Template, AppName: s.Profile.AppName,
		Status: Pending, CreatedAt: now, ExpiresAt: now.Add(min(validity, MaxValidity)),
	}
	v.Address, err = env.Keys.Seal(secret.Row, place(id, "address"), []byte(s.Number.E164()))
	if err != nil {
		return Verification{}, err
	}
	if s.CustomCode != "" {
		v.CustomCode, err = env.Keys.Seal(secret.Row, place(id, "code"), []byte(s.CustomCode))
	}
	return v, err
}

// Resend sends the same code of a pending verification once more.
//
// Refusals: NotFound, Settled, Cooldown, TooManySends, TooManyStarts, Locked, Busy.
type Resend struct {
	Tenant       string
	Verification ID
	// Sends is how many messages the asker has seen sent. If there are more by
	// now, someone pressed twice: the answer is a success and nothing is sent.
	// Zero means that the asker does not say.
	Sends   int
	Network string
	Backlog int
}

// Needs names the verification and the network's bucket.
func (r Resend) Needs(env *Env) (Needs, error) {
	bucket, err := networkBucket(env, r.Network)
	return Needs{Verification: r.Verification, Bucket: bucket}, err
}

// Decide resends or refuses.
func (r Resend) Decide(env *Env, rows Rows, now time.Time) (Changes, Started, error) {
	v, subject := rows.Verification, rows.Subject
	if v == nil || subject == nil || v.Tenant != r.Tenant {
		return Changes{}, Started{}, &Error{Kind: NotFound}
	}
	if v.StatusAt(now) != Pending {
		return Changes{}, Started{}, &Error{Kind: Settled}
	}
	if r.Sends > 0 && v.Sends > r.Sends {
		return Changes{}, Started{Verification: *v}, nil
	}
	if subject.Streak >= MaxStreak {
		return Changes{}, Started{}, &Error{Kind: Locked}
	}
	if err := resendable(*v, now); err != nil {
		return Changes{}, Started{}, err
	}
	return dispatch{*subject, *v, r.Network, r.Backlog}.deliver(env, rows, now)
}

// resendable refuses a message that comes too soon or is one too many.
func resendable(v Verification, now time.Time) error {
	if v.Sends >= MaxSends {
		return &Error{Kind: TooManySends, Wait: v.ExpiresAt.Sub(now)}
	}
	if at := v.ResendAt(); now.Before(at) {
		return &Error{Kind: Cooldown, Wait: at.Sub(now)}
	}
	return nil
}

// dispatch is a message that has been decided on, but for the limits.
type dispatch struct {
	subject Subject
	v       Verification
	network string // who asks; empty: not limited
	backlog int
}

// deliver spends the limits and adds one message of v. Limits are spent in the
// commit that makes the message, so no crash can send without spending.
func (d dispatch) deliver(env *Env, rows Rows, now time.Time) (Changes, Started, error) {
	subject, v := d.subject, d.v
	if env.Limits.Backlog > 0 && d.backlog >= env.Limits.Backlog {
		return Changes{}, Started{}, &Error{Kind: Busy, Wait: 10 * time.Second}
	}
	changes := Changes{}
	var hour, day, network time.Duration
	subject.Hour, hour = env.Limits.Hour.Take(subject.Hour, now)
	subject.Day, day = env.Limits.Day.Take(subject.Day, now)
	if d.network != "" {
		bucket := rows.Bucket
		bucket.State, network = env.Limits.Network.Take(bucket.State, now)
		changes.Bucket = &bucket
	}
	if wait := max(hour, day, network); wait > 0 {
		return Changes{}, Started{}, &Error{Kind: TooManyStarts, Wait: wait}
	}
	subject.Live = v.ID
	v.Sends++
	v.SentAt, v.UpdatedAt = now, now
	row := Delivery{
		Key: DeliveryKey{v.ID, v.Sends}, Channel: v.Channel, State: Queued,
		Attempt: 1, Node: env.Node, DueAt: now.Add(Lease), CreatedAt: now, UpdatedAt: now,
	}
	changes.Subject = &subject
	changes.Verifications = []Verification{v}
	changes.Deliveries = []Delivery{row}
	changes.Jobs = []Job{{row, v}}
	return changes, Started{Verification: v, Sent: true}, nil
}

// networkBucket is the key of the bucket of a visitor's network.
func networkBucket(env *Env, network string) (BucketKey, error) {
	if network == "" {
		return BucketKey{}, nil
	}
	return env.hash16("network", network)
}

func (o *Once) key(env *Env, operation, tenant string) (ReplayKey, error) {
	if o == nil {
		return ReplayKey{}, nil
	}
	return env.hash16("once", operation, tenant, o.Key)
}

// replayed says whether rows hold the answer already. The error is KeyReused.
func (o *Once) replayed(rows Rows, now time.Time) (bool, error) {
	if o == nil || rows.Replay == nil || rows.Replayed == nil || now.Sub(rows.Replay.CreatedAt) >= ReplayAge {
		return false, nil
	}
	if rows.Replay.Fingerprint != o.Fingerprint {
		return false, &Error{Kind: KeyReused}
	}
	return true, nil
}

func (o *Once) remember(rows Rows, v Verification, outcome Outcome, now time.Time) *Replay {
	if o == nil {
		return nil
	}
	return &Replay{
		Key: rows.Needs.Replay, Fingerprint: o.Fingerprint, Verification: v.ID, Outcome: outcome, CreatedAt: now,
	}
}
