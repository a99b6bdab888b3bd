package twilioapi_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/rogpeppe/go-internal/txtar"

	"countersign/internal/twilioapi"
)

// exchange is a request of a golden file with its answer.
type exchange struct {
	where, method, path string
	status              int
	body                string
}

// exchanges reads all golden files. Sids stand there by their names.
func exchanges(t *testing.T) []exchange {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var out []exchange
	for _, path := range files {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var e exchange
		for _, f := range archive.Files {
			head, body, _ := strings.Cut(string(f.Data), "\n\n")
			first, _, _ := strings.Cut(head, "\n")
			if strings.HasPrefix(f.Name, "request") {
				e = exchange{where: filepath.Base(path) + " " + f.Name}
				e.method, e.path, _ = strings.Cut(first, " ")
			}
			if strings.HasPrefix(f.Name, "answer") {
				digits, _, _ := strings.Cut(first, " ")
				if e.status, err = strconv.Atoi(digits); err != nil {
					t.Fatalf("%s has no answer: %v", e.where, err)
				}
				e.body = body
				out = append(out, e)
			}
		}
	}
	return out
}

// resources says what a route answers with: the resource of shapes.txt, and the key
// where it is a list of them.
var resources = []struct{ path, resource, list string }{
	{`/Verifications(/[^/]+)?$`, "verification", ""},
	{`/VerificationCheck$`, "check", ""},
	{`/Attempts/Summary$`, "summary", ""},
	{`/Attempts(/[^/]+)?$`, "attempt", "attempts"},
	{`/Buckets(/[^/]+)?$`, "bucket", "buckets"},
	{`/RateLimits(/[^/]+)?$`, "limit", "rate_limits"},
	{`/MessagingConfigurations(/[^/]+)?$`, "sender", "messaging_configurations"},
	{`/Webhooks(/[^/]+)?$`, "webhook", "webhooks"},
	{`/SafeList/Numbers(/[^/]+)?$`, "safe", ""},
	{`/Templates$`, "template", "templates"},
	{`^/v2/Services(/[^/]+)?$`, "service", "services"},
}

// shapes reads testdata/shapes.txt: resource, property, type.
func shapes(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/shapes.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]string{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		if out[f[0]] == nil {
			out[f[0]] = map[string]string{}
		}
		out[f[0]][f[1]] = f[2]
	}
	return out
}

func TestEveryAnswerHasTheShapeThatTwilioDocuments(t *testing.T) {
	all, seen := shapes(t), map[string]bool{}
	for _, e := range exchanges(t) {
		path, _, _ := strings.Cut(e.path, "?")
		if e.status >= 300 || e.status == http.StatusNoContent {
			continue
		}
		for _, r := range resources {
			if !regexp.MustCompile(r.path).MatchString(path) {
				continue
			}
			seen[r.resource] = true
			var got map[string]any
			if err := json.Unmarshal([]byte(e.body), &got); err != nil {
				t.Fatalf("%s: %v", e.where, err)
			}
			for _, item := range items(t, e, got, r.list) {
				compare(t, e.where, item, all[r.resource])
			}
			break
		}
	}
	for name := range all {
		if !seen[name] {
			t.Errorf("no golden file shows a %s", name)
		}
	}
}

// items are the resources of a list, or the one resource that got is.
func items(t *testing.T, e exchange, got map[string]any, list string) []map[string]any {
	t.Helper()
	meta, isList := got["meta"].(map[string]any)
	if !isList {
		return []map[string]any{got}
	}
	if meta["key"] != list {
		t.Errorf("%s: meta.key is %v and should be %s", e.where, meta["key"], list)
	}
	for _, name := range []string{"page", "page_size", "first_page_url", "previous_page_url", "url", "next_page_url"} {
		if _, ok := meta[name]; !ok {
			t.Errorf("%s: meta has no %s", e.where, name)
		}
	}
	values, ok := got[list].([]any)
	if !ok {
		t.Errorf("%s: there is no list %s", e.where, list)
	}
	var out []map[string]any
	for _, v := range values {
		out = append(out, v.(map[string]any))
	}
	return out
}

func compare(t *testing.T, where string, got map[string]any, want map[string]string) {
	t.Helper()
	for name := range got {
		if want[name] == "" {
			t.Errorf("%s: %s is not Twilio's", where, name)
		}
	}
	for name, kind := range want {
		v, ok := got[name]
		if !ok {
			t.Errorf("%s: %s is missing", where, name)
		} else if !is(v, kind) {
			t.Errorf("%s: %s is %v, and should be %s", where, name, v, kind)
		}
	}
}

// is says whether a value is of a kind of shapes.txt.
func is(v any, kind string) bool {
	kind, nullable := strings.CutSuffix(kind, "?")
	if v == nil {
		return nullable
	}
	text, isText := v.(string)
	if letters, ok := strings.CutPrefix(kind, "sid:"); ok {
		return regexp.MustCompile(`^(\$` + letters + `[0-9]+|` + letters + `[0-9a-f]{32})$`).MatchString(text)
	}
	switch kind {
	case "any":
		return true
	case "string":
		return isText
	case "integer":
		n, ok := v.(float64)
		return ok && n == float64(int(n))
	case "boolean":
		_, ok := v.(bool)
		return ok
	case "object":
		_, ok := v.(map[string]any)
		return ok
	case "array":
		_, ok := v.([]any)
		return ok
	case "time":
		_, err := time.Parse("2006-01-02T15:04:05Z", text)
		return err == nil
	case "url":
		return strings.HasPrefix(text, "https://")
	}
	return slices.Contains(strings.Split(kind, "|"), text)
}

func TestEveryRefusalHasTwiliosFormAndAPage(t *testing.T) {
	pages := twilioapi.ErrorPages()
	for _, e := range exchanges(t) {
		if e.status < 400 {
			continue
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(e.body), &got); err != nil {
			t.Fatalf("%s: %v", e.where, err)
		}
		code, isNumber := got["code"].(float64)
		more, _ := got["more_info"].(string)
		path, ours := strings.CutPrefix(more, "https://verify.example.com")
		message, _ := got["message"].(string)
		if len(got) != 4 || !isNumber || got["status"] != float64(e.status) || !ours || message == "" || !strings.HasSuffix(path, "/"+strconv.Itoa(int(code))) {
			t.Errorf("%s: %s", e.where, e.body)
			continue
		}
		rec := httptest.NewRecorder()
		pages.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		if rec.Code != http.StatusOK {
			t.Errorf("%s: %s is answered with %d", e.where, path, rec.Code)
		}
	}
}

func TestEveryRouteHasAGoldenOfItsSuccess(t *testing.T) {
	mux, done := http.NewServeMux(), map[string]bool{}
	for _, p := range twilioapi.Patterns() {
		mux.HandleFunc(p, func(http.ResponseWriter, *http.Request) { done[p] = true })
	}
	for _, e := range exchanges(t) {
		if e.status < 300 {
			mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(e.method, e.path, nil))
		}
	}
	for _, p := range twilioapi.Patterns() {
		if !done[p] {
			t.Errorf("no golden file shows %s", p)
		}
	}
}
