package app_test

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/internal/app"
	"countersign/internal/secret"
	"countersign/internal/store/pgtest"
)

var (
	stolen  = flag.Int("stolen", 120, "how many verifications the stolen database has")
	guesses = flag.Int("guesses", 40, "how many codes the thief tries for each, the right one among them")
)

// TestAStolenDatabaseGivesNoCodesAndNoNumbers takes the whole database of a
// running service, as a thief would who knows everything but the key file, and
// lets him try. He has every id, number and setting, and this source code.
func TestAStolenDatabaseGivesNoCodesAndNoNumbers(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		v := newVictim(t, "")
		v.live(*stolen)
		v.robbed(stealSQLite(t, v.folder))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		v := newVictim(t, pgtest.URL(t))
		v.live(*stolen)
		v.robbed(stealPostgres(t, v.database))
	})
}

// TestTheThiefWouldFindWhatIsThere puts into a stolen database what must not be in
// one, and demands that each is found.
func TestTheThiefWouldFindWhatIsThere(t *testing.T) {
	v := newVictim(t, "")
	v.live(12)
	taken := stealSQLite(t, v.folder)
	key := v.ring(t)
	for name, leak := range map[string]func(*loot, victimRow){
		"a plain code":          func(l *loot, r victimRow) { l.put("deliveries.carrier", r.code) },
		"a plain number":        func(l *loot, r victimRow) { l.put("deliveries.carrier", r.number) },
		"a number in base64":    func(l *loot, r victimRow) { l.file(base64.StdEncoding.EncodeToString([]byte("x" + r.number))) },
		"a number in a file":    func(l *loot, r victimRow) { l.file("..." + r.number[1:] + "...") },
		"a hash of id and code": func(l *loot, r victimRow) { l.put("replays.fingerprint", hashed(r.id+r.code)) },
		"a hash of the number":  func(l *loot, r victimRow) { l.put("subjects.key", hashed(r.number)) },
		"a hash of the request of a start": func(l *loot, r victimRow) {
			l.put("replays.fingerprint", hashed(r.startRequest(v.ProfileID, r.custom)))
		},
		"a hash of the request of a check": func(l *loot, r victimRow) { l.put("replays.fingerprint", hashed(r.checkRequest(r.code))) },
		"the key":                          func(l *loot, _ victimRow) { l.file(key) },
		"an API key":                       func(l *loot, _ victimRow) { l.put("records.body", `{"name":"`+v.keys[0]+`"}`) },
		"a hash of a number in a record":   func(l *loot, r victimRow) { l.put("records.body", fmt.Sprintf(`{"hash":"%x"}`, hashed(r.number))) },
		"one sealed value in two rows": func(l *loot, _ victimRow) {
			l.put("verifications.address", "sealed once and kept twice")
			l.put("verifications.address", "sealed once and kept twice")
		},
	} {
		with := taken.clone()
		leak(with, v.rows[0])
		if found := v.thief(with).everything(); len(found) == 0 {
			t.Errorf("%s was not found", name)
		}
	}
}

// victim is a running service with verifications whose codes are known to the test.
type victim struct {
	app.Started
	t        *testing.T
	folder   string
	database string
	rows     []victimRow
	keys     []string // of the API, besides the development key
	config   app.Config
	stop     func()
}

// victimRow is one verification. The thief knows the id and the number.
type victimRow struct{ id, number, code, custom string }

func newVictim(t *testing.T, database string) *victim {
	v := &victim{t: t, folder: t.TempDir(), database: database}
	v.serve()
	return v
}

// serve runs the service on its folder until stop.
func (v *victim) serve() {
	v.t.Helper()
	c := app.Development(v.folder)
	c.Listen, c.Limits = "127.0.0.1:0", app.LimitsConfig{NetworkPerHour: 1000}
	if v.database != "" {
		c.Database = v.database
	}
	c.AddInbox()
	v.Started, v.stop = serve(v.t, c, app.Options{})
	v.config = c
}

// live makes verifications: a third with a code of the customer's own, half under
// an Idempotency-Key, some with a wrong guess, some begun on the pages.
func (v *victim) live(n int) {
	for i := range n {
		r := victimRow{number: fmt.Sprintf("+447400%06d", i)}
		if i%3 == 0 {
			r.custom = fmt.Sprintf("Own%07d", i/6) // two of each
		}
		key := ""
		if i%2 == 0 {
			key = fmt.Sprintf("order-%d", i)
		}
		if i%10 == 9 {
			v.onPage(r.number)
			continue
		}
		r.id = v.post("/v2/verifications/sms", r.startBody(v.ProfileID, r.custom), key)["id"].(string)
		r.code = v.message(r.number)
		if i%4 == 0 {
			v.post(r.checkPath(), r.checkBody("wrong"), key)
			v.post(r.checkPath(), r.checkBody("wrong"), key+"-again")
		}
		v.rows = append(v.rows, r)
	}
	v.setUp()
}

// setUp makes what tenants have: keys, and a safe list with numbers that have
// verifications as well.
func (v *victim) setUp() {
	v.t.Helper()
	for _, name := range []string{"shop", "till"} {
		key, err := app.CreateKey(v.t.Context(), v.config, "", name, nil)
		if err != nil {
			v.t.Fatal(err)
		}
		v.keys = append(v.keys, key.Text.Reveal())
	}
	f := &flow{t: v.t, Started: v.Started}
	for _, r := range v.rows[:3] {
		if status, answer, err := f.form(http.MethodPost, "/v2/SafeList/Numbers", url.Values{"PhoneNumber": {r.number}}); status != http.StatusCreated {
			v.t.Fatal(status, answer, err)
		}
	}
}

func (r victimRow) startBody(profile, custom string) string {
	if custom == "" {
		return fmt.Sprintf(`{"phone_number":%q,"verify_profile_id":%q}`, r.number, profile)
	}
	return fmt.Sprintf(`{"phone_number":%q,"verify_profile_id":%q,"custom_code":%q}`, r.number, profile, custom)
}

func (r victimRow) checkBody(code string) string { return fmt.Sprintf(`{"code":%q}`, code) }
func (r victimRow) checkPath() string            { return "/v2/verifications/" + r.id + "/actions/verify" }

func (r victimRow) startRequest(profile, custom string) string {
	return "POST /v2/verifications/sms\n" + r.startBody(profile, custom)
}
func (r victimRow) checkRequest(code string) string {
	return "POST " + r.checkPath() + "\n" + r.checkBody(code)
}

func (v *victim) post(path, body, key string) map[string]any {
	v.t.Helper()
	status, data := v.try(path, body, key)
	if status != http.StatusOK {
		v.t.Fatalf("%s: %d %v", path, status, data)
	}
	return data
}

func (v *victim) try(path, body, key string) (status int, data map[string]any) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.URL+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+v.APIKey)
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	var envelope struct{ Data map[string]any }
	text, err := io.ReadAll(res.Body)
	if err == nil {
		err = json.Unmarshal(text, &envelope)
	}
	if err != nil {
		v.t.Fatalf("%s: %d %q: %v", path, res.StatusCode, text, err)
	}
	return res.StatusCode, envelope.Data
}

// message waits for the message to a number and returns its code.
func (v *victim) message(number string) string {
	v.t.Helper()
	var m struct{ Code string }
	res, err := http.Get(v.URL + "/dev/messages/wait?timeout=30s&after=0&to=%2B" + number[1:])
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&m); err != nil || m.Code == "" {
		v.t.Fatalf("no message to %s: %d %v", number, res.StatusCode, err)
	}
	return m.Code
}

// onPage begins a verification as a person does, with a code nobody needs here.
func (v *victim) onPage(number string) {
	v.t.Helper()
	res, err := http.Post(v.URL+"/request", "application/x-www-form-urlencoded", strings.NewReader("phone=%2B"+number[1:]))
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		v.t.Fatalf("the page answered %d", res.StatusCode)
	}
	v.message(number)
}

// ring is the key in the form in which the key file has it.
func (v *victim) ring(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(v.folder, "countersign.key"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(text))
	key := lines[len(lines)-1]
	if _, err := secret.Parse("k1 " + key); err != nil {
		t.Fatal(err)
	}
	return key
}

func (v *victim) thief(from *loot) *thief {
	return newThief(from, v.rows, thiefKnows{Profile: v.ProfileID, Key: v.ring(v.t), APIKeys: append(v.keys, v.APIKey), Guesses: *guesses})
}

// robbed demands that the thief finds nothing.
func (v *victim) robbed(from *loot) {
	v.t.Helper()
	if len(v.rows) == 0 || len(from.columns["verifications.address"]) < len(v.rows) || len(from.columns["replays.fingerprint"]) == 0 ||
		len(from.columns["buckets.key"]) == 0 || len(from.columns["records.body"]) < 5 || from.size() < 4096 {
		v.t.Fatal("too little was stolen for this test to mean anything")
	}
	found := v.thief(from).everything()
	for _, f := range found {
		v.t.Error(f)
	}
	v.t.Logf("%d findings: %d verifications, %d tries for each, %d values and %d bytes of files searched",
		len(found), len(v.rows), *guesses, from.values(), from.size())
}
