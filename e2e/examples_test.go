package e2e_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
)

// examples are the applications of ../examples, each as its one command.
var examples = map[string][]string{
	"go":     {"go", "run", "./examples/go"},
	"node":   {"node", "examples/node/app.mjs"},
	"python": {"python3", "examples/python/app.py"},
}

// example is one of them, running.
type example struct {
	service  *service
	base     string
	phone    string // of its user
	password string
}

func newExample(t *testing.T, name, phone string) *example {
	t.Helper()
	if name == "node" {
		withJose(t)
	}
	s := newService(t)
	port := freePort(t)
	e := &example{service: s, base: "http://127.0.0.1:" + port, phone: phone}
	profile := s.newProfile(t, e.base+"/second-factor")

	command := examples[name]
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stderr = "..", testLog{t}
	cmd.Env = append(os.Environ(), "COUNTERSIGN_URL="+s.URL, "COUNTERSIGN_API_KEY="+s.APIKey, "COUNTERSIGN_PROFILE_ID="+profile,
		"PORT="+port, "DEMO_PHONE="+phone, "PYTHONDONTWRITEBYTECODE=1")
	// «go run» has a child, and passes on no signal: all of them are ended together.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait() // it was told to end
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if password, ok := strings.CutPrefix(lines.Text(), "password:"); ok {
			e.password = strings.TrimSpace(password)
			return e
		}
	}
	t.Fatal("the example ended before it was there")
	return nil
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// signIn types the right password, after which the person is at the service's page.
func (e *example) signIn(t *testing.T) *person {
	t.Helper()
	p := newPerson(t)
	p.open(e.base)
	p.submit("/sign-in", map[string]string{"name": "demo", "password": e.password})
	if !strings.HasPrefix(p.at.String(), e.service.URL+"/s/") {
		t.Fatalf("the person is at %s (%d):\n%s", p.at, p.status, p.page)
	}
	return p
}

// id is the person's session with the example.
func (e *example) id(p *person) string {
	at, err := url.Parse(e.base)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, c := range p.client.Jar.Cookies(at) {
		if c.Name == "session" {
			return c.Value
		}
	}
	return ""
}

const (
	halfway = "One more step"
	inside  = "You are signed in, with two factors."
)

// TestTheExamplesOnAPhone walks through each in a real browser, and keeps pictures.
func TestTheExamplesOnAPhone(t *testing.T) {
	for name := range examples {
		t.Run(name, func(t *testing.T) {
			e := newExample(t, name, "+12015550110")
			b := newBrowser(t, e.service, true, 390, 844)
			b.prefix = "example-" + name
			b.do(chromedp.Navigate(e.base), chromedp.WaitVisible(chromedp.CSS("#name")))
			b.says("Sign in", "Example Notes")
			b.look("1-sign-in")

			b.fill("#name", "demo")
			b.fill("#password", "wrong")
			b.do(chromedp.Click(chromedp.CSS("main button")), chromedp.WaitVisible(chromedp.CSS(".notice")))
			b.says("do not belong together")
			b.look("2-wrong-password")

			b.fill("#password", e.password)
			b.press("main button")
			b.look("3-at-the-service")
			b.press("main p.quiet a")
			b.says(halfway, "You left before the second step was done")
			b.look("4-gave-up")
			b.press("main button")
			b.press("main form button.primary")
			b.submitted("#code", e.service.message(t, e.phone, "").Code)
			b.do(chromedp.WaitVisible(chromedp.CSS(".done")))
			b.says("Welcome back", inside, "Text message")
			b.look("5-signed-in")

			b.press("main button")
			b.says("Sign in")
		})
	}
}

func (b *browser) fill(field chromedp.CSS, value string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(field), chromedp.Clear(field), chromedp.SendKeys(field, value))
}

// submitted is submit for a page that another follows by itself.
func (b *browser) submitted(field chromedp.CSS, value string) {
	b.t.Helper()
	b.fill(field, value)
	b.do(chromedp.Click(chromedp.CSS("main form button.primary")))
}

func TestTheExamplesLetInWhoHasBothFactors(t *testing.T) {
	for name := range examples {
		t.Run(name, func(t *testing.T) {
			e := newExample(t, name, "+12015550111")
			p := newPerson(t)
			p.open(e.base)
			for _, wrong := range []map[string]string{{"name": "demo", "password": "wrong"}, {"name": "else", "password": e.password}, {}} {
				p.submit("/sign-in", wrong)
				p.says("do not belong together")
				if e.id(p) != "" {
					t.Error("a wrong password began a session")
				}
			}
			p = e.signIn(t)
			first := e.id(p)
			back := p.verify(e.service, e.phone)
			p.open(back.String())
			p.says(inside)
			if second := e.id(p); first == "" || second == "" || first == second {
				t.Errorf("the session's id was %q and is %q", first, second)
			}
			if p.at.RawQuery != "" {
				t.Errorf("the address still has %s", p.at.RawQuery)
			}

			// The same answer again: here, by the back button; where nobody is signed in; and in a
			// session of which somebody knew the id before.
			p.open(back.String())
			p.says(inside)
			if p.at.RawQuery != "" {
				t.Errorf("the address says %s to somebody who is in", p.at.RawQuery)
			}
			other := newPerson(t)
			other.open(back.String())
			other.says("Please sign in first")
			other.client.Jar.SetCookies(other.at, []*http.Cookie{{Name: "session", Value: first, Path: "/"}})
			other.open(e.base)
			other.says("<h1>Sign in</h1>")

			p.submit("/sign-out", nil)
			p.says("<h1>Sign in</h1>")
		})
	}
}

func TestTheExamplesKeepOutWhoHasNoProofOfTheirOwn(t *testing.T) {
	for name := range examples {
		t.Run(name, func(t *testing.T) {
			e := newExample(t, name, "+12015550112")
			first := e.signIn(t)
			proof := first.verify(e.service, e.phone)

			// Another visit, with the right password, and the first one's proof in each way.
			other := e.signIn(t)
			other.open(proof.String())
			other.says(halfway, "not for this visit")
			other.open(e.base)
			other.submit("/second-step", nil)
			own, err := url.Parse(other.cancel())
			if err != nil || !own.Query().Has("state") {
				t.Fatalf("giving up leads to %v", own)
			}
			query := own.Query()
			query.Del("error")
			query.Set("proof", proof.Query().Get("proof"))
			own.RawQuery = query.Encode()
			other.open(own.String())
			other.says(halfway, "was not good")

			// A changed state or session is no answer. A bad answer is one, and the question is
			// over with it, so that the right one is of no use.
			for _, name := range []string{"state", "session_id"} {
				first.open(change(proof, name, "x"))
				first.says(halfway, "not for this visit")
			}
			first.open(change(proof, "proof", "x"))
			first.says(halfway, "was not good")
			first.open(proof.String())
			first.says(halfway, "not for this visit")
		})
	}
}

// cancel is where giving up leads, from the service's first page.
func (p *person) cancel() string {
	p.t.Helper()
	follow := p.client.CheckRedirect
	defer func() { p.client.CheckRedirect = follow }()
	to := p.link(cancelOf)
	p.client.CheckRedirect = func(req *http.Request, _ []*http.Request) error {
		to = req.URL.String()
		if req.URL.Query().Has("error") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	if at, err := url.Parse(to); err == nil && !at.Query().Has("error") {
		p.open(to)
	}
	return to
}

func TestTheExamplesAreKindToWhoGivesUp(t *testing.T) {
	for name := range examples {
		t.Run(name, func(t *testing.T) {
			e := newExample(t, name, "+12015550113")
			p := e.signIn(t)
			p.open(p.cancel())
			p.says(halfway, "You left before the second step was done")
			p.submit("/second-step", nil)
			p.open(p.verify(e.service, e.phone).String())
			p.says(inside)
		})
	}
}

func TestTheExamplesTakeFormsOfTheirOwnPagesAlone(t *testing.T) {
	for name := range examples {
		t.Run(name, func(t *testing.T) {
			e := newExample(t, name, "+12015550114")
			for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
				form := url.Values{"name": {"demo"}, "password": {e.password}}.Encode()
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.base+"/sign-in", strings.NewReader(form))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				req.Header.Set(header, value)
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				if res.StatusCode != http.StatusForbidden || len(res.Cookies()) > 0 {
					t.Errorf("%s: %d %v", header, res.StatusCode, res.Cookies())
				}
			}
		})
	}
}

// TestTheExamplesLookAlike keeps the three copies of their style one.
func TestTheExamplesLookAlike(t *testing.T) {
	var first []byte
	for name := range examples {
		text, err := os.ReadFile("../examples/" + name + "/page.css")
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = text
		}
		if !bytes.Equal(first, text) {
			t.Errorf("examples/%s/page.css is not the others'", name)
		}
	}
}
