package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"time"

	"countersign/internal/limit"
	"countersign/internal/verify"
)

// Verification reads one verification, or nil: see verify.Store.
func (s *SQLite) Verification(ctx context.Context, id verify.ID) (*verify.Verification, error) {
	return one(ctx, &s.read, scanVerification, "SELECT "+verificationColumns+" FROM verifications WHERE id = ?", id[:])
}

// Live reads a subject's newest verification, or nil: see verify.Store.
func (s *SQLite) Live(ctx context.Context, key verify.SubjectKey) (*verify.Verification, error) {
	return one(ctx, &s.read, scanVerification, "SELECT "+verificationColumns+` FROM verifications
		WHERE id = (SELECT live FROM subjects WHERE key = ?)`, key[:])
}

// Deliveries reads a verification's deliveries: see verify.Store.
func (s *SQLite) Deliveries(ctx context.Context, id verify.ID) ([]verify.Delivery, error) {
	return many(ctx, &s.read, scanDelivery, "SELECT "+deliveryColumns+" FROM deliveries WHERE verification = ? ORDER BY number", id[:])
}

// Due lists deliveries to send: see verify.Store.
func (s *SQLite) Due(ctx context.Context, now time.Time, all bool, limit int) ([]verify.Delivery, error) {
	const text = "SELECT " + deliveryColumns + " FROM deliveries WHERE " + inOutbox + " AND (due_at <= ? OR ?) ORDER BY due_at, verification, number LIMIT ?"
	return many(ctx, &s.read, scanDelivery, text, millis(now), all, limit)
}

// Found finds a delivery by a carrier's name for it: see verify.Store.
func (s *SQLite) Found(ctx context.Context, by string) (*verify.DeliveryKey, error) {
	return one(ctx, &s.read, scanDeliveryKey, "SELECT verification, number FROM deliveries WHERE found_by = ? AND found_by <> '' LIMIT 1", by)
}

// Queued counts deliveries not yet sent: see verify.Store.
func (s *SQLite) Queued(ctx context.Context) (int, error) {
	n, err := one(ctx, &s.read, scanNumber, "SELECT count(*) FROM deliveries WHERE "+inOutbox+" AND state = 'queued'")
	if err != nil {
		return 0, err
	}
	return *n, nil // counting finds a number
}

// Lapsed lists pending verifications whose time is over: see verify.Store.
func (s *SQLite) Lapsed(ctx context.Context, from, to verify.ID, now time.Time, limit int) ([]verify.ID, error) {
	const text = "SELECT id FROM verifications WHERE id >= ? AND id < ? AND status = 'pending' AND expires_at <= ? ORDER BY id LIMIT ?"
	return many(ctx, &s.read, scanID, text, from[:], to[:], millis(now), limit)
}

// Forget deletes old replays, in bites: see verify.Store.
func (s *SQLite) Forget(ctx context.Context, before time.Time) error {
	return s.bites(ctx, s.st.forget, millis(before))
}

// ForgetBuckets deletes idle buckets, in bites: see verify.Store.
func (s *SQLite) ForgetBuckets(ctx context.Context, idle limit.State) error {
	return s.bites(ctx, s.st.forgetBuckets, int64(idle))
}

// bites runs a statement that deletes up to bite rows until it finds no more. The
// one writer waits meanwhile, so the bites are small.
func (s *SQLite) bites(ctx context.Context, st *stmt, bound int64) error {
	for {
		s.write.mu.Lock()
		n, err := st.exec(context.WithoutCancel(ctx), bound, int64(bite))
		s.write.mu.Unlock()
		if err != nil || n < bite {
			return wrap(err)
		}
	}
}

const bite = 500

// Outlived lists what may be deleted: see verify.Store.
func (s *SQLite) Outlived(ctx context.Context, after verify.ID, now time.Time, limit int) ([]verify.ID, error) {
	const text = "SELECT id FROM verifications WHERE id > ? AND purge_at BETWEEN 1 AND ? ORDER BY id LIMIT ?"
	return many(ctx, &s.read, scanID, text, after[:], millis(now), limit)
}

// Verifications reads them in order: see verify.Store.
func (s *SQLite) Verifications(ctx context.Context, after verify.ID, except string, limit int) ([]verify.Verification, error) {
	const text = "SELECT " + verificationColumns + " FROM verifications WHERE id > ? AND key_id <> ? ORDER BY id LIMIT ?"
	return many(ctx, &s.read, scanVerification, text, after[:], except, limit)
}

// Keys lists the keys in use: see verify.Store.
func (s *SQLite) Keys(ctx context.Context) ([]verify.KeyMark, error) {
	return many(ctx, &s.read, scanKey, "SELECT id, mark FROM keys ORDER BY id")
}

// KeysOf lists the keys in use of the database at path, which another process may
// be using.
func KeysOf(ctx context.Context, path string) ([]verify.KeyMark, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("store: there is no database: %w", err)
	}
	db, err := sql.Open("sqlite", dsn(path, "query_only=1"))
	if err != nil {
		return nil, wrap(err)
	}
	defer func() { _ = db.Close() }() // it was only read
	return many(ctx, &readers{db: db}, scanKey, "SELECT id, mark FROM keys ORDER BY id")
}

// AddKey adds a key: see verify.Store.
func (s *SQLite) AddKey(ctx context.Context, key verify.KeyMark) error {
	return s.run(ctx, s.st.addKey, key.ID, key.Mark[:])
}

// DropKey takes a key out: see verify.Store.
func (s *SQLite) DropKey(ctx context.Context, id string) error { return s.run(ctx, s.st.dropKey, id) }

func (s *SQLite) run(ctx context.Context, st *stmt, args ...driver.Value) error {
	s.write.mu.Lock()
	defer s.write.mu.Unlock()
	_, err := st.exec(context.WithoutCancel(ctx), args...)
	return wrap(err)
}

// Profile returns the id of a profile, made if need be: see verify.Store.
func (s *SQLite) Profile(ctx context.Context, tenant, name string, want verify.ID) (verify.ID, error) {
	s.write.mu.Lock()
	defer s.write.mu.Unlock()
	if _, err := s.st.addProfile.exec(ctx, tenant, name, want[:]); err != nil {
		return verify.ID{}, wrap(err)
	}
	id, err := first(ctx, s.st.profile, scanID, tenant, name)
	return id, wrap(err)
}

// one reads a row, or nil where there is none.
func one[R any](ctx context.Context, from *readers, scan func(scanner) (R, error), text string, args ...any) (*R, error) {
	from.RLock()
	defer from.RUnlock()
	s, err := from.prepared(ctx, text) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return nil, err
	}
	r, err := scan(s.QueryRowContext(ctx, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap(err)
	}
	return &r, nil
}

func many[R any](ctx context.Context, from *readers, scan func(scanner) (R, error), text string, args ...any) ([]R, error) {
	from.RLock()
	defer from.RUnlock()
	s, err := from.prepared(ctx, text) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return nil, wrap(err)
	}
	defer rows.Close()
	var out []R
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, wrap(err)
		}
		out = append(out, r)
	}
	return out, wrap(rows.Err())
}
