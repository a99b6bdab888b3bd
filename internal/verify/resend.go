package verify

import (
	"errors"
	"slices"
	"time"

	"countersign/internal/limit"
)

// Resend sends the same code of a pending verification once more.
//
// Refusals: NotFound, Settled, Cooldown, TooManySends, TooManyStarts, QuotaSpent,
// SpendLimit, Locked, Busy.
type Resend struct {
	Tenant       string
	Verification ID
	// Sends is how many messages the asker has seen sent. If there are more by
	// now, someone pressed twice: the answer is a success and nothing is sent.
	// Zero means that the asker does not say.
	Sends   int
	Network string
	Quotas  []Quota // of the verification's profile
	// Joint is the verification's address if its profile is Joint, and zero if not: the
	// limits on it are then spent over all of the tenant's profiles, too.
	Joint   Address
	Backlog int
}

// quotas are all that the message spends.
func (r Resend) quotas(env *Env) []Quota {
	if r.Joint.IsZero() {
		return r.Quotas
	}
	return slices.Concat(r.Quotas, joint(env, r.Joint))
}

// Needs names the verification and the network's bucket.
func (r Resend) Needs(env *Env) (Needs, error) {
	n := Needs{Verification: r.Verification}
	err := errors.Join(nameNetwork(env, r.Network, &n), nameQuotas(env, r.Tenant, r.quotas(env), &n))
	return n, err
}

// Decide resends or refuses.
func (r Resend) Decide(env *Env, rows Rows, now time.Time) (Changes, Started, error) {
	v, subject := rows.Verification, rows.Subject
	if v == nil || v.Tenant != r.Tenant {
		return Changes{}, Started{}, &Error{Kind: NotFound}
	}
	// One that is not the newest has been followed by another, by a node whose clock
	// had it over already: to send it would make it the newest again.
	if v.StatusAt(now) != Pending || subject == nil || subject.Live != v.ID {
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
	return dispatch{*subject, *v, visitor{r.Network, true}, r.quotas(env), r.Backlog}.deliver(env, rows, now)
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
	visitor visitor
	quotas  []Quota
	backlog int
}

// visitor is who asks on a page.
type visitor struct {
	network string // empty: not limited
	worked  bool
}

// take spends one message of the network's share. The last half of the share is for
// those whose browsers work for it: a crowd behind one address gets through, and a
// machine that asks for thousands pays for half of them (see also Start.quotas). A resend
// needs no work: a code has four.
func (v visitor) take(rule limit.Rule, b Bucket, now time.Time) (Bucket, *Error) {
	spent, wait := rule.Take(b.State, now)
	if wait > 0 {
		return b, &Error{Kind: TooManyStarts, Wait: wait}
	}
	if !v.worked && !rule.Unlimited() {
		if wait := rule.Until(rule.Count/2+1, b.State, now); wait > 0 {
			return b, &Error{Kind: WorkNeeded, Wait: wait}
		}
	}
	b.State = spent
	return b, nil
}

// deliver spends the limits and adds one message of v. Limits are spent in the
// commit that makes the message, so no crash can send without spending.
func (d dispatch) deliver(env *Env, rows Rows, now time.Time) (Changes, Started, error) {
	subject, v := d.subject, d.v
	if env.Limits.Backlog > 0 && d.backlog >= env.Limits.Backlog {
		return Changes{}, Started{}, &Error{Kind: Busy, Wait: 10 * time.Second}
	}
	changes := Changes{}
	var hour, day time.Duration
	subject.Hour, hour = env.Limits.Hour.Take(subject.Hour, now)
	subject.Day, day = env.Limits.Day.Take(subject.Day, now)
	if wait := max(hour, day); wait > 0 {
		return Changes{}, Started{}, &Error{Kind: TooManyStarts, Wait: wait}
	}
	spent, refusal := spend(d.quotas, rows, now)
	if d.visitor.network != "" {
		bucket, err := d.visitor.take(env.Limits.Network, rows.Bucket, now)
		refusal = worse(err, refusal)
		changes.Bucket = &bucket
	}
	if refusal != nil {
		return Changes{}, Started{}, refusal
	}
	changes.Quotas = spent
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

// nameNetwork puts the keys of the bucket of a visitor's network into n.
func nameNetwork(env *Env, network string, n *Needs) error {
	if network == "" {
		return nil
	}
	now, other, err := env.hash16("network", network)
	n.Bucket, n.OtherBucket = now, other
	return err
}
