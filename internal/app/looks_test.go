package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestALogoIsAPictureOfModestSize(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	png := "\x89PNG\x0D\x0A\x1A\x0A and so on"
	for name, c := range map[string]struct{ path, kind, says string }{
		"a PNG":       {write("a.png", png), "image/png", ""},
		"a drawing":   {write("a.svg", `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`), "image/svg+xml", ""},
		"no picture":  {write("a.html", "<html><script>"), "", "neither SVG nor PNG"},
		"too large":   {write("b.png", png+strings.Repeat("x", maxLogo)), "", "at most 65536"},
		"no file":     {filepath.Join(dir, "none.png"), "", "no such file"},
		"a PNG again": {write("misnamed.svg", png), "image/png", ""},
	} {
		style, logo, err := PagesConfig{Color: "#06c", Logo: c.path}.looks()
		if c.says != "" {
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "pages.logo: ") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || logo.Type != c.kind || !strings.Contains(style, "--accent:#0066cc") {
			t.Errorf("%s: %v, %v, %s", name, logo, err, style)
		}
	}
	if _, _, err := (PagesConfig{Color: "green"}).looks(); err == nil || !strings.Contains(err.Error(), `pages.color: "green"`) {
		t.Error(err)
	}
}

func TestTextsForThePagesNameTheirHost(t *testing.T) {
	for _, c := range []struct{ public, autofill, want string }{
		{"https://verify.example.com", "", "verify.example.com"},
		{"https://verify.example.com:8443", "on", "verify.example.com"},
		{"https://verify.example.com", "off", ""},
		{"http://verify.example.com", "", ""}, // browsers fill nothing in
		{"https://192.0.2.1", "", ""},
		{"", "", ""},
	} {
		a := &App{config: Config{PublicURL: c.public, Pages: PagesConfig{Autofill: c.autofill}}}
		var err error
		if a.settings.publicURL, err = a.config.publicURL(); err != nil {
			t.Fatal(err)
		}
		if got := a.pagesDomain(); got != c.want {
			t.Errorf("%s, %q: %q", c.public, c.autofill, got)
		}
	}
	if _, _, err := (PagesConfig{Autofill: "maybe"}).looks(); err == nil {
		t.Error("maybe is taken")
	}
}
