package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// flags keep the browser to the page under test.
var flags = []string{
	"no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
	"disable-component-update", "disable-sync", "hide-scrollbars",
}

// browser is one page of a real Chromium, of a phone's size.
type browser struct {
	t       *testing.T
	ctx     context.Context
	service *service
	prefix  string
}

func newBrowser(t *testing.T, s *service, js bool, width, height int64) *browser {
	t.Helper()
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	for _, f := range flags {
		options = append(options, chromedp.Flag(f, true))
	}
	// The library gives the browser 20 seconds to start: a slow machine may need more.
	options = append(options, chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(2*time.Minute))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	b := &browser{t: t, ctx: ctx, service: s, prefix: fmt.Sprintf("js-%v-%d", js, width)}
	b.do(chromedp.EmulateViewport(width, height)) // starts the browser, whose life is that of this context
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !js}); err != nil {
		t.Fatal(err)
	}
	b.ctx, stop = context.WithTimeout(ctx, 2*time.Minute) // bounds a hang; nothing is measured
	t.Cleanup(stop)
	return b
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatalf("%v; the page says: %s", err, b.text())
	}
}

func (b *browser) open(path string) { b.t.Helper(); b.do(chromedp.Navigate(b.service.URL + path)) }

// submit fills a field and presses its form's button, and waits for the next page.
func (b *browser) submit(field chromedp.CSS, value string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(field), chromedp.Clear(field), chromedp.SendKeys(field, value))
	b.press("main form button.primary")
}

// press presses a button and waits for the page that follows.
func (b *browser) press(button chromedp.CSS) {
	b.t.Helper()
	next, err := chromedp.RunResponse(b.ctx, chromedp.Click(button))
	if err != nil || next.Status != 200 {
		b.t.Fatalf("pressing %s: %v, %v", button, next, err)
	}
}

func (b *browser) text() string {
	title, err := chromedp.Run(b.ctx, chromedp.Title())
	if err != nil {
		return err.Error()
	}
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return title + "\n" + text
}

func (b *browser) says(want ...string) {
	b.t.Helper()
	text := b.text()
	for _, w := range want {
		if !strings.Contains(text, w) {
			b.t.Fatalf("the page does not say %q; it says:\n%s", w, text)
		}
	}
}

func (b *browser) at(path string) {
	b.t.Helper()
	at, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil || at != b.service.URL+path {
		b.t.Fatalf("the browser is at %s, not at %s (%v)", at, path, err)
	}
}

// look keeps a picture of the page.
func (b *browser) look(name string) {
	b.t.Helper()
	// The screen is made as high as the page for the picture: beyond the screen, Chromium
	// begins elsewhere in a page from right to left than the person does.
	size, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]int64]("[innerWidth, innerHeight, Math.max(innerHeight, document.documentElement.scrollHeight)]"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.EmulateViewport(size[0], size[2]))
	defer b.do(chromedp.EmulateViewport(size[0], size[1]))
	shot, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{})
	if err != nil {
		b.t.Fatal(err)
	}
	png := shot.Data
	dir := filepath.Join("..", "artifacts", "screenshots")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, b.prefix+"-"+name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func wrongCode(right string) string {
	if right == "000000" {
		return "000001"
	}
	return "000000"
}

// TestAPersonGoesThroughThePages walks the whole flow as a person does, on a phone
// and at a desk, with scripts and without.
func TestAPersonGoesThroughThePages(t *testing.T) {
	for _, way := range []struct {
		js            bool
		width, height int64
	}{{true, 390, 844}, {false, 390, 844}, {true, 1280, 900}} {
		t.Run(fmt.Sprintf("scripts %v, %d wide", way.js, way.width), func(t *testing.T) {
			s := newService(t)
			walk(t, s, newBrowser(t, s, way.js, way.width, way.height))
		})
	}
}

func walk(t *testing.T, s *service, b *browser) {
	const number = "+447400123456"

	b.open("/")
	b.says("Verify your phone number")
	b.look("1-number")

	b.submit("#phone", "+44 20 7183 8750")
	b.says("Error: ", "landline")
	b.look("2-landline")

	b.submit("#phone", "+44 (0)7400 123-456")
	b.at("/verify")
	b.says("Check your phone", "56")
	b.look("3-code")
	first := s.message(t, number, "")

	b.submit("#code", wrongCode(first.Code))
	b.at("/verify")
	b.says("Error: ", "That code is not right", "4 tries left")
	b.look("4-wrong")

	b.submit("#code", "12")
	b.says("Error: ", "6 digits")

	b.press("section.resend button")
	b.says("You can ask for another code in")
	b.look("5-too-early")

	s.pass(31 * time.Second)
	b.press("section.resend button")
	b.says("We have sent the code again")
	again := s.message(t, number, first.ID)
	if again.Code != first.Code {
		t.Errorf("the resend brought another code")
	}

	s.pass(10 * time.Minute)
	b.submit("#code", first.Code)
	b.says("expired")
	b.look("6-expired")
	b.press("main form button.primary")
	b.at("/verify")
	fresh := s.message(t, number, again.ID)
	if fresh.Code == first.Code {
		t.Errorf("a new verification has the old code")
	}

	b.submit("#code", fresh.Code[:3]+" "+fresh.Code[3:])
	b.at("/done")
	b.says("Phone number verified", "56")
	b.look("7-done")

	b.open("/verify")
	b.says("Already verified")
	b.open("/nothing-here")
	b.says("Page not found")
}

// TestTheInboxShowsMessagesAsTheyCome opens the inbox first and starts then.
func TestTheInboxShowsMessagesAsTheyCome(t *testing.T) {
	s := newService(t)
	box := newBrowser(t, s, true, 390, 844)
	box.open("/dev/inbox")
	box.do(chromedp.WaitVisible(chromedp.CSS("main")))
	box.look("inbox-empty")

	person := newBrowser(t, s, true, 390, 844)
	person.open("/")
	person.submit("#phone", "+447400123456")
	m := s.message(t, "+447400123456", "")
	shown := chromedp.Poll[bool]("document.body.innerText.includes('"+m.Code+"')", chromedp.WithPollingMutation())
	if _, err := chromedp.Run(box.ctx, shown); err != nil {
		t.Fatalf("%v; the inbox says: %s", err, box.text())
	}
	box.look("inbox")

	// Without scripts the page has the message once it is opened.
	plain := newBrowser(t, s, false, 1280, 900)
	plain.open("/dev/inbox")
	plain.says(m.Code)
	plain.look("inbox")
}
