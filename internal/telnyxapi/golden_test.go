package telnyxapi_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the answers into the golden files")

// TestGoldens plays the requests of each file of testdata in turn and compares
// the answers to the byte, ids and the code apart. In a request, $ID is the id of
// the last verification started, $CODE its code, $WRONG a code that it is not,
// $PROFILE the profile's id. A file «wait 30s» lets time pass.
func TestGoldens(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { golden(t, path) })
	}
}

func golden(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := newService(t)
	var last []byte
	for i := range archive.Files {
		f := &archive.Files[i]
		switch {
		case strings.HasPrefix(f.Name, "request"):
			last = s.play(t, string(f.Data))
		case strings.HasPrefix(f.Name, "answer") && *update:
			f.Data = last
		case strings.HasPrefix(f.Name, "answer"):
			if d := cmp.Diff(string(f.Data), string(last)); d != "" {
				t.Errorf("%s (-want +got):\n%s", f.Name, d)
			}
		case strings.HasPrefix(f.Name, "wait "):
			d, err := time.ParseDuration(strings.TrimPrefix(f.Name, "wait "))
			if err != nil {
				t.Fatal(err)
			}
			s.pass(d)
		default:
			t.Fatalf("no such step: %s", f.Name)
		}
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// play sends one request, written as «METHOD path», headers, a blank line and a
// body, and returns the answer in a form that is the same at each run.
func (s *service) play(t *testing.T, text string) []byte {
	t.Helper()
	text = s.expand(t, strings.TrimSuffix(text, "\n"))
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	method, path, _ := strings.Cut(lines[0], " ")
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+apiKey)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ": ")
		req.Header.Del(name)
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, req)
	s.remember(rec.Body.Bytes())
	var out bytes.Buffer
	fmt.Fprintf(&out, "%d %s\n", rec.Code, http.StatusText(rec.Code))
	for _, name := range slices.Sorted(maps.Keys(rec.Header())) {
		fmt.Fprintf(&out, "%s: %s\n", name, strings.Join(rec.Header()[name], ", "))
	}
	fmt.Fprintf(&out, "\n%s", s.mask(rec.Body.String()))
	return out.Bytes()
}

var idPattern = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)

// mask replaces ids, which hold random bytes, by their names.
func (s *service) mask(text string) string {
	return linkPattern.ReplaceAllString(idPattern.ReplaceAllString(text, "$$ID"), "/s/$$LINK")
}

var linkPattern = regexp.MustCompile(`/s/[A-Za-z0-9_-]{43}`)

func (s *service) remember(body []byte) {
	scan := bufio.NewScanner(bytes.NewReader(body))
	for scan.Scan() {
		if id := idPattern.FindString(scan.Text()); id != "" {
			s.lastID = id
		}
	}
}
