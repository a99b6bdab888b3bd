package pages_test

import (
	"bytes"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"countersign/internal/pages"
	"countersign/internal/verify"
)

// site is the pages on an engine, behind a server.
type site struct {
	*engine
	handler http.Handler
	server  *httptest.Server
	log     *safeBuffer
}

type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// newSite makes a site; each change edits its configuration.
func newSite(t *testing.T, changes ...func(*pages.Config)) *site {
	t.Helper()
	s := &site{engine: newEngine(t), log: &safeBuffer{}}
	c := pages.Config{
		Engine: s.engine, Keys: s.keys, Profile: profile, Region: "GB", Now: s.clock,
		Log: slog.New(slog.NewTextHandler(s.log, nil)),
	}
	for _, change := range changes {
		change(&c)
	}
	var err error
	if s.handler, err = pages.New(c); err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewServer(s.handler)
	t.Cleanup(s.server.Close)
	return s
}

// browser keeps cookies and, unlike people, does not follow redirects by itself.
type browser struct {
	t      *testing.T
	site   *site
	client *http.Client
}

func (s *site) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, s, &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response that has been read.
type answer struct {
	*http.Response
	text string
}

func (b *browser) do(r *http.Request) answer {
	b.t.Helper()
	res, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{res, string(text)}
}

func (b *browser) request(method, path string, body io.Reader) *http.Request {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.site.server.URL+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	return b.do(b.request(http.MethodGet, path, nil))
}

// post sends a form given as field, value, field, value.
func (b *browser) post(path string, fields ...string) answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r := b.request(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

// follow expects a redirect to a path, and goes there.
func (b *browser) follow(a answer, path string) answer {
	b.t.Helper()
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != path {
		b.t.Fatalf("%d to %q, want 303 to %q\n%s", a.StatusCode, a.Header.Get("Location"), path, a.text)
	}
	return b.get(path)
}

// number is libphonenumber's example of a British mobile, in its national form.
const number = "07400 123456"

// begin asks for a code and returns the code form.
func (b *browser) begin() answer {
	b.t.Helper()
	return b.follow(b.post("/request", "phone", number), "/verify")
}

var hidden = regexp.MustCompile(`name="(v|sends)" value="([^"]*)"`)

// field is a hidden field of a page.
func (a answer) field(name string) string {
	for _, m := range hidden.FindAllStringSubmatch(a.text, -1) {
		if m[1] == name {
			return m[2]
		}
	}
	return ""
}

// verification is the one that a code form is about.
func (s *site) verification(t *testing.T, form answer) verify.Verification {
	t.Helper()
	id, err := uuid.Parse(form.field("v"))
	if err != nil {
		t.Fatalf("the page has no verification: %v\n%s", err, form.text)
	}
	v, err := s.store.Verification(t.Context(), id)
	if err != nil || v == nil {
		t.Fatalf("verification %s: %v, %v", id, v, err)
	}
	return *v
}

// codes returns the right code of a form, and a wrong one.
func (s *site) codes(t *testing.T, form answer) (right, wrong string) {
	t.Helper()
	c, err := s.verification(t, form).Reveal(s.keys)
	if err != nil {
		t.Fatal(err)
	}
	right = c.Text()
	return right, right[:5] + string('0'+(right[5]-'0'+1)%10)
}

func (a answer) wants(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.text, text) && !strings.Contains(html.UnescapeString(a.text), text) {
			t.Errorf("%s lacks %q:\n%s", a.Request.URL.Path, text, a.text)
		}
	}
}

func (a answer) lacks(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(a.text, text) {
			t.Errorf("%s has %q:\n%s", a.Request.URL.Path, text, a.text)
		}
	}
}
