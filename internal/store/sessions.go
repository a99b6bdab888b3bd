package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"countersign/internal/verify"
)

// Sessions in both databases.

const sessionColumns = `id, tenant, profile, key_id, details, progress, status, address, browser, verification,
	created_at, expires_at, verified_at, redeemed_at, updated_at`

const (
	findSession   = "SELECT " + sessionColumns + " FROM sessions WHERE id = ?"
	addSession    = "INSERT INTO sessions (" + sessionColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	changeSession = `UPDATE sessions SET progress = ?, status = ?, address = ?, browser = ?, verification = ?,
		verified_at = ?, redeemed_at = ?, updated_at = ? WHERE id = ?`
	dropSession = "DELETE FROM sessions WHERE id = ?"
)

func scanSession(row scanner) (r verify.Session, err error) {
	var id, profile, browser, verification []byte
	var details, progress, status string
	var created, expires, verified, redeemed, updated int64
	err = row.Scan(&id, &r.Tenant, &profile, &r.KeyID, &details, &progress, &status, &r.Address, &browser, &verification,
		&created, &expires, &verified, &redeemed, &updated)
	if err != nil {
		return r, err
	}
	r.Status = verify.SessionStatus(status)
	r.CreatedAt, r.ExpiresAt, r.UpdatedAt = instant(created), instant(expires), instant(updated)
	r.VerifiedAt, r.RedeemedAt = instant(verified), instant(redeemed)
	return r, errors.Join(
		fill(r.ID[:], id), fill(r.Profile[:], profile), fill(r.Browser[:], browser), fill(r.Verification[:], verification),
		json.Unmarshal([]byte(details), &r.Details), json.Unmarshal([]byte(progress), &r.Progress))
}

// sessionText is the JSON of a session's details or progress.
func sessionText(part any) string {
	text, err := json.Marshal(part)
	if err != nil { // strings, numbers and truths, which the core has checked
		panic(err)
	}
	return string(text)
}

func (b *batch) loadSession(id verify.ID) error {
	if id == (verify.ID{}) {
		return nil
	}
	r, err := find(b, b.st.session, scanSession, id[:])
	if err == nil && r != nil {
		b.snap.LoadSession(*r)
	}
	return err
}

func (b *batch) saveSessions() error {
	for _, id := range b.snap.GoneSessions() {
		if err := b.exec(b.st.dropSession, id[:]); err != nil {
			return err
		}
	}
	for _, d := range b.snap.DirtySessions() {
		r := &d.Row
		st, args := b.st.changeSession, []driver.Value{
			sessionText(r.Progress), string(r.Status), blob(r.Address), r.Browser[:], r.Verification[:],
			millis(r.VerifiedAt), millis(r.RedeemedAt), millis(r.UpdatedAt), r.ID[:],
		}
		if d.New {
			st, args = b.st.addSession, []driver.Value{
				r.ID[:], r.Tenant, r.Profile[:], r.KeyID, sessionText(r.Details), sessionText(r.Progress), string(r.Status),
				blob(r.Address), r.Browser[:], r.Verification[:], millis(r.CreatedAt), millis(r.ExpiresAt), millis(r.VerifiedAt),
				millis(r.RedeemedAt), millis(r.UpdatedAt),
			}
		}
		if err := b.exec(st, args...); err != nil {
			return err
		}
	}
	return nil
}

// Session reads one session, or nil: see verify.Store.
func (s *SQLite) Session(ctx context.Context, id verify.ID) (*verify.Session, error) {
	return one(ctx, &s.read, scanSession, findSession, id[:])
}

// Session reads one session, or nil: see verify.Store.
func (p *Postgres) Session(ctx context.Context, id verify.ID) (*verify.Session, error) {
	return pgOne(ctx, p, scanSession, "SELECT "+sessionColumns+" FROM sessions WHERE id = $1", id[:])
}

// Sessions reads them in order: see verify.Store.
func (s *SQLite) Sessions(ctx context.Context, after verify.ID, limit int) ([]verify.Session, error) {
	return many(ctx, &s.read, scanSession, "SELECT "+sessionColumns+" FROM sessions WHERE id > ? ORDER BY id LIMIT ?", after[:], limit)
}

// Sessions reads them in order: see verify.Store.
func (p *Postgres) Sessions(ctx context.Context, after verify.ID, limit int) ([]verify.Session, error) {
	return pgMany(ctx, p, scanSession, "SELECT "+sessionColumns+" FROM sessions WHERE id > $1 ORDER BY id LIMIT $2", after[:], limit)
}

// OldSessions lists sessions that are over: see verify.Store.
func (s *SQLite) OldSessions(ctx context.Context, before time.Time, limit int) ([]verify.ID, error) {
	return many(ctx, &s.read, scanID, "SELECT id FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ?", millis(before), limit)
}

// OldSessions lists sessions that are over: see verify.Store.
func (p *Postgres) OldSessions(ctx context.Context, before time.Time, limit int) ([]verify.ID, error) {
	return pgMany(ctx, p, scanID, "SELECT id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2", millis(before), limit)
}

const (
	pgSessions   = "SELECT " + sessionColumns + " FROM sessions WHERE id = ANY($1::bytea[])"
	pgAddSession = "INSERT INTO sessions (" + sessionColumns + `) SELECT * FROM
		unnest($1::bytea[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::bytea[],
			$10::bytea[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[])`
	pgChangeSession = `UPDATE sessions AS s SET progress = r.progress, status = r.status, address = r.address,
			browser = r.browser, verification = r.verification, verified_at = r.verified_at, redeemed_at = r.redeemed_at,
			updated_at = r.updated_at
		FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bigint[], $8::bigint[], $9::bigint[])
			AS r (id, progress, status, address, browser, verification, verified_at, redeemed_at, updated_at)
		WHERE s.id = r.id`
	pgDropSession = "DELETE FROM sessions WHERE id = $1"
)

// session names a session. It has no locks of its own kind, for which there are no
// numbers left: it shares the limits', and two rows that share one wait for each other,
// which does no harm. The first half of an id is the time, which many share.
func (k *pgKeys) session(id *verify.ID) {
	if *id != (verify.ID{}) {
		k.sessions = append(k.sessions, id[:])
		k.locks = append(k.locks, lockOf(bucketLock, id[8:]))
	}
}

func (k *pgKeys) queueSessions(batch *pgx.Batch, snap *verify.Snapshot) {
	if len(k.sessions) == 0 {
		return
	}
	batch.Queue(pgSessions, k.sessions).Query(func(rows pgx.Rows) error {
		return eachRow(rows, scanSession, snap.LoadSession)
	})
}

func sessionArgs(d verify.Dirty[verify.Session]) []any {
	r := &d.Row
	if d.New {
		return []any{
			r.ID[:], r.Tenant, r.Profile[:], r.KeyID, sessionText(r.Details), sessionText(r.Progress), string(r.Status),
			r.Address, r.Browser[:], r.Verification[:], millis(r.CreatedAt), millis(r.ExpiresAt), millis(r.VerifiedAt),
			millis(r.RedeemedAt), millis(r.UpdatedAt),
		}
	}
	return []any{
		r.ID[:], sessionText(r.Progress), string(r.Status), r.Address, r.Browser[:], r.Verification[:],
		millis(r.VerifiedAt), millis(r.RedeemedAt), millis(r.UpdatedAt),
	}
}
