package twilioapi_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"countersign/internal/twilioapi"
)

func page(path string) (int, string) {
	rec := httptest.NewRecorder()
	twilioapi.ErrorPages().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	return rec.Code, rec.Body.String()
}

func TestTheIndexLeadsToAPageOnEachError(t *testing.T) {
	status, index := page("/docs/errors/")
	links := regexp.MustCompile(`href="(/docs/errors/[0-9]+)"`).FindAllStringSubmatch(index, -1)
	if status != http.StatusOK || len(links) < 20 {
		t.Fatalf("%d, %d links", status, len(links))
	}
	for _, l := range links {
		status, body := page(l[1])
		if status != http.StatusOK || !strings.Contains(body, "<h1>") || !strings.Contains(body, `lang="en"`) {
			t.Errorf("%s: %d %s", l[1], status, body)
		}
		if strings.Contains(body, "http://") || strings.Contains(body, "https://") || strings.Contains(body, "<script") {
			t.Errorf("%s loads something from elsewhere", l[1])
		}
	}
}

func TestACodeThatIsNotSentHasNoPage(t *testing.T) {
	for _, path := range []string{"/docs/errors/99999", "/docs/errors/%3Cscript%3E"} {
		if status, body := page(path); status != http.StatusNotFound || strings.Contains(body, "script>") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}
