package gate_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/gate"
)

// door is a handler behind Require, and a browser that keeps cookies.
type door struct {
	w       *world
	handler http.Handler
	visit   string
	jar     map[string]string
}

func newDoor(t *testing.T, change ...func(*gate.Config)) *door {
	d := &door{w: newWorld(t, change...), visit: visit, jar: map[string]string{}}
	d.handler = d.w.gate.Require(func(*http.Request) (gate.Ask, error) {
		if d.visit == "nobody" {
			return gate.Ask{}, errors.New("nobody is signed in")
		}
		return gate.Ask{Visit: d.visit, PhoneNumber: number}, nil
	}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("inside")) }))
	return d
}

func (d *door) open(method, path string, header ...string) *http.Response {
	req := httptest.NewRequest(method, path, nil)
	for name, value := range d.jar {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	d.handler.ServeHTTP(rec, req)
	res := rec.Result()
	for _, c := range res.Cookies() {
		d.jar[c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(d.jar, c.Name)
		}
	}
	return res
}

// way is what lies between the last answer and the return.
func (d *door) way() *trip {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	n := len(d.w.requests)
	return &trip{w: d.w, session: sessionID(n), state: d.w.requests[n-1]["state"].(string)}
}

func (d *door) pass() *http.Response {
	d.open(http.MethodGet, "/inner?a=1")
	way := d.way()
	return d.open(http.MethodGet, "/back?"+way.query(way.proof()).Encode())
}

func TestRequireLetsAVisitInOnceItHasASecondFactor(t *testing.T) {
	d := newDoor(t)
	if res := d.open(http.MethodGet, "/inner?a=1"); res.StatusCode != http.StatusSeeOther || !strings.Contains(res.Header.Get("Location"), "/s/") {
		t.Fatalf("%v", res)
	}
	way := d.way()
	res := d.open(http.MethodGet, "/back?"+way.query(way.proof()).Encode())
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/inner?a=1" {
		t.Fatalf("%v", res)
	}
	if res := d.open(http.MethodGet, "/inner?a=1"); res.StatusCode != http.StatusOK {
		t.Errorf("%v", res)
	}
	if res := d.open(http.MethodPost, "/inner"); res.StatusCode != http.StatusOK {
		t.Errorf("%v", res)
	}
}

func TestEachTabComesBackToItsOwnPage(t *testing.T) {
	d := newDoor(t)
	d.open(http.MethodGet, "/one")
	one := d.way()
	d.open(http.MethodGet, "/two")
	two := d.way()
	for _, tab := range []struct {
		*trip
		page string
	}{{two, "/two"}, {one, "/one"}} {
		res := d.open(http.MethodGet, "/back?"+tab.query(tab.proof()).Encode())
		if to := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || to != tab.page {
			t.Errorf("%d, to %s; want %s", res.StatusCode, to, tab.page)
		}
	}
}

// Our pages' last one has a link to the application, which a person comes to again by
// the back button.
func TestWhoHasPassedIsNotKeptOutByAnOldAnswer(t *testing.T) {
	d := newDoor(t)
	d.open(http.MethodGet, "/inner")
	way := d.way()
	back := "/back?" + way.query(way.proof()).Encode()
	for _, want := range []string{"/inner", "/"} {
		if res := d.open(http.MethodGet, back); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != want {
			t.Errorf("%d, to %s; want %s", res.StatusCode, res.Header.Get("Location"), want)
		}
	}
	d.visit = "visit-2"
	if res := d.open(http.MethodGet, back); res.StatusCode != http.StatusForbidden {
		t.Errorf("another visit: %d", res.StatusCode)
	}
}

func TestWhatHasPassedIsWhatWasAsked(t *testing.T) {
	d := newDoor(t)
	asks := map[string]gate.Ask{
		"/":    {Visit: visit, PhoneNumber: number},
		"/pay": {Visit: visit, PhoneNumber: number, Purpose: "pay"},
		"/any": {Visit: visit, AnyAddress: true},
		"/new": {Visit: visit, PhoneNumber: "+447700900456"},
	}
	d.handler = d.w.gate.Require(func(r *http.Request) (gate.Ask, error) {
		ask, ok := asks[r.URL.Path]
		if !ok {
			ask = asks["/"]
		}
		return ask, nil
	}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("inside")) }))
	var in []string
	for _, page := range []string{"/any", "/", "/pay", "/new"} {
		if res := d.open(http.MethodGet, page); res.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s after %v: %v", page, in, res)
		}
		way := d.way()
		if res := d.open(http.MethodGet, "/back?"+way.query(way.proof()).Encode()); res.Header.Get("Location") != page {
			t.Errorf("the answer for %s: %v", page, res)
		}
		in = append(in, page)
		for _, again := range in { // one pass does not end another
			if res := d.open(http.MethodGet, again); res.StatusCode != http.StatusOK {
				t.Errorf("%s after %v: %v", again, in, res)
			}
		}
	}
}

func TestAReturnURLNeedsNoPath(t *testing.T) {
	d := newDoor(t, func(c *gate.Config) { c.ReturnURL = "https://app.example" })
	d.open(http.MethodGet, "/inner")
	way := d.way()
	if res := d.open(http.MethodGet, "/?"+way.query(way.proof()).Encode()); res.Header.Get("Location") != "/inner" {
		t.Errorf("%v", res)
	}
}

func TestABrowserThatAsksAndAsksHasFewCookies(t *testing.T) {
	d := newDoor(t)
	for range 9 {
		d.open(http.MethodGet, "/")
		if len(d.jar) > 4 {
			t.Fatalf("%d cookies", len(d.jar))
		}
	}
	way := d.way()
	if res := d.open(http.MethodGet, "/back?"+way.query(way.proof()).Encode()); res.Header.Get("Location") != "/" {
		t.Errorf("the newest question: %v", res)
	}
}

func TestWhatHasPassedIsTheVisitAndForATime(t *testing.T) {
	d := newDoor(t)
	d.pass()
	d.visit = "visit-2"
	if res := d.open(http.MethodGet, "/"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("another visit: %v", res)
	}
	d.visit = visit
	if res := d.open(http.MethodGet, "/"); res.StatusCode != http.StatusOK {
		t.Errorf("the same visit: %v", res)
	}
	d.w.pass(12 * time.Hour)
	if res := d.open(http.MethodGet, "/"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("after 12 hours: %v", res)
	}
}

func TestTheCookieOfAQuestionIsNoPass(t *testing.T) {
	d := newDoor(t)
	d.open(http.MethodGet, "/")
	question := d.jar["__Host-gate-"+d.way().state[:8]]
	d.pass()
	for name := range d.jar {
		if strings.HasPrefix(name, "__Host-gate-passed-") {
			d.jar[name] = question
			question = ""
		}
	}
	if question != "" {
		t.Fatalf("no pass among %v", d.jar)
	}
	if res := d.open(http.MethodGet, "/"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("%v", res)
	}
}

func TestRequireSendsNobodyToThePagesWhoCouldNotSeeThem(t *testing.T) {
	d := newDoor(t)
	for _, r := range []struct{ method, dest string }{{http.MethodPost, "document"}, {http.MethodGet, "empty"}, {http.MethodGet, "image"}} {
		if res := d.open(r.method, "/", "Sec-Fetch-Dest", r.dest); res.StatusCode != http.StatusForbidden {
			t.Errorf("%v: %v", r, res)
		}
	}
	if d.w.asked() > 0 {
		t.Error("a session was made")
	}
}

func TestRequireComesBackToAPathOfThisHostAlone(t *testing.T) {
	for _, path := range []string{"//evil.example/", `/\evil.example`, "/" + strings.Repeat("a", 2000)} {
		d := newDoor(t)
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.URL = &url.URL{Path: path}
		rec := httptest.NewRecorder()
		d.handler.ServeHTTP(rec, req)
		for _, c := range rec.Result().Cookies() {
			d.jar[c.Name] = c.Value
		}
		way := d.way()
		res := d.open(http.MethodGet, "/back?"+way.query(way.proof()).Encode())
		to, err := res.Location()
		if err != nil || to.Host != "" && to.Host != "example.com" || len(to.Path) > 1024 {
			t.Errorf("%.30q led to %v", path, to)
		}
	}
}

func TestWhereRequireCannotGoOnItSaysSoKindly(t *testing.T) {
	d := newDoor(t)
	d.open(http.MethodGet, "/")
	way := d.way()
	canceled := url.Values{"session_id": {way.session}, "state": {way.state}, "error": {"canceled"}}
	if res := d.open(http.MethodGet, "/back?"+canceled.Encode()); res.StatusCode != http.StatusForbidden {
		t.Errorf("canceled: %v", res)
	}
	d.w.fail(http.StatusBadGateway)
	if res := d.open(http.MethodGet, "/"); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("no service: %v", res)
	}
	var got error
	d = newDoor(t, func(c *gate.Config) {
		c.Refused = func(w http.ResponseWriter, _ *http.Request, err error) { got = err; w.WriteHeader(http.StatusTeapot) }
	})
	d.visit = "nobody"
	if res := d.open(http.MethodGet, "/"); res.StatusCode != http.StatusTeapot || got == nil {
		t.Errorf("nobody is signed in: %v, %v", res, got)
	}
	d.visit = ""
	if res := d.open(http.MethodGet, "/"); res.StatusCode != http.StatusTeapot {
		t.Errorf("no visit: %v", res)
	}
}
