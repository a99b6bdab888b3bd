package store

import (
	"context"
	"fmt"

	"countersign/internal/verify"
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

// Plans are how SQLite finds the rows of what tenants may ask for: a line for each table
// that a statement looks at.
func (s *SQLite) Plans(ctx context.Context, q verify.AttemptQuery) (map[string][]string, error) {
	a := attemptsOf(q)
	id := make([]byte, 16)
	plans := map[string][]string{}
	for name, asked := range map[string]struct {
		text string
		args []any
	}{
		"attempts":                     {a.deliveries, a.args},
		"verifications of attempts":    {a.verifications, a.args},
		"a record":                     {recordByID, []any{"", id}},
		"a record by its name":         {recordByName, []any{"", "", id, ""}},
		"a page of records":            {recordsPage, []any{"", "", id, 1, 1}},
		"how many records there are":   {countRecords, []any{"", "", id}},
		"a record's change":            {changeRecord, []any{"", "", 1, 1, "", id, "", id}},
		"a record with what is its":    {dropRecord, []any{"", id}},
		"the events of a verification": {dropEvent, []any{id}},
	} {
		lines, err := many(ctx, &s.read, func(row scanner) (line string, err error) {
			var of [3]int
			err = row.Scan(&of[0], &of[1], &of[2], &line)
			return line, err
		}, "EXPLAIN QUERY PLAN "+asked.text, asked.args...)
		if err != nil {
			return nil, err
		}
		plans[name] = lines
	}
	return plans, nil
}
