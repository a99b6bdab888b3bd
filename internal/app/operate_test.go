package app_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"countersign/internal/app"
	"countersign/internal/store/pgtest"
)

// tenancy is a running service with a second tenant.
type tenancy struct {
	*flow
	config app.Config
	theirs *flow // the second tenant's, with a service of its own
}

func newTenancy(t *testing.T, database string) *tenancy {
	t.Helper()
	f := &flow{t: t, ids: map[string]string{}, numbers: map[string]string{}}
	c := flowConfig(t, database)
	f.serve(c, app.Options{Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	account, err := app.CreateAccount(t.Context(), c, "Acme")
	if err != nil {
		t.Fatal(err)
	}
	key, err := app.CreateKey(t.Context(), c, "Acme", "app", nil)
	if err != nil {
		t.Fatal(err)
	}
	their := f.Started
	their.APIKey, their.TwilioAccountSID, their.TwilioAuthToken = key.Text.Reveal(), account.SID, key.Text.Reveal()
	theirs := &flow{t: t, ids: map[string]string{}, numbers: map[string]string{}, Started: their}
	status, service, err := theirs.form(http.MethodPost, "/v2/Services", url.Values{"FriendlyName": {"Acme"}})
	if err != nil || status != http.StatusCreated {
		t.Fatal(status, service, err)
	}
	theirs.TwilioServiceSID = service["sid"].(string)
	return &tenancy{f, c, theirs}
}

// miss begins a verification and guesses wrong.
func (f *flow) miss(to, channel string) {
	f.t.Helper()
	if status, v, err := f.form(http.MethodPost, f.service()+"/Verifications", url.Values{"To": {to}, "Channel": {channel}}); err != nil || status != http.StatusCreated {
		f.t.Fatal(status, v, err)
	}
	if status, v, err := f.form(http.MethodPost, f.service()+"/VerificationCheck", url.Values{"To": {to}, "Code": {"wrong1"}}); err != nil || v["valid"] != false {
		f.t.Fatal(status, v, err)
	}
}

func TestUnlockAndEraseReachEveryProfileOfEveryTenant(t *testing.T) {
	for name, database := range map[string]func() string{
		"SQLite": func() string { return "" }, "PostgreSQL": func() string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) { reach(t, newTenancy(t, database())) })
	}
}

func reach(t *testing.T, w *tenancy) {
	const number, person = "+12015550101", "person@example.com"
	unlock := func(address, profile string, want bool) {
		t.Helper()
		if found, err := app.Unlock(t.Context(), w.config, address, profile); err != nil || found != want {
			t.Errorf("unlocking at %q: %v, %v; want %v", profile, found, err, want)
		}
	}
	w.miss(number, "sms")
	w.theirs.miss(number, "sms")
	w.theirs.miss(person, "email")

	unlock(number, w.theirs.TwilioServiceSID, true)
	unlock(number, w.theirs.TwilioServiceSID, false)
	unlock(number, "", true) // at the other one
	unlock(number, w.ProfileID, false)
	unlock(" Person@Example.com ", "", true)
	for profile, want := range map[string]string{
		"VA00000000000000000000000000000000": "no profile has the id",
		"hello":                              "--profile: not the id of a profile",
		w.ProfileID:                          "no verification of p",
	} {
		if _, err := app.Unlock(t.Context(), w.config, person, profile); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("at %s: %v", profile, err)
		}
	}

	for _, f := range []*flow{w.flow, w.theirs} {
		if status, v, err := f.form(http.MethodPost, "/v2/SafeList/Numbers", url.Values{"PhoneNumber": {number}}); err != nil || status != http.StatusCreated {
			t.Fatal(status, v, err)
		}
	}
	_, made, err := w.call(http.MethodPost, "/v2/verify_profiles", map[string]any{"name": "Acme", "return_urls": []string{"https://acme.example.com/back"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []map[string]any{{"phone_number": number}, {"phone_number": number}, {"phone_number": "+12015550102"}, {}} {
		to["verify_profile_id"], to["return_url"] = made["id"], "https://acme.example.com/back"
		if status, v, err := w.call(http.MethodPost, "/v2/verification_sessions", to); err != nil || status != http.StatusOK {
			t.Fatal(status, v, err)
		}
	}
	for address, want := range map[string]app.Erased{
		number: {Verifications: 2, SafeLists: 2, Sessions: 2}, person: {Verifications: 1}, "+12015550199": {},
	} {
		for _, want := range []app.Erased{want, {}} { // once and for all
			if got, err := app.Erase(t.Context(), w.config, address); err != nil || got != want {
				t.Errorf("erased %+v, %v; want %+v", got, err, want)
			}
		}
	}
	for _, table := range []string{"verifications", "subjects", "deliveries", "records WHERE kind = 'safe_number'"} {
		if n := counts(t, w.config, "SELECT count(*) FROM "+table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
	if n := counts(t, w.config, "SELECT count(*) FROM sessions"); n != 2 { // another number's, and nobody's yet
		t.Errorf("%d sessions are left", n)
	}
}

func TestWhoAsksForNoVerificationsIsTold(t *testing.T) {
	for _, last := range []int{-1, 0} {
		if _, err := app.Explain(t.Context(), app.Config{}, "+12015550101", last); err == nil || !strings.Contains(err.Error(), "ask for one at least") {
			t.Errorf("the last %d: %v", last, err)
		}
	}
}

func TestWhatOneDialectBeginsTheOtherReadsAndChecks(t *testing.T) {
	f := newFlow(t, "")
	telnyx, twilio := telnyxDialect{}, twilioDialect{}
	// What is a UUID here is a sid there.
	sid := func(id string) string { return "VE" + strings.ReplaceAll(id, "-", "") }
	id := func(sid string) string {
		h := strings.TrimPrefix(sid, "VE")
		return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
	}
	for _, tt := range []struct {
		name         string
		number       string
		begins, ends dialect
		there        func(string) string
		over         string // what the first one says of it afterwards
	}{
		{"Telnyx", "+12015550101", telnyx, twilio, sid, "accepted"},
		{"Twilio", "+12015550102", twilio, telnyx, id, "refused 404 20404"},
	} {
		_, begun, err := tt.begins.start(f, tt.number)
		if err != nil {
			t.Fatal(err)
		}
		there := tt.there(begun)
		if status, err := tt.ends.status(f, there); err != nil || status != "pending" {
			t.Errorf("begun with %s: the other says %s, %v", tt.name, status, err)
		}
		if answer, err := tt.ends.check(f, there, tt.number, "wrong1"); err != nil || answer != tt.ends.answered("rejected wrong_code") {
			t.Errorf("begun with %s: the other says of a wrong code %s, %v", tt.name, answer, err)
		}
		codes, err := f.inbox(tt.number, 1)
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := tt.ends.check(f, there, tt.number, codes[0]); err != nil || answer != tt.ends.answered("accepted") {
			t.Errorf("begun with %s: the other says of the right code %s, %v", tt.name, answer, err)
		}
		if status, err := tt.begins.status(f, begun); err != nil || status != tt.over {
			t.Errorf("begun with %s: it says at the end %s, %v", tt.name, status, err)
		}
	}
}

func TestAServiceWithoutAnAPIKeySaysSoUntilThereIsOne(t *testing.T) {
	c := app.Default()
	c.Environment, c.Listen = "development", "127.0.0.1:0"
	c.KeepIn(t.TempDir())
	c.AddInbox()
	const warning = "there is no API key"
	said := func() bool {
		log := newLogbook()
		_, stop := serve(t, c, app.Options{Log: log.logger()})
		stop()
		return strings.Contains(log.text.String(), warning)
	}
	if !said() {
		t.Error("it says nothing of having none")
	}
	key, err := app.CreateKey(t.Context(), c, "", "shop", []string{"verify"})
	if err != nil {
		t.Fatal(err)
	}
	if said() {
		t.Error("it does not see the key")
	}
	if _, err := app.RevokeKey(t.Context(), c, key.SID); err != nil {
		t.Fatal(err)
	}
	if !said() {
		t.Error("it takes a key that was revoked for one")
	}
}

func TestTheConfiguredTemplateIsWhatBothDialectsSend(t *testing.T) {
	f := &flow{t: t, ids: map[string]string{}, numbers: map[string]string{}}
	c := flowConfig(t, "")
	c.Template, c.AppName = "{{app_name}} says {{code}}", "Shop"
	f.serve(c, app.Options{})
	for said, number := range map[string]string{"telnyx": "+12015550101", "twilio": "+12015550102"} {
		if _, _, err := dialects[said].start(f, number); err != nil {
			t.Fatal(err)
		}
		if _, err := f.inbox(number, 1); err != nil {
			t.Fatal(err)
		}
		var list struct{ Data []struct{ Text string } }
		if err := f.get("/dev/messages?to="+url.QueryEscape(number), &list); err != nil || !strings.HasPrefix(list.Data[0].Text, "Shop says ") {
			t.Errorf("%s: %v, %v", said, list, err)
		}
	}
}
