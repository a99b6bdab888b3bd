package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// checkpointEvery is how often the log is moved into the file, on a connection
// of its own so that no commit waits for it.
const checkpointEvery = time.Second

// emptyAt is how many checkpoints it takes until one empties the log's file.
const emptyAt = 600

// longLog is the length, in pages, from which commits wait until all of the log
// is moved: it begins anew only then, and under load the mover alone never is done.
const longLog = 20000

// readers are the connections that read. Who reads holds the lock for reading.
type readers struct {
	sync.RWMutex
	db    *sql.DB
	stmts sync.Map // *sql.Stmt of db by their text, of which there are a few dozen
}

// prepared is a statement, prepared at its first use: to parse it costs as much as to
// carry it out. Whoever calls holds the lock for reading.
func (r *readers) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if r.db == nil {
		return nil, errAway
	}
	if s, ok := r.stmts.Load(text); ok {
		return s.(*sql.Stmt), nil //nolint:forcetypeassert // nothing else is put there
	}
	s, err := r.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, wrap(err)
	}
	if first, had := r.stmts.LoadOrStore(text, s); had {
		_ = s.Close()         //nolint:sqlclosecheck // somebody was faster
		s = first.(*sql.Stmt) //nolint:forcetypeassert // see above
	}
	return s, nil
}

// checkpoint moves the write-ahead log into the file until Close.
func (s *SQLite) checkpoint(ctx context.Context) {
	defer close(s.stopped)
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			// A disk that is full shows at the next commits, where somebody is told.
			_ = s.moveLog(ctx)
			if n%emptyAt == 0 {
				_ = s.emptyLog(ctx)
			}
		}
	}
}

// emptyLog cuts the log's file down to nothing, unless somebody is reading: what was
// deleted does not stand in it for longer. The writer waits meanwhile.
func (s *SQLite) emptyLog(ctx context.Context) error {
	s.write.mu.Lock()
	err := s.write.run(ctx, "PRAGMA busy_timeout = 50")
	if err == nil {
		err = settleLog(ctx, s.write)
		err = errors.Join(err, s.write.run(ctx, "PRAGMA busy_timeout = 5000"))
	}
	s.write.mu.Unlock()
	return s.afterPass(ctx, err)
}

// moveLog moves what it can without making the writer wait, and makes it wait
// where the log has become long.
func (s *SQLite) moveLog(ctx context.Context) error {
	pages, err := s.pass(ctx)
	if err == nil && pages > s.longLog {
		s.write.mu.Lock()
		_, err = s.pass(ctx)
		s.write.mu.Unlock()
	}
	return s.afterPass(ctx, err)
}

// pass moves once and says how long the log is. Nobody but a pass ever moves:
// what SQLite would do by itself after a commit, it would keep the errors of.
func (s *SQLite) pass(ctx context.Context) (pages int, err error) {
	n, err := one(ctx, &s.read, func(row scanner) (pages int, err error) {
		var busy, moved int
		err = row.Scan(&busy, &pages, &moved)
		return pages, err
	}, "PRAGMA wal_checkpoint(PASSIVE)")
	if err != nil {
		return 0, err
	}
	return *n, nil // it says one line
}

// afterPass opens the database again where the disk could not keep what a pass
// wrote. The system may have forgotten those pages and say yes to the next sync,
// while SQLite counts what earlier passes wrote as moved and would let the log
// begin anew. With nobody at the file it forgets what it counted.
func (s *SQLite) afterPass(ctx context.Context, err error) error {
	if resultCode(err) != sqlite3.SQLITE_IOERR_FSYNC && !errors.Is(err, errAway) {
		return err
	}
	s.write.mu.Lock()
	defer s.write.mu.Unlock()
	s.read.Lock()
	defer s.read.Unlock()
	if c, ok := s.write.c.(sqlite.FileControl); ok {
		if _, err := c.FileControlPersistWAL("main", 1); err != nil {
			return wrap(err) // closing would delete the log: next time
		}
	}
	_ = s.closeDatabase() // the disk is what fails
	if err := s.open(ctx); err != nil {
		return errors.Join(err, s.closeDatabase())
	}
	return nil
}

// errAway is what callers are told between a failure of the disk and the first
// success at opening the database again.
var errAway = errors.New("store: the disk failed and the database could not be opened again yet")

// settleLog moves all of the log that the last process left, and empties it. If
// that process could not sync a commit, the system may show what the disk does
// not have: nothing may be stored behind it before it is written again.
func settleLog(ctx context.Context, c *conn) error {
	s, err := c.prepare(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	if err != nil {
		return err
	}
	busy, err := first(ctx, s, func(row scanner) (busy int, err error) {
		var pages, moved int
		err = row.Scan(&busy, &pages, &moved)
		return busy, err
	})
	if err == nil && busy != 0 {
		err = errors.New("another program has the file open and reads from it")
	}
	return errors.Join(err, s.s.Close())
}
