package telnyxapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
)

// hostileReturns are the addresses of the corpus, and whether a profile may have each.
func hostileReturns(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("testdata/hostile-return-urls.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		word, quoted, _ := strings.Cut(line, " ")
		url, err := strconv.Unquote(quoted)
		if err != nil || word != "yes" && word != "no" {
			t.Fatalf("%s: %v", line, err)
		}
		out[url] = word == "yes"
	}
	if len(out) < 200 {
		t.Fatalf("only %d", len(out))
	}
	return out
}

func (s *service) sendJSON(t *testing.T, method, path string, body any) *httptest.ResponseRecorder {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(method, path, strings.NewReader(string(text)))
	req.Header.Set("Authorization", "Bearer "+apiKey)
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, req)
	return rec
}

func TestNoHostileAddressIsLedTo(t *testing.T) {
	s := newService(t)
	body := func(url string) map[string]any {
		return map[string]any{"verify_profile_id": profileID.String(), "return_url": url}
	}
	for url := range hostileReturns(t) {
		if rec := s.sendJSON(t, http.MethodPost, "/v2/verification_sessions", body(url)); rec.Code != http.StatusUnprocessableEntity || strings.Contains(rec.Body.String(), `"url":"https://verify`) {
			t.Errorf("%q: %d", url, rec.Code)
		}
	}
	if rec := s.sendJSON(t, http.MethodPost, "/v2/verification_sessions", body("https://app.example.com/back")); rec.Code != http.StatusOK {
		t.Errorf("the one that is registered: %d %s", rec.Code, rec.Body)
	}
}

func TestAProfileTakesNoAddressThatCouldBeReadInTwoWays(t *testing.T) {
	s := newService(t)
	for url, fine := range hostileReturns(t) {
		rec := s.sendJSON(t, http.MethodPost, "/v2/verify_profiles", map[string]any{"name": "x", "return_urls": []string{url}})
		if fine != (rec.Code == http.StatusOK) || !fine && !strings.Contains(rec.Body.String(), "/return_urls") {
			t.Errorf("%q: %d %.200s", url, rec.Code, rec.Body)
		}
	}
	many := make([]string, 21)
	for i := range many {
		many[i] = "https://app.example.com/" + strconv.Itoa(i)
	}
	if rec := s.sendJSON(t, http.MethodPost, "/v2/verify_profiles", map[string]any{"name": "x", "return_urls": many}); rec.Code != http.StatusUnprocessableEntity {
		t.Errorf("21 of them: %d", rec.Code)
	}
}
