package e2e_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"countersign/internal/app"
	"countersign/internal/code"
	"countersign/internal/deliver/inbox"
	text "countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

// TestTheInboxShowsWhatBecameOfAMessage looks at the page alone, as carriers and the core
// would feed it, at a phone's and at a desk's size, light and dark.
func TestTheInboxShowsWhatBecameOfAMessage(t *testing.T) {
	for _, way := range []struct {
		scheme        string
		width, height int64
	}{{"light", 390, 844}, {"dark", 390, 844}, {"light", 1280, 900}, {"dark", 1280, 900}} {
		t.Run(way.scheme, func(t *testing.T) {
			box := inbox.New("inbox", time.Now)
			server := httptest.NewServer(box.Handler())
			t.Cleanup(server.Close)
			t.Cleanup(box.Close)
			b := newBrowser(t, &service{Started: app.Started{URL: server.URL}}, true, way.width, way.height)
			b.prefix = "timeline-" + way.scheme + "-" + b.prefix
			media := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: way.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}
			if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: media}); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			box.Record("1", verify.StepQueued, begin, "")
			box.Show("first", texted(t, "1", "+12015550117", "ar"), false)
			b.open("/dev/inbox")
			b.do(chromedp.WaitVisible(chromedp.CSS("main")))
			b.says("Not arrived", "Queued", "first")
			b.until("document.querySelector('.live').textContent === 'Live'")

			// What follows comes while the page is open.
			box.Show("first", texted(t, "2", "+12015550130", "en"), false)
			box.Record("2", verify.StepRefused, begin.Add(time.Millisecond), "first refused it: not a mobile")
			box.Record("1", verify.StepUnconfirmed, begin.Add(2*time.Second), "first gave no answer")
			box.Show("second", texted(t, "1", "+12015550117", "ar"), true)
			box.Record("1", verify.StepDelivered, begin.Add(21*time.Second), "says second")
			box.Record("1", verify.StepSubmitted, begin.Add(20*time.Second), "second took it after 20 s without a word")
			box.Record("1", verify.Step(verify.Accepted), begin.Add(25*time.Second), "")
			b.until("document.querySelector('.accepted') && document.querySelector('.refused')")
			steps, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](
				"[...document.querySelectorAll('.message:first-child .step .label')].map((l) => l.textContent).join(' ')"))
			if err != nil || steps != "Queued No answer Submitted Delivered Verified" {
				t.Errorf("the newest message's steps are %q, %v", steps, err)
			}
			away, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("[...document.querySelectorAll('.away .to')].map((l) => l.textContent).join(' ')"))
			if err != nil || away != "+12015550130" {
				t.Errorf("not arrived are %q, %v", away, err)
			}
			if n := strings.Count(b.text(), "+12015550117"); n != 1 {
				t.Errorf("one message is shown %d times", n)
			}
			wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("document.documentElement.scrollWidth > innerWidth"))
			if err != nil || wide {
				t.Errorf("the page is wider than the screen, %v", err)
			}
			b.look("messages")
		})
	}
}

// until waits for an expression to hold.
func (b *browser) until(holds string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool]("Boolean("+holds+")", chromedp.WithPollingMutation())); err != nil {
		b.t.Fatalf("%s: %v; the page says: %s", holds, err, b.text())
	}
}

func texted(t *testing.T, id, number, locale string) verify.Message {
	t.Helper()
	c, err := code.Custom("493817")
	if err != nil {
		t.Fatal(err)
	}
	values := text.Values{Code: c, AppName: "Acme", Domain: "login.example.com"}
	return verify.Message{
		ID: id, Channel: verify.SMS, To: verify.Phone(phone.Trusted(number)), Code: c, Text: text.Render(text.Default(locale, true), values),
	}
}
