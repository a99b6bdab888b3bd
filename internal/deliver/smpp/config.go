package smpp

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"countersign/internal/deliver/post"
	"countersign/internal/verify"
)

// What a Config means where it says nothing.
const (
	DefaultTimeout      = 10 * time.Second
	DefaultWindow       = 10
	DefaultEnquireEvery = 30 * time.Second
)

// How a connection is protected.
const (
	Implicit = "implicit" // encrypted from the first byte
	None     = "none"     // in the clear
)

// How a session is bound.
const (
	Transceiver = "transceiver" // for messages and receipts
	Transmitter = "transmitter" // for messages: no receipts are asked for
)

// How a receipt names a message, next to the name in the answer to the message.
const (
	Auto        = "auto"        // as it turns out, from what was sent lately by this process
	Same        = "same"        // to the letter
	Decimal     = "decimal"     // the answer's hexadecimal number in decimal
	Hexadecimal = "hexadecimal" // the answer's decimal number in hexadecimal
)

// Config is what an operator says of a message centre. Printed in any way, it does
// not show the password.
type Config struct {
	Host       string
	Port       int // 3550 or 2775, by TLS, if zero
	SystemID   string
	Password   string
	SystemType string // empty unless the carrier gave one
	From       string // number, short code or name, of messages whose route names no sender
	TLS        string // Implicit if empty
	Bind       string // Transceiver if empty
	ReceiptIDs string // Auto if empty

	Window       int           // how many messages may be without an answer; DefaultWindow if zero
	EnquireEvery time.Duration // how often the session is tried; DefaultEnquireEvery if zero
	Timeout      time.Duration // of a whole Send, a bind and an enquire_link; DefaultTimeout if zero

	// Receipts is given every receipt; it may block for a short while. No receipts are
	// asked for if it is nil.
	Receipts func(verify.Receipt)
	Log      *slog.Logger   // nil for none
	Roots    *x509.CertPool // whose certificates are believed; the system's if nil
	// Dial makes connections; a net.Dialer does if it is nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// String shows the configuration without its password.
func (c Config) String() string {
	return fmt.Sprintf("smpp to %q, port %d, tls %s, from %q", c.Host, c.port(), c.security(), c.From)
}

// Format writes what String does whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue returns what String does.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText returns what String does, so that no encoder shows the password.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

func (c Config) security() string {
	if c.TLS == "" {
		return Implicit
	}
	return c.TLS
}

// port is what IANA has registered for smpp and secure-smpp.
func (c Config) port() int {
	switch {
	case c.Port != 0:
		return c.Port
	case c.security() == None:
		return 2775
	}
	return 3550
}

// check quotes no credential: whoever mixes the fields up has the password where the
// system_id belongs.
func (c Config) check() error {
	switch {
	case c.Host == "":
		return errors.New("there is no host: give the message centre's name or address, such as smpp.example.com")
	case strings.ContainsFunc(c.Host, notInHost) || strings.Contains(c.Host, ":") && net.ParseIP(c.Host) == nil:
		return errors.New("the host is not a name or an address alone, such as smpp.example.com: the port is a field of its own")
	case c.Port < 0 || c.Port > 65535:
		return fmt.Errorf("port %d is not one from 1 to 65535", c.Port)
	case c.security() != Implicit && c.security() != None:
		return fmt.Errorf("tls %q is not implicit or none: SMPP has no way to begin it later", c.TLS)
	case c.From == "":
		return errors.New("nothing to send from: give a number, a short code or a name that the carrier lets you send from")
	}
	if _, err := post.ParseOrigin(c.From); err != nil {
		return err
	}
	if err := c.checkCredentials(); err != nil {
		return err
	}
	return c.checkSession()
}

// maxCredential is more than any centre is known to take.
const maxCredential = 64

func (c Config) checkCredentials() error {
	switch {
	case c.SystemID == "":
		return errors.New("there is no system_id (the field username): the carrier gives it with the password")
	case c.Password == "":
		return errors.New("there is no password: the carrier gives it with the system_id")
	case !post.Printable(c.SystemID) || len(c.SystemID) > maxCredential:
		return errors.New("the system_id is too long, or holds a space or another character that none has")
	case !post.Printable(c.Password) || len(c.Password) > maxCredential:
		return errors.New("the password is too long, or holds a space or another character that none has")
	case !post.Printable(c.SystemType) || len(c.SystemType) > 12: // SMPP v3.4, 5.2.3
		return errors.New("system_type has more than 12 characters, or a space: leave it empty unless the carrier gave one")
	}
	return nil
}

func (c Config) checkSession() error {
	switch {
	case c.Bind != "" && c.Bind != Transceiver && c.Bind != Transmitter:
		return fmt.Errorf("bind %q is not transceiver or transmitter", c.Bind)
	case c.ReceiptIDs != "" && c.ReceiptIDs != Auto && c.ReceiptIDs != Same && c.ReceiptIDs != Decimal && c.ReceiptIDs != Hexadecimal:
		return fmt.Errorf("receipt_ids %q is not one of auto, same, decimal, hexadecimal", c.ReceiptIDs)
	case c.Window < 0 || c.Window > 1000:
		return fmt.Errorf("window %d is not one from 1 to 1000", c.Window)
	case c.Timeout < 0:
		return fmt.Errorf("the time-out is negative: %s", c.Timeout)
	case c.EnquireEvery < 0:
		return fmt.Errorf("enquire_every is negative: %s", c.EnquireEvery)
	}
	return nil
}

// tooLong names the credentials that are longer than SMPP v3.4, 4.1.5, lets them be.
// Many centres take more, so that it is no error.
func (c Config) tooLong() []string {
	var names []string
	if len(c.SystemID) > 15 {
		names = append(names, "system_id (15)")
	}
	if len(c.Password) > 8 {
		names = append(names, "password (8)")
	}
	return names
}

func notInHost(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune(`/@[]<>"'\?#%`, r)
}
