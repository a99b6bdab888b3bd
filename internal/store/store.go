// Package store keeps the core's rows: in SQLite, in one file beside the binary, or
// in a PostgreSQL that any number of nodes share.
//
// The one idea is that a Store only loads, locks and writes: it holds no rule and
// compares nothing, so the rules are the same on both. Both have one connection
// that commits, in batches, and others that read meanwhile.
//
// SQLite's is in write-ahead mode with a sync at every commit; the readers move
// the log back into the file. One process owns the file, which it locks.
// PostgreSQL's locks what a batch names in one order over all nodes, and spends
// two round trips on it. It does not choose between databases: app does.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"countersign/internal/verify"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrInUse is returned where another process has the file open.
var ErrInUse = errors.New("store: another process uses this database; stop it, or give this one another database (countersign dev: another --data)")

// ErrNewer is returned where a newer release has changed the schema.
var ErrNewer = errors.New("store: the database was made by a newer release of countersign; use that one")

// SQLite is a verify.Store in one file.
type SQLite struct {
	path  string
	write *conn
	read  readers
	lock  *os.File
	st    statements

	longLog int // see longLog

	stop    chan struct{}
	stopped chan struct{}
	closing sync.Once
}

// Open opens or makes the database at path, with the folder it stands in, and
// brings its schema up to date. Errors are ErrInUse, ErrNewer and those of the
// file system, in sentences for the operator.
func Open(ctx context.Context, path string) (*SQLite, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("store: cannot make the data folder: %w", err)
	}
	path = realPath(path)
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	if err := makePrivate(path); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s := &SQLite{path: path, write: new(conn), lock: lock, longLog: longLog, stop: make(chan struct{}), stopped: make(chan struct{})}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.closeFiles())
	}
	go s.checkpoint(context.WithoutCancel(ctx))
	return s, nil
}

// open opens the database. Nobody may be using s.
func (s *SQLite) open(ctx context.Context) (err error) {
	if err := s.write.dial(dsn(s.path, "synchronous=FULL", "wal_autocheckpoint=0", "secure_delete=1")); err != nil {
		return fmt.Errorf("store: %s: %w", s.path, explain(err))
	}
	if s.read.db, err = sql.Open("sqlite", dsn(s.path, "query_only=1")); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	s.read.db.SetMaxOpenConns(max(2, runtime.NumCPU()))
	s.read.db.SetMaxIdleConns(max(2, runtime.NumCPU()))
	if err := settleLog(ctx, s.write); err != nil {
		return fmt.Errorf("store: %s: what was stored last cannot be moved into the database: %w", s.path, explain(err))
	}
	if err := migrate(ctx, s.write); err != nil {
		return err
	}
	return s.st.prepare(ctx, s.write)
}

// realPath follows links, so that one database has one lock whatever it is called.
func realPath(path string) string {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		return p
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return path
}

// makePrivate makes the file, if there is none, readable by its owner alone; the
// files that SQLite puts beside it follow suit.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("store: cannot open the database: let this user read and write the file: %w", err)
	}
	return f.Close()
}

// dsn names the file, with its settings, to the driver.
func dsn(path string, pragmas ...string) string {
	q := url.Values{}
	for _, p := range append([]string{"busy_timeout=5000", "journal_mode=WAL", "trusted_schema=0"}, pragmas...) {
		name, value, _ := strings.Cut(p, "=")
		q.Add("_pragma", name+"("+value+")")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// migrate applies the migrations that the database lacks, in order, each in a
// transaction of its own. They go only forward.
func migrate(ctx context.Context, c *conn) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	version, err := version(ctx, c)
	if err != nil {
		return wrap(err)
	}
	if version > len(names) {
		return ErrNewer
	}
	for i, name := range names {
		if i < version {
			continue
		}
		text, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		script := "BEGIN IMMEDIATE;\n" + string(text) + "\nPRAGMA user_version = " + strconv.Itoa(i+1) + ";\nCOMMIT;"
		if err := c.run(ctx, script); err != nil {
			_ = c.run(ctx, "ROLLBACK") // fails only if it is undone already
			return fmt.Errorf("store: migration %s: %w", name, explain(err))
		}
	}
	return nil
}

func version(ctx context.Context, c *conn) (n int, err error) {
	s, err := c.prepare(ctx, "PRAGMA user_version")
	if err != nil {
		return 0, err
	}
	n, err = first(ctx, s, scanNumber)
	return n, errors.Join(err, s.s.Close())
}

// Close ends the checkpoints and closes the files. Nobody may be using s. Closing
// twice is harmless.
func (s *SQLite) Close() (err error) {
	s.closing.Do(func() {
		close(s.stop)
		<-s.stopped
		err = s.closeFiles()
	})
	return err
}

func (s *SQLite) closeFiles() error {
	return errors.Join(s.closeDatabase(), s.lock.Close())
}

// closeDatabase closes what open opened, the writer last: it tidies up.
func (s *SQLite) closeDatabase() error {
	var errs []error
	if s.read.db != nil {
		errs = append(errs, s.read.db.Close())
		s.read.db = nil
		s.read.stmts.Clear() // they are closed with it
	}
	return errors.Join(append(errs, s.st.close(), s.write.close())...)
}

var _ verify.Store = (*SQLite)(nil)
