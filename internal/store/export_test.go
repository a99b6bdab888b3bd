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
	st, err := s.write.prepare(ctx, "ROLLBACK TO nowhere")
	if err != nil {
		return err
	}
	s.st.commit = st
	s.st.all = append(s.st.all, st)
	return nil
}
