package app_test

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"countersign/internal/app"
	"countersign/internal/secret"
	"countersign/internal/store/pgtest"
)

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

	const safe = "/v2/SafeList/Numbers"
	if status, v, err := f.form(http.MethodPost, safe, url.Values{"PhoneNumber": {"+12015550109"}}); err != nil || status != http.StatusCreated {
		t.Fatal(status, v, err)
	}
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
	if status, v, err := f.form(http.MethodGet, safe+"/+12015550109", nil); err != nil || status != http.StatusOK {
		t.Errorf("a number that was safe under the old key: %d %v %v", status, v, err)
	}
	play("status old accepted", "status guessed expired", "start +12015550101 as again", "check again right: accepted")
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

func TestTheStatusSaysOfAKeyWhetherItIsTheOneThatTheRowsStandUnder(t *testing.T) {
	f := &flow{t: t, ids: map[string]string{}, numbers: map[string]string{}}
	c := flowConfig(t, "")
	stop := f.serve(c, app.Options{})
	if err := f.cycle("+12015550101"); err != nil {
		t.Fatal(err)
	}
	stop()
	for _, right := range []bool{true, false} {
		st, err := app.StatusOfDatabase(t.Context(), c)
		if err != nil || len(st.Keys) != 1 || st.Keys[0].InRing == nil || *st.Keys[0].InRing != right {
			t.Errorf("with the right key %v: %+v, %v", right, st.Keys, err)
		}
		if err := os.Remove(c.KeyFile); err != nil {
			t.Fatal(err)
		}
		if err := app.WriteKeyFile(c.KeyFile, secret.Generate()); err != nil { // k1, too
			t.Fatal(err)
		}
	}
}
