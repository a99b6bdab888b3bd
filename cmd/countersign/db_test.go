package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"countersign/internal/deliver/telnyx/telnyxtest"
	"countersign/internal/store/pgtest"
)

// db runs a db command and wants its exit code.
func db(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	code, out, errs := cliRun(t, nil, nil, append([]string{"db"}, args...)...)
	if code != want {
		t.Errorf("db %v: exit %d, want %d\n%s%s", args, code, want, out, errs)
	}
	if strings.Contains(out+errs, pgtest.Password) {
		t.Errorf("db %v shows the password:\n%s%s", args, out, errs)
	}
	return out, errs
}

func wantText(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%q lacks %q", text, w)
		}
	}
}

// sent waits for the newest message to a number and takes its code.
func sent(t *testing.T, api *telnyxtest.API, number string) string {
	t.Helper()
	m, err := api.Wait(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(m.Text[strings.LastIndex(m.Text, " "):], " .")
}

func (p *process) wantCheck(v verification, code, want string) {
	p.t.Helper()
	c := p.check(v.ID, code)
	if got := strings.TrimSpace(c.ResponseCode + " " + c.Reason); got != want {
		p.t.Errorf("the answer is %q, want %q", got, want)
	}
}

// Three people are in the midst of it when the service moves: one has a code, one
// has guessed wrong three times, one has used the code.
func TestAServiceMovesToPostgreSQLInTheMidstOfIt(t *testing.T) {
	dir, url := t.TempDir(), pgtest.URL(t)
	config, file := filepath.Join(dir, "config.yml"), "sqlite:"+filepath.Join(dir, "c.db")
	api := telnyxtest.New(carrierKey)
	carrier := carrierAt(t, nil, api)
	p := serveOn(t, dir, file, carrier)
	numbers := []string{"+13035551201", "+13035551202", "+13035551203"}
	var begun []verification
	var codes []string
	for _, n := range numbers {
		begun, codes = append(begun, p.begin(n)), append(codes, sent(t, api, n))
	}
	for range 3 {
		p.wantCheck(begun[1], wrong(codes[1]), "rejected wrong_code")
	}
	p.wantCheck(begun[2], codes[2], "accepted")

	_, errs := db(t, 1, "copy", "--config", config, "--to", url)
	wantText(t, errs, "in use: stop the service")
	out, _ := db(t, 0, "status", "--config", config)
	wantText(t, out, "Pending   2 verifications", "Queued    0 messages", "verifications  3 rows", ", up to date", "Key k1    ")
	terminate(t, p)
	out, _ = db(t, 0, "copy", "--config", config, "--to", url)
	wantText(t, out, "Copied and compared", "verifications", "Every column of every row is the same on both sides.", "the same key file")
	wantProfile := p.ProfileID

	p = serveOn(t, dir, url, carrier)
	if p.ProfileID != wantProfile {
		t.Error("the profile has another id")
	}
	out, _ = db(t, 0, "copy", "--config", config, "--from", file, "--check")
	wantText(t, out, "Compared", "the same on both sides") // the service runs, and nothing has happened yet
	p.wantCheck(begun[0], codes[0], "accepted")
	p.wantCheck(begun[0], codes[0], "rejected already_used")
	p.wantCheck(begun[1], wrong(codes[1]), "rejected wrong_code")
	p.wantCheck(begun[1], wrong(codes[1]), "rejected max_attempts_exceeded")
	p.wantCheck(begun[1], codes[1], "rejected max_attempts_exceeded")
	p.wantCheck(begun[2], codes[2], "rejected already_used")
	if n := len(api.Messages()); n != 3 {
		t.Errorf("%d messages went out", n)
	}
	out, errs = db(t, 1, "copy", "--config", config, "--from", file, "--check")
	wantText(t, out, "The first rows of each table that are not the same", "verifications "+strings.ReplaceAll(begun[0].ID, "-", "")+": different [status guesses updated_at]")
	wantText(t, errs, "do not start a service on the copy")
}

// A hundred wrong codes in a row lock a number: sixty before the move, forty after.
func TestAStreakGoesOnAfterTheMove(t *testing.T) {
	dir, url := t.TempDir(), pgtest.URL(t)
	api := telnyxtest.New(carrierKey)
	carrier := carrierAt(t, nil, api)
	const number = "+13035551201"
	// guess spends five guesses on each of so many verifications.
	guess := func(database string, verifications int) (p *process, after int) {
		config := filepath.Join(dir, "config.yml")
		text := fmt.Sprintf("{listen: '127.0.0.1:0', environment: development, database: '%s', key_file: '%s/key', api_keys: [%s], "+
			"limits: {number_per_hour: 0, number_per_day: 0}, carriers: [{name: telnyx, type: telnyx, api_key: %s, from: '+12015550100', base_url: '%s'}]}",
			database, dir, testKey, carrierKey, carrier)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p = start(t, "serve", "--config", config)
		p.APIKey = testKey
		for range verifications {
			v := p.begin(number)
			for range 5 {
				p.check(v.ID, "none")
			}
		}
		after, _ = post[verification](p, "/v2/verifications/sms", map[string]string{"phone_number": number, "verify_profile_id": p.ProfileID})
		return p, after
	}
	p, after := guess("sqlite:"+filepath.Join(dir, "c.db"), 12)
	if after != 200 {
		t.Fatalf("after sixty wrong codes: %d", after)
	}
	terminate(t, p)
	db(t, 0, "copy", "--config", filepath.Join(dir, "config.yml"), "--to", url)
	if _, after := guess(url, 8); after == 200 {
		t.Error("the number is not locked")
	}
}

// A trigger holds the copy up in the midst of a table, where the signal reaches it.
func TestACopyThatIsInterruptedLeavesNothing(t *testing.T) {
	dir, url := t.TempDir(), pgtest.URL(t)
	config := filepath.Join(dir, "config.yml")
	p := serveWith(t, dir, carrierAt(t, nil, telnyxtest.New(carrierKey)))
	p.begin("+13035551201")
	terminate(t, p)
	db(t, 0, "migrate", "--database", url)
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	exec := func(text string) {
		t.Helper()
		if _, err := c.PgConn().Exec(t.Context(), text).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END $$;
		CREATE TRIGGER hold BEFORE INSERT ON verifications FOR EACH ROW EXECUTE FUNCTION hold()`)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		exec("SELECT pg_advisory_lock(7)")
		cmd := command(t, "db", "copy", "--config", config, "--to", url)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		awaitRow(t, c, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // the exit code says it
		if sig == syscall.SIGINT {
			wantText(t, errs.String(), "the copy was interrupted", "Nothing was kept")
			if code := cmd.ProcessState.ExitCode(); code != 1 {
				t.Errorf("exit %d", code)
			}
		}
		exec("SELECT pg_advisory_unlock(7)")
		out, _ := db(t, 0, "status", "--database", url)
		wantText(t, out, "profiles       0 rows", "subjects       0 rows", "verifications  0 rows")
	}
	out, _ := db(t, 0, "copy", "--config", config, "--to", url)
	wantText(t, out, "the same on both sides")
}

// awaitRow returns when a query has a row.
func awaitRow(t *testing.T, c *pgx.Conn, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := c.Exec(ctx, text)
		if err != nil {
			t.Fatal(err)
		}
		if done.RowsAffected() > 0 {
			return
		}
		<-tick.C
	}
}

// What scripts read. Paths and instants are of the test, counts of the schema.
func TestTheJSONOfTheDatabaseCommands(t *testing.T) {
	dir, url := t.TempDir(), pgtest.URL(t)
	file := "sqlite:" + filepath.Join(dir, "c.db")
	api := telnyxtest.New(carrierKey)
	p := serveOn(t, dir, file, carrierAt(t, nil, api))
	p.begin("+13035551201")
	sent(t, api, "+13035551201")
	terminate(t, p)
	config := filepath.Join(dir, "config.yml")
	var got strings.Builder
	for _, args := range [][]string{
		{"migrate", "--json", "--config", config},
		{"status", "--json", "--config", config},
		{"migrate", "--json", "--database", url},
		{"copy", "--json", "--config", config, "--to", url},
		{"status", "--json", "--database", url},
	} {
		out, errs := db(t, 0, args...)
		if errs != "" || strings.Count(out, "\n") != 1 || !json.Valid([]byte(out)) {
			t.Errorf("db %v: %s%s", args, out, errs)
		}
		fmt.Fprintf(&got, "db %s\n%s", strings.Join(args[:2], " "), out)
	}
	text := strings.ReplaceAll(got.String(), file, "FILE")
	for _, r := range []struct{ find, with string }{
		{`postgres://countersign@[^"]*`, "SERVER"}, {`"version":"[^"]*"`, `"version":"V"`},
		{`"(bytes|schema|latest_schema|from|to)":[1-9]\d*`, `"$1":N`}, {`"same":true,"rows":\d+`, `"same":true,"rows":N`},
		{`("tables":\[\{[^}]*\}),[^\]]*\]`, "$1,…]"},
	} {
		text = regexp.MustCompile(r.find).ReplaceAllString(text, r.with)
	}
	const want = `db migrate --json
{"database":"FILE","from":N,"to":N}
db status --json
{"database":"FILE","kind":"SQLite","version":"V","schema":N,"latest_schema":N,"up_to_date":true,"bytes":N,"tables":[{"table":"profiles","rows":1},…],"pending_verifications":1,"queued_deliveries":0,"keys":[{"id":"k1","rows":2,"in_ring":true}]}
db migrate --json
{"database":"SERVER","from":0,"to":N}
db copy --json
{"from":"FILE","to":"SERVER","copied":true,"same":true,"rows":N,"tables":[{"table":"profiles","rows":1,"equal":1,"different":0,"missing":0,"extra":0},…]}
db status --json
{"database":"SERVER","kind":"PostgreSQL","version":"V","schema":N,"latest_schema":N,"up_to_date":true,"bytes":N,"tables":[{"table":"profiles","rows":1},…],"pending_verifications":1,"queued_deliveries":0,"keys":[{"id":"k1","rows":2}]}
`
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(text, "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestTheDatabaseCommandsSayWhatIsWrongAndWhatToDo(t *testing.T) {
	dir := t.TempDir()
	full, empty := filepath.Join(dir, "full.db"), pgtest.URL(t)
	db(t, 0, "migrate", "--database", "sqlite:"+full)
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"a status of nothing", []string{"status", "--database", "sqlite:" + dir + "/none.db"}, 1, "there is no database at"},
		{"a status of nobody", []string{"status", "--database", "postgres://u:CANARY@127.0.0.1:1/x"}, 1, "cannot be reached"},
		{"a status of an empty database", []string{"status", "--database", empty}, 0, "serve brings it up to date at its start"},
		{"up to date already", []string{"migrate", "--database", "sqlite:" + full}, 0, "already up to date"},
		{"not yet", []string{"migrate", "--database", "sqlite:" + dir + "/new.db"}, 0, "was brought from schema 0 to"},
		{"a database of tomorrow", []string{"migrate", "--database", "mysql://u:CANARY@x"}, 1, "database: must be sqlite:PATH"},
		{"nowhere to copy to", []string{"copy"}, 1, "say where to with --to"},
		{"to what is none", []string{"copy", "--to", "mysql://u:CANARY@x"}, 1, "--to: must be sqlite:PATH"},
		{"from what is none", []string{"copy", "--from", "c.db", "--to", empty}, 1, "--from: must be sqlite:PATH"},
		{"from a file that is not there", []string{"copy", "--from", "sqlite:none.db", "--to", empty}, 1, "there is no database at none.db"},
		{"to a file", []string{"copy", "--from", "sqlite:" + full, "--to", "sqlite:other.db"}, 1, "copy the file"},
		{"to a server that is not there", []string{"copy", "--from", "sqlite:" + full, "--to", "postgres://u:CANARY@127.0.0.1:1/x"}, 1, "cannot be reached"},
		{"a check before the copy", []string{"copy", "--check", "--from", "sqlite:" + full, "--to", empty}, 1, "has schema 0"},
		{"a copy of nothing", []string{"copy", "--from", "sqlite:" + full, "--to", empty}, 0, "the same on both sides"},
		{"and back", []string{"copy", "--to", "sqlite:" + dir + "/back.db", "--from", empty}, 0, "the same on both sides"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, errs := db(t, tt.code, tt.args...)
			wantText(t, out+errs, tt.want)
			if strings.Contains(out+errs, "CANARY") {
				t.Errorf("it shows what it must not:\n%s%s", out, errs)
			}
		})
	}
}
