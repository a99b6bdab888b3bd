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
