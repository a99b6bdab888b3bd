package telnyxapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// ask sends one request with a key and returns the status and the body.
func (s *service) ask(route, key, body string) (int, string) {
	method, path, _ := strings.Cut(route, " ")
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, req)
	answer, _ := io.ReadAll(rec.Body) // of memory: it does not fail
	return rec.Code, string(answer)
}

var anyID = regexp.MustCompile(`"id":"([^"]+)"`)

// Whatever a tenant asks about what is another's, it is told that there is no such
// thing, in the words in which it is told so of what never was; and nothing changes.
func TestATenantNeitherSeesNorTouchesWhatIsAnothers(t *testing.T) {
	s := newService(t)
	made := func(route, body string) string {
		t.Helper()
		status, answer := s.ask(route, apiKey, body)
		id := anyID.FindStringSubmatch(answer)
		if status != http.StatusOK || id == nil {
			t.Fatalf("%s: %d %s", route, status, answer)
		}
		return id[1]
	}
	profile := made("POST /v2/verify_profiles", `{"name":"mine"}`)
	template := made("POST /v2/verify_profiles/templates", `{"text":"It is {{code}}"}`)
	verification := made("POST /v2/verifications/sms", `{"phone_number":"+13035551234","verify_profile_id":"`+profile+`","custom_code":"ab12"}`)
	seen := func() (all string) {
		for _, route := range []string{
			"GET /v2/verify_profiles", "GET /v2/verify_profiles/templates", "GET /v2/verifications/" + verification,
			"GET /v2/verifications/by_phone_number/+13035551234",
		} {
			_, answer := s.ask(route, apiKey, "")
			all += answer
		}
		return all
	}
	before := seen()
	const never = "01990000-0000-7000-8000-000000000000"
	number := `"phone_number":"+13035551234"`
	for _, tt := range []struct{ route, body string }{
		{"GET /v2/verifications/" + verification, ""},
		{"POST /v2/verifications/" + verification + "/actions/verify", `{"code":"ab12"}`},
		{"POST /v2/verifications/" + verification + "/actions/verify", `{"status":"accepted"}`},
		{"POST /v2/verifications/" + verification + "/actions/verify", `{"status":"rejected"}`},
		{"POST /v2/verifications/by_phone_number/+13035551234/actions/verify", `{"code":"ab12","verify_profile_id":"` + profile + `"}`},
		{"POST /v2/verifications/sms", `{` + number + `,"verify_profile_id":"` + profile + `"}`},
		{"POST /v2/verifications/call", `{` + number + `,"verify_profile_id":"` + profile + `"}`},
		{"POST /v2/verifications/whatsapp", `{` + number + `,"verify_profile_id":"` + profile + `"}`},
		{"POST /v2/verifications/flashcall", `{` + number + `,"verify_profile_id":"` + profile + `"}`},
		{"POST /v2/verifications", `{` + number + `,"type":"sms","verify_profile_id":"` + profile + `"}`},
		{"GET /v2/verify_profiles/" + profile, ""},
		{"PATCH /v2/verify_profiles/" + profile, `{"name":"theirs"}`},
		{"DELETE /v2/verify_profiles/" + profile, ""},
		{"PATCH /v2/verify_profiles/templates/" + template, `{"text":"{{code}}"}`},
	} {
		status, answer := s.ask(tt.route, s.otherKey, tt.body)
		if status != http.StatusNotFound {
			t.Errorf("%s of another's: %d %s", tt.route, status, answer)
		}
		unknown := strings.NewReplacer(verification, never, profile, never, template, never)
		if _, said := s.ask(unknown.Replace(tt.route), s.otherKey, unknown.Replace(tt.body)); said != answer {
			t.Errorf("%s: of another's it is said\n%s\nand of nobody's\n%s", tt.route, answer, said)
		}
	}
	for _, route := range []string{
		"GET /v2/verify_profiles", "GET /v2/verify_profiles/templates", "GET /v2/verifications/by_phone_number/+13035551234",
	} {
		if _, answer := s.ask(route, s.otherKey, ""); strings.Contains(answer, profile) || strings.Contains(answer, template) || strings.Contains(answer, verification) {
			t.Errorf("%s lists another's: %s", route, answer)
		}
	}
	if _, answer := s.ask("POST /v2/verify_profiles", s.otherKey, `{"name":"a","sms":{"messaging_template_id":"`+template+`"}}`); !strings.Contains(answer, "messaging_template_id") {
		t.Errorf("a profile with another's template: %s", answer)
	}
	if after := seen(); after != before {
		t.Errorf("what the first tenant has was\n%s\nand is\n%s", before, after)
	}
}
