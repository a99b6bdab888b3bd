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

// ForgetRecent forgets the rows that were written last.
func (s *SQLite) ForgetRecent() {
	s.write.mu.Lock()
	defer s.write.mu.Unlock()
	s.recent.forget()
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
