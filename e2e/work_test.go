package e2e_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"countersign/internal/app"
)

// TestABusyNetworksBrowserWorksFirst: with scripts nobody has to do anything, without
// them the page says when to come back.
func TestABusyNetworksBrowserWorksFirst(t *testing.T) {
	for _, l := range []look{{"phone-work", true, 390, 844, "light", ""}, {"phone-work-plain", false, 390, 844, "dark", ""}} {
		t.Run(l.name, func(t *testing.T) {
			s := newService(t, func(c *app.Config) { c.Limits.NetworkPerHour = 2 })
			first := newPerson(t)
			first.open(s.URL)
			first.submit("/request", map[string]string{"phone": "+447400123450"})
			v := newViewer(t, s, l)
			v.open("/")
			v.do(chromedp.WaitVisible(chromedp.CSS("#phone")), chromedp.SendKeys(chromedp.CSS("#phone"), "+447400123451"))
			v.do(chromedp.Click(chromedp.CSS("main form button.primary")))
			if l.js {
				v.do(chromedp.WaitVisible(chromedp.CSS("#code")))
				v.sees("after-the-work", "Check your phone")
				return
			}
			v.do(chromedp.WaitVisible(chromedp.CSS("[data-work]")))
			v.sees("work", "One moment", "come back and press the button again in")
			v.do(chromedp.Click(chromedp.CSS("main form button.primary")))
			v.do(chromedp.WaitVisible(chromedp.CSS("[data-work]")))
		})
	}
}

// TestThePagesHaveTheOperatorsLooks: a colour that nobody could read as it is, and a logo.
func TestThePagesHaveTheOperatorsLooks(t *testing.T) {
	logo := filepath.Join(t.TempDir(), "logo.svg")
	drawing := `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40"><rect width="120" height="40" rx="8" fill="#ffb000"/><circle cx="20" cy="20" r="10" fill="#fff"/></svg>`
	if err := os.WriteFile(logo, []byte(drawing), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newService(t, func(c *app.Config) { c.Pages.Color, c.Pages.Logo, c.AppName = "#ffb000", logo, "Example Bank" })
	for _, l := range []look{{"brand", true, 390, 844, "light", ""}, {"brand-dark", true, 1280, 900, "dark", ""}} {
		t.Run(l.name, func(t *testing.T) {
			v := newViewer(t, s, l)
			v.open("/")
			v.sees("number", "Example Bank")
			drawn, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool]("document.querySelector('.logo').naturalWidth > 0"))
			if err != nil || !drawn {
				t.Errorf("the logo is not there: %v", err)
			}
		})
	}
}

// TestThePagesNeedNoMouse goes the whole way with Tab, letters and Enter.
func TestThePagesNeedNoMouse(t *testing.T) {
	s, a := newService(t), newApplication(t)
	p := s.newProfile(t, a.URL+"/back")
	made := s.newSession(t, map[string]any{"verify_profile_id": p, "return_url": a.URL + "/back", "state": "abc"})
	b := newBrowser(t, s, true, 1280, 900)
	b.do(chromedp.Navigate(made.URL), chromedp.WaitVisible(chromedp.CSS("#phone")))
	keys := func(text string) { b.t.Helper(); b.do(chromedp.KeyEvent(text)) }
	focus := func(want string) {
		b.t.Helper()
		if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool]("document.activeElement.id === '"+want+"'", chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(20*time.Second))); err != nil {
			at, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.activeElement.outerHTML.slice(0, 200)"))
			t.Fatalf("the focus is not on %s but on %s: %v", want, at, err)
		}
	}
	keys("\t")
	focus("phone")
	keys("+44 20 7183 8750\r")
	b.do(chromedp.WaitVisible(chromedp.CSS("#summary")))
	focus("summary") // what went wrong is read first
	keys("\t")       // the link to the field, and then the field itself
	keys("\t")
	focus("phone")
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("(document.activeElement.select(), true)")); err != nil { // as Ctrl-A does
		t.Fatal(err)
	}
	keys("+447400123456\r")
	b.do(chromedp.WaitVisible(chromedp.CSS("#code")))
	focus("code")
	keys(s.message(t, "+447400123456", "").Code + "\r")
	a.visit(b.ctx, t)
}
