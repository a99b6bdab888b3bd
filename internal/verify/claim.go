package verify

import "time"

// Claim takes over a delivery whose lease has run out, or renews a lease of this
// node's own. Its answer is nil where another node holds the delivery or it is
// no longer to be sent.
type Claim struct {
	Key    DeliveryKey
	Orphan bool // the caller is alone on its database: other leases are of the dead
}

// Needs names the delivery and its verification.
func (c Claim) Needs(*Env) (Needs, error) {
	return Needs{Delivery: c.Key, Verification: c.Key.Verification}, nil
}

// Decide gives the lease to this node. A delivery that came too late is dropped; one
// that a carrier has is left at that.
func (c Claim) Decide(env *Env, rows Rows, now time.Time) (Changes, *Job, error) {
	d, v := rows.Delivery, rows.Verification
	if d == nil || v == nil || !d.Open() {
		return Changes{}, nil, nil
	}
	mine := d.Node == env.Node
	if notYet := now.Before(d.DueAt); notYet && (mine == c.Orphan || d.Node == "") {
		return Changes{}, nil, nil // another's; or no orphan, but this node's own, or nobody's and waiting
	}
	d.UpdatedAt = now
	if v.StatusAt(now) != Pending {
		d.Onward = false
		if d.State == Queued {
			d.State = Dropped
		}
		return Changes{Deliveries: []Delivery{*d}}, nil, nil
	}
	if !mine || !now.Before(d.DueAt) {
		d.Attempt++
	}
	d.Node, d.DueAt = env.Node, now.Add(Lease)
	return Changes{Deliveries: []Delivery{*d}}, &Job{*d, *v}, nil
}
