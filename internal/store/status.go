package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Status is what an operator wants to know of a database.
type Status struct {
	Database string `json:"database"` // without the password
	Kind     string `json:"kind"`     // SQLite or PostgreSQL
	Version  string `json:"version"`  // of SQLite in this binary, or of the server
	Schema   int    `json:"schema"`
	Latest   int    `json:"latest_schema"` // that of this release
	UpToDate bool   `json:"up_to_date"`
	Bytes    int64  `json:"bytes"`

	Tables    []TableRows `json:"tables"`
	Pending   int64       `json:"pending_verifications"` // whose time is not over
	Queued    int64       `json:"queued_deliveries"`
	OldestDue *time.Time  `json:"oldest_due,omitempty"` // of the queued
	Keys      []KeyRows   `json:"keys"`                 // by their ids
}

// TableRows counts a table's rows.
type TableRows struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
}

// KeyRows counts the rows that were made with a key.
type KeyRows struct {
	ID     string `json:"id"`
	Rows   int64  `json:"rows"`
	InRing *bool  `json:"in_ring,omitempty"` // filled in by whoever has the key ring
	Mark   []byte `json:"-"`                 // that the key made; nil if the database has none
}

// Migrated says from which schema to which a database was brought.
type Migrated struct {
	Database string `json:"database"`
	From     int    `json:"from"`
	To       int    `json:"to"`
}

// Status looks beside a running service. Where it looked at a file that nobody
// had open and somebody has it open now, it looks again.
func (f file) Status(ctx context.Context, now time.Time) (Status, error) {
	for {
		before := logged(realPath(string(f)))
		st, err := f.status(ctx, now)
		if before || !logged(realPath(string(f))) {
			return st, err
		}
	}
}

func (f file) status(ctx context.Context, now time.Time) (st Status, err error) {
	s, err := f.read(ctx)
	if err != nil {
		return st, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	// One moment for all counts: what is begun here sees no later commit.
	if _, err := s.db.ExecContext(ctx, "BEGIN"); err != nil {
		return st, wrap(err)
	}
	st.Kind = "SQLite"
	if st.Version, err = ask[string](ctx, s, "SELECT sqlite_version()"); err != nil {
		return st, err
	}
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(realPath(string(f)) + suffix); err == nil {
			st.Bytes += info.Size()
		} else if !errors.Is(err, fs.ErrNotExist) {
			return st, wrap(err)
		}
	}
	err = st.look(ctx, s, now)
	return st, err
}

// Status looks at one moment of the database, in a transaction that only reads.
func (d *server) Status(ctx context.Context, now time.Time) (st Status, err error) {
	s, err := d.look(ctx)
	if err != nil {
		return st, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	st.Kind = "PostgreSQL"
	if st.Version, err = ask[string](ctx, s, "SELECT current_setting('server_version')"); err != nil {
		return st, err
	}
	if st.Bytes, err = ask[int64](ctx, s, "SELECT pg_database_size(current_database())"); err != nil {
		return st, err
	}
	err = st.look(ctx, s, now)
	return st, err
}

// look counts what is the same in both databases. Of a schema that is older it
// counts what there is; of a newer one it knows nothing.
func (st *Status) look(ctx context.Context, s side, now time.Time) (err error) {
	st.Database = s.name()
	if st.Schema, st.Latest, err = s.version(ctx); err != nil {
		return err
	}
	if st.Schema > st.Latest {
		return ErrNewer
	}
	st.UpToDate = st.Schema == st.Latest
	ours, err := release(ctx)
	if err != nil {
		return err
	}
	have, err := catalog(ctx, s)
	if err != nil {
		return err
	}
	for _, r := range have {
		if !slices.ContainsFunc(ours, func(o relation) bool { return o.name == r.name }) {
			continue // of another program in the same database
		}
		if err := st.table(ctx, s, r, now); err != nil {
			return err
		}
	}
	slices.SortFunc(st.Keys, func(a, b KeyRows) int { return strings.Compare(a.ID, b.ID) })
	return nil
}

func (st *Status) table(ctx context.Context, s side, r relation, now time.Time) error {
	t := TableRows{Table: r.name}
	var err error
	if t.Rows, err = ask[int64](ctx, s, "SELECT count(*) FROM "+quote(r.name)); err != nil {
		return err
	}
	st.Tables = append(st.Tables, t)
	switch r.name {
	case "verifications":
		st.Pending, err = ask[int64](ctx, s, "SELECT count(*) FROM verifications WHERE status = 'pending' AND expires_at > "+
			strconv.FormatInt(millis(now), 10))
	case "deliveries":
		err = st.deliveries(ctx, s)
	case "keys":
		err = st.marks(ctx, s)
	}
	if err == nil && slices.ContainsFunc(r.columns, func(c column) bool { return c.name == "key_id" }) {
		err = st.keys(ctx, s, r)
	}
	return err
}

func (st *Status) deliveries(ctx context.Context, s side) (err error) {
	if st.Queued, err = ask[int64](ctx, s, "SELECT count(*) FROM deliveries WHERE "+inOutbox+" AND state = 'queued'"); err != nil || st.Queued == 0 {
		return err
	}
	due, err := ask[int64](ctx, s, "SELECT min(due_at) FROM deliveries WHERE "+inOutbox+" AND state = 'queued'")
	if at := instant(due); !at.IsZero() {
		st.OldestDue = &at
	}
	return err
}

// keys counts the rows of a table by the key that they were made with.
func (st *Status) keys(ctx context.Context, s side, r relation) error {
	return each(ctx, s, "SELECT key_id, count(*) FROM "+quote(r.name)+" GROUP BY key_id", func(row []any) error {
		id, _ := row[0].(string)
		n, _ := row[1].(int64)
		st.key(id).Rows += n
		return nil
	})
}

// marks reads what shows which key stands under an id.
func (st *Status) marks(ctx context.Context, s side) error {
	return each(ctx, s, "SELECT id, mark FROM keys", func(row []any) error {
		id, _ := row[0].(string)
		st.key(id).Mark, _ = row[1].([]byte)
		return nil
	})
}

func (st *Status) key(id string) *KeyRows {
	i := slices.IndexFunc(st.Keys, func(k KeyRows) bool { return k.ID == id })
	if i < 0 {
		i = len(st.Keys)
		st.Keys = append(st.Keys, KeyRows{ID: id})
	}
	return &st.Keys[i]
}

// Migrate makes the file if there is none, and brings it up to date.
func (f file) Migrate(ctx context.Context) (m Migrated, err error) {
	m.Database = f.Name()
	if _, err := os.Stat(string(f)); err == nil {
		old, err := f.read(ctx)
		if err != nil {
			return m, err
		}
		m.From, _, err = old.version(ctx)
		if err := errors.Join(err, old.close(ctx)); err != nil {
			return m, err
		}
	}
	s, err := Open(ctx, string(f))
	if err != nil {
		return m, err
	}
	t := fileTarget{fileSide{db: s.read.db, file: f}, s}
	m.To, _, err = t.version(ctx)
	return m, errors.Join(err, t.close(ctx))
}

// Migrate needs the right to make tables; other nodes may be running.
func (d *server) Migrate(ctx context.Context) (m Migrated, err error) {
	m.Database = d.Name()
	s, err := d.connect(ctx)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if m.From, _, err = s.version(ctx); err != nil {
		return m, err
	}
	if err := migratePostgres(ctx, s.c); err != nil {
		return m, sentence(err, d.config)
	}
	m.To, _, err = s.version(ctx)
	if err != nil {
		return m, fmt.Errorf("%w (after the migration)", err)
	}
	return m, nil
}
