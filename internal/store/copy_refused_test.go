package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/internal/store"
	"countersign/internal/store/pgtest"
)

// wantRefused copies, and wants to be told so.
func wantRefused(t *testing.T, from, to store.Database, want ...string) {
	t.Helper()
	report, err := store.Copy(t.Context(), from, to, nil)
	if err == nil {
		t.Fatalf("copied: %+v", report)
	}
	for _, w := range append(want, "store: ") {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("told %q, without %q", err, w)
		}
	}
	if strings.Contains(err.Error(), pgtest.Password) {
		t.Errorf("the password shows: %q", err)
	}
}

func TestASourceInUseIsNotCopied(t *testing.T) {
	path, url := filled(t, 2), pgtest.URL(t)
	s := open(t, path)
	wantRefused(t, store.File(path), server(t, url), "in use: stop the service")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Copy(t.Context(), store.File(path), server(t, url), nil); err != nil {
		t.Fatal(err)
	}
	back := filepath.Join(t.TempDir(), "back.db")
	p := openPostgres(t, url)
	wantRefused(t, server(t, url), store.File(back), "in use: stop every node")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestATargetWithARowInAnyTableIsRefused(t *testing.T) {
	path, url := filled(t, 1), emptyPostgres(t)
	for name, r := range schema(t) {
		var values []string
		for _, k := range r.Kinds {
			values = append(values, map[string]string{"text": "'x'", "bytes": `'\x01'`, "integer": "1"}[k])
		}
		run(t, url, "INSERT INTO "+name+" ("+strings.Join(r.Columns, ", ")+") VALUES ("+strings.Join(values, ", ")+")")
		wantRefused(t, store.File(path), server(t, url), "table "+name+" of ", "has rows", "dropdb")
		if n := rowsOf(t, url, name); n != 1 {
			t.Errorf("%s now has %d rows", name, n)
		}
		run(t, url, "DELETE FROM "+name)
		wantNoRows(t, url)
	}
	wantRefused(t, server(t, url), store.File(path), "has rows", "does not exist yet")
}

// A table of a release that kept no list of its migrations stands for an older one.
func TestATargetThatIsRefusedIsNotBroughtUpToDate(t *testing.T) {
	const table, row = "CREATE TABLE buckets (key bytea PRIMARY KEY, state bigint)", "INSERT INTO buckets VALUES ('1', 1)"
	url, path := pgtest.URL(t), filepath.Join(t.TempDir(), "old.db")
	run(t, url, table+";"+row)
	beside(t, path, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), table+";"+row)
		return err
	})
	wantRefused(t, store.File(filled(t, 1)), server(t, url), "table buckets of ", "has rows")
	wantRefused(t, server(t, emptyPostgres(t)), store.File(path), "table buckets of ", "has rows")
	for _, d := range []store.Database{server(t, url), store.File(path)} {
		if st, err := d.Status(t.Context(), now); err != nil || st.Schema != 0 || len(st.Tables) != 1 {
			t.Errorf("%+v %v", st, err)
		}
	}
}

func emptyPostgres(t *testing.T) string {
	t.Helper()
	url := pgtest.URL(t)
	migrated(t, server(t, url))
	return url
}

// In the last table that is copied the server refuses the last row.
func TestAFaultInTheMiddleLeavesNothing(t *testing.T) {
	path, url := filled(t, 50), emptyPostgres(t)
	all, err := store.Release(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	last := all[len(all)-1].Name
	run(t, url, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF (SELECT count(*) FROM `+last+`) = 49 THEN RAISE EXCEPTION 'no space left'; END IF; RETURN NEW; END $$;
		CREATE TRIGGER full_disk BEFORE INSERT ON `+last+` FOR EACH ROW EXECUTE FUNCTION full_disk()`)
	wantRefused(t, store.File(path), server(t, url), "no space left", "table "+last, "Nothing was kept")
	wantNoRows(t, url)
	run(t, url, "DROP FUNCTION full_disk CASCADE")
	report, err := store.Copy(t.Context(), store.File(path), server(t, url), nil)
	if err != nil || !report.Same {
		t.Errorf("at the next try: %+v %v", report, err)
	}
}

func TestAnInterruptLeavesNothing(t *testing.T) {
	path := filled(t, 300) // 500 rows are told of in the midst of the second table
	url, back := pgtest.URL(t), filepath.Join(t.TempDir(), "back.db")
	interrupted := func(from, to store.Database) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		_, err := store.Copy(ctx, from, to, func(store.Progress) { cancel() })
		if err == nil || !strings.Contains(err.Error(), "interrupted") || !strings.Contains(err.Error(), "Nothing was kept") {
			t.Errorf("told %v", err)
		}
	}
	interrupted(store.File(path), server(t, url))
	wantNoRows(t, url)
	if _, err := store.Copy(t.Context(), store.File(path), server(t, url), nil); err != nil {
		t.Fatal(err)
	}
	interrupted(server(t, url), store.File(back))
	if report, err := store.Copy(t.Context(), server(t, url), store.File(back), nil); err != nil || !report.Same {
		t.Errorf("at the next try: %+v %v", report, err)
	}
}

func TestATextThatPostgreSQLDoesNotTakeIsNamed(t *testing.T) {
	path, url := filled(t, 2), pgtest.URL(t)
	for _, text := range []string{"CAST(x'410042' AS TEXT)", "CAST(x'ff' AS TEXT)"} {
		beside(t, path, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), "UPDATE verifications SET app_name = "+text+" WHERE id = x'250001'")
			return err
		})
		wantRefused(t, store.File(path), server(t, url), "table verifications, row 250001", "column app_name", "Nothing was kept")
		wantNoRows(t, url)
	}
}

func TestWhatCannotBeCopiedIsSaid(t *testing.T) {
	path, missing := filled(t, 1), filepath.Join(t.TempDir(), "none.db")
	old := filepath.Join(t.TempDir(), "old.db")
	beside(t, old, func(*sql.Tx) error { return nil })
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	changed := filled(t, 1)
	beside(t, changed, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), "ALTER TABLE buckets ADD COLUMN mine TEXT")
		return err
	})
	url := pgtest.URL(t)
	wantRefused(t, store.File(path), store.File(missing), "copy the file")
	wantRefused(t, server(t, url), server(t, url), "pg_dump")
	wantRefused(t, store.File(missing), server(t, url), "no database at "+missing)
	wantRefused(t, store.File(old), server(t, url), "has schema 0", "countersign db migrate")
	wantRefused(t, store.File(changed), server(t, url), "table buckets of sqlite:"+changed, "somebody has changed it")
	wantRefused(t, store.File(path), server(t, strings.Replace(url, pgtest.Password, "wrong-horse", 1)), "look at the name and the password")
	if _, err := os.Stat(missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was made where none was: %v", err)
	}
}
