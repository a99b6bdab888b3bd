package verify

import "time"

// Once carries an Idempotency-Key: the same key with the same fingerprint gets
// the same answer for ReplayAge, whatever happened meanwhile.
type Once struct {
	Key         string
	Fingerprint [16]byte // a hash of the request
}

// name puts the replay's keys into n.
func (o *Once) name(env *Env, operation, tenant string, n *Needs) error {
	if o == nil {
		return nil
	}
	now, other, err := env.hash16("once", operation, tenant, o.Key)
	n.Replay, n.OtherReplay = now, other
	return err
}

// replayed says whether rows hold the answer already. The error is KeyReused.
func (o *Once) replayed(env *Env, rows Rows, now time.Time) (bool, error) {
	if o == nil || rows.Replay == nil || rows.Replayed == nil || now.Sub(rows.Replay.CreatedAt) >= ReplayAge {
		return false, nil
	}
	current, other, err := o.stamps(env)
	if err != nil {
		return false, err
	}
	if rows.Replay.Fingerprint != current && (other == [16]byte{} || rows.Replay.Fingerprint != other) {
		return false, &Error{Kind: KeyReused}
	}
	return true, nil
}

func (o *Once) remember(env *Env, rows Rows, v Verification, outcome Outcome, now time.Time) (*Replay, error) {
	if o == nil {
		return nil, nil
	}
	stamp, _, err := o.stamps(env)
	return &Replay{
		Key: rows.Needs.Replay, Fingerprint: stamp, Verification: v.ID, Outcome: outcome, CreatedAt: now,
	}, err
}

// stamps are the fingerprint as it is stored. It is hashed once more with a key,
// since a request holds a number or a code, and whoever has the database could
// find either by trying all.
func (o *Once) stamps(env *Env) (current, other [16]byte, err error) {
	return env.hash16("fingerprint", o.Key, string(o.Fingerprint[:]))
}
