package store

import "context"

// Pragma reads a setting of the writing connection.
func (s *SQLite) Pragma(ctx context.Context, name string) string {
	var value string
	if err := s.write.QueryRowContext(ctx, "PRAGMA "+name).Scan(&value); err != nil {
		return err.Error()
	}
	return value
}
