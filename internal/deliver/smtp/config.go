package smtp

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"countersign/internal/mailbox"
)

// DefaultTimeout is what a whole Send may take where a Config says nothing. Mail
// servers that look a sender up before they answer need longer than an API.
const DefaultTimeout = 30 * time.Second

// How a connection is protected.
const (
	StartTLS = "starttls" // begun in the clear, and given up if it cannot be encrypted
	Implicit = "implicit" // encrypted from the first byte
	None     = "none"     // in the clear, on loopback alone
)

// Config is what an operator says of a mail server. Printed in any way, it does
// not show the password.
type Config struct {
	Host     string
	Port     int // 587, 465 or 25, by TLS, if zero
	Username string
	Password string
	From     string           // the address that letters come from
	TLS      string           // StartTLS if empty
	Timeout  time.Duration    // of a whole Send; DefaultTimeout if zero
	Roots    *x509.CertPool   // whose certificates are believed; the system's if nil
	Now      func() time.Time // for the Date of letters; the library's clock if nil
}

// String shows the configuration without its password.
func (c Config) String() string {
	return fmt.Sprintf("smtp to %q, port %d, %s, from %q", c.Host, c.port(), c.security(), c.From)
}

// Format writes what String does whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue returns what String does.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText returns what String does, so that no encoder shows the password.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

func (c Config) security() string {
	if c.TLS == "" {
		return StartTLS
	}
	return c.TLS
}

// port is what RFC 6409, RFC 8314 and RFC 5321 give to each protection.
func (c Config) port() int {
	switch {
	case c.Port != 0:
		return c.Port
	case c.security() == Implicit:
		return 465
	case c.security() == None:
		return 25
	}
	return 587
}

func (c Config) check() (from mailbox.Address, err error) {
	security := c.security()
	switch {
	case c.Host == "":
		return from, errors.New("there is no host: give the mail server's name, such as smtp.example.com")
	case strings.ContainsFunc(c.Host, notInHost) || strings.Contains(c.Host, ":") && net.ParseIP(c.Host) == nil:
		return from, errors.New("the host is not a name or an address alone, such as smtp.example.com: the port is a field of its own")
	case c.Port < 0 || c.Port > 65535:
		return from, fmt.Errorf("port %d is not one from 1 to 65535", c.Port)
	case security != StartTLS && security != Implicit && security != None:
		return from, fmt.Errorf("tls %q is not one of starttls, implicit, none", c.TLS)
	case security == None && !loopback(c.Host):
		return from, errors.New("tls is none: codes and the password would travel in the clear, so only a host on loopback may be so")
	case c.Username == "" && c.Password != "":
		return from, errors.New("there is a password and no username")
	case c.Username != "" && c.Password == "":
		return from, errors.New("there is a username and no password")
	case c.Timeout < 0:
		return from, fmt.Errorf("the time-out is negative: %s", c.Timeout)
	case c.From == "":
		return from, errors.New("nothing to send from: give an e-mail address that the mail server lets you send from")
	}
	if from, err = mailbox.Parse(c.From); err != nil {
		return from, errors.New("from is not an e-mail address alone, such as codes@example.com")
	}
	return from, nil
}

func notInHost(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune(`/@[]<>"'\?#%`, r)
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
