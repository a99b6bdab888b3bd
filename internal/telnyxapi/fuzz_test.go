package telnyxapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"countersign/internal/code"
	"countersign/internal/secret"
	"countersign/internal/telnyxapi"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// echo is an engine that begins whatever it is asked for, checks nothing, and
// remembers what it was asked.
type echo struct {
	refusing
	start *verify.Start
	check *verify.Check
}

var fuzzTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (e *echo) Start(_ context.Context, c verify.Start) (verify.Started, error) {
	e.start = &c
	v := verify.Verification{
		ID: uuid.MustParse("019ca8f1-8a00-7000-8000-000000000000"), Tenant: c.Profile.Tenant, Profile: c.Profile.ID,
		Channel: c.Channel, CreatedAt: fuzzTime, ExpiresAt: fuzzTime.Add(c.Profile.Validity),
	}
	if c.Validity != 0 {
		v.ExpiresAt = fuzzTime.Add(c.Validity)
	}
	return verify.Started{Verification: v}, nil
}

func (e *echo) Check(_ context.Context, c verify.Check) (verify.Checked, error) {
	e.check = &c
	return verify.Checked{}, e.err
}

// fuzzed is the handler on an echo, and a profile that may have custom codes.
func fuzzed(f *testing.F) (send func(t *testing.T, route string, body []byte) *httptest.ResponseRecorder, engine *echo, profile string) {
	d := directory(f)
	p, err := d.AddProfile(f.Context(), tenant.Default, tenant.Profile{
		Name: "fuzzed", CustomCodes: true, Code: code.Default, Base: tenant.Settings{Validity: 5 * time.Minute},
	})
	if err != nil {
		f.Fatal(err)
	}
	engine = &echo{refusing: refusing{&verify.Error{Kind: verify.NotFound}}}
	h := telnyxapi.NewHandler(telnyxapi.Config{
		Engine: engine, Directory: d, Keys: secret.Generate(), Now: func() time.Time { return fuzzTime }, Log: slog.New(slog.DiscardHandler),
	})
	send = func(t *testing.T, route string, body []byte) *httptest.ResponseRecorder {
		t.Helper()
		method, path, _ := strings.Cut(route, " ")
		req := httptest.NewRequest(method, path, strings.NewReader(string(body)))
		req.Header.Set("Authorization", "Bearer x")
		req.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		if rec.Code >= http.StatusInternalServerError {
			t.Errorf("%d: %s", rec.Code, rec.Body)
		}
		if rec.Code != http.StatusOK {
			if e := read(t, rec).Errors[0]; e.Code == "" || e.Detail == "" {
				t.Errorf("%d: %s", rec.Code, rec.Body)
			}
		}
		return rec
	}
	return send, engine, p.ID.String()
}

// addHostile adds the corpus of hostile bodies around fields that are good.
func addHostile(f *testing.F, good ...string) {
	for _, fields := range good {
		for _, h := range hostileBodies {
			if len(h.body) < 1000 {
				f.Add([]byte(strings.ReplaceAll(h.body, "$GOOD", fields)))
			}
		}
	}
}

// shown is what stands in data.
func shown(t *testing.T, rec *httptest.ResponseRecorder) []byte {
	t.Helper()
	var doc struct{ Data json.RawMessage }
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil || len(doc.Data) == 0 {
		t.Fatalf("%v: %s", err, rec.Body)
	}
	return doc.Data
}

// A start that is accepted is the same start when what it shows is sent again. Codes
// and keys are not shown.
func FuzzStartShown(f *testing.F) {
	send, engine, profile := fuzzed(f)
	addHostile(f, `"type":"sms","phone_number":"+13035551234","verify_profile_id":"$PROFILE"`,
		`"type":"call","phone_number":"+442071838750","verify_profile_id":"$PROFILE","custom_code":"4711","timeout_secs":60,"extension":"1w#"`)
	f.Fuzz(func(t *testing.T, body []byte) {
		// The name of the profile, so that the fuzzer need not guess its id.
		body = []byte(strings.ReplaceAll(string(body), "$PROFILE", profile))
		engine.start = nil
		rec := send(t, "POST /v2/verifications", body)
		if rec.Code != http.StatusOK {
			if engine.start != nil {
				t.Errorf("%d, and it was started", rec.Code)
			}
			return
		}
		first, again := *engine.start, shown(t, rec)
		if second := send(t, "POST /v2/verifications", again); second.Code != http.StatusOK || second.Body.String() != rec.Body.String() {
			t.Fatalf("%s\nis shown as %s", rec.Body, second.Body)
		}
		second := *engine.start
		if second.Address.Text() != first.Address.Text() || second.Channel != first.Channel || second.Profile.ID != first.Profile.ID {
			t.Errorf("%+v is %+v", first, second)
		}
		if first.Validity != 0 && first.Validity != second.Validity {
			t.Errorf("%s is %s", first.Validity, second.Validity)
		}
	})
}

// A check that reaches the engine is about the verification or the number of the path
// and about a code that was given; nothing else reaches it.
func FuzzCheckAsked(f *testing.F) {
	send, engine, profile := fuzzed(f)
	addHostile(f, `"code":"4711"`, `"code":"4711","verify_profile_id":"$PROFILE"`, `"status":"accepted"`)
	const id = "019ca8f1-8a00-7000-8000-000000000000"
	f.Fuzz(func(t *testing.T, body []byte) {
		body = []byte(strings.ReplaceAll(string(body), "$PROFILE", profile))
		for _, what := range []string{id, "by_phone_number/+13035551234"} {
			engine.check = nil
			rec := send(t, "POST /v2/verifications/"+what+"/actions/verify", body)
			if engine.check == nil {
				continue
			}
			c := *engine.check
			if given := object(t, body)["code"]; given != c.Guess {
				t.Errorf("%q has the code %v and was asked about %q", body, given, c.Guess)
			}
			if rec.Code != http.StatusNotFound || c.Tenant != tenant.Default || (c.Verification.String() == id) != (what == id) {
				t.Errorf("%d: %+v", rec.Code, c)
			}
			if target := c.Target; what != id && (target.Profile.String() != profile || target.Tenant != tenant.Default) {
				t.Errorf("%+v", target)
			}
		}
	})
}

// A profile that is accepted is the same profile when what it shows is sent again: as a
// new one, and as a change of itself.
func FuzzProfileShown(f *testing.F) {
	send, _, _ := fuzzed(f)
	addHostile(f, `"name":"a"`, `"name":"a","language":"de","webhook_url":"https://a.example/","webhook_failover_url":"https://b.example/"`,
		`"name":"a","daily_spend_limit":25.123456`,
		`"name":"a","sms":{"app_name":"Shop","alpha_sender":"SHOP","code_length":8,"default_verification_timeout_secs":60,"whitelisted_destinations":["US","DE"]}`,
		`"name":"a","call":{"default_timeout_secs":90,"whitelisted_destinations":["*"]},"flashcall":{"code_length":4},"whatsapp":{"waba_id":"w","template_id":"t","sender_phone_number":"+1"}`,
		`"name":"a","sms":{"messaging_template_id":"0abb5b4f-459f-445a-bfcd-488998b7572d"},"call":null`)
	f.Fuzz(func(t *testing.T, body []byte) {
		rec := send(t, "POST /v2/verify_profiles", body)
		if rec.Code != http.StatusOK {
			return
		}
		first := shown(t, rec)
		asGiven(t, object(t, body), object(t, first))
		route := " /v2/verify_profiles/" + field(t, first, "id")
		defer send(t, "DELETE"+route, nil)
		for _, again := range []string{"PATCH" + route, "POST /v2/verify_profiles"} {
			second := send(t, again, first)
			if second.Code != http.StatusOK {
				t.Fatalf("%s is refused: %s", first, second.Body)
			}
			if d := cmp.Diff(settings(t, first), settings(t, shown(t, second))); d != "" {
				t.Errorf("%s: %s", again, d)
			}
			if strings.HasPrefix(again, "POST") {
				send(t, "DELETE /v2/verify_profiles/"+field(t, shown(t, second), "id"), nil)
			}
		}
	})
}

// asGiven demands that a profile shows what was given, where nothing may change it.
func asGiven(t *testing.T, given, shown map[string]any) {
	t.Helper()
	if limit, ok := given["daily_spend_limit"].(json.Number); ok {
		want, err := limit.Float64()
		got, _ := shown["daily_spend_limit"].(json.Number)
		if is, _ := got.Float64(); err != nil || math.Abs(is-want) > 2e-6 {
			t.Errorf("a limit of %s is shown as %s", limit, got)
		}
	}
	for _, name := range []string{
		"name", "language", "webhook_url", "webhook_failover_url", "sms", "call", "flashcall", "whatsapp",
		"app_name", "alpha_sender", "code_length", "messaging_template_id", "sender_phone_number", "template_id", "waba_id",
	} {
		want, got := given[name], shown[name]
		if inner, ok := want.(map[string]any); ok {
			of, ok := got.(map[string]any)
			if !ok {
				t.Errorf("%s is not shown", name)
			}
			asGiven(t, inner, of)
			continue
		}
		if text := fmt.Sprint(want); want != nil && text != "" && text != "0" && text != "-0" && !strings.EqualFold(text, fmt.Sprint(got)) {
			t.Errorf("%s: %v is shown as %v", name, want, got)
		}
	}
}

func field(t *testing.T, data []byte, name string) string {
	t.Helper()
	text, ok := object(t, data)[name].(string)
	if !ok {
		t.Fatalf("%s has no %s", data, name)
	}
	return text
}

// settings is what is shown of a profile but for its id and times.
func settings(t *testing.T, data []byte) map[string]any {
	t.Helper()
	out := object(t, data)
	for _, name := range []string{"id", "created_at", "updated_at"} {
		delete(out, name)
	}
	return out
}

func object(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var out map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // some are larger than a float64 can be
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}
