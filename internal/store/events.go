package store

import (
	"context"
	"database/sql/driver"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/internal/verify"
)

// Events in both databases. An event is found by its own id, which its key makes; it is
// locked with the deliveries of its verification.

const eventColumns = `id, tenant, profile, verification, number, type, state, attempt, node, due_at, created_at, updated_at`

const (
	findEvent   = "SELECT " + eventColumns + " FROM events WHERE id = ?"
	addEvent    = "INSERT INTO events (" + eventColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	changeEvent = "UPDATE events SET state = ?, attempt = ?, node = ?, due_at = ?, updated_at = ? WHERE id = ?"
	dropEvent   = "DELETE FROM events WHERE id = ?"
)

func scanEvent(row scanner) (r verify.Event, err error) {
	var id, profile, verification []byte
	var typ, state string
	var due, created, updated int64
	err = row.Scan(&id, &r.Tenant, &profile, &verification, &r.Key.Delivery.Number, &typ, &state, &r.Attempt, &r.Node,
		&due, &created, &updated)
	if err != nil {
		return r, err
	}
	r.Key.Type, r.State = verify.EventType(typ), verify.EventState(state)
	r.DueAt, r.CreatedAt, r.UpdatedAt = instant(due), instant(created), instant(updated)
	if err = fill(r.Profile[:], profile); err == nil {
		err = fill(r.Key.Delivery.Verification[:], verification)
	}
	return r, err
}

func (b *batch) loadEvent(key verify.EventKey) error {
	if key == (verify.EventKey{}) {
		return nil
	}
	id := key.ID()
	r, err := find(b, b.st.event, scanEvent, id[:])
	if err == nil && r != nil {
		b.snap.LoadEvent(*r)
	}
	return err
}

func (b *batch) saveEvents() error {
	for _, key := range b.snap.GoneEvents() {
		id := key.ID()
		if err := b.exec(b.st.dropEvent, id[:]); err != nil {
			return err
		}
	}
	for _, d := range b.snap.DirtyEvents() {
		r, id := d.Row, d.Row.Key.ID()
		st, args := b.st.changeEvent, []driver.Value{string(r.State), int64(r.Attempt), r.Node, millis(r.DueAt), millis(r.UpdatedAt), id[:]}
		if d.New {
			st, args = b.st.addEvent, []driver.Value{
				id[:], r.Tenant, r.Profile[:], r.Key.Delivery.Verification[:], int64(r.Key.Delivery.Number), string(r.Key.Type),
				string(r.State), int64(r.Attempt), r.Node, millis(r.DueAt), millis(r.CreatedAt), millis(r.UpdatedAt),
			}
		}
		if err := b.exec(st, args...); err != nil {
			return err
		}
	}
	return nil
}

// DueEvents lists events to tell: see verify.Store.
func (s *SQLite) DueEvents(ctx context.Context, now time.Time, limit int) ([]verify.Event, error) {
	const text = "SELECT " + eventColumns + " FROM events WHERE state = 'queued' AND due_at <= ? ORDER BY due_at LIMIT ?"
	return many(ctx, &s.read, scanEvent, text, millis(now), limit)
}

// DueEvents lists events to tell: see verify.Store.
func (p *Postgres) DueEvents(ctx context.Context, now time.Time, limit int) ([]verify.Event, error) {
	const text = "SELECT " + eventColumns + " FROM events WHERE state = 'queued' AND due_at <= $1 ORDER BY due_at LIMIT $2"
	return pgMany(ctx, p, scanEvent, text, millis(now), limit)
}

const (
	pgEvents   = "SELECT " + eventColumns + " FROM events WHERE id = ANY($1::bytea[])"
	pgAddEvent = "INSERT INTO events (" + eventColumns + `) SELECT * FROM
		unnest($1::bytea[], $2::text[], $3::bytea[], $4::bytea[], $5::bigint[], $6::text[], $7::text[], $8::bigint[],
			$9::text[], $10::bigint[], $11::bigint[], $12::bigint[])`
	pgChangeEvent = `UPDATE events AS e SET state = r.state, attempt = r.attempt, node = r.node, due_at = r.due_at,
			updated_at = r.updated_at
		FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[])
			AS r (id, state, attempt, node, due_at, updated_at)
		WHERE e.id = r.id`
	// Most of them were never there, so that it is not to be counted how many go: to the
	// batch it is one that reads.
	pgDropEvents = "WITH told AS (DELETE FROM events WHERE id = ANY($1::bytea[])) SELECT 1"
)

// event names an event, under the lock of its verification's deliveries.
func (k *pgKeys) event(key verify.EventKey) {
	if key == (verify.EventKey{}) {
		return
	}
	id := key.ID()
	k.events = append(k.events, id[:])
	k.locks = append(k.locks, lockOf(deliveryLock, key.Delivery.Verification[8:]))
}

func (k *pgKeys) queueEvents(batch *pgx.Batch, snap *verify.Snapshot) {
	if len(k.events) == 0 {
		return
	}
	batch.Queue(pgEvents, k.events).Query(func(rows pgx.Rows) error {
		return eachRow(rows, scanEvent, snap.LoadEvent)
	})
}

func queueGoneEvents(w *writes, snap *verify.Snapshot) {
	var ids [][]byte
	for _, key := range snap.GoneEvents() {
		id := key.ID()
		ids = append(ids, id[:])
	}
	if len(ids) > 0 {
		w.one(pgDropEvents, ids)
	}
}

func eventArgs(d verify.Dirty[verify.Event]) []any {
	r, id := &d.Row, d.Row.Key.ID()
	if d.New {
		return []any{
			id[:], r.Tenant, r.Profile[:], r.Key.Delivery.Verification[:], int64(r.Key.Delivery.Number), string(r.Key.Type),
			string(r.State), int64(r.Attempt), r.Node, millis(r.DueAt), millis(r.CreatedAt), millis(r.UpdatedAt),
		}
	}
	return []any{id[:], string(r.State), int64(r.Attempt), r.Node, millis(r.DueAt), millis(r.UpdatedAt)}
}
