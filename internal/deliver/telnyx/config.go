package telnyx

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"countersign/internal/deliver/post"
)

// DefaultBaseURL is that of a Config that names none.
const DefaultBaseURL = "https://api.telnyx.com/v2"

// Config is what an operator says of a Telnyx account. Printed in any way, it
// does not show the API key.
type Config struct {
	APIKey             string
	From               string // number, short code or name; may be empty if there is a messaging profile
	MessagingProfileID string
	BaseURL            string            // DefaultBaseURL if empty
	Timeout            time.Duration     // of a whole Send; post.DefaultTimeout if zero
	Transport          http.RoundTripper // one of the carrier's own if nil
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
	if c.From == "" {
		return nil
	}
	origin, err := post.ParseOrigin(c.From)
	if err == nil && origin == post.Name && c.MessagingProfileID == "" {
		err = fmt.Errorf("from %q is a name, for which Telnyx wants a messaging profile too", c.From)
	}
	return err
}

// endpoint returns the address that messages are posted to.
func (c Config) endpoint() (string, error) {
	text := c.BaseURL
	if text == "" {
		text = DefaultBaseURL
	}
	base, err := post.ParseBase(text)
	if err != nil {
		return "", err
	}
	return base.JoinPath("messages").String(), nil
}
