package pages_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"countersign/internal/pages"
)

func TestEveryAnswerCarriesTheHeaders(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	form := b.begin()
	for _, r := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/", 200}, {"HEAD", "/", 200}, {"GET", "/verify", 200}, {"HEAD", "/verify", 200}, {"GET", "/done", 303},
		{"POST", "/request", 415}, {"POST", "/verify", 415}, {"POST", "/resend", 415},
		{"GET", "/request", 405}, {"PUT", "/verify", 405}, {"DELETE", "/", 405}, {"POST", "/", 405}, {"OPTIONS", "/", 405},
		{"GET", "/nowhere", 404}, {"GET", "/verify/", 404}, {"GET", "/assets/", 404}, {"GET", "/assets/../pages.go", 404},
		{"GET", "/assets/%2e%2e/pages.go", 404}, {"GET", "/assets/nothing.css", 404}, {"GET", "/templates/code.html", 404},
		{"GET", "/assets/page.css", 200}, {"GET", "/assets/page.js", 200}, {"HEAD", "/assets/mark.svg", 200}, {"POST", "/assets/page.css", 405},
	} {
		a := b.do(b.request(r.method, r.path, nil))
		if a.StatusCode != r.status {
			t.Errorf("%s %s: %d, want %d", r.method, r.path, a.StatusCode, r.status)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy":    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
			"X-Content-Type-Options":     "nosniff",
			"Referrer-Policy":            "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin",
			"Strict-Transport-Security":  "",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s %s: %s is %q", r.method, r.path, name, got)
			}
		}
		asset := strings.HasPrefix(r.path, "/assets/") && r.status == 200
		if got := a.Header.Get("Cache-Control"); got != "no-store" && !asset {
			t.Errorf("%s %s may be kept: %q", r.method, r.path, got)
		}
		if a.Header.Get("Permissions-Policy") == "" || r.status == 405 && a.Header.Get("Allow") == "" {
			t.Errorf("%s %s: %v", r.method, r.path, a.Header)
		}
		if r.method == "HEAD" && a.text != "" {
			t.Errorf("HEAD %s has a body", r.path)
		}
		if r.status >= 400 && r.method != "HEAD" {
			a.wants(t, "<h1>", "Go to the first page")
		}
	}
	form.lacks(t, " style=", "onclick", "<script>", "<style")
}

func TestOverHTTPSTheCookieBelongsToTheHostAlone(t *testing.T) {
	s := newSite(t, func(c *pages.Config) { c.Secure = true })
	a := s.browser(t).post("/request", "phone", number)
	if a.Header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS")
	}
	c := a.Cookies()[0]
	if c.Name != "__Host-countersign" || !c.Secure || c.Path != "/" || c.Domain != "" {
		t.Errorf("%+v", c)
	}
}

var linked = regexp.MustCompile(`(?:href|src)="(/assets/[^"]+)"`)

func TestTheFirstPageIsLightAndItsAssetsMayBeKept(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	first := b.get("/")
	total := len(first.text)
	seen := map[string]bool{}
	for _, m := range linked.FindAllStringSubmatch(first.text, -1) {
		if seen[m[1]] {
			continue
		}
		seen[m[1]] = true
		a := b.get(m[1])
		total += len(a.text)
		if a.StatusCode != 200 || a.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d, %q", m[1], a.StatusCode, a.Header.Get("Cache-Control"))
		}
		r := b.request(http.MethodGet, m[1], nil)
		r.Header.Set("If-None-Match", a.Header.Get("ETag"))
		if again := b.do(r); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %d", m[1], again.StatusCode)
		}
		// Without the right version nobody may keep it for long.
		plain, _, _ := strings.Cut(m[1], "?")
		for _, old := range []string{plain, plain + "?v=0"} {
			if got := b.get(old).Header.Get("Cache-Control"); got != "no-cache" {
				t.Errorf("%s: %q", old, got)
			}
		}
	}
	if len(seen) < 3 || total > 30<<10 {
		t.Errorf("%d assets, %d bytes in all", len(seen), total)
	}
}

func TestTheFirstPageIsLightInEveryLanguage(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	files, err := os.ReadDir("locales")
	if err != nil {
		t.Fatal(err)
	}
	assets := 0
	for _, f := range files {
		locale, ok := strings.CutSuffix(f.Name(), ".json")
		if !ok {
			continue
		}
		r := b.request(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", locale)
		first := b.do(r)
		first.wants(t, `lang="`+locale+`"`)
		if assets == 0 {
			for _, m := range linked.FindAllStringSubmatch(first.text, -1) {
				assets += len(b.get(m[1]).text)
			}
		}
		if total := len(first.text) + assets; total > 30<<10 {
			t.Errorf("%s: %d bytes in all", locale, total)
		}
	}
}

func TestTheInboxIsLinkedOnlyInDevelopment(t *testing.T) {
	newSite(t).browser(t).get("/").lacks(t, "inbox")
	s := newSite(t, func(c *pages.Config) { c.InboxURL = "/dev/inbox" })
	s.browser(t).get("/").wants(t, `href="/dev/inbox"`)
}

func TestWithAFolderAnEditShowsAtOnce(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, func(c *pages.Config) { c.Dir = dir })
	b := s.browser(t)
	b.get("/").wants(t, "Verify your phone number")
	edit := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edit("templates/ask.html", `{{define "main"}}edited{{end}}`)
	b.get("/").wants(t, "edited")
	edit("assets/page.css", "body { color: red }")
	if a := b.get("/assets/page.css"); a.text != "body { color: red }" || a.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("%q, %q", a.text, a.Header.Get("Cache-Control"))
	}
	edit("templates/ask.html", `{{define "main"}}{{$.T "no such label"}}{{end}}`)
	if a := b.get("/"); a.StatusCode != http.StatusInternalServerError {
		t.Errorf("%d", a.StatusCode)
	}
}

func TestNewSaysWhatIsMissing(t *testing.T) {
	if _, err := pages.New(pages.Config{}); err == nil {
		t.Error("no error")
	}
	e := newEngine(t)
	if _, err := pages.New(pages.Config{Engine: e, Keys: e.keys, Now: e.clock, Dir: t.TempDir()}); err == nil {
		t.Error("no error for a folder without templates")
	}
}
