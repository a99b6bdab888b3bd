package twilioapi_test

import (
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

// TestGoldens plays the requests of each file of testdata in turn and compares the
// answers to the byte, sids and codes apart. The first service that an answer shows is
// $VA1 from then on, the second $VA2, and so with all sids; $CODE(VE1) is the code of $VE1,
// $WRONG(VE1) one that it is not. A header «As: other» asks as another tenant.
// A file «wait 30s» lets time pass.
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
	if s.log.Len() > 0 {
		t.Error("the log should be empty:", s.log.String())
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// play sends one request, written as «METHOD path», headers, a blank line and a body,
// and returns the answer in a form that is the same at each run.
func (s *service) play(t *testing.T, text string) []byte {
	t.Helper()
	rec := s.send(t, text)
	var out bytes.Buffer
	fmt.Fprintf(&out, "%d %s\n", rec.Code, http.StatusText(rec.Code))
	for _, name := range slices.Sorted(maps.Keys(rec.Header())) {
		fmt.Fprintf(&out, "%s: %s\n", name, strings.Join(rec.Header()[name], ", "))
	}
	fmt.Fprintf(&out, "\n%s", s.mask(rec.Body.String()))
	return out.Bytes()
}

func (s *service) send(t *testing.T, text string) *httptest.ResponseRecorder {
	t.Helper()
	head, body, _ := strings.Cut(s.expand(t, strings.TrimSuffix(text, "\n")), "\n\n")
	lines := strings.Split(head, "\n")
	method, path, _ := strings.Cut(lines[0], " ")
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	s.as(req, "owner")
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ":")
		value = strings.TrimSpace(value)
		if name == "As" {
			s.as(req, value)
			continue
		}
		req.Header.Del(name)
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, req)
	s.pass(time.Millisecond) // ids are in the order of their making by the millisecond
	s.mask(rec.Body.String())
	return rec
}

func (s *service) as(req *http.Request, name string) {
	l := s.logins[name]
	req.SetBasicAuth(l.user, l.password)
}

var sidPattern = regexp.MustCompile(`(AC|VA|VE|VL|RK|BL|GN|YW)[0-9a-f]{32}|PT[0-9]+-[0-9]{10,}(-[0-9a-f]{32})?`)

// mask gives each sid, which holds random bytes, a name, and remembers it.
func (s *service) mask(text string) string {
	return sidPattern.ReplaceAllStringFunc(text, func(sid string) string {
		if s.names[sid] == "" {
			for n := 1; s.names[sid] == ""; n++ {
				name := fmt.Sprintf("$%s%d", sid[:2], n)
				if s.sids[name] == "" {
					s.names[sid], s.sids[name] = name, sid
				}
			}
		}
		return s.names[sid]
	})
}

var (
	namePattern = regexp.MustCompile(`\$[A-Z]{2}[0-9]+`)
	codePattern = regexp.MustCompile(`\$(CODE|WRONG)\((VE[0-9]+)\)`)
)

// expand puts sids and codes in the place of their names.
func (s *service) expand(t *testing.T, text string) string {
	t.Helper()
	text = codePattern.ReplaceAllStringFunc(text, func(name string) string {
		m := codePattern.FindStringSubmatch(name)
		right, wrong := s.codes(t, s.sids["$"+m[2]])
		if m[1] == "CODE" {
			return right
		}
		return wrong
	})
	return namePattern.ReplaceAllStringFunc(text, func(name string) string {
		if s.sids[name] == "" {
			t.Fatalf("no answer has shown %s yet", name)
		}
		return s.sids[name]
	})
}
