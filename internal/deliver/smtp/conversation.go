package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/textproto"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// stage is how far a conversation got.
type stage string

const (
	dialling  stage = "the connection"
	greeting  stage = "the greeting"
	securing  stage = "STARTTLS"
	loggingIn stage = "AUTH"
	naming    stage = "MAIL"
	asking    stage = "RCPT"
	opening   stage = "DATA"
	writing   stage = "the letter"
	ending    stage = "the end of the letter"
)

// fault is why a letter was not taken, or not surely.
type fault struct {
	at  stage
	err error // as the library gave it; it may quote the server
}

var (
	errNoTLS   = errors.New("the server does not offer STARTTLS, and nothing is sent in the clear")
	errNoLogin = errors.New("the server offers no way to log in that is known here: PLAIN, LOGIN, CRAM-MD5 or SCRAM-SHA-256")
)

// deliver holds one conversation. Its connection ends with it, and with ctx.
func (s *settings) deliver(ctx context.Context, to string, letter []byte) *fault {
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return &fault{dialling, err}
	}
	defer func() { _ = raw.Close() }()
	// The library's calls take no context: they end because their connection does.
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	client, failed := s.open(ctx, &bounded{Conn: raw, left: maxAnswers})
	if failed == nil {
		failed = s.submit(client, to, letter)
	}
	if client != nil && (failed == nil || failed.reply() != nil) {
		quit(ctx, client, raw)
	}
	return failed
}

// open brings a connection to where letters are taken.
func (s *settings) open(ctx context.Context, conn net.Conn) (*smtp.Client, *fault) {
	if s.security == Implicit {
		encrypted := tls.Client(conn, s.tls)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, &fault{dialling, err}
		}
		conn = encrypted
	}
	client, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return nil, &fault{greeting, err}
	}
	// All our addresses are ASCII, and SMTPUTF8 would ask it of every server on the way.
	client.SkipSMTPUTF8(true)
	if err := client.Hello(s.domain); err != nil {
		return client, &fault{greeting, err}
	}
	if s.security == StartTLS {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return client, &fault{securing, errNoTLS}
		}
		if err := client.StartTLS(s.tls); err != nil {
			return client, &fault{securing, err}
		}
	}
	return client, s.logIn(client)
}

// logIn takes the first way that both sides know. PLAIN comes first: the channel
// is encrypted and the server known by its certificate, or both are this machine.
func (s *settings) logIn(client *smtp.Client) *fault {
	if s.username == "" {
		return nil
	}
	_, list := client.Extension("AUTH")
	ways := map[string]smtp.Auth{
		"PLAIN":         smtp.PlainAuth("", s.username, *s.password, s.host, true),
		"LOGIN":         smtp.LoginAuth(s.username, *s.password, s.host, true),
		"SCRAM-SHA-256": smtp.ScramSHA256Auth(s.username, *s.password),
		"CRAM-MD5":      smtp.CRAMMD5Auth(s.username, *s.password),
	}
	offered := strings.Fields(strings.ToUpper(list))
	for _, name := range []string{"PLAIN", "LOGIN", "SCRAM-SHA-256", "CRAM-MD5"} {
		for _, o := range offered {
			if o != name {
				continue
			}
			if err := client.Auth(ways[name]); err != nil {
				return &fault{loggingIn, err}
			}
			return nil
		}
	}
	return &fault{loggingIn, errNoLogin}
}

// submit hands the letter over. Whoever closes the writer sends the line with the
// dot, so it is closed only if all before it was written.
func (s *settings) submit(client *smtp.Client, to string, letter []byte) *fault {
	if err := client.Mail("<" + s.from + ">"); refused(err) {
		return &fault{naming, err}
	}
	if err := client.Rcpt("<" + to + ">"); refused(err) {
		return &fault{asking, err}
	}
	w, err := client.Data()
	if err != nil {
		return &fault{opening, err}
	}
	if _, err := w.Write(letter); err != nil {
		return &fault{writing, err}
	}
	if err := w.Close(); refused(err) {
		return &fault{ending, err}
	}
	return nil
}

// refused goes by a reply's first digit (RFC 5321, 4.3.2), where the library wants
// one code exactly.
func refused(err error) bool {
	reply, ok := errors.AsType[*textproto.Error](err)
	return err != nil && (!ok || reply.Code/100 != 2)
}

// farewell is how long the answer to QUIT is waited for: whether the letter was
// taken is known already.
const farewell = time.Second

func quit(ctx context.Context, client *smtp.Client, raw net.Conn) {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	_ = client.Quit()
}
