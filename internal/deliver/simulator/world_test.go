package simulator_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/code"
	"countersign/internal/deliver/simulator"
	"countersign/internal/mailbox"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

// world is a simulator and all that it tells. Tests run it in a bubble of synctest,
// whose clock moves when everybody waits.
type world struct {
	t       *testing.T
	carrier *simulator.Carrier
	start   time.Time
	log     strings.Builder

	mu   sync.Mutex
	told []string // receipts and what was shown, each with its time since the start
}

func newWorld(t *testing.T, change func(*simulator.Config)) *world {
	t.Helper()
	w := &world{t: t, start: time.Now()}
	c := simulator.Config{
		Name: "sim",
		Receipts: func(r verify.Receipt) {
			w.note("%s %s%s%s", r.State, name(r), word(r.Class), word(verify.Class(r.Line)))
		},
		Show: func(_ verify.Message, arrived bool) {
			w.note("%s", map[bool]string{false: "seen", true: "here"}[arrived])
		},
		Now: time.Now,
		Log: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&c)
	}
	var err error
	if w.carrier, err = simulator.New(c); err != nil {
		t.Fatal(err)
	}
	return w
}

// name says by which names a receipt can be matched.
func name(r verify.Receipt) string {
	switch {
	case r.CarrierID != "sim-sim-m":
		return "called " + r.CarrierID
	case r.Message == "m":
		return "ours"
	case r.Message == "":
		return "theirs"
	}
	return "called " + r.Message
}

func word(c verify.Class) string {
	if c == "" {
		return ""
	}
	return ", " + string(c)
}

func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, fmt.Sprintf("%.1f ", time.Since(w.start).Seconds())+fmt.Sprintf(format, args...))
}

func (w *world) notes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.told)
}

// send sends the message m and says what the call returned, and when.
func (w *world) send(ctx context.Context, to verify.Address) string {
	w.t.Helper()
	s, err := w.carrier.Send(ctx, mail(w.t, to))
	at := fmt.Sprintf("%.1f ", time.Since(w.start).Seconds())
	if err == nil {
		if s.CarrierID != "sim-sim-m" {
			w.t.Errorf("the message is called %q", s.CarrierID)
		}
		return at + map[bool]string{false: "taken", true: "taken, unnamed"}[s.Unnamed]
	}
	e, ok := errors.AsType[*verify.SendError](err)
	if !ok || e.Err == nil || s != (verify.Submission{}) {
		w.t.Fatalf("%+v %v", s, err)
	}
	out := at + string(e.Class)
	if e.Ambiguous {
		out += ", ambiguous"
	}
	if e.Wait > 0 {
		out += ", wait " + e.Wait.String()
	}
	return out
}

const canary = "731946"

func mail(t *testing.T, to verify.Address) verify.Message {
	t.Helper()
	c, err := code.Custom(canary)
	if err != nil {
		t.Fatal(err)
	}
	channel := verify.SMS
	if _, ok := to.Mailbox(); ok {
		channel = verify.Email
	}
	return verify.Message{ID: "m", Channel: channel, To: to, Code: c, Text: message.Render(message.Plain, message.Values{Code: c})}
}

func to(t *testing.T, text string) verify.Address {
	t.Helper()
	if strings.Contains(text, "@") {
		m, err := mailbox.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return verify.Mail(m)
	}
	n, err := phone.ParseE164(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return verify.Phone(n)
}
