package verify

import "time"

// Once carries an Idempotency-Key: the same key with the same fingerprint gets
// the same answer for ReplayAge, whatever happened meanwhile.
type Once struct {
	Key         string
	Fingerprint [16]byte // a hash of the request
}

func (o *Once) key(env *Env, operation, tenant string) (ReplayKey, error) {
	if o == nil {
		return ReplayKey{}, nil
	}
	return env.hash16("once", operation, tenant, o.Key)
}

// stamp is what is kept of the fingerprint. A request holds a number and perhaps a
// code, and there are so few of either that whoever stole the database could try
// them all; with a key he cannot.
func (o *Once) stamp(env *Env) ([16]byte, error) {
	return env.hash16("fingerprint", o.Key, string(o.Fingerprint[:]))
}

// replayed says whether rows hold the answer already. The error is KeyReused.
func (o *Once) replayed(env *Env, rows Rows, now time.Time) (bool, error) {
	if o == nil || rows.Replay == nil || rows.Replayed == nil || now.Sub(rows.Replay.CreatedAt) >= ReplayAge {
		return false, nil
	}
	stamp, err := o.stamp(env)
	if err != nil {
		return false, err
	}
	if rows.Replay.Fingerprint != stamp {
		return false, &Error{Kind: KeyReused}
	}
	return true, nil
}

func (o *Once) remember(env *Env, rows Rows, answer Replay) (*Replay, error) {
	if o == nil {
		return nil, nil
	}
	var err error
	answer.Key = rows.Needs.Replay
	answer.Fingerprint, err = o.stamp(env)
	return &answer, err
}
