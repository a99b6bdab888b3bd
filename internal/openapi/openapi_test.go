package openapi_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"countersign/internal/openapi"
)

func get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	h, err := openapi.Handler()
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	return rec
}

func TestTheDocumentIsServedAsItIs(t *testing.T) {
	rec := get(t, "/openapi.yaml")
	if rec.Code != http.StatusOK || rec.Body.String() != string(openapi.Document()) || rec.Header().Get("Content-Type") != "application/yaml" {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
}

func TestEveryReferenceLeadsSomewhere(t *testing.T) {
	var d struct {
		Components map[string]map[string]any
	}
	if err := yaml.Unmarshal(openapi.Document(), &d); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, ref := range regexp.MustCompile(`#/components/(\w+)/(\w+)`).FindAllStringSubmatch(string(openapi.Document()), -1) {
		if _, ok := d.Components[ref[1]][ref[2]]; !ok {
			t.Errorf("%s is not there", ref[0])
		}
		used[ref[1]+"/"+ref[2]] = true
	}
	for kind, all := range d.Components {
		for name := range all {
			if kind != "securitySchemes" && !used[kind+"/"+name] {
				t.Errorf("%s/%s is used by nobody", kind, name)
			}
		}
	}
}

func TestEveryOperationHasAnIDOfItsOwnAndAPlaceOnThePage(t *testing.T) {
	page := get(t, "/docs").Body.String()
	var ids []string
	for _, m := range regexp.MustCompile(`operationId: (\w+)`).FindAllStringSubmatch(string(openapi.Document()), -1) {
		if slices.Contains(ids, m[1]) {
			t.Errorf("%s is there twice", m[1])
		}
		ids = append(ids, m[1])
		if !strings.Contains(page, `<article id="`+m[1]+`">`) || !strings.Contains(page, `href="#`+m[1]+`"`) {
			t.Errorf("%s is not on the page", m[1])
		}
	}
	if len(ids) < 50 {
		t.Errorf("%d operations", len(ids))
	}
}

func TestEveryLinkOfThePageLeadsSomewhere(t *testing.T) {
	page := get(t, "/docs").Body.String()
	for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, `id="`+m[1]+`"`) {
			t.Errorf("#%s leads nowhere", m[1])
		}
	}
	for _, outside := range []string{"<script", "http://", "https://"} {
		if strings.Contains(page, outside) {
			t.Errorf("the page holds %s", outside)
		}
	}
	if policy := get(t, "/docs").Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("the policy is %q", policy)
	}
}
