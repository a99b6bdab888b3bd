package events

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/code"
	"countersign/internal/ledger"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/store"
	"countersign/internal/verify"
)

// speak is a receiver that reads the head of a request and then does as it likes.
func speak(t *testing.T, then func(net.Conn)) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				then(conn)
			}
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return "http://" + l.Addr().String() + "/?token"
}

func TestWhatAReceiverMayAnswer(t *testing.T) {
	var strayed atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strayed.Add(1) }))
	t.Cleanup(elsewhere.Close) // after the parallel tests below
	status := func(line string) func(net.Conn) {
		return func(c net.Conn) { _, _ = fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", line) }
	}
	for name, tt := range map[string]struct {
		does  func(net.Conn)
		takes bool
	}{
		"200":          {status("200 OK"), true},
		"204":          {func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n") }, true},
		"500":          {status("500 No"), false},
		"404":          {status("404 No"), false},
		"302":          {status("302 There\r\nLocation: " + elsewhere.URL), false},
		"307":          {status("307 There\r\nLocation: " + elsewhere.URL), false},
		"garbage":      {func(c net.Conn) { _, _ = io.WriteString(c, "\x16\x03\x01 what?\r\n\r\n") }, false},
		"nothing":      {func(net.Conn) {}, false},
		"a reset":      {func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }, false},
		"half an head": {func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-") }, false},
		"a head without end": {func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for i := range 10000 {
				if _, err := fmt.Fprintf(c, "X-%d: %s\r\n", i, strings.Repeat("a", 100)); err != nil {
					return
				}
			}
		}, false},
		"a body without end": {func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			for {
				if _, err := io.WriteString(c, strings.Repeat("a", 4096)); err != nil {
					return
				}
			}
		}, true},
		"silence": {func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			d := w.dispatcher("n1", urls{1: {speak(t, tt.does), ""}})
			start(t, d)
			job := w.sent(t, 1)
			begun := time.Now()
			to, report := d.receiver(job)
			if report != nil {
				t.Fatalf("%+v", report)
			}
			if got := d.tell(job, to); got.Done != tt.takes || got.PutOff != 0 || got.Of != verify.EventTries {
				t.Errorf("%+v", got)
			}
			if took := time.Since(begun); took > 4*time.Second {
				t.Errorf("it took %s", took)
			}
			w.wantSilent(t)
		})
	}
	t.Cleanup(func() {
		if strayed.Load() != 0 {
			t.Errorf("%d redirects were followed", strayed.Load())
		}
	})
}

func TestAReceiverWithoutAGoodCertificateIsToldNothing(t *testing.T) {
	var heard atomic.Int64
	receiver := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
	receiver.Config.ErrorLog = log.New(io.Discard, "", 0)
	receiver.StartTLS()
	defer receiver.Close()
	d := newWorld().dispatcher("n1", urls{})
	if err := post(t, d, receiver.URL); err == nil || heard.Load() != 0 {
		t.Errorf("%v, told %d times", err, heard.Load())
	}
	transport, ok := d.client.Transport.(*http.Transport)
	if !ok {
		t.Fatal("another transport")
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	transport.TLSClientConfig.RootCAs.AddCert(receiver.Certificate())
	if err := post(t, d, receiver.URL); err != nil || heard.Load() != 1 {
		t.Errorf("with a good one: %v, told %d times", err, heard.Load())
	}
}

// engine is a process on a database file.
type engine struct {
	*ledger.Ledger
	*store.SQLite
	told chan verify.EventJob
}

func (e *engine) ClaimEvent(ctx context.Context, cmd verify.ClaimEvent) (*verify.EventJob, error) {
	return ledger.Do(ctx, e.Ledger, cmd)
}

func (e *engine) ReportEvent(ctx context.Context, cmd verify.ReportEvent) (*verify.Event, error) {
	return ledger.Do(ctx, e.Ledger, cmd)
}

// process opens the database as a node whose clock is ahead by so much.
func (w *world) process(t *testing.T, path, name string, ahead time.Duration) *engine {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{SQLite: s, told: make(chan verify.EventJob, 10)}
	e.Ledger = ledger.New(ledger.Config{
		Store: s, Env: &verify.Env{Keys: w.keys, Random: rand.Reader, Node: name, Channels: []verify.Channel{verify.SMS}},
		Now: func() time.Time { return time.Now().Add(ahead) }, Tell: func(j verify.EventJob) { e.told <- j },
	})
	return e
}

func (e *engine) end() {
	e.Ledger.Close()
	_ = e.SQLite.Close()
}

func TestAnEventSurvivesTheProcessThatMadeIt(t *testing.T) {
	w := newWorld()
	path := filepath.Join(t.TempDir(), "c.db")
	first := w.process(t, path, "n1", 0)
	started, err := ledger.Do(t.Context(), first.Ledger, verify.Start{
		Profile: verify.Profile{ID: verify.ID{15: 1}, Tenant: "t", Template: message.Plain, Code: code.Default, Validity: 5 * time.Minute, Events: true},
		Channel: verify.SMS, Address: verify.Phone(phone.Trusted(number)),
	})
	if err != nil {
		t.Fatal(err)
	}
	key := verify.DeliveryKey{Verification: started.Verification.ID, Number: 1}
	if _, err := ledger.Do(t.Context(), first.Ledger, verify.Report{Key: key, Handovers: []verify.Handover{verify.Handed("c", verify.Submission{}, nil)}, Events: true}); err != nil {
		t.Fatal(err)
	}
	made := <-first.told // and nobody is told
	first.end()

	second := w.process(t, path, "n2", verify.EventLease)
	defer second.end()
	heard := make(chan got, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		heard <- receive(t, r)
		rw.WriteHeader(http.StatusOK)
	}))
	defer receiver.Close()
	d := New(Config{
		Outbox: second, Profiles: urls{1: {receiver.URL, ""}}, Signer: w.signer(), Keys: w.keys, Now: second.Now,
		Log: slog.New(slog.DiscardHandler), AllowLoopback: true,
	})
	if err := d.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	g := <-heard
	d.Close(t.Context())
	if g.said.Data.ID != made.Event.Key.ID().String() || g.said.Meta.Attempt != 2 || g.said.Data.Payload.PhoneNumber != number {
		t.Errorf("%+v", g.said)
	}
	wantSigned(t, d.Signer, g)
	if due, err := second.DueEvents(t.Context(), time.Now().Add(24*time.Hour), 10); len(due) != 0 || err != nil {
		t.Errorf("it is still queued: %v %v", due, err)
	}
}
