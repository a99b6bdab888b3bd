package store

import (
	"context"
	"fmt"
)

// Pragma reads a setting of the writing connection.
func (s *SQLite) Pragma(ctx context.Context, name string) string {
	st, err := s.write.prepare(ctx, "PRAGMA "+name)
	if err != nil {
		return err.Error()
	}
	defer st.s.Close()
	rows, err := st.s.QueryContext(ctx, nil)
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	row := st.row[:0:0]
	row = append(row, nil)
	if err := rows.Next(row); err != nil {
		return err.Error()
	}
	return fmt.Sprint(row[0])
}

// BreakCommit makes every commit from now on fail in the database.
func (s *SQLite) BreakCommit(ctx context.Context) error {
	return s.commitWith(ctx, "ROLLBACK TO nowhere")
}

// BreakAfterCommit makes every commit from now on fail when it has been made.
func (s *SQLite) BreakAfterCommit(ctx context.Context) error {
	return s.commitWith(ctx, "COMMIT; ROLLBACK TO nowhere")
}

// MendCommit undoes it.
func (s *SQLite) MendCommit(ctx context.Context) error { return s.commitWith(ctx, "COMMIT") }

func (s *SQLite) commitWith(ctx context.Context, text string) error {
	st, err := s.write.prepare(ctx, text)
	if err != nil {
		return err
	}
	s.st.commit = st
	s.st.all = append(s.st.all, st)
	return nil
}

// MoveLog moves the log into the file now, as is done every second.
func (s *SQLite) MoveLog(ctx context.Context) error { return s.moveLog(ctx) }

// MoveLogWhileSomebodyReads does the same with a reader who came before the
// function store: what that stores cannot be moved.
func (s *SQLite) MoveLogWhileSomebodyReads(ctx context.Context, store func()) error {
	_, err := s.passWhileSomebodyReads(ctx, store)
	return s.afterPass(ctx, err)
}

func (s *SQLite) passWhileSomebodyReads(ctx context.Context, store func()) (pages int, err error) {
	if s.read.db == nil {
		store()
		return 0, errAway
	}
	tx, err := s.read.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	var n int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM subjects").Scan(&n); err != nil {
		return 0, err
	}
	store()
	return s.pass(ctx)
}

// Still ends the moving that goes on by itself.
func (s *SQLite) Still() {
	close(s.stop)
	<-s.stopped
	s.stop = make(chan struct{})
}

// SetLongLog sets the length from which commits wait for the log to be moved.
func (s *SQLite) SetLongLog(pages int) { s.longLog = pages }

// LogLength is the number of pages in the log.
func (s *SQLite) LogLength(ctx context.Context) (int, error) { return s.pass(ctx) }

// CommitsWait says whether somebody makes commits wait.
func (s *SQLite) CommitsWait() bool {
	if !s.write.mu.TryLock() {
		return true
	}
	s.write.mu.Unlock()
	return false
}

// EmptyLog cuts the log down, as the mover does every ten minutes.
func EmptyLog(s *SQLite) error { return s.emptyLog(context.Background()) }
