package store_test

import (
	"path/filepath"
	"testing"

	"countersign/internal/store"
	"countersign/internal/store/pgtest"
	"countersign/internal/tenant"
	"countersign/internal/tenant/recordtest"
)

func TestSQLiteKeepsRecords(t *testing.T) {
	recordtest.Run(t, func(t *testing.T) recordtest.Open {
		path := filepath.Join(t.TempDir(), "c.db")
		var last *store.SQLite
		return func(t *testing.T) tenant.Store {
			if last != nil { // one process has the file: the second opening is the first
				if _, err := last.Queued(t.Context()); err == nil {
					return last
				}
			}
			s := open(t, path)
			t.Cleanup(func() { _ = s.Close() }) // a test may have closed it
			last = s
			return s
		}
	})
}

func TestPostgreSQLKeepsRecords(t *testing.T) {
	recordtest.Run(t, func(t *testing.T) recordtest.Open {
		url := pgtest.URL(t)
		return func(t *testing.T) tenant.Store { return openPostgres(t, url) }
	})
}
