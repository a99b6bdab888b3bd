package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"countersign/internal/store"
	"countersign/internal/verify"
	"countersign/internal/verify/storetest"
)

func open(t testing.TB, path string) *store.SQLite {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSQLiteIsAStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Open {
		path := filepath.Join(t.TempDir(), "a folder, with %20 and ?", "c.db")
		return func(t *testing.T) verify.Store {
			s := open(t, path)
			t.Cleanup(func() { _ = s.Close() }) // a test may have closed it
			return s
		}
	})
}

func TestASecondProcessIsKeptOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.db")
	s := open(t, path)
	if _, err := store.Open(t.Context(), path); !errors.Is(err, store.ErrInUse) {
		t.Errorf("a second opening: %v", err)
	}
	link := filepath.Join(t.TempDir(), "by-another-name")
	if err := os.Symlink(filepath.Dir(path), link); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), filepath.Join(link, "c.db")); !errors.Is(err, store.ErrInUse) {
		t.Errorf("a second opening by another name: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, path)
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestADatabaseOfANewerReleaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "PRAGMA user_version = 1000"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), path); !errors.Is(err, store.ErrNewer) {
		t.Errorf("opened: %v", err)
	}
}

func TestAFileThatIsNoDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.db")
	if err := os.WriteFile(path, []byte("this is a letter to a friend, and long enough to be read as a header"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), path); err == nil {
		t.Error("opened")
	}
}

func TestCommitsAreSynced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.db")
	s := open(t, path)
	t.Cleanup(func() { _ = s.Close() })
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "wal_autocheckpoint": "0"} {
		if got := s.Pragma(context.Background(), pragma); got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
}

func TestWhatIsDeletedIsNotInTheFileAnyMore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.db")
	s := open(t, path)
	defer s.Close()
	const canary = "a sealed address that nobody may see again"
	id := verify.ID{15: 1}
	for _, change := range []verify.Changes{
		{Verifications: []verify.Verification{{ID: id, Address: []byte(canary)}}},
		{GoneVerifications: []verify.ID{id}},
	} {
		err := s.Commit(t.Context(), []verify.Needs{{Verification: id}}, func(snap *verify.Snapshot) error {
			snap.Apply(change)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := store.EmptyLog(s); err != nil { // as it does every ten minutes
		t.Fatal(err)
	}
	found, err := filepath.Glob(path + "*")
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	for _, file := range found {
		if text, err := os.ReadFile(file); err != nil || bytes.Contains(text, []byte(canary)) {
			t.Errorf("it stands in %s still (%v)", filepath.Base(file), err)
		}
	}
}
