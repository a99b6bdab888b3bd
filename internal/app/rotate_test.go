package app_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/internal/app"
	"countersign/internal/store/pgtest"
)

// logbook is a log that tells when something has been said in it.
type logbook struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newLogbook() *logbook { return &logbook{changed: make(chan struct{})} }

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	close(l.changed)
	l.changed = make(chan struct{})
	return len(p), nil
}

func (l *logbook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// await returns when the log holds a text so many times.
func (l *logbook) await(t *testing.T, text string, times int) {
	t.Helper()
	for {
		l.mu.Lock()
		n, changed := strings.Count(l.text.String(), text), l.changed
		l.mu.Unlock()
		if n >= times {
			return
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Fatalf("the log never said %q", text)
		}
	}
}

// counts runs a query that counts on the database of a configuration.
func counts(t *testing.T, c app.Config, query string) (n int) {
	t.Helper()
	if path, ok := strings.CutPrefix(c.Database, "sqlite:"); ok {
		db, err := sql.Open("sqlite", "file:"+path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.QueryRow(query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	db, err := pgx.Connect(t.Context(), c.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	if err := db.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// cycles runs clients until stop: each begins verifications, guesses wrong and then
// right, and stops the test at the first answer that is not the true one.
func (f *flow) cycles(clients int) (stop func() int) {
	var all sync.WaitGroup
	var done atomic.Int64
	end := make(chan struct{})
	for i := range clients {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-end:
					return
				default:
				}
				// A new number each time and, every fourth, one that was here before.
				number := fmt.Sprintf("+1303555%d%03d", i+1, max(n, 1)%1000)
				if n%4 == 3 {
					number = fmt.Sprintf("+1303555%d000", i+1)
				}
				if err := f.cycle(number); err != nil {
					f.t.Errorf("client %d, cycle %d: %v", i, n, err)
					return
				}
				done.Add(1)
			}
		})
	}
	return func() int {
		close(end)
		all.Wait()
		return int(done.Load())
	}
}

func (f *flow) cycle(number string) error {
	before, err := f.inbox(number, 0)
	if err != nil {
		return err
	}
	status, v, err := f.call(http.MethodPost, "/v2/verifications/sms", map[string]string{"phone_number": number, "verify_profile_id": f.ProfileID})
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("start: %d %v %w", status, v, err)
	}
	codes, err := f.inbox(number, len(before)+1)
	if err != nil {
		return err
	}
	right := codes[len(codes)-1]
	wrong := "000000"
	if right == wrong {
		wrong = "000001"
	}
	for _, try := range []struct{ code, want string }{{wrong, "rejected"}, {right, "accepted"}, {right, "rejected"}} {
		status, data, err := f.call(http.MethodPost, fmt.Sprintf("/v2/verifications/%v/actions/verify", v["id"]), map[string]string{"code": try.code})
		if err != nil || status != http.StatusOK || data["response_code"] != try.want {
			return fmt.Errorf("check: %d %v %w, want %s", status, data, err, try.want)
		}
	}
	return nil
}

func TestAKeyIsRotatedUnderLoadWithNoFailedCheckAndNoRowUnderTheOldKeyAtTheEnd(t *testing.T) {
	for name, database := range map[string]func() string{
		"SQLite": func() string { return "" }, "PostgreSQL": func() string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) { rotateUnderLoad(t, database()) })
	}
}

func rotateUnderLoad(t *testing.T, database string) {
	f := &flow{t: t, ids: map[string]string{}, numbers: map[string]string{}}
	c := flowConfig(t, database)
	log := newLogbook()
	stop := f.serve(c, app.Options{Log: log.logger(), KeepEvery: 20 * time.Millisecond})
	play := func(lines ...string) {
		t.Helper()
		for _, line := range lines {
			if err := f.step(line); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
	}
	play("start +12015550101 as old", "check old wrong: rejected wrong_code", "check old right: accepted",
		"start +12015550102 as guessed", "check guessed wrong: rejected wrong_code", "check guessed wrong: rejected wrong_code",
		"start +12015550103 as pending")

	load := f.cycles(4)
	done, err := app.RotateKey(c, f.now(), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	log.await(t, "the key file was read again", 1)
	play("wait 11s")
	log.await(t, "another key is the current one", 1)
	play("check pending wrong: rejected wrong_code", "start +12015550104 as new", "check new right: accepted",
		"check old right: rejected already_used", "check pending right: accepted")
	if _, err := app.RotateKey(c, f.now(), 10*time.Second); err == nil || !strings.Contains(err.Error(), "under way") {
		t.Errorf("a second rotation: %v", err)
	}
	if _, err := app.RetireKey(t.Context(), c, f.now()); err == nil || !strings.Contains(err.Error(), "still needed") {
		t.Errorf("the old key at once: %v", err)
	}
	n := load()
	t.Logf("%d cycles while the key was rotated", n)
	play("wait 25h")
	log.await(t, "nothing stands under the old key any more", 1)
	stop()

	for _, query := range []string{
		"SELECT count(*) FROM verifications WHERE key_id <> 'k2'", "SELECT count(*) FROM subjects WHERE key_id <> 'k2'",
		"SELECT count(*) FROM subjects WHERE live NOT IN (SELECT id FROM verifications)",
		"SELECT count(*) FROM verifications WHERE subject NOT IN (SELECT key FROM subjects)",
		"SELECT count(*) FROM replays", "SELECT count(*) FROM keys WHERE id <> 'k2'",
	} {
		if n := counts(t, c, query); n != 0 {
			t.Errorf("%s: %d", query, n)
		}
	}
	if old, err := app.RetireKey(t.Context(), c, f.now()); err != nil || old != done.Old {
		t.Errorf("retired %q, %v", old, err)
	}
	if text, err := os.ReadFile(c.KeyFile); err != nil || strings.Contains(string(text), "\nk1 ") {
		t.Error("the old key is still in the file")
	}
	f.serve(c, app.Options{})
	play("status old accepted", "status guessed expired", "start +12015550101 as again", "check again right: accepted")
}

func TestWhatIsPastItsRetentionLeavesTheDatabaseAndWhatIsAskedForLeavesAtOnce(t *testing.T) {
	for name, database := range map[string]func() string{
		"SQLite": func() string { return "" }, "PostgreSQL": func() string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) { leave(t, database()) })
	}
}

func leave(t *testing.T, database string) {
	f := &flow{t: t, ids: map[string]string{}, numbers: map[string]string{}}
	c := flowConfig(t, database)
	c.Retention = "2d"
	log := newLogbook()
	stop := f.serve(c, app.Options{Log: log.logger(), KeepEvery: 20 * time.Millisecond})
	for _, line := range strings.Split("start +12015550101 as used|check used right: accepted|"+
		"start +12015550102 as guessed|check guessed wrong: rejected wrong_code|start +12015550103 as erased|start +12015550103 as again|same erased again", "|") {
		if err := f.step(line); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	if n, err := app.Erase(t.Context(), c, "+1 201 555 0103"); n != 1 || err != nil {
		t.Errorf("erased %d, %v", n, err)
	}
	if status, _, _ := f.call(http.MethodGet, "/v2/verifications/"+f.ids["erased"], nil); status != http.StatusNotFound {
		t.Errorf("what was erased answers %d", status)
	}
	if err := f.step("wait 49h"); err != nil {
		t.Fatal(err)
	}
	log.await(t, "past their retention are deleted\" count=1", 1)
	if err := f.step("status guessed expired"); err != nil {
		t.Errorf("wrong guesses are remembered for longer: %v", err)
	}
	if err := f.step("wait 720h"); err != nil {
		t.Fatal(err)
	}
	log.await(t, "past their retention are deleted\" count=1", 2)
	stop()
	for _, table := range []string{"verifications", "subjects", "deliveries", "buckets", "replays"} {
		if n := counts(t, c, "SELECT count(*) FROM "+table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
}

func TestAServiceDoesNotStartWithoutAKeyThatItsDatabaseNeeds(t *testing.T) {
	f := &flow{t: t, ids: map[string]string{}, numbers: map[string]string{}}
	c := flowConfig(t, "")
	f.serve(c, app.Options{})()
	if err := os.Rename(c.KeyFile, c.KeyFile+".old"); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Open(t.Context(), c, app.Options{}); err == nil || !strings.Contains(err.Error(), "another key k1") {
		t.Errorf("with a new key of the same name: %v", err)
	}
	text, err := os.ReadFile(c.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.KeyFile, bytes.Replace(text, []byte("k1 "), []byte("k7 "), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Open(t.Context(), c, app.Options{}); err == nil || !strings.Contains(err.Error(), "has no such key") {
		t.Errorf("without it: %v", err)
	}
	if err := os.Rename(c.KeyFile+".old", c.KeyFile); err != nil {
		t.Fatal(err)
	}
	f.serve(c, app.Options{})
}

func TestAKeyFileThatCannotBeUsedChangesNothing(t *testing.T) {
	f := &flow{t: t, ids: map[string]string{}, numbers: map[string]string{}}
	c := flowConfig(t, "")
	log := newLogbook()
	f.serve(c, app.Options{Log: log.logger()})
	text, err := os.ReadFile(c.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	for i, bad := range []string{"k1 nonsense\n", strings.Replace(string(text), "k1 ", "k9 ", 1)} {
		if err := os.WriteFile(c.KeyFile, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		log.await(t, "the keys stay as they were", i+1)
		if err := f.cycle("+12015550101"); err != nil {
			t.Error(err)
		}
	}
}

// Whoever brings an old copy of the file back takes the new key out of it, which
// the running service alone would have from then on.
func TestAKeyThatLeftTheFileDoesNotTakeOver(t *testing.T) {
	f := &flow{t: t, ids: map[string]string{}, numbers: map[string]string{}}
	c := flowConfig(t, "")
	log := newLogbook()
	f.serve(c, app.Options{Log: log.logger()})
	before, err := os.ReadFile(c.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.RotateKey(c, f.now(), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	log.await(t, "the key file was read again", 1)
	both, err := os.ReadFile(c.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.KeyFile, before, 0o600); err != nil {
		t.Fatal(err)
	}
	log.await(t, "the keys stay as they were", 1)
	if err := f.step("wait 11s"); err != nil {
		t.Fatal(err)
	}
	if err := f.cycle("+12015550101"); err != nil {
		t.Error(err)
	}
	if n := counts(t, c, "SELECT count(*) FROM verifications WHERE key_id <> 'k1'"); n != 0 {
		t.Errorf("%d rows stand under a key that is in no file", n)
	}
	if err := os.WriteFile(c.KeyFile, both, 0o600); err != nil {
		t.Fatal(err)
	}
	log.await(t, "the key file was read again", 2)
	if err := f.cycle("+12015550102"); err != nil {
		t.Error(err)
	}
}

func TestAnOperatorsCommandMakesNoDatabase(t *testing.T) {
	c := flowConfig(t, "")
	for _, command := range []func() error{
		func() error { _, err := app.Erase(t.Context(), c, "+12015550101"); return err },
		func() error { _, err := app.Unlock(t.Context(), c, "+12015550101"); return err },
	} {
		if err := command(); err == nil || !strings.Contains(err.Error(), "there is no database at") {
			t.Errorf("told %v", err)
		}
	}
	if _, err := os.Stat(strings.TrimPrefix(c.Database, "sqlite:")); !os.IsNotExist(err) {
		t.Error("it made one")
	}
}
