// Package smtp hands e-mails to a mail server, the operator's own or a
// provider's, and sorts its refusals into the core's classes.
//
// The one idea: an SMTP conversation says by itself how far it got. Until the
// line with the single dot is sent the server has nothing; a reply to that line
// is its word; and only a connection lost between the two leaves the outcome
// unknown. So the stages are taken one by one, and each error is known by its
// stage and its reply code. Of a server's text nothing is shown, since servers
// quote addresses and letters in their complaints.
//
// The package sends no other channel than e-mail, never tries twice, looks up no
// MX records, signs nothing (DKIM is the mail server's), and reads no bounces.
package smtp

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"countersign/internal/verify"
)

var _ verify.Sender = (*Carrier)(nil)

// Carrier is a mail server that letters are handed to, with a connection for
// each. It is safe for concurrent use. Printed in any way, it does not show the
// password.
type Carrier struct{ set *settings }

type settings struct {
	// The password stands behind a pointer of its own: for a verb that does not
	// fit, such as %q, fmt follows a pointer to a struct even out of an unexported
	// field, but never one to a string.
	password *string
	username string
	host     string
	address  string // host:port
	from     string
	domain   string // of from: what we call ourselves, and where Message-IDs end
	security string
	tls      *tls.Config
	timeout  time.Duration
	now      func() time.Time
}

// New makes a carrier of a configuration, or says in a sentence what is wrong
// with it. It does not speak to the server. The error never holds the password.
func New(c Config) (*Carrier, error) {
	from, err := c.check()
	if err != nil {
		return nil, fmt.Errorf("smtp: %w", err)
	}
	set := &settings{
		password: &c.Password,
		username: c.Username,
		host:     c.Host,
		address:  net.JoinHostPort(c.Host, strconv.Itoa(c.port())),
		from:     from.Text(),
		security: c.security(),
		tls:      &tls.Config{ServerName: c.Host, RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
		timeout:  c.Timeout,
		now:      c.Now,
	}
	_, set.domain, _ = strings.Cut(set.from, "@")
	if set.timeout == 0 {
		set.timeout = DefaultTimeout
	}
	return &Carrier{set}, nil
}

// Send hands a letter to the mail server. Every error is a *verify.SendError,
// with no credential, code, text or whole address in it. The letter is called by
// its Message-ID, which mail servers write into their logs.
func (c *Carrier) Send(ctx context.Context, m verify.Message) (verify.Submission, error) {
	if m.Channel != verify.Email {
		return verify.Submission{}, &verify.SendError{
			Class: verify.UnknownClass,
			Err:   fmt.Errorf("smtp: this carrier takes e-mails only, not %q", m.Channel),
		}
	}
	to, ok := m.To.Mailbox()
	if !ok || to.IsZero() {
		return verify.Submission{}, &verify.SendError{Class: verify.BadNumber, Err: errNoMailbox}
	}
	text, err := c.set.write(m)
	if err != nil {
		// Without the cause: the library quotes addresses.
		return verify.Submission{}, &verify.SendError{Class: verify.UnknownClass, Err: errNotWritten}
	}
	ctx, cancel := context.WithTimeout(ctx, c.set.timeout)
	defer cancel()
	if fault := c.set.deliver(ctx, to.Text(), text); fault != nil {
		return verify.Submission{}, fault.refusal(ctx, m)
	}
	return verify.Submission{CarrierID: c.set.messageID(m)}, nil
}
