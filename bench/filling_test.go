package main

import (
	"bytes"
	"database/sql"
	"path/filepath"
	"testing"
	"time"
)

// The rows that are added belong together: each verification has a subject whose
// newest it is, and a delivery, and lies where its id says.
func TestAFilledDatabaseHoldsTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.db")
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	begun := time.Now().UnixMilli()
	for _, text := range []string{
		"CREATE TABLE subjects (key BLOB PRIMARY KEY, live BLOB, day INTEGER)",
		"CREATE TABLE verifications (id BLOB PRIMARY KEY, subject BLOB, address BLOB, status TEXT, created_at INTEGER, expires_at INTEGER)",
		"CREATE TABLE deliveries (verification BLOB, number INTEGER, created_at INTEGER)",
		"INSERT INTO subjects VALUES (x'01', x'02', 5)",
		"INSERT INTO deliveries VALUES (x'02', 1, 0)",
	} {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO verifications VALUES (x'02', x'01', ?, 'accepted', ?, ?)",
		bytes.Repeat([]byte{7}, 43), begun, begun+300_000); err != nil {
		t.Fatal(err)
	}
	const n = 123
	if err := (filling{rows: n}).sqlite(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int64{
		"SELECT count(*) FROM verifications v JOIN subjects s ON s.key = v.subject AND s.live = v.id JOIN deliveries d ON d.verification = v.id AND d.number = 1": n + 1,
		"SELECT count(*) FROM verifications WHERE expires_at = created_at + 300000 AND status = 'accepted'":                                                       n + 1,
		"SELECT count(DISTINCT address) FROM verifications WHERE length(address) = 43":                                                                            n + 1,
		"SELECT count(*) FROM verifications WHERE hex(substr(id, 1, 6)) = printf('%012X', created_at)":                                                            n,
	} {
		var got int64
		if err := db.QueryRowContext(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", query, got, err, want)
		}
	}
}
