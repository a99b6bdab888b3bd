package verify

import (
	"errors"
	"time"

	"countersign/internal/limit"
)

// Quota is a limit that a tenant sets on the messages it causes, such as so many a
// day of a profile, or so many for one visitor of its own. Every message spends it.
type Quota struct {
	Name string // of what is limited, within the tenant; only a keyed hash is stored
	Rule limit.Rule
	Kind Kind // of the refusal where it is spent: QuotaSpent, SpendLimit, TooManyStarts or WorkNeeded
}

// joint are the limits on an address over all profiles of its tenant together.
func joint(env *Env, to Address) (all []Quota) {
	for _, q := range []Quota{{Name: "hour", Rule: env.Limits.Hour}, {Name: "day", Rule: env.Limits.Day}} {
		if !q.Rule.Unlimited() {
			q.Name, q.Kind = "number "+q.Name+" "+to.Key(), TooManyStarts
			all = append(all, q)
		}
	}
	return all
}

// nameQuotas puts the keys of a tenant's quotas into n, in their order.
func nameQuotas(env *Env, tenant string, quotas []Quota, n *Needs) error {
	var errs []error
	for _, q := range quotas {
		now, other, err := env.hash16("quota", tenant, q.Name)
		n.Quotas = append(n.Quotas, QuotaKeys{now, other})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// spend takes one message from each quota, or says which one refuses it for longest.
func spend(quotas []Quota, rows Rows, now time.Time) ([]Bucket, *Error) {
	var spent []Bucket
	var refusal *Error
	for i, q := range quotas {
		b := rows.Quotas[i]
		var wait time.Duration
		if b.State, wait = q.Rule.Take(b.State, now); wait > 0 {
			refusal = worse(refusal, &Error{Kind: q.Kind, Wait: wait}) // its name may hold a number: it is not told
		}
		spent = append(spent, b)
	}
	return spent, refusal
}

// worse is the one of two refusals that is told: of two waits the longer one, and work
// only if it is not in vain. Either may be nil.
func worse(a, b *Error) *Error {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case (a.Kind == WorkNeeded) != (b.Kind == WorkNeeded):
		if a.Kind == WorkNeeded {
			return b
		}
		return a
	case b.Wait > a.Wait:
		return b
	}
	return a
}
