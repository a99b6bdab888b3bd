package smpp_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/code"
	"countersign/internal/deliver/smpp"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

// The canaries: none of them may be seen in an error or in the log.
const (
	canaryCode = "731946"
	canaryName = "Quokkasoft"
	to         = "12025550147"
	user       = "wombat"
	password   = "s3cret/w"
	from       = "+15551234567"
	id         = "0198c0de-0000-7000-8000-000000000001-2"
)

// The commands and statuses that tests speak of, from SMPP v3.4, 5.1.2.1 and 5.1.3.
const (
	bindTransmitter = 0x02
	submit          = 0x04
	deliver         = 0x05
	unbind          = 0x06
	bindTransceiver = 0x09
	enquire         = 0x15
	resp            = 0x80000000
	nack            = 0x80000000
	throttled       = 0x58
)

func text(t testing.TB) verify.Message {
	t.Helper()
	return saying(t, "Your {{app_name}} code is {{code}}.")
}

func saying(t testing.TB, template string) verify.Message {
	t.Helper()
	c, err := code.Custom(canaryCode)
	if err != nil {
		t.Fatal(err)
	}
	return verify.Message{
		ID: id, Channel: verify.SMS, To: verify.Phone(phone.Trusted("+" + to)), Code: c,
		Text: message.Render(template, message.Values{Code: c, AppName: canaryName}),
	}
}

// long is a text of three parts.
func long(t testing.TB) verify.Message {
	t.Helper()
	return saying(t, strings.Repeat("a", 300)+"{{code}} {{app_name}}")
}

// unit is a PDU as this side of the tests reads and writes it.
type unit struct {
	command, status, sequence uint32
	body                      []byte
}

// line is one connection at the centre's end.
type line struct{ net.Conn }

func (l line) read() (unit, error) {
	var head [16]byte
	if _, err := io.ReadFull(l, head[:]); err != nil {
		return unit{}, err
	}
	at := func(i int) uint32 { return binary.BigEndian.Uint32(head[4*i:]) }
	u := unit{at(1), at(2), at(3), make([]byte, at(0)-16)}
	_, err := io.ReadFull(l, u.body)
	return u, err
}

func (u unit) bytes() []byte {
	var head [16]byte
	for i, v := range []uint32{uint32(16 + len(u.body)), u.command, u.status, u.sequence} {
		binary.BigEndian.PutUint32(head[4*i:], v)
	}
	return append(head[:], u.body...)
}

func (l line) write(u unit) { _, _ = l.Write(u.bytes()) }

// answer answers a request.
func (l line) answer(u unit, status uint32, body string) {
	l.write(unit{u.command | resp, status, u.sequence, []byte(body)})
}

// bind takes the bind.
func (l line) bind() bool {
	u, err := l.read()
	l.answer(u, 0, "centre\x00")
	return err == nil
}

// next reads on to a command, and answers enquiries on the way.
func (l line) next(command uint32) (unit, bool) {
	for {
		u, err := l.read()
		if err != nil || u.command == command {
			return u, err == nil
		}
		if u.command == enquire {
			l.answer(u, 0, "")
		}
	}
}

// serve answers all that is asked, each text by take, until the connection ends.
func (l line) serve(take func(unit)) {
	for {
		u, err := l.read()
		switch {
		case err != nil:
			return
		case u.command == submit:
			take(u)
		default:
			l.answer(u, 0, "\x00")
		}
	}
}

// takes names each text that it takes.
func (l line) takes(name func(n int) string) func(unit) {
	n := 0
	return func(u unit) {
		n++
		l.answer(u, 0, name(n)+"\x00")
	}
}

func numbered(n int) string { return fmt.Sprintf("msg%d", n) }

// hold reads until the far side hangs up, which it must.
func (l line) hold() { _, _ = io.Copy(io.Discard, l) }

// reset closes so that the far side is told of an error instead of an end.
func (l line) reset() { _ = l.Conn.(*net.TCPConn).SetLinger(0) }

// centre runs talk for each connection, on loopback, and returns its address.
func centre(t testing.TB, talk func(line)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer func() { _ = conn.Close() }()
				talk(line{conn})
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		running.Wait() // a carrier that does not hang up hangs the test
	})
	return listener.Addr().String()
}

// piped dials a centre in memory, whose time synctest governs.
func piped(t testing.TB, talk func(line)) func(context.Context, string, string) (net.Conn, error) {
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		running.Go(func() {
			defer func() { _ = theirs.Close() }()
			talk(line{theirs})
		})
		return ours, nil
	}
}

// journal keeps what is logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// timeless leaves out what is a number by chance.
func timeless(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey || a.Key == "again_in" {
		return slog.Attr{}
	}
	return a
}

// carrier makes a carrier of what c leaves open, closes it when the test ends, and
// searches what it has logged.
func carrier(t testing.TB, c smpp.Config) *smpp.Carrier {
	t.Helper()
	var logged journal
	c.Host, c.SystemID, c.Password = orElse(c.Host, "127.0.0.1"), user, password
	if c.Log == nil {
		c.Log = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{ReplaceAttr: timeless}))
	}
	c.From, c.TLS = orElse(c.From, from), orElse(c.TLS, smpp.None)
	sender, err := smpp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := sender.Close(ctx); err != nil {
			t.Errorf("closed with %v", err)
		}
		search(t, logged.String())
		for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%x", "%d"} {
			search(t, fmt.Sprintf(verb, sender)+fmt.Sprintf(verb, *sender)+fmt.Sprintf(verb, c)+fmt.Sprintf(verb, &c))
		}
	})
	return sender
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// reaching is a Config for a centre on loopback.
func reaching(t testing.TB, address string) smpp.Config {
	t.Helper()
	var c smpp.Config
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	c.Host = host
	if _, err := fmt.Sscan(port, &c.Port); err != nil {
		t.Fatal(err)
	}
	return c
}

// outcome is what came of one Send.
type outcome struct {
	taken     bool
	class     verify.Class
	ambiguous bool
}

var (
	taken   = outcome{taken: true}
	notSent = outcome{class: verify.Temporary}
	unknown = outcome{class: verify.Temporary, ambiguous: true}
)

// send sends and checks what holds for every error.
func send(ctx context.Context, t testing.TB, sender *smpp.Carrier, m verify.Message) (outcome, verify.Submission) {
	t.Helper()
	submission, err := sender.Send(ctx, m)
	return result(t, submission, err), submission
}

func result(t testing.TB, submission verify.Submission, err error) outcome {
	t.Helper()
	if err == nil {
		return taken
	}
	if submission != (verify.Submission{}) {
		t.Errorf("a message that was not sent is called %q", submission.CarrierID)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		search(t, fmt.Sprintf("%v %+v %#v %q", e, e, e, e))
	}
	e, is := errors.AsType[*verify.SendError](err)
	if !is {
		t.Fatalf("%v is no *verify.SendError", err)
	}
	if !slices.Contains(verify.Classes(), e.Class) || e.Err == nil {
		t.Errorf("class %q, reason %v", e.Class, e.Err)
	}
	return outcome{class: e.Class, ambiguous: e.Ambiguous}
}

var pointer = regexp.MustCompile(`0x[0-9a-f]{6,}`)

// search looks for each canary as it is and as it travels.
func search(t testing.TB, out string) {
	t.Helper()
	out = pointer.ReplaceAllString(out, "")
	for _, secret := range []string{canaryCode, canaryName, to, user, password, user + "\x00" + password} {
		for _, form := range []string{
			secret, base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
			hex.EncodeToString([]byte(secret)), strings.Trim(fmt.Sprintf("%q", secret), `"`), strings.Join(strings.Split(secret, ""), " "),
			strings.Trim(fmt.Sprintf("%d", []byte(secret)), "[]"), strings.ReplaceAll(secret, "/", "%2F"),
		} {
			if strings.Contains(out, form) {
				t.Errorf("%q is shown: %s", secret, out)
			}
		}
	}
}

// inbox keeps receipts.
type inbox struct{ came chan verify.Receipt }

func newInbox() inbox { return inbox{make(chan verify.Receipt, 4096)} }

func (i inbox) put(r verify.Receipt) { i.came <- r }

// want waits for exactly these, in this order.
func (i inbox) want(t testing.TB, receipts ...verify.Receipt) {
	t.Helper()
	for _, want := range receipts {
		if got := <-i.came; got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func phoneOf(e164 string) verify.Address { return verify.Phone(phone.Trusted(e164)) }
