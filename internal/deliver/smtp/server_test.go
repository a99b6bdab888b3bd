package smtp_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"

	"countersign/internal/deliver/smtp"
	"countersign/internal/verify"
)

// post is a real mail server's back end: it keeps what it takes.
type post struct {
	mu      sync.Mutex
	letters []received
	refuse  error // of the letter, at its end
}

type received struct {
	from, to string
	user     string
	secure   bool
	text     []byte
}

type visit struct {
	post *post
	conn *gosmtp.Conn
	now  received
}

func (v *visit) Reset()        { v.now = received{user: v.now.user} }
func (v *visit) Logout() error { return nil }

func (v *visit) AuthMechanisms() []string { return []string{sasl.Plain} }

func (v *visit) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, secret string) error {
		if name != user || secret != password {
			return gosmtp.ErrAuthFailed
		}
		v.now.user = name
		return nil
	}), nil
}

func (v *visit) Mail(address string, _ *gosmtp.MailOptions) error {
	if v.now.user == "" {
		return &gosmtp.SMTPError{Code: 530, EnhancedCode: gosmtp.EnhancedCode{5, 7, 0}, Message: "log in first"}
	}
	v.now.from = address
	return nil
}

func (v *visit) Rcpt(address string, _ *gosmtp.RcptOptions) error {
	v.now.to = address
	return nil
}

func (v *visit) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	v.post.mu.Lock()
	defer v.post.mu.Unlock()
	_, v.now.secure = v.conn.TLSConnectionState()
	v.now.text = text
	v.post.letters = append(v.post.letters, v.now)
	return v.post.refuse
}

// office opens a real mail server. With cert it offers STARTTLS, or speaks TLS
// from the first byte.
func office(t testing.TB, p *post, cert *tls.Certificate, implicit bool) string {
	t.Helper()
	server := gosmtp.NewServer(gosmtp.BackendFunc(func(c *gosmtp.Conn) (gosmtp.Session, error) {
		return &visit{post: p, conn: c}, nil
	}))
	server.Domain, server.AllowInsecureAuth = "mail.example", cert == nil
	server.ErrorLog = log.New(io.Discard, "", 0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if cert != nil {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*cert}}
	}
	if implicit {
		listener = tls.NewListener(listener, server.TLSConfig)
	}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		_ = server.Close()
		running.Wait()
	})
	return address
}

func TestALetterArrivesAtARealServerInEachProtection(t *testing.T) {
	cert, roots := certificate(t)
	for _, row := range []struct {
		security string
		cert     *tls.Certificate
	}{{smtp.StartTLS, &cert}, {smtp.Implicit, &cert}, {smtp.None, nil}} {
		p := &post{}
		address := office(t, p, row.cert, row.security == smtp.Implicit)
		sender := carrier(t, address, smtp.Config{Username: user, Password: password, TLS: row.security, Roots: roots})
		submission, err := sender.Send(t.Context(), letter(t))
		if got := result(t, submission, err); got != taken || len(p.letters) != 1 {
			t.Fatalf("%s: %v, %d letters", row.security, err, len(p.letters))
		}
		l := p.letters[0]
		if l.from != from || l.to != to || l.user != user || l.secure != (row.security != smtp.None) {
			t.Errorf("%s: from %s to %s by %s, secure %t", row.security, l.from, l.to, l.user, l.secure)
		}
	}
}

// sent is the letter as a mail program reads it.
func sent(t *testing.T, m verify.Message) (headers mail.Header, subject, text string) {
	t.Helper()
	p := &post{}
	sender := carrier(t, office(t, p, nil, false), smtp.Config{Username: user, Password: password})
	if _, err := sender.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	read, err := mail.ReadMessage(bytes.NewReader(p.letters[0].text))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(read.Body))
	if err != nil {
		t.Fatal(err)
	}
	subject, err = new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return read.Header, subject, string(body)
}

func TestALetterSaysWhatItIs(t *testing.T) {
	m := letter(t)
	headers, subject, text := sent(t, m)
	for name, want := range map[string]string{
		"From": "<" + from + ">", "To": "<" + to + ">", "Message-Id": "<" + id + "@sender.example>",
		"Date": "Fri, 02 Jan 2026 03:04:05 +0000", "Auto-Submitted": "auto-generated", "Mime-Version": "1.0",
		"Content-Type": "text/plain; charset=UTF-8", "Content-Transfer-Encoding": "quoted-printable", "User-Agent": "", "X-Mailer": "",
	} {
		if got := headers.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if want := strings.ReplaceAll(m.Text.Reveal(), "\n", "\r\n"); subject != m.Subject || strings.TrimSpace(text) != strings.TrimSpace(want) {
		t.Errorf("subject %q, text %q", subject, text)
	}
	for name, values := range headers {
		if strings.Contains(strings.Join(values, " "), canaryCode) {
			t.Errorf("%s holds the code", name)
		}
	}
}

func TestASubjectOfAnyWordsIsOneHeader(t *testing.T) {
	for _, want := range []string{
		"Ваш код для «Квокка»", "验证码 — 安全なコード", strings.Repeat("a long subject ", 40) + "end", "two\r\nBcc: eve@example.com", "a\x00b",
	} {
		m := letter(t)
		m.Subject = want
		headers, subject, _ := sent(t, m)
		if headers.Get("Bcc") != "" {
			t.Errorf("%q makes a header of its own", want)
		}
		if strings.Join(strings.Fields(subject), " ") != strings.Join(strings.Fields(strings.ReplaceAll(want, "\x00", " ")), " ") {
			t.Errorf("%q arrives as %q", want, subject)
		}
	}
}

func TestAMessageTwiceIsTheSameLetter(t *testing.T) {
	p := &post{}
	address := office(t, p, nil, false)
	for range 2 { // two senders, as when another node finishes what one began
		if _, err := carrier(t, address, smtp.Config{Username: user, Password: password}).Send(t.Context(), letter(t)); err != nil {
			t.Fatal(err)
		}
	}
	if first, second := p.letters[0].text, p.letters[1].text; !bytes.Equal(first, second) {
		t.Errorf("first:\n%s\nthen:\n%s", first, second)
	}
}

func TestManyLettersMayBeSentAtOnce(t *testing.T) {
	p := &post{}
	sender := carrier(t, office(t, p, nil, false), smtp.Config{Username: user, Password: password})
	const senders, each = 8, 4
	var running sync.WaitGroup
	for range senders {
		running.Go(func() {
			for range each {
				if _, err := sender.Send(t.Context(), letter(t)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	if len(p.letters) != senders*each {
		t.Errorf("%d letters of %d", len(p.letters), senders*each)
	}
}

func TestARealServersRefusalsAreUnderstood(t *testing.T) {
	refuse := &gosmtp.SMTPError{Code: 554, EnhancedCode: gosmtp.EnhancedCode{5, 7, 1}, Message: "spam " + canaryCode}
	for name, row := range map[string]struct {
		post *post
		c    smtp.Config
		want verify.Class
	}{
		"wrong password": {&post{}, smtp.Config{Username: user, Password: "wrong"}, verify.Credentials},
		"wrong name":     {&post{}, smtp.Config{Username: "nobody", Password: password}, verify.Credentials},
		"no login":       {&post{}, smtp.Config{}, verify.Credentials},
		"spam":           {&post{refuse: refuse}, smtp.Config{Username: user, Password: password}, verify.Filtered},
		"a broken disk":  {&post{refuse: errors.New("disk " + to)}, smtp.Config{Username: user, Password: password}, verify.Filtered},
	} {
		submission, err := carrier(t, office(t, row.post, nil, false), row.c).Send(t.Context(), letter(t))
		if got, want := result(t, submission, err), (outcome{class: row.want}); got != want {
			t.Errorf("%s: got %+v, want %+v: %v", name, got, want, err)
		}
	}
}

func TestWithoutTheProtectionThatWasAskedForNothingIsSent(t *testing.T) {
	cert, roots := certificate(t)
	_, strangers := certificate(t)
	for name, row := range map[string]struct {
		cert     *tls.Certificate
		implicit bool
		security string
		roots    *x509.CertPool
		says     string
	}{
		"no STARTTLS":                      {nil, false, smtp.StartTLS, roots, "does not offer STARTTLS"},
		"no TLS":                           {nil, false, smtp.Implicit, roots, "does not speak TLS"},
		"a stranger's certificate":         {&cert, false, smtp.StartTLS, strangers, "certificate"},
		"a stranger's certificate at once": {&cert, true, smtp.Implicit, strangers, "certificate"},
	} {
		p := &post{}
		sender := carrier(t, office(t, p, row.cert, row.implicit), smtp.Config{Username: user, Password: password, TLS: row.security, Roots: row.roots})
		submission, err := sender.Send(t.Context(), letter(t))
		if got := result(t, submission, err); got != notSent || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if len(p.letters) != 0 {
			t.Errorf("%s: a letter was sent", name)
		}
	}
}
