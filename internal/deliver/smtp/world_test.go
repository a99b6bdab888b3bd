package smtp_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/code"
	"countersign/internal/deliver/smtp"
	"countersign/internal/mailbox"
	"countersign/internal/message"
	"countersign/internal/verify"
)

// The canaries: none of them may be seen in an error.
const (
	canaryCode = "731946"
	canaryName = "Quokkasoft"
	to         = "quokka.keeper@zoo.example"
	user       = "wombat-login"
	password   = "p@ss wörd/1"
	from       = "codes@sender.example"
	id         = "0198c0de-0000-7000-8000-000000000001-2"
)

func instant() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func letter(t testing.TB) verify.Message {
	t.Helper()
	c, err := code.Custom(canaryCode)
	if err != nil {
		t.Fatal(err)
	}
	address, err := mailbox.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	subject, text := message.Mail(message.Values{Code: c, AppName: canaryName, Validity: 10 * time.Minute})
	return verify.Message{ID: id, Channel: verify.Email, To: verify.Mail(address), Code: c, Subject: subject, Text: text}
}

// carrier makes a carrier to an address on loopback, of what c leaves open.
func carrier(t testing.TB, address string, c smtp.Config) *smtp.Carrier {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	c.Host, c.From, c.Now = host, from, instant
	if _, err := fmt.Sscan(port, &c.Port); err != nil {
		t.Fatal(err)
	}
	if c.TLS == "" {
		c.TLS = smtp.None
	}
	sender, err := smtp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return sender
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

// result sorts what Send returned and checks what holds for every error.
func result(t testing.TB, submission verify.Submission, err error) outcome {
	t.Helper()
	if err == nil {
		if submission.CarrierID != id+"@sender.example" {
			t.Errorf("taken as %q", submission.CarrierID)
		}
		return taken
	}
	if submission != (verify.Submission{}) {
		t.Errorf("a letter that was not sent is called %q", submission.CarrierID)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		search(t, fmt.Sprintf("%v %+v %#v %q", e, e, e, e))
	}
	e, ok := errors.AsType[*verify.SendError](err)
	if !ok {
		t.Fatalf("%v is no *verify.SendError", err)
	}
	if !slices.Contains(verify.Classes(), e.Class) || e.Err == nil {
		t.Errorf("class %q, reason %v", e.Class, e.Err)
	}
	return outcome{class: e.Class, ambiguous: e.Ambiguous}
}

// search looks for each canary as it is and as it travels.
func search(t testing.TB, out string) {
	t.Helper()
	out = regexp.MustCompile(`0x[0-9a-f]+`).ReplaceAllString(out, "")
	login := "\x00" + user + "\x00" + password
	for _, secret := range []string{canaryCode, canaryName, to, "quokka", user, password, login} {
		for _, form := range []string{
			secret, base64.RawStdEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret)),
			strings.Trim(fmt.Sprintf("%q", secret), `"`),
		} {
			if strings.Contains(out, form) {
				t.Errorf("%q is shown: %s", secret, out)
			}
		}
	}
}

// certificate is one for 127.0.0.1 that pool believes.
func certificate(t testing.TB) (cert tls.Certificate, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// script is a mail server that answers well but for the stages that it names. A
// stage is the verb of a command, "greeting", or "." for the end of a letter.
type script map[string]act

// act is what a script does at a stage; the connection is its own from there on
// unless it says that it goes on.
type act func(conn *net.TCPConn, line string) (on bool)

// says answers with a text and goes on.
func says(text string) act {
	return func(conn *net.TCPConn, _ string) bool {
		_, err := io.WriteString(conn, text+"\r\n")
		return err == nil
	}
}

func hangs(conn *net.TCPConn, _ string) bool {
	_, _ = io.Copy(io.Discard, conn) // until the sender hangs up, which it must
	return false
}

func hangsUp(*net.TCPConn, string) bool { return false }

func resets(conn *net.TCPConn, _ string) bool {
	_ = conn.SetLinger(0)
	return false
}

// start runs the server until the test ends, and returns its address.
func (s script) start(t testing.TB) string {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.AcceptTCP()
			if err != nil {
				return
			}
			running.Go(func() {
				defer func() { _ = conn.Close() }()
				s.talk(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		running.Wait() // a sender that does not hang up hangs the test
	})
	return listener.Addr().String()
}

func (s script) talk(conn *net.TCPConn) {
	usual := script{
		"greeting": says("220 mail.example ESMTP"), "EHLO": says("250-mail.example\r\n250-ENHANCEDSTATUSCODES\r\n250 AUTH PLAIN"),
		"HELO": says("250 mail.example"), "AUTH": says("235 2.7.0 welcome"), "MAIL": says("250 2.1.0 ok"), "RCPT": says("250 2.1.5 ok"),
		"DATA": says("354 go on"), ".": says("250 2.0.0 queued"), "QUIT": says("221 2.0.0 bye"), "*": says("501 aborted"),
	}
	at := func(stage, line string) bool {
		if act, ok := s[stage]; ok {
			return act(conn, line)
		}
		if act, ok := usual[stage]; ok {
			return act(conn, line)
		}
		return says("500 what?")(conn, line)
	}
	lines := bufio.NewReader(conn)
	for on := at("greeting", ""); on; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		if on = at(verb, line); verb == "DATA" && on && s["DATA"] == nil {
			for line != ".\r\n" {
				if line, err = lines.ReadString('\n'); err != nil {
					return
				}
			}
			on = at(".", line)
		}
	}
}
