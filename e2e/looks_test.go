package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// look is a way of looking at the pages.
type look struct {
	name          string
	js            bool
	width, height int64
	scheme        string
	locale        string // of sessions; empty: English
}

// looks are the ways in which people look. A desk's screen at 400 % is 320 pixels wide
// (WCAG 2.2, 1.4.10).
var looks = []look{
	{"phone", true, 390, 844, "light", ""},
	{"phone-plain", false, 390, 844, "light", ""},
	{"phone-dark", true, 390, 844, "dark", ""},
	{"phone-arabic", true, 390, 844, "light", "ar"},
	{"desk", true, 1280, 900, "light", ""},
	{"desk-plain-dark", false, 1280, 900, "dark", ""},
	{"desk-hebrew-dark", true, 1280, 900, "dark", "he"},
	{"zoomed", true, 320, 256, "light", "de"},
}

// application is where sessions lead back to.
type application struct {
	*httptest.Server
	visits chan string // their queries
}

func newApplication(t *testing.T) *application {
	t.Helper()
	a := &application{visits: make(chan string, 9)}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/back" {
			a.visits <- r.URL.RawQuery
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><title>The application</title><p id="home">The application.</p>`)
	}))
	t.Cleanup(a.Close)
	return a
}

// visit waits for somebody to come back, and returns what with.
func (a *application) visit(ctx context.Context, t *testing.T) string {
	t.Helper()
	select {
	case q := <-a.visits:
		return q
	case <-ctx.Done():
		t.Fatal("nobody came back")
		return ""
	}
}

// viewer is a browser that holds every page it sees to what all pages must be.
type viewer struct {
	*browser
	axe string
	js  bool
	n   int

	mu         sync.Mutex
	complaints []string // of the browser itself
}

func newViewer(t *testing.T, s *service, l look) *viewer {
	t.Helper()
	axe, err := os.ReadFile("axe/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("%v: run «make tools»", err)
	}
	v := &viewer{browser: newBrowser(t, s, l.js, l.width, l.height), axe: string(axe), js: l.js}
	v.prefix = "pages-" + l.name
	media := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}
	if _, err := chromedp.Call(v.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: media}); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Listen(v.ctx, v.hear); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(v.ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	return v
}

// hear notes what the browser complains of: what its policies kept out, and scripts that
// failed. That a page is a 404 or so is no complaint.
func (v *viewer) hear(ev any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e := ev.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && !strings.Contains(e.Entry.Text, "the server responded with a status of 4") {
			v.complaints = append(v.complaints, string(e.Entry.Source)+": "+e.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		v.complaints = append(v.complaints, e.ExceptionDetails.Text)
	}
}

// sees holds the page to what all pages must be, and keeps a picture of it.
func (v *viewer) sees(name string, want ...string) {
	v.t.Helper()
	v.do(chromedp.WaitVisible(chromedp.CSS("main h1")))
	if len(want) > 0 {
		v.says(want...)
	}
	v.n++
	v.look(fmt.Sprintf("%02d-%s", v.n, name))
	wide, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool]("document.documentElement.scrollWidth > innerWidth"))
	if err != nil || wide {
		v.t.Errorf("%s is wider than the screen, %v", name, err)
	}
	v.scripts(true) // axe is one; the page's own have been passed over by now
	defer v.scripts(v.js)
	const run = `JSON.stringify((await axe.run(document, {resultTypes: ["violations"]})).violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html + " " + n.failureSummary).join("; ")))`
	found, err := chromedp.Run(v.ctx, chromedp.Evaluate[string]("(async () => { if (!window.axe) {"+v.axe+"}; return "+run+" })()", chromedp.EvalAwaitPromise))
	if err != nil {
		v.t.Fatalf("%s: %v", name, err)
	}
	var violations []string
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		v.t.Fatal(err)
	}
	for _, f := range violations {
		v.t.Errorf("%s: %s", name, f)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.complaints {
		v.t.Errorf("%s: the browser says: %s", name, c)
	}
	v.complaints = nil
}

// scripts lets the pages that follow run scripts, or not.
func (v *viewer) scripts(on bool) {
	v.t.Helper()
	if _, err := chromedp.Call(v.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}); err != nil {
		v.t.Fatal(err)
	}
}

// visit goes to an address, which need not be the service's.
func (v *viewer) visit(url string) { v.t.Helper(); v.do(chromedp.Navigate(url)) }

// TestEveryPageInEveryLook goes through the pages as people do and looks at each: nothing
// wider than the screen, no mistake that axe-core knows, no complaint of the browser.
func TestEveryPageInEveryLook(t *testing.T) {
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			s, a := newService(t), newApplication(t)
			p := s.newProfile(t, a.URL+"/back")
			v := newViewer(t, s, l)
			ask := map[string]any{"verify_profile_id": p, "return_url": a.URL + "/back", "state": "abc", "locale": l.locale}
			if l.locale == "" {
				delete(ask, "locale")
			}
			with := func(more map[string]any) map[string]any {
				out := map[string]any{}
				for k, x := range ask {
					out[k] = x
				}
				for k, x := range more {
					out[k] = x
				}
				return out
			}
			v.asked(t, s.newSession(t, with(map[string]any{"channels": []string{"sms", "call", "email"}})))
			v.given(t, a, s.newSession(t, with(map[string]any{"phone_number": "+447400123457", "channels": []string{"sms", "call", "whatsapp"}})))
			v.over(t, s, s.newSession(t, with(map[string]any{"phone_number": "+447400123458"})))
		})
	}
}

// asked is a session that asks for an address.
func (v *viewer) asked(t *testing.T, s session) {
	v.visit(s.URL)
	v.sees("number")
	v.submit("#phone", "+44 909 879 0123")
	v.sees("number-premium-rate")
	v.do(chromedp.Navigate(s.URL + "?with=email"))
	v.sees("email")
	v.submit("#email", "ada@localhost")
	v.sees("email-wrong")
	v.submit("#email", "ada@example.com")
	v.sees("code-by-email")
	v.do(chromedp.Navigate(s.URL))
	v.submit("#phone", "+44 (0)7400 123-456")
	v.sees("code")
	m := v.service.message(t, "+447400123456", "")
	v.submit("#code", wrongCode(m.Code))
	v.sees("code-wrong")
	v.press("section.resend button")
	v.sees("resend-too-early")
	for _, wait := range []time.Duration{31 * time.Second, 61 * time.Second} {
		v.service.pass(wait)
		v.press("section.resend button")
	}
	v.sees("other-ways")
	v.service.pass(2 * time.Minute)
	v.press("[data-others] button")
	v.sees("code-by-call")
	v.service.pass(10 * time.Minute)
	v.do(chromedp.Navigate(s.URL + "/verify"))
	v.sees("code-expired")
}

// given is a session for a number, to its end.
func (v *viewer) given(t *testing.T, a *application, s session) {
	v.visit(s.URL)
	v.sees("confirm")
	v.press("main form button.primary")
	v.sees("confirm-code")
	m := v.service.message(t, "+447400123457", "")
	v.do(chromedp.SendKeys(chromedp.CSS("#code"), m.Code))
	v.do(chromedp.Click(chromedp.CSS("main form button.primary")))
	if q := a.visit(v.ctx, t); !strings.Contains(q, "state=abc") || !strings.Contains(q, "proof=") || !strings.Contains(q, "session_id="+s.ID) {
		t.Errorf("the application was visited with %q", q)
	}
	// The browser went there by itself: a navigation that begins before it has arrived
	// would be taken for the one that it gave up.
	v.do(chromedp.WaitVisible(chromedp.CSS("#home")))
	v.visit(s.URL)
	v.sees("home-again")
	v.service.pass(6 * time.Minute)
	v.visit(s.URL + "/done")
	v.sees("home-late")
}

// over are pages of sessions that nobody can go on in.
func (v *viewer) over(t *testing.T, service *service, s session) {
	v.visit(service.URL + "/s/nothing")
	v.sees("link-unknown")
	other := newPerson(t)
	other.open(s.URL)
	other.submit("/request", map[string]string{})
	v.visit(s.URL)
	v.sees("link-elsewhere")
	service.pass(31 * time.Minute)
	v.visit(s.URL)
	v.sees("link-expired")
	v.visit(s.URL + "/nowhere")
	v.sees("not-found")
}
