package store

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// Records are written one at a time, in transactions of their own: nobody decides on
// them under lock. A connection may be lost after a statement was carried out, and the
// statement is then sent again; so one that changes nothing is judged by what stands
// there.

const recordColumns = "kind, id, tenant, parent, name, body, version, created_at, updated_at"

const (
	recordByID   = "SELECT " + recordColumns + " FROM records WHERE kind = $1 AND id = $2"
	recordByName = "SELECT " + recordColumns + " FROM records WHERE kind = $1 AND tenant = $2 AND parent = $3 AND name = $4 AND name <> ''"

	chosenRecords = " FROM records WHERE kind = $1 AND tenant = $2 AND parent = $3"
	recordsPage   = "SELECT " + recordColumns + chosenRecords + " ORDER BY id LIMIT $4 OFFSET $5"
	countRecords  = "SELECT COUNT(*)" + chosenRecords

	everyRecord = "SELECT " + recordColumns + " FROM records WHERE kind = $1 AND id > $2 ORDER BY id LIMIT $3"

	addRecord = "INSERT INTO records (" + recordColumns + ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING"

	changeRecord = `UPDATE records SET name = $1, body = $2, version = $3, updated_at = $4
		WHERE kind = $5 AND id = $6 AND version = $3 - 1 AND NOT EXISTS (SELECT 1 FROM records AS other
			WHERE other.kind = $5 AND other.tenant = $7 AND other.parent = $8 AND other.name = $1 AND other.name <> '' AND other.id <> $6)`

	// Whoever deletes keeps SQLite's one writer from all others, so that no part of it may
	// read through the table: each finds its rows by an index.
	dropRecord = `WITH RECURSIVE family (kind, id) AS (
			SELECT kind, id FROM records WHERE kind = $1 AND id = $2
			UNION ALL SELECT child.kind, child.id FROM records AS child JOIN family ON child.parent = family.id
		) DELETE FROM records WHERE (kind, id) IN (SELECT kind, id FROM family)`
)

func scanRecord(row scanner) (r tenant.Record, err error) {
	var id, parent []byte
	var kind, body string
	var created, updated int64
	if err = row.Scan(&kind, &id, &r.Tenant, &parent, &r.Name, &body, &r.Version, &created, &updated); err == nil {
		r.Kind, r.Body = tenant.Kind(kind), []byte(body)
		r.CreatedAt, r.UpdatedAt = instant(created), instant(updated)
		err = errors.Join(fill(r.ID[:], id), fill(r.Parent[:], parent))
	}
	return r, err
}

func addRecordArgs(r *tenant.Record) []any {
	return []any{string(r.Kind), r.ID[:], r.Tenant, r.Parent[:], r.Name, string(r.Body), r.Version, millis(r.CreatedAt), millis(r.UpdatedAt)}
}

func changeRecordArgs(r *tenant.Record) []any {
	return []any{r.Name, string(r.Body), r.Version, millis(r.UpdatedAt), string(r.Kind), r.ID[:], r.Tenant, r.Parent[:]}
}

// unchanged says why a statement that should have written r did not: nil if r stands
// there all the same.
func unchanged(r *tenant.Record, stands *tenant.Record) error {
	switch {
	case stands != nil && stands.Version == r.Version && stands.Tenant == r.Tenant && bytes.Equal(stands.Body, r.Body):
		return nil
	case r.Version > 1 && (stands == nil || stands.Version != r.Version-1):
		return tenant.ErrChanged
	default:
		return tenant.ErrTaken
	}
}

func scanCount(row scanner) (n int, err error) {
	err = row.Scan(&n)
	return n, err
}

// Record reads a record: see tenant.Store.
func (s *SQLite) Record(ctx context.Context, kind tenant.Kind, id verify.ID) (*tenant.Record, error) {
	return one(ctx, &s.read, scanRecord, recordByID, string(kind), id[:])
}

// RecordNamed reads a record by its name: see tenant.Store.
func (s *SQLite) RecordNamed(ctx context.Context, kind tenant.Kind, owner string, parent verify.ID, name string) (*tenant.Record, error) {
	return one(ctx, &s.read, scanRecord, recordByName, string(kind), owner, parent[:], name)
}

// Records reads a page of records: see tenant.Store.
func (s *SQLite) Records(ctx context.Context, q tenant.Query) ([]tenant.Record, int, error) {
	total, err := one(ctx, &s.read, scanCount, countRecords, string(q.Kind), q.Tenant, q.Parent[:])
	if err != nil {
		return nil, 0, err
	}
	page, err := many(ctx, &s.read, scanRecord, recordsPage, string(q.Kind), q.Tenant, q.Parent[:], max(0, q.Limit), max(0, q.Offset))
	return page, *total, err
}

// EveryRecord reads records of all tenants: see tenant.Store.
func (s *SQLite) EveryRecord(ctx context.Context, kind tenant.Kind, after verify.ID, limit int) ([]tenant.Record, error) {
	return many(ctx, &s.read, scanRecord, everyRecord, string(kind), after[:], limit)
}

// AddRecord adds a record: see tenant.Store.
func (s *SQLite) AddRecord(ctx context.Context, r tenant.Record) error {
	return s.writeRecord(ctx, &r, addRecord, addRecordArgs(&r))
}

// ChangeRecord changes a record: see tenant.Store.
func (s *SQLite) ChangeRecord(ctx context.Context, r tenant.Record) error {
	return s.writeRecord(ctx, &r, changeRecord, changeRecordArgs(&r))
}

func (s *SQLite) writeRecord(ctx context.Context, r *tenant.Record, text string, args []any) error {
	values := make([]driver.Value, len(args))
	for i, a := range args {
		values[i] = a
	}
	n, err := s.once(ctx, text, values...)
	if err != nil || n > 0 {
		return err
	}
	stands, err := s.Record(ctx, r.Kind, r.ID)
	if err != nil {
		return err
	}
	return unchanged(r, stands)
}

// DropRecord deletes a record and what belongs to it: see tenant.Store.
func (s *SQLite) DropRecord(ctx context.Context, kind tenant.Kind, id verify.ID) error {
	_, err := s.once(ctx, dropRecord, string(kind), id[:])
	return err
}

// once runs a statement that is too rare to be kept prepared, and says how many rows
// it wrote.
func (s *SQLite) once(ctx context.Context, text string, args ...driver.Value) (int64, error) {
	s.write.mu.Lock()
	defer s.write.mu.Unlock()
	if s.write.c == nil {
		return 0, errAway
	}
	ctx = context.WithoutCancel(ctx)
	st, err := s.write.prepare(ctx, text)
	if err != nil {
		return 0, wrap(err)
	}
	n, err := st.exec(ctx, args...)
	return n, wrap(errors.Join(err, st.s.Close()))
}

// Record reads a record: see tenant.Store.
func (p *Postgres) Record(ctx context.Context, kind tenant.Kind, id verify.ID) (*tenant.Record, error) {
	return pgOne(ctx, p, scanRecord, recordByID, string(kind), id[:])
}

// RecordNamed reads a record by its name: see tenant.Store.
func (p *Postgres) RecordNamed(ctx context.Context, kind tenant.Kind, owner string, parent verify.ID, name string) (*tenant.Record, error) {
	return pgOne(ctx, p, scanRecord, recordByName, string(kind), owner, parent[:], name)
}

// Records reads a page of records: see tenant.Store.
func (p *Postgres) Records(ctx context.Context, q tenant.Query) ([]tenant.Record, int, error) {
	total, err := pgOne(ctx, p, scanCount, countRecords, string(q.Kind), q.Tenant, q.Parent[:])
	if err != nil {
		return nil, 0, err
	}
	page, err := pgMany(ctx, p, scanRecord, recordsPage, string(q.Kind), q.Tenant, q.Parent[:], max(0, q.Limit), max(0, q.Offset))
	return page, *total, err
}

// EveryRecord reads records of all tenants: see tenant.Store.
func (p *Postgres) EveryRecord(ctx context.Context, kind tenant.Kind, after verify.ID, limit int) ([]tenant.Record, error) {
	return pgMany(ctx, p, scanRecord, everyRecord, string(kind), after[:], limit)
}

// AddRecord adds a record: see tenant.Store.
func (p *Postgres) AddRecord(ctx context.Context, r tenant.Record) error {
	return p.writeRecord(ctx, &r, addRecord, addRecordArgs(&r))
}

// ChangeRecord changes a record: see tenant.Store.
func (p *Postgres) ChangeRecord(ctx context.Context, r tenant.Record) error {
	return p.writeRecord(ctx, &r, changeRecord, changeRecordArgs(&r))
}

func (p *Postgres) writeRecord(ctx context.Context, r *tenant.Record, text string, args []any) error {
	n := int64(0)
	err := p.reading(ctx, func(ctx context.Context, c *pgx.Conn) error {
		done, err := c.Exec(ctx, text, args...)
		n = done.RowsAffected()
		return err
	})
	// Two nodes that take one name at once: one of them meets the index.
	if clash, ok := errors.AsType[*pgconn.PgError](err); ok && clash.Code == "23505" {
		return tenant.ErrTaken
	}
	if err != nil || n > 0 {
		return wrap(err)
	}
	stands, err := p.Record(ctx, r.Kind, r.ID)
	if err != nil {
		return err
	}
	return unchanged(r, stands)
}

// DropRecord deletes a record and what belongs to it: see tenant.Store.
func (p *Postgres) DropRecord(ctx context.Context, kind tenant.Kind, id verify.ID) error {
	return p.run(ctx, dropRecord, string(kind), id[:])
}
