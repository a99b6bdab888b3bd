package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"countersign/internal/verify"
)

// File is the SQLite database at path.
func File(path string) Database { return file(path) }

type file string

func (f file) Name() string { return "sqlite:" + string(f) }

// look opens the file beside whoever uses it, and makes no file of its own.
func (f file) look(ctx context.Context) (side, error) { return f.read(ctx) }

func (f file) read(ctx context.Context) (*fileSide, error) {
	path := realPath(string(f))
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("store: there is no database at %s; «countersign serve» makes one, or «countersign db migrate»", string(f))
	} else if err != nil {
		return nil, fmt.Errorf("store: the database cannot be looked at: %w", err)
	}
	q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "query_only(1)", "trusted_schema(0)"}}
	// A file without a log is complete. Whoever opened it in the ordinary way
	// would make a log.
	if !logged(path) {
		q.Set("immutable", "1")
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, wrap(err)
	}
	db.SetMaxOpenConns(1)
	s := &fileSide{db: db, file: f}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("store: %s cannot be read: %w", f.Name(), err), s.close(ctx))
	}
	return s, nil
}

// logged says whether there is a write-ahead log that counts: one that holds
// something, or that a process has open.
func logged(path string) bool {
	wal, err := os.Stat(path + "-wal")
	if err != nil {
		return false
	}
	_, err = os.Stat(path + "-shm")
	return wal.Size() > 0 || err == nil
}

// source opens the file to itself, and does not write to it.
func (f file) source(ctx context.Context) (side, error) {
	if _, err := os.Stat(string(f)); err != nil {
		return f.read(ctx) // the reason why not
	}
	lock, err := lockFile(realPath(string(f)) + ".lock")
	if errors.Is(err, ErrInUse) {
		return nil, fmt.Errorf("store: %s is in use: stop the service first, so that nothing is written while it is copied", f.Name())
	}
	if err != nil {
		return nil, err
	}
	s, err := f.read(ctx)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s.lock = lock
	if err := upToDate(ctx, s); err != nil {
		return nil, errors.Join(err, s.close(ctx))
	}
	return s, nil
}

// anotherFile is what to do about a target that has rows.
const anotherFile = "name a file that does not exist yet"

// target opens the file as the service does, and makes it if need be.
func (f file) target(ctx context.Context) (target, error) {
	if _, err := os.Stat(string(f)); err == nil {
		old, err := f.read(ctx)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(mustHaveNone(ctx, old, anotherFile), old.close(ctx)); err != nil {
			return nil, err
		}
	}
	s, err := Open(ctx, string(f))
	if err != nil {
		return nil, err
	}
	return &fileTarget{fileSide{db: s.read.db, file: f}, s}, nil
}

// fileSide is an open SQLite file.
type fileSide struct {
	file
	db   *sql.DB
	lock *os.File
}

func (s *fileSide) name() string { return s.Name() }

func (s *fileSide) close(context.Context) error {
	err := s.db.Close()
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return wrap(err)
}

func (s *fileSide) version(ctx context.Context) (have, known int, err error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, 0, err
	}
	n, err := ask[int64](ctx, s, "PRAGMA user_version")
	if err != nil {
		return 0, 0, fmt.Errorf("store: %s is not a database that can be read: %w", s.name(), err)
	}
	return int(n), len(names), nil
}

func (*fileSide) catalog() string {
	return `SELECT t.name, c.name, c.type, c."notnull", c.pk FROM sqlite_schema t JOIN pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY t.rowid, c.cid`
}

func (s *fileSide) query(ctx context.Context, text string) (cursor, error) {
	rows, err := s.db.QueryContext(ctx, text) //nolint:rowserrcheck // the cursor does, at the last row
	if err != nil {
		return nil, wrap(err)
	}
	columns, err := rows.Columns()
	if err != nil {
		return nil, errors.Join(wrap(err), rows.Close()) //nolint:sqlclosecheck // else the cursor does, when it is closed
	}
	c := &fileCursor{rows: rows, row: make([]any, len(columns)), to: make([]any, len(columns))}
	for i := range columns {
		c.to[i] = &c.row[i]
	}
	return c, nil
}

func (s *fileSide) rows(ctx context.Context, r relation) (cursor, error) {
	return s.query(ctx, r.inOrder("BINARY"))
}

// fileCursor reads rows of SQLite.
type fileCursor struct {
	rows    *sql.Rows
	row, to []any
}

func (c *fileCursor) next() ([]any, error) {
	if !c.rows.Next() {
		if err := c.rows.Err(); err != nil {
			return nil, wrap(err)
		}
		return nil, io.EOF
	}
	if err := c.rows.Scan(c.to...); err != nil {
		return nil, wrap(err)
	}
	for i, v := range c.row {
		if b, ok := v.([]byte); ok && b == nil {
			c.row[i] = []byte{} // no bytes, which is not NULL; pgx would take it for that
		}
	}
	return c.row, nil
}

func (c *fileCursor) close() error { return wrap(c.rows.Close()) }

// fileTarget is a SQLite file that is written to.
type fileTarget struct {
	fileSide
	s *SQLite
}

func (t *fileTarget) close(context.Context) error { return t.s.Close() }

func (t *fileTarget) fill(ctx context.Context, tables []relation, rows func(relation) (cursor, error)) error {
	c := t.s.write
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.run(ctx, "BEGIN IMMEDIATE"); err != nil {
		return wrap(err)
	}
	for _, r := range tables {
		if err := t.fillOne(ctx, r, rows); err != nil {
			return errors.Join(err, c.run(context.WithoutCancel(ctx), "ROLLBACK"))
		}
	}
	if err := c.run(context.WithoutCancel(ctx), "COMMIT"); err != nil {
		_ = c.run(context.WithoutCancel(ctx), "ROLLBACK") // fails if there is none
		return fmt.Errorf("store: %w: %w", verify.ErrOutcomeUnknown, err)
	}
	return nil
}

func (t *fileTarget) fillOne(ctx context.Context, r relation, rows func(relation) (cursor, error)) (err error) {
	// The transaction has the file's write lock, so nobody adds rows after this look.
	if err := mustBeEmpty(ctx, t, anotherFile, r); err != nil {
		return err
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(r.columns)), ", ")
	add, err := t.s.write.prepare(ctx, "INSERT INTO "+quote(r.name)+" ("+strings.Join(r.names(), ", ")+") VALUES ("+marks+")")
	if err != nil {
		return wrap(err)
	}
	defer func() { err = errors.Join(err, add.s.Close()) }()
	from, err := rows(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	args := make([]driver.Value, len(r.columns))
	for {
		row, err := from.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range args {
			args[i] = row[i]
		}
		if _, err := add.exec(context.WithoutCancel(ctx), args...); err != nil {
			return fmt.Errorf("store: table %s, row %s: %w", r.name, r.keyOf(row), err)
		}
	}
}
