package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/internal/store"
)

// TestWhatCannotBeOpenedIsExplained is about the operator: each error says what
// is wrong, and names the file or says what to do.
func TestWhatCannotBeOpenedIsExplained(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(t *testing.T, path string)
		says string
	}{
		{"the folder's place is taken by a file", func(t *testing.T, path string) {
			write(t, filepath.Dir(path), "a file")
		}, "cannot make the data folder"},
		{"the file's place is taken by a folder", func(t *testing.T, path string) {
			if err := os.MkdirAll(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is a directory"},
		{"no database", func(t *testing.T, path string) {
			write(t, path, "this is a letter to a friend, and long enough to be read as a header")
		}, "the file is no database of SQLite"},
		{"a damaged database", func(t *testing.T, path string) {
			fill(t, path)
			damage(t, path)
		}, "the database is damaged: restore it from a backup"},
		{"a database that another process uses", func(t *testing.T, path string) {
			s := open(t, path)
			t.Cleanup(func() { _ = s.Close() })
		}, "another process uses this database; stop it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data", "c.db")
			tt.make(t, path)
			explained(t, path, tt.says)
		})
	}
}

func explained(t *testing.T, path, says string) {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err == nil {
		t.Fatal("opened", s.Close())
	}
	if text := err.Error(); !strings.Contains(text, says) || strings.Contains(text, "\n") {
		t.Errorf("it says\n%s\nand not in one line\n%s", text, says)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fill makes a database with something in it.
func fill(t *testing.T, path string) {
	t.Helper()
	s := open(t, path)
	if err := bump(t.Context(), s, 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// damage writes over the schema, and leaves the header as it is.
func damage(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(strings.Repeat("damaged ", 400)), 100); err != nil {
		t.Fatal(err)
	}
}
