package app_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign/internal/store/pgtest"
)

// TestWhatIsMovedToAnotherRowOpensNothing lets somebody who can write the database
// move values between verifications: no code then works for a number or an id that
// it was not sent to, and no answer shows what was moved.
func TestWhatIsMovedToAnotherRowOpensNothing(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { movesRows(t, newVictim(t, "")) })
	t.Run("PostgreSQL", func(t *testing.T) { movesRows(t, newVictim(t, pgtest.URL(t))) })
}

func movesRows(t *testing.T, v *victim) {
	v.live(18)
	var drawn, custom []victimRow
	for _, r := range v.rows {
		if r.custom == "" {
			drawn = append(drawn, r)
		} else if len(custom) == 0 || custom[len(custom)-1].custom != r.custom {
			custom = append(custom, r)
		}
	}
	v.stop()
	moves := []struct {
		what string
		a, b victimRow
		sql  string // swaps what the two have
	}{
		{"addresses", drawn[0], drawn[1], swap("verifications", "address", "id")},
		{"codes", custom[0], custom[1], swap("verifications", "custom_code", "id")},
		{"a code and an address", custom[2], custom[2], "UPDATE verifications SET address = custom_code, custom_code = address WHERE id IN ($1, $2)"},
		{"live verifications", drawn[2], drawn[3], swap("subjects", "live", "live")},
		{"subjects and live verifications", drawn[4], drawn[5], swap("verifications", "subject", "id") + ";" + swap("subjects", "live", "live")},
	}
	for _, m := range moves {
		v.change(m.sql, m.a, m.b)
	}
	v.serve()
	for _, m := range moves {
		v.refuses(m.what, m.a, m.b)
		v.refuses(m.what, m.b, m.a)
	}
	// What nobody has touched is as good as ever.
	if data := v.post(drawn[6].checkPath(), drawn[6].checkBody(drawn[6].code), ""); data["response_code"] != "accepted" {
		t.Errorf("an untouched verification: %v", data)
	}
}

// swap is a statement that two databases understand. What is to be written is read
// before anything is, or the second row would get back what it gave.
func swap(table, column, by string) string {
	return fmt.Sprintf("WITH o AS MATERIALIZED (SELECT %[3]s AS k, %[2]s AS c FROM %[1]s WHERE %[3]s IN ($1, $2)) "+
		"UPDATE %[1]s SET %[2]s = (SELECT o.c FROM o WHERE o.k <> %[1]s.%[3]s) WHERE %[3]s IN ($1, $2)", table, column, by)
}

// change runs statements on the database of the stopped service.
func (v *victim) change(text string, a, b victimRow) {
	v.t.Helper()
	first, second := uuid.MustParse(a.id), uuid.MustParse(b.id)
	for statement := range strings.SplitSeq(text, ";") {
		want := int64(2)
		if a.id == b.id {
			want = 1
		}
		var rows int64
		var err error
		if v.database != "" {
			rows, err = v.changePostgres(statement, first[:], second[:])
		} else {
			rows, err = v.changeSQLite(statement, first[:], second[:])
		}
		if err != nil || rows != want {
			v.t.Fatalf("%s: %d rows, %v", statement, rows, err)
		}
	}
}

func (v *victim) changeSQLite(statement string, a, b []byte) (int64, error) {
	db, err := sql.Open("sqlite", filepath.Join(v.folder, "countersign.db"))
	if err != nil {
		return 0, err
	}
	defer db.Close()
	done, err := db.ExecContext(v.t.Context(), statement, a, b)
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}

func (v *victim) changePostgres(statement string, a, b []byte) (int64, error) {
	c, err := pgx.Connect(v.t.Context(), v.database)
	if err != nil {
		return 0, err
	}
	defer c.Close(v.t.Context())
	done, err := c.Exec(v.t.Context(), statement, a, b)
	return done.RowsAffected(), err
}

// refuses demands that a takes no code of b's, by id or by number, and that no
// answer about a shows b.
func (v *victim) refuses(what string, a, b victimRow) {
	v.t.Helper()
	body := fmt.Sprintf(`{"code":%q,"verify_profile_id":%q}`, b.code, v.ProfileID)
	for _, path := range []string{a.checkPath(), "/v2/verifications/by_phone_number/" + a.number + "/actions/verify"} {
		status, data := v.try(path, body, "")
		text := fmt.Sprint(data)
		if data["response_code"] == "accepted" || a.id != b.id && strings.Contains(text, b.number) || strings.Contains(text, b.code) {
			v.t.Errorf("%s were swapped, and %s with the code of %s is answered %d %s", what, path, b.id, status, text)
		}
	}
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.URL+"/v2/verifications/"+a.id, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+v.APIKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	var all strings.Builder
	if err := res.Write(&all); err != nil {
		v.t.Fatal(err)
	}
	if a.id != b.id && strings.Contains(all.String(), b.number) || strings.Contains(all.String(), b.code) {
		v.t.Errorf("%s were swapped, and %s shows %s: %s", what, a.id, b.id, all.String())
	}
}
