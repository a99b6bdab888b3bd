package app_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // the driver that reads the copy
)

// loot is a stolen database: its rows by column, and its files.
type loot struct {
	columns map[string][]any // "table.column" → values
	files   map[string][]byte
}

func (l *loot) clone() *loot {
	c := &loot{map[string][]any{}, maps.Clone(l.files)}
	for name, values := range l.columns {
		c.columns[name] = slices.Clone(values)
	}
	return c
}

func (l *loot) put(column, value string) {
	l.columns[column] = append(l.columns[column], []byte(value))
}
func (l *loot) file(text string) { l.files["more"] = []byte(text) }

func (l *loot) size() (n int) {
	for _, f := range l.files {
		n += len(f)
	}
	return n
}

func (l *loot) values() (n int) {
	for _, c := range l.columns {
		n += len(c)
	}
	return n
}

// stealSQLite copies the file and its log under the running service, and reads
// the copy.
func stealSQLite(t *testing.T, folder string) *loot {
	t.Helper()
	l := &loot{map[string][]any{}, map[string][]byte{}}
	elsewhere := t.TempDir()
	paths, err := filepath.Glob(filepath.Join(folder, "countersign.db*"))
	if err != nil || len(paths) < 2 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err == nil {
			l.files[filepath.Base(path)] = text
			err = os.WriteFile(filepath.Join(elsewhere, filepath.Base(path)), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	db, err := sql.Open("sqlite", filepath.Join(elsewhere, "countersign.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range column(t, db, "SELECT name FROM sqlite_master WHERE type = 'table'") {
		l.read(t, db, fmt.Sprint(table))
	}
	return l
}

// column reads the one column of a query.
func column(t *testing.T, db *sql.DB, query string) (out []any) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var v any
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func (l *loot) read(t *testing.T, db *sql.DB, table string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		l.row(table, names, values)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func (l *loot) row(table string, names []string, values []any) {
	for i, name := range names {
		if values[i] != nil {
			l.columns[table+"."+name] = append(l.columns[table+"."+name], values[i])
		}
	}
}

// stealPostgres reads every table of the service and copies what the server has on
// its disk of it: the tables' files, the write-ahead log and the statistics.
func stealPostgres(t *testing.T, url string) *loot {
	t.Helper()
	l := &loot{map[string][]any{}, map[string][]byte{}}
	ctx := t.Context()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "CHECKPOINT"); err != nil {
		t.Fatal(err)
	}
	var oid uint32
	var dir string
	err = c.QueryRow(ctx, "SELECT oid, current_setting('data_directory') FROM pg_database WHERE datname = current_database()").Scan(&oid, &dir)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := c.Query(ctx, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		rows, err := c.Query(ctx, "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, err := rows.Values()
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, f := range rows.FieldDescriptions() {
				names = append(names, f.Name)
			}
			l.row(table, names, values)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	l.copyData(t, dir, fmt.Sprintf("base/%d/", oid))
	return l
}

// copyData reads the files of one database, and those that all share but for the
// templates.
func (l *loot) copyData(t *testing.T, root, own string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(name, "base/") && !strings.HasPrefix(name, own) {
			return err
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // the server lives, and puts files away
			return nil
		}
		l.files[name] = text
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
