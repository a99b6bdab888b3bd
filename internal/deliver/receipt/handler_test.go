package receipt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/deliver/receipt"
	"countersign/internal/verify"
)

const canary = "canary-731946"

var now = time.Unix(1_780_000_000, 0).UTC()

// world is a Handler with one carrier, «acme eu», whose requests are good if their body is
// the address.
type world struct {
	http.Handler
	asked []receipt.Posted
	taken []string
	log   bytes.Buffer
	err   error // of Receive
	away  error // of Take
}

func (w *world) Receive(p receipt.Posted) ([]verify.Receipt, error) {
	w.asked = append(w.asked, p)
	if w.err != nil {
		return nil, w.err
	}
	return []verify.Receipt{{Message: "one", State: verify.Sent}, {Message: "two", State: verify.Delivered}}, nil
}

// asking is a receiver whose carrier asks first.
type asking struct{ *world }

func (a asking) Challenge(p receipt.Posted) ([]byte, error) {
	a.asked = append(a.asked, p)
	return []byte("<script>" + p.Method), a.err
}

func newWorld() *world {
	w := &world{}
	w.Handler = receipt.Handler(receipt.Config{
		Receivers: map[string]receipt.Receiver{"acme eu": w, "asking": asking{w}},
		Public:    func(*http.Request) string { return "https://otp.example/cs/" },
		Take: func(_ context.Context, carrier string, r verify.Receipt) error {
			if w.away == nil {
				w.taken = append(w.taken, carrier+": "+r.Message)
			}
			return w.away
		},
		Now: func() time.Time { return now },
		Log: slog.New(slog.NewTextHandler(&w.log, nil)),
	})
	return w
}

func (w *world) do(method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "evil.example"
	r.Header.Set("X-Forwarded-Host", "evil.example")
	r.Header.Set("X-Signature", canary)
	out := httptest.NewRecorder()
	w.ServeHTTP(out, r)
	return out
}

func TestAReceiverIsGivenTheRequestAsTheCarrierMadeIt(t *testing.T) {
	w := newWorld()
	answer := w.do("POST", "/receipts/acme%20eu?message=a%2Bb&x", "the body")
	if answer.Code != 200 || answer.Body.Len() != 0 {
		t.Errorf("answered %d %q", answer.Code, answer.Body)
	}
	if len(w.asked) != 1 {
		t.Fatalf("asked %d times", len(w.asked))
	}
	p := w.asked[0]
	got := fmt.Sprintf("%s %s\n%s\n%s %s", p.Method, p.URL, p.Header.Get("X-Signature"), p.Body, p.Now)
	want := "POST https://otp.example/cs/receipts/acme%20eu?message=a%2Bb&x\n" + canary + "\nthe body " + now.String()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("posted (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"acme eu: one", "acme eu: two"}, w.taken); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	if w.log.Len() > 0 {
		t.Errorf("logged %s", &w.log)
	}
	if got, want := receipt.Address("https://otp.example/cs/", "acme eu"), strings.Split(p.URL, "?")[0]; got != want {
		t.Errorf("a carrier is told %s, and called at %s", got, want)
	}
}

func TestAForgeryIsAnswered403AndNothingOfItIsLogged(t *testing.T) {
	for _, cause := range []error{receipt.ErrForged, fmt.Errorf("acme: %w: why", receipt.ErrForged), errors.New("something else")} {
		w := newWorld()
		w.err = cause
		answer := w.do("POST", "/receipts/acme%20eu?message="+canary, canary)
		if answer.Code != 403 || answer.Body.Len() != 0 || w.taken != nil {
			t.Errorf("answered %d %q, taken %v", answer.Code, answer.Body, w.taken)
		}
		line := w.log.String()
		if strings.Count(line, "\n") != 1 || !strings.Contains(line, "level=WARN") || !strings.Contains(line, `carrier="acme eu"`) || strings.Contains(line, canary) {
			t.Errorf("logged %s", line)
		}
	}
}

// A carrier would post again for hours what nobody will ever understand.
func TestWhatCannotBeReadIsAnswered200AndSaid(t *testing.T) {
	w := newWorld()
	w.err = fmt.Errorf("acme: %w: why", receipt.ErrUnreadable)
	answer := w.do("POST", "/receipts/acme%20eu", canary)
	if answer.Code != 200 || answer.Body.Len() != 0 || w.taken != nil {
		t.Errorf("answered %d %q, taken %v", answer.Code, answer.Body, w.taken)
	}
	line := w.log.String()
	if strings.Count(line, "\n") != 1 || !strings.Contains(line, "level=WARN") || strings.Contains(line, canary) {
		t.Errorf("logged %s", line)
	}
}

func TestIfTheStoreIsAwayTheCarrierIsAskedToPostAgain(t *testing.T) {
	w := newWorld()
	w.away = errors.New("no database")
	answer := w.do("POST", "/receipts/acme%20eu", "")
	if answer.Code != 503 || answer.Header().Get("Retry-After") == "" || !strings.Contains(w.log.String(), "level=ERROR") {
		t.Errorf("answered %d, logged %s", answer.Code, &w.log)
	}
}

func TestOtherAddressesAreNotFound(t *testing.T) {
	for _, target := range []string{
		"/receipts/", "/receipts", "/receipts/other", "/receipts/acme", "/receipts/acme%20eu/", "/receipts/acme%20eu/x", "/receipts/ACME%20eu", "/acme%20eu", "/",
	} {
		w := newWorld()
		if answer := w.do("POST", target, ""); answer.Code != 404 || w.asked != nil {
			t.Errorf("%s: answered %d, asked %v", target, answer.Code, w.asked)
		}
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	for _, row := range []struct{ method, target, allow string }{
		{"GET", "/receipts/acme%20eu", "POST"}, {"PUT", "/receipts/acme%20eu", "POST"}, {"HEAD", "/receipts/asking", "GET, POST"}, {"DELETE", "/receipts/asking", "GET, POST"},
	} {
		w := newWorld()
		if answer := w.do(row.method, row.target, ""); answer.Code != 405 || answer.Header().Get("Allow") != row.allow || w.asked != nil {
			t.Errorf("%+v: answered %d, allowing %s", row, answer.Code, answer.Header().Get("Allow"))
		}
	}
}

func TestAChallengeIsAnsweredAsText(t *testing.T) {
	w := newWorld()
	answer := w.do("GET", "/receipts/asking?hub.mode=subscribe", "")
	h := answer.Header()
	if answer.Code != 200 || answer.Body.String() != "<script>GET" || !strings.HasPrefix(h.Get("Content-Type"), "text/plain") || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("answered %d %q %v", answer.Code, answer.Body, h)
	}
	if w.asked[0].URL != "https://otp.example/cs/receipts/asking?hub.mode=subscribe" {
		t.Errorf("asked at %s", w.asked[0].URL)
	}
	w.err = receipt.ErrForged
	if answer := w.do("GET", "/receipts/asking", ""); answer.Code != 403 || answer.Body.Len() != 0 {
		t.Errorf("answered %d %q", answer.Code, answer.Body)
	}
}

func TestABodyMayHave64KiB(t *testing.T) {
	for size, want := range map[int]int{64 << 10: 200, 64<<10 + 1: 413} {
		w := newWorld()
		if answer := w.do("POST", "/receipts/acme%20eu", strings.Repeat("x", size)); answer.Code != want || (len(w.asked) == 1) != (want == 200) {
			t.Errorf("%d bytes: answered %d, asked %d times", size, answer.Code, len(w.asked))
		}
	}
	w := newWorld()
	r := httptest.NewRequest("POST", "/receipts/acme%20eu", io.MultiReader(strings.NewReader("half"), broken{}))
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, r)
	if answer.Code != 400 || w.asked != nil {
		t.Errorf("half a body: answered %d, asked %v", answer.Code, w.asked)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
