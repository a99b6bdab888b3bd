package telnyx

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"countersign/internal/deliver/post"
	"countersign/internal/deliver/receipt"
	"countersign/internal/verify"
)

// DefaultBaseURL is that of a Config that names none.
const DefaultBaseURL = "https://api.telnyx.com/v2"

// Config is what an operator says of a Telnyx account. Printed in any way, it
// does not show the API key.
type Config struct {
	APIKey             string
	From               string // number, short code or name; may be empty if there is a messaging profile
	MessagingProfileID string
	TeXMLApplicationID string // calls go by it; if empty, the carrier takes texts only
	ReceiptURL         string // where Telnyx posts what became of a message; it is not asked to if empty
	PublicKey          string // Telnyx signs with its other half; needed with ReceiptURL

	BaseURL   string            // DefaultBaseURL if empty
	Timeout   time.Duration     // of a whole Send; post.DefaultTimeout if zero
	Transport http.RoundTripper // one of the carrier's own if nil
}

// String shows the configuration without its key.
func (c Config) String() string {
	return fmt.Sprintf("telnyx from %q, messaging profile %q", c.From, c.MessagingProfileID)
}

// Format writes what String does whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue returns what String does.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText returns what String does, so that no encoder shows the key.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Channels says which channels a carrier of this configuration takes.
func (c Config) Channels() []verify.Channel {
	if c.TeXMLApplicationID == "" {
		return []verify.Channel{verify.SMS}
	}
	return []verify.Channel{verify.SMS, verify.Call}
}

func (c Config) check() error {
	switch {
	case c.APIKey == "":
		return errors.New("there is no API key: make one in the Telnyx portal under API Keys")
	case !post.Printable(c.APIKey):
		return errors.New("the API key holds a space or another character that no key has")
	case c.From == "" && c.MessagingProfileID == "":
		return errors.New("nothing to send from: give a number of the account, or a messaging profile")
	case c.Timeout < 0:
		return fmt.Errorf("the time-out is negative: %s", c.Timeout)
	}
	if err := c.checkFrom(); err != nil {
		return err
	}
	if c.TeXMLApplicationID != "" && post.PlainID(c.TeXMLApplicationID) == "" {
		return errors.New("texml_application_id is not an id: it stands in the Telnyx portal under TeXML Applications")
	}
	return nil
}

func (c Config) checkFrom() error {
	var origin post.Origin
	var err error
	if c.From != "" {
		if origin, err = post.ParseOrigin(c.From); err != nil {
			return err
		}
	}
	switch {
	case origin == post.Name && c.MessagingProfileID == "":
		return fmt.Errorf("from %q is a name, for which Telnyx wants a messaging profile too", c.From)
	case c.TeXMLApplicationID != "" && (c.From == "" || origin != post.Number):
		return errors.New("there is a texml_application_id and no number to call from: give one as from")
	}
	return nil
}

// key returns what receipts are verified with, or nil if none are asked for.
func (c Config) key() (ed25519.PublicKey, error) {
	if c.ReceiptURL == "" {
		return nil, nil
	}
	if err := receipt.CheckAddress(c.ReceiptURL); err != nil {
		return nil, err
	}
	if c.PublicKey == "" {
		return nil, errors.New("there is no public_key, without which a receipt could be anybody's: it stands in the Telnyx portal under Keys & Credentials, Public Key")
	}
	key, ok := receipt.Base64(c.PublicKey)
	if !ok || len(key) != ed25519.PublicKeySize {
		return nil, errors.New("public_key is not 32 bytes in Base64: copy it from the Telnyx portal, Keys & Credentials, Public Key")
	}
	return key, nil
}

// endpoints returns the addresses that messages and calls are posted to.
func (c Config) endpoints() (messages, calls string, err error) {
	text := c.BaseURL
	if text == "" {
		text = DefaultBaseURL
	}
	base, err := post.ParseBase(text)
	if err != nil {
		return "", "", err
	}
	return base.JoinPath("messages").String(), base.JoinPath("texml", "calls", c.TeXMLApplicationID).String(), nil
}
