package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// embedding is an application's page that opens a session in a window of its own.
func embedding(t *testing.T, s *service) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "script-src 'unsafe-inline' "+s.URL)
		fmt.Fprintf(w, `<!doctype html><title>An application</title><script src="%s/embed.js"></script>
			<button id="open">Open</button><button id="strict">Open or not at all</button><pre id="out"></pre>
			<script>
				const url = new URLSearchParams(location.search).get("url");
				const out = (what) => { document.querySelector("#out").textContent = JSON.stringify(what); };
				for (const [id, options] of [["open", {}], ["strict", { fallback: false }]]) {
					document.getElementById(id).onclick = () => Countersign.open(url, options).then(out, (e) => out({ reason: e.reason }));
				}
			</script>`, s.URL)
	}))
	t.Cleanup(server.Close)
	return server
}

// popup waits for the window that press opens, and returns a browser that shows it.
func (b *browser) popup(press chromedp.CSS) *browser {
	b.t.Helper()
	opened := chromedp.WaitNewTarget(b.ctx, func(info *target.Info) bool { return strings.Contains(info.URL, "/s/") })
	b.do(chromedp.Click(press))
	ctx, stop := chromedp.NewContext(b.ctx, chromedp.WithTargetID(<-opened))
	b.t.Cleanup(stop)
	return &browser{t: b.t, ctx: ctx, service: b.service, prefix: b.prefix}
}

func (b *browser) told() map[string]string {
	b.t.Helper()
	b.until("document.querySelector('#out').textContent")
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.querySelector('#out').textContent"))
	if err != nil {
		b.t.Fatal(err)
	}
	var out map[string]string
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		b.t.Fatal(err)
	}
	return out
}

func TestASessionInAWindowOfItsOwnTellsTheWindowThatOpenedIt(t *testing.T) {
	s := newService(t)
	app := embedding(t, s)
	p := s.newProfile(t, app.URL+"/back")
	ask := map[string]any{
		"verify_profile_id": p, "return_url": app.URL + "/back", "state": "abc", "phone_number": "+447400123456", "display": "popup",
	}
	t.Run("to the end", func(t *testing.T) {
		b := newBrowser(t, s, true, 1280, 900)
		made := s.newSession(t, ask)
		b.do(chromedp.Navigate(app.URL + "/?url=" + made.URL))
		w := b.popup("#open")
		w.do(chromedp.WaitVisible(chromedp.CSS("main form button.primary")))
		w.press("main form button.primary")
		w.do(chromedp.SendKeys(chromedp.CSS("#code"), s.message(t, "+447400123456", "").Code+"\r"))
		got := b.told()
		if got["session_id"] != made.ID || got["state"] != "abc" || strings.Count(got["proof"], ".") != 2 {
			t.Errorf("told %v", got)
		}
	})
	t.Run("given up", func(t *testing.T) {
		b := newBrowser(t, s, true, 1280, 900)
		b.do(chromedp.Navigate(app.URL + "/?url=" + s.newSession(t, ask).URL))
		w := b.popup("#open")
		w.do(chromedp.WaitVisible(chromedp.CSS("[data-cancel]")), chromedp.Click(chromedp.CSS("[data-cancel]")))
		if got := b.told(); got["reason"] != "canceled" {
			t.Errorf("told %v", got)
		}
	})
	t.Run("closed", func(t *testing.T) {
		b := newBrowser(t, s, true, 1280, 900)
		b.do(chromedp.Navigate(app.URL + "/?url=" + s.newSession(t, ask).URL))
		w := b.popup("#open")
		w.do(chromedp.WaitVisible(chromedp.CSS("main h1")))
		if _, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool]("(setTimeout(() => close()), true)")); err != nil {
			t.Fatal(err)
		}
		if got := b.told(); got["reason"] != "closed" {
			t.Errorf("told %v", got)
		}
	})
	t.Run("a message of another window or origin is none", func(t *testing.T) {
		b := newBrowser(t, s, true, 1280, 900)
		ask["phone_number"] = "+447400123457"
		made := s.newSession(t, ask)
		b.do(chromedp.Navigate(app.URL + "/?url=" + made.URL))
		w := b.popup("#open")
		w.do(chromedp.WaitVisible(chromedp.CSS("main form button.primary")))
		forged := `postMessage({type: "countersign", session_id: "forged", proof: "a.b.c"}, "*"); dispatchEvent(new MessageEvent("message",
			{origin: "` + s.URL + `", data: {type: "countersign", session_id: "forged", proof: "a.b.c"}}))`
		if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("("+strings.Replace(forged, "; ", ", ", 1)+", true)")); err != nil {
			t.Fatal(err)
		}
		w.press("main form button.primary")
		w.do(chromedp.SendKeys(chromedp.CSS("#code"), s.message(t, "+447400123457", "").Code+"\r"))
		if got := b.told(); got["session_id"] != made.ID {
			t.Errorf("told %v", got)
		}
	})
	t.Run("of another origin than the return url is not told", func(t *testing.T) {
		b := newBrowser(t, s, true, 1280, 900)
		other := embedding(t, s)
		b.do(chromedp.Navigate(other.URL + "/?url=" + s.newSession(t, ask).URL))
		w := b.popup("#open")
		w.do(chromedp.WaitVisible(chromedp.CSS("[data-cancel]")), chromedp.Click(chromedp.CSS("[data-cancel]")))
		if got := b.told(); got["reason"] != "closed" {
			t.Errorf("told %v", got)
		}
	})
}
