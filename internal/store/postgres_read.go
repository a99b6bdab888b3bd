package store

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/internal/verify"
)

// Verification reads one verification, or nil: see verify.Store.
func (p *Postgres) Verification(ctx context.Context, id verify.ID) (*verify.Verification, error) {
	return pgOne(p.read.QueryRow(ctx, "SELECT "+verificationColumns+" FROM verifications WHERE id = $1", id[:]), scanVerification)
}

// Live reads a subject's newest verification, or nil: see verify.Store.
func (p *Postgres) Live(ctx context.Context, key verify.SubjectKey) (*verify.Verification, error) {
	return pgOne(p.read.QueryRow(ctx, "SELECT "+verificationColumns+` FROM verifications
		WHERE id = (SELECT live FROM subjects WHERE key = $1)`, key[:]), scanVerification)
}

// Deliveries reads a verification's deliveries: see verify.Store.
func (p *Postgres) Deliveries(ctx context.Context, id verify.ID) ([]verify.Delivery, error) {
	return pgMany(ctx, p, scanDelivery, "SELECT "+deliveryColumns+" FROM deliveries WHERE verification = $1 ORDER BY number", id[:])
}

// Due lists deliveries to send: see verify.Store.
func (p *Postgres) Due(ctx context.Context, now time.Time, all bool, limit int) ([]verify.Delivery, error) {
	until := millis(now)
	if all {
		until = math.MaxInt64
	}
	const text = "SELECT " + deliveryColumns + " FROM deliveries WHERE state = 'queued' AND due_at <= $1 ORDER BY due_at LIMIT $2"
	return pgMany(ctx, p, scanDelivery, text, until, limit)
}

// Queued counts deliveries not yet sent: see verify.Store.
func (p *Postgres) Queued(ctx context.Context) (n int, err error) {
	err = p.read.QueryRow(ctx, "SELECT count(*) FROM deliveries WHERE state = 'queued'").Scan(&n)
	return n, wrap(err)
}

// Lapsed lists pending verifications whose time is over: see verify.Store.
func (p *Postgres) Lapsed(ctx context.Context, from, to verify.ID, now time.Time, limit int) ([]verify.ID, error) {
	const text = "SELECT id FROM verifications WHERE id >= $1 AND id < $2 AND status = 'pending' AND expires_at <= $3 ORDER BY id LIMIT $4"
	return pgMany(ctx, p, scanID, text, from[:], to[:], millis(now), limit)
}

// Forget deletes old replays: see verify.Store. It leaves those that another node
// is deleting, and goes in bites, so that no single one writes a flood to the log.
func (p *Postgres) Forget(ctx context.Context, before time.Time) error {
	const bite = 2000
	const text = `DELETE FROM replays WHERE key = ANY(ARRAY(
		SELECT key FROM replays WHERE created_at < $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)) AND created_at < $1`
	for {
		done, err := p.read.Exec(ctx, text, millis(before), bite)
		if err != nil || done.RowsAffected() < bite {
			return wrap(err)
		}
	}
}

// Profile returns the id of a profile, made if need be: see verify.Store.
func (p *Postgres) Profile(ctx context.Context, tenant, name string, want verify.ID) (verify.ID, error) {
	const add = "INSERT INTO profiles (tenant, name, id) VALUES ($1, $2, $3) ON CONFLICT (tenant, name) DO NOTHING"
	if _, err := p.read.Exec(ctx, add, tenant, name, want[:]); err != nil {
		return verify.ID{}, wrap(err)
	}
	id, err := scanID(p.read.QueryRow(ctx, "SELECT id FROM profiles WHERE tenant = $1 AND name = $2", tenant, name))
	return id, wrap(err)
}

// pgOne reads a row, or nil where there is none.
func pgOne[R any](row pgx.Row, scan func(scanner) (R, error)) (*R, error) {
	r, err := scan(row)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap(err)
	}
	return &r, nil
}

func pgMany[R any](ctx context.Context, p *Postgres, scan func(scanner) (R, error), text string, args ...any) ([]R, error) {
	rows, err := p.read.Query(ctx, text, args...)
	if err != nil {
		return nil, wrap(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (R, error) { return scan(row) })
	return out, wrap(err)
}
