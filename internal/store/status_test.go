package store_test

import (
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/store"
	"countersign/internal/store/pgtest"
	"countersign/internal/verify"
)

// contents are the files of a folder, by their hashes.
func contents(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][32]byte{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = sha256.Sum256(text)
	}
	return out
}

func sameFiles(t *testing.T, before, after map[string][32]byte) {
	t.Helper()
	for name := range before {
		if before[name] != after[name] {
			t.Errorf("%s was changed", name)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			t.Errorf("%s was made", name)
		}
	}
}

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// busy puts into a store what a status counts: two verifications with time left
// and two without, three messages queued, under two keys.
func busy(t *testing.T, s verify.Store) {
	t.Helper()
	var c verify.Changes
	for n := byte(1); n <= 5; n++ {
		v := verify.Verification{ID: verify.ID{n}, Address: []byte{1}, KeyID: "k1", Status: verify.Pending, ExpiresAt: now.Add(time.Minute), CreatedAt: now}
		d := verify.Delivery{Key: verify.DeliveryKey{Verification: v.ID, Number: 1}, State: verify.Queued, DueAt: now.Add(time.Duration(n) * time.Second)}
		switch n {
		case 3:
			v.ExpiresAt, v.KeyID = now, "k2"
		case 4:
			v.Status, d.State = verify.Accepted, verify.Sent
		case 5:
			d.State, d.DueAt, v.Status = verify.Sent, now.Add(-time.Hour), verify.Accepted
		}
		c.Verifications, c.Deliveries = append(c.Verifications, v), append(c.Deliveries, d)
	}
	c.Subject = &verify.Subject{Key: verify.SubjectKey{1}, KeyID: "k1"}
	if err := s.Commit(t.Context(), nil, func(snap *verify.Snapshot) error { snap.Apply(c); return nil }); err != nil {
		t.Fatal(err)
	}
}

func wantBusy(t *testing.T, d store.Database) store.Status {
	t.Helper()
	st, err := d.Status(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int64{}
	for _, table := range st.Tables {
		rows[table.Table] = table.Rows
	}
	want := map[string]int64{"verifications": 5, "deliveries": 5, "subjects": 1}
	for name := range schema(t) {
		if rows[name] != want[name] {
			t.Errorf("%s: %d rows, want %d", name, rows[name], want[name])
		}
	}
	if len(rows) != len(schema(t)) {
		t.Errorf("it counts %v", rows)
	}
	due := now.Add(time.Second)
	got := store.Status{Pending: st.Pending, Queued: st.Queued, OldestDue: st.OldestDue, Keys: st.Keys, UpToDate: st.UpToDate}
	if diff := cmp.Diff(store.Status{Pending: 2, Queued: 3, OldestDue: &due, UpToDate: true, Keys: []store.KeyRows{{ID: "k1", Rows: 5}, {ID: "k2", Rows: 1}}}, got); diff != "" {
		t.Error(diff)
	}
	if st.Schema == 0 || st.Schema != st.Latest || st.Bytes < 4096 || st.Version == "" {
		t.Errorf("%+v", st)
	}
	return st
}

func TestTheStatusIsToldWhileTheServiceRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.db")
	s := open(t, path)
	busy(t, s)
	if st := wantBusy(t, store.File(path)); st.Kind != "SQLite" || st.Database != "sqlite:"+path {
		t.Errorf("%+v", st)
	}
	// The service goes on, and so does a commit after the look.
	if err := bump(t.Context(), s, 9); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	url := pgtest.URL(t)
	p := openPostgres(t, url)
	busy(t, p)
	run(t, url, "CREATE TABLE of_another_program (key_id jsonb)")
	if st := wantBusy(t, server(t, url)); st.Kind != "PostgreSQL" || !strings.HasPrefix(st.Database, "postgres://countersign@") || strings.Contains(st.Database, pgtest.Password) {
		t.Errorf("%+v", st)
	}
}

// After an orderly end, and after a kill, which leaves a log beside the file.
func TestTheStatusChangesNoFileAndMakesNone(t *testing.T) {
	path, killed := filepath.Join(t.TempDir(), "c.db"), t.TempDir()
	s := open(t, path)
	busy(t, s)
	for _, name := range []string{"c.db", "c.db-wal", "c.db-shm"} {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(killed, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(path), killed} {
		before := contents(t, dir)
		wantBusy(t, store.File(filepath.Join(dir, "c.db")))
		after := contents(t, dir)
		if _, ok := before["c.db-shm"]; ok { // the memory that readers share
			delete(before, "c.db-shm")
			delete(after, "c.db-shm")
		}
		sameFiles(t, before, after)
	}
	if again, err := store.Open(t.Context(), path); err != nil || again.Close() != nil {
		t.Error(err)
	}
}

func TestTheStatusOfWhatIsNotOfThisRelease(t *testing.T) {
	dir := t.TempDir()
	if _, err := store.File(filepath.Join(dir, "none.db")).Status(t.Context(), now); err == nil || !strings.Contains(err.Error(), "there is no database at") {
		t.Errorf("of nothing: %v", err)
	}
	letter := filepath.Join(dir, "letter.db")
	if err := os.WriteFile(letter, []byte("this is a letter to a friend, and long enough to be read as a header"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.File(letter).Status(t.Context(), now); err == nil || !strings.Contains(err.Error(), "sqlite:"+letter+" cannot be read") {
		t.Errorf("of a letter: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("files were made: %v %v", entries, err)
	}
	newer := filled(t, 0)
	beside(t, newer, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), "PRAGMA user_version = 1000")
		return err
	})
	url := emptyPostgres(t)
	run(t, url, "INSERT INTO schema_migrations VALUES (1000, 'later')")
	for _, d := range []store.Database{store.File(newer), server(t, url)} {
		if _, err := d.Status(t.Context(), now); !errors.Is(err, store.ErrNewer) {
			t.Errorf("%s: %v", d.Name(), err)
		}
		if _, err := d.Migrate(t.Context()); !errors.Is(err, store.ErrNewer) {
			t.Errorf("%s: %v", d.Name(), err)
		}
	}
	st, err := server(t, pgtest.URL(t)).Status(t.Context(), now)
	if err != nil || st.UpToDate || st.Schema != 0 || len(st.Tables) != 0 {
		t.Errorf("of an empty database: %+v %v", st, err)
	}
}

func TestAMigrationSaysFromWhereToWhere(t *testing.T) {
	for _, d := range []store.Database{store.File(filepath.Join(t.TempDir(), "sub", "c.db")), server(t, pgtest.URL(t))} {
		for i := range 2 {
			m, err := d.Migrate(t.Context())
			if err != nil || m.To == 0 || m.From != i*m.To || m.Database != d.Name() {
				t.Errorf("%+v %v", m, err)
			}
		}
	}
	path := filled(t, 0)
	s := open(t, path)
	if _, err := store.File(path).Migrate(t.Context()); !errors.Is(err, store.ErrInUse) {
		t.Errorf("while the service runs: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// One role makes the tables, another only reads and writes rows: docs/databases.md.
func TestTheServiceNeedsNoRightToMakeTables(t *testing.T) {
	url := pgtest.URL(t)
	name := url[strings.Index(url, "t_"):strings.Index(url, "?")]
	run(t, url, "CREATE ROLE owns LOGIN PASSWORD 'correct-horse'; CREATE ROLE serves LOGIN PASSWORD 'correct-horse'; ALTER DATABASE "+name+" OWNER TO owns")
	defer run(t, url, "ALTER DATABASE "+name+" OWNER TO "+pgtest.User+"; DROP OWNED BY serves, owns; DROP ROLE serves, owns")
	owns, serves := strings.Replace(url, pgtest.User+":", "owns:", 1), strings.Replace(url, pgtest.User+":", "serves:", 1)
	if _, err := store.OpenPostgres(t.Context(), serves); err == nil || !strings.Contains(err.Error(), "user serves lacks a right") {
		t.Errorf("before there are tables: %v", err)
	}
	run(t, owns, "ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO serves")
	migrated(t, server(t, owns))
	if report, err := store.Copy(t.Context(), store.File(filled(t, 3)), server(t, serves), nil); err != nil || !report.Same {
		t.Errorf("a copy: %+v %v", report, err)
	}
	s := openPostgres(t, serves)
	if err := bump(t.Context(), s, 1); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestADatabaseIsNamedWithoutItsPassword(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://u:CANARY@one,two:5433/d":              "postgres://u@one:5432,two:5433/d",
		"postgresql://u:CANARY@one/d?sslmode=require":     "postgres://u@one:5432/d",
		"postgres://u:CANARY@/d?host=/run/postgresql":     "postgres://u@/d?host=/run/postgresql",
		"postgres://u@[::1]:6000/d?password=CANARY":       "postgres://u@[::1]:6000/d",
		"postgres://u:CANARY@one/d?application_name=mine": "postgres://u@one:5432/d",
	} {
		d := server(t, url)
		if d.Name() != want {
			t.Errorf("%q", d.Name())
		}
		if text := fmt.Sprintf("%v %+v %#v %s", d, d, d, d); strings.Contains(text, "CANARY") {
			t.Errorf("the password shows: %s", text)
		}
	}
}
