package app_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"countersign/internal/app"
	"countersign/internal/store/pgtest"
)

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
	if n, err := app.Erase(t.Context(), c, "+1 201 555 0103"); n != (app.Erased{Verifications: 1}) || err != nil {
		t.Errorf("erased %+v, %v", n, err)
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
	for _, table := range []string{"verifications", "subjects", "deliveries", "events", "sessions", "buckets", "replays"} {
		if n := counts(t, c, "SELECT count(*) FROM "+table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
}

func TestAnOperatorsCommandMakesNoDatabase(t *testing.T) {
	c := flowConfig(t, "")
	for _, command := range []func() error{
		func() error { _, err := app.Erase(t.Context(), c, "+12015550101"); return err },
		func() error { _, err := app.Unlock(t.Context(), c, "+12015550101", ""); return err },
		func() error { _, err := app.CreateKey(t.Context(), c, "", "shop", nil); return err },
	} {
		if err := command(); err == nil || !strings.Contains(err.Error(), "there is no database at") {
			t.Errorf("told %v", err)
		}
	}
	if _, err := os.Stat(strings.TrimPrefix(c.Database, "sqlite:")); !os.IsNotExist(err) {
		t.Error("it made one")
	}
}
