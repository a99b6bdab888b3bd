package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"countersign/internal/store"
	"countersign/internal/store/pgtest"
)

// schema is what the release has, by name.
func schema(t testing.TB) map[string]store.Table {
	t.Helper()
	all, err := store.Release(t.Context())
	if err != nil || len(all) < 6 {
		t.Fatal(all, err)
	}
	out := map[string]store.Table{}
	for _, r := range all {
		out[r.Name] = r
	}
	return out
}

func server(t testing.TB, url string) store.Database {
	t.Helper()
	d, err := store.Server(url)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// migrated makes both databases empty and up to date.
func migrated(t testing.TB, all ...store.Database) {
	t.Helper()
	for _, d := range all {
		if _, err := d.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// A copy, a status and a check of a copy go by what this compares.
func TestBothDatabasesHaveTheSameTablesColumnsAndKeys(t *testing.T) {
	lite, pg := store.File(filepath.Join(t.TempDir(), "c.db")), server(t, pgtest.URL(t))
	migrated(t, lite, pg)
	want := map[string]string{}
	for name, r := range schema(t) {
		want[name] = r.Text
		for i, k := range r.Kinds {
			if !slices.Contains([]string{"text", "bytes", "integer"}, k) {
				t.Errorf("%s.%s is %s, which the databases do not share", name, r.Columns[i], k)
			}
		}
		if len(r.Key) == 0 {
			t.Errorf("%s has no primary key", name)
		}
	}
	for _, d := range []store.Database{lite, pg} {
		all, err := store.Catalog(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, r := range all {
			got[r.Name] = r.Text
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", d.Name(), diff)
		}
	}
}

// values makes a row's values, each kind in its awkward forms.
func values(r store.Table, n int) []any {
	texts := []string{"", "Ünïcode 🦊", "'; DROP TABLE x; --", "a\tb\nc\\N\x01\x7f", "Z", "a", "é", strings.Repeat("long ", 2000)}
	octets := [][]byte{{}, {0}, {0, 1, 255}, []byte("\\x00"), bytes.Repeat([]byte{200}, 5000)}
	numbers := []int64{0, -1, math.MaxInt64, math.MinInt64, 1700000000000}
	out := make([]any, len(r.Columns))
	for i := range r.Columns {
		m := n + i
		switch r.Kinds[i] {
		case "text":
			out[i] = texts[m%len(texts)]
		case "bytes":
			out[i] = octets[m%len(octets)]
		case "integer":
			out[i] = numbers[m%len(numbers)]
		}
		if r.Null[i] && n%3 == 0 {
			out[i] = nil
		}
	}
	// Keys differ, and their order by bytes is neither that of insertion nor that
	// of a language.
	for _, i := range r.Key {
		switch r.Kinds[i] {
		case "text":
			out[i] = fmt.Sprintf("%s%d", []string{"Z", "a", "é", "_", ""}[n%5], n)
		case "bytes":
			out[i] = []byte{byte(n * 37), byte(n >> 8), byte(n)}
		case "integer":
			out[i] = int64(1000 - n)
		}
	}
	for i, c := range r.Columns { // the one column that is unique besides the keys
		if r.Name == "profiles" && c == "id" {
			out[i] = []byte{byte(n), byte(n >> 8)}
		}
	}
	return out
}

// filled is a SQLite file with n rows in each table.
func filled(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.db")
	migrated(t, store.File(path))
	beside(t, path, func(tx *sql.Tx) error {
		for name, r := range schema(t) {
			text := "INSERT INTO " + name + " (" + strings.Join(r.Columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(r.Columns)-1) + ")"
			for i := range n {
				if _, err := tx.ExecContext(t.Context(), text, values(r, i)...); err != nil {
					return fmt.Errorf("%s %d: %w", name, i, err)
				}
			}
		}
		return nil
	})
	return path
}

// beside changes a SQLite file that nobody has open.
func beside(t testing.TB, path string, f func(*sql.Tx) error) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err == nil {
		err = errors.Join(f(tx), tx.Commit())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func rowsOf(t testing.TB, url, table string) (n int) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if err := c.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func wantNoRows(t testing.TB, url string) {
	t.Helper()
	for name := range schema(t) {
		if n := rowsOf(t, url, name); n != 0 {
			t.Errorf("%d rows stayed in %s", n, name)
		}
	}
}

// The source is as it was, file by file.
func TestACopyHasEveryRowAndSoHasTheCopyOfTheCopy(t *testing.T) {
	path, url := filled(t, 700), pgtest.URL(t)
	before := contents(t, filepath.Dir(path))
	var told []store.Progress
	there, err := store.Copy(t.Context(), store.File(path), server(t, url), func(p store.Progress) { told = append(told, p) })
	if err != nil {
		t.Fatal(err)
	}
	sameFiles(t, before, contents(t, filepath.Dir(path)))
	back, err := store.Copy(t.Context(), server(t, url), store.File(filepath.Join(t.TempDir(), "back.db")), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*store.Report{there, back} {
		if !r.Same || !r.Copied || r.Rows != int64(700*len(schema(t))) || len(r.Differences) > 0 || len(r.Tables) != len(schema(t)) {
			t.Errorf("%+v", r)
		}
		for _, table := range r.Tables {
			if table.Rows != 700 || table.Equal != 700 {
				t.Errorf("%+v", table)
			}
		}
	}
	for name := range schema(t) {
		if n := rowsOf(t, url, name); n != 700 {
			t.Errorf("%s has %d rows", name, n)
		}
	}
	total := int64(700 * len(schema(t)))
	if len(told) < 4 || told[0].Checking || told[0].Total != total || !told[len(told)-1].Checking || told[len(told)-1].Rows > total {
		t.Errorf("told %v", told)
	}
}

// A server that sorts texts as people do is read in the order of their bytes.
func TestACopyIsCheckedWhateverTheLanguageOfTheServer(t *testing.T) {
	url := emptyPostgres(t)
	run(t, url, `ALTER TABLE profiles ALTER COLUMN tenant TYPE text COLLATE "en-x-icu", ALTER COLUMN name TYPE text COLLATE "en-x-icu"`)
	if report, err := store.Copy(t.Context(), store.File(filled(t, 40)), server(t, url), nil); err != nil || !report.Same {
		t.Errorf("%+v %v", report, err)
	}
}

// copied is a file with n rows in each table, its copy, and a connection to that
// which can put back what it changes.
func copied(t *testing.T, n int) (path, url string, c *pgx.Conn) {
	t.Helper()
	path, url = filled(t, n), pgtest.URL(t)
	if _, err := store.Copy(t.Context(), store.File(path), server(t, url), nil); err != nil {
		t.Fatal(err)
	}
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	exec(t, c, "SET synchronous_commit = off")
	for name := range schema(t) {
		exec(t, c, fmt.Sprintf("CREATE TEMP TABLE saved_%s AS TABLE %s", name, name))
	}
	return path, url, c
}

func exec(t testing.TB, c *pgx.Conn, text string) {
	t.Helper()
	if _, err := c.PgConn().Exec(t.Context(), text).ReadAll(); err != nil {
		t.Fatal(err)
	}
}

func putBack(t testing.TB, c *pgx.Conn, table string) {
	t.Helper()
	exec(t, c, fmt.Sprintf("DELETE FROM %s; INSERT INTO %s TABLE saved_%s", table, table, table))
}

// Each column of each table is changed in the copy, one after the other.
func TestTheCheckFindsAChangeInAnyColumnAndARowThatOneSideLacks(t *testing.T) {
	path, url, c := copied(t, 3)
	to := map[string]string{"text": "'changed'", "bytes": `'\xabcdef'::bytea`, "integer": "77"}
	none := map[string]string{"text": "''", "bytes": `'\x'::bytea`, "integer": "0"}
	for name, r := range schema(t) {
		key := r.Columns[r.Key[0]]
		for i, column := range r.Columns {
			if slices.Contains(r.Key, i) {
				continue // another key is another row: see below
			}
			changes := []string{to[r.Kinds[i]]}
			if r.Null[i] { // of the rows one is NULL
				changes = append(changes, "CASE WHEN "+column+" IS NULL THEN "+none[r.Kinds[i]]+" END")
			}
			for _, change := range changes {
				exec(t, c, fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s = (SELECT %s FROM %s ORDER BY 1 LIMIT 1)", name, column, change, key, key, name))
				wantDifferences(t, path, url, 1, store.Difference{Table: name, What: "different", Columns: []string{column}})
				putBack(t, c, name)
			}
		}
	}
	for _, tt := range []struct {
		change string
		n      int
		what   string
	}{
		{"DELETE FROM buckets WHERE key = (SELECT key FROM buckets ORDER BY key LIMIT 1)", 1, "missing"},
		{"DELETE FROM buckets WHERE key = (SELECT key FROM buckets ORDER BY key DESC LIMIT 1)", 1, "missing"},
		{`INSERT INTO buckets VALUES ('\x00', 1)`, 1, "extra"},
		{`INSERT INTO buckets VALUES ('\xffffff', 1)`, 1, "extra"},
		{"DELETE FROM buckets", 3, "missing"},
		{"INSERT INTO buckets SELECT decode(lpad(to_hex(n), 8, '0'), 'hex'), n FROM generate_series(300000, 300059) n", 60, "extra"},
	} {
		exec(t, c, tt.change)
		wantDifferences(t, path, url, tt.n, store.Difference{Table: "buckets", What: tt.what})
		putBack(t, c, "buckets")
	}
	report, err := store.Compare(t.Context(), store.File(path), server(t, url), nil)
	if err != nil || !report.Same || report.Copied {
		t.Errorf("put back as it was: %+v, %v", report, err)
	}
}

// wantDifferences checks the copy and wants so many differences to be named, all
// of a kind.
func wantDifferences(t testing.TB, path, url string, n int, want store.Difference) {
	t.Helper()
	report, err := store.Compare(t.Context(), store.File(path), server(t, url), nil)
	if err != nil {
		t.Fatal(err)
	}
	extra := int64(n) // all are counted, and the first are named
	n = min(n, 20)
	if report.Same || len(report.Differences) != n {
		t.Errorf("%v: %+v", want, report)
	}
	for _, table := range report.Tables {
		counted := store.TableReport{Table: table.Table, Rows: table.Rows, Equal: table.Rows}
		if table.Table == want.Table {
			switch want.What {
			case "different":
				counted.Equal, counted.Different = table.Rows-1, 1
			case "missing":
				counted.Equal, counted.Missing = table.Rows-int64(n), int64(n)
			case "extra":
				counted.Extra = extra
			}
		}
		if diff := cmp.Diff(counted, table); diff != "" {
			t.Error(diff)
		}
	}
	for _, got := range report.Differences {
		if got.Key == "" {
			t.Errorf("%v has no key", got)
		}
		got.Key = ""
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}
