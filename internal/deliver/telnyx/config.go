package telnyx

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// What a Config has where it says nothing.
const (
	DefaultBaseURL = "https://api.telnyx.com/v2"
	DefaultTimeout = 10 * time.Second
)

// Config is what an operator says of a Telnyx account. Printed in any way, it
// does not show the API key.
type Config struct {
	APIKey             string
	From               string // number, short code or name; may be empty if there is a messaging profile
	MessagingProfileID string
	BaseURL            string            // DefaultBaseURL if empty
	Timeout            time.Duration     // of a whole Send; DefaultTimeout if zero
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
	case strings.ContainsFunc(c.APIKey, notInKey):
		return errors.New("the API key holds a space or another character that no key has")
	case c.From == "" && c.MessagingProfileID == "":
		return errors.New("nothing to send from: give a number of the account, or a messaging profile")
	case c.Timeout < 0:
		return fmt.Errorf("the time-out is negative: %s", c.Timeout)
	}
	if c.From == "" {
		return nil
	}
	return c.checkFrom()
}

func notInKey(r rune) bool { return r <= ' ' || r > '~' }

const (
	digits  = "0123456789"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// checkFrom knows the three forms of a sender. A number is looked at for its form
// only: the account, not a numbering plan, says which numbers it owns.
func (c Config) checkFrom() error {
	number, plus := strings.CutPrefix(c.From, "+")
	onlyDigits := number != "" && strings.Trim(number, digits) == ""
	switch {
	case plus && onlyDigits && number[0] != '0' && len(number) >= 7 && len(number) <= 15:
		return nil
	case plus:
		return fmt.Errorf("from %q is not a number in E.164 form, as +15551234567", c.From)
	case onlyDigits && len(number) >= 3 && len(number) <= 8: // a short code
		return nil
	case onlyDigits:
		return fmt.Errorf("from %q is too long or too short for a short code: a number begins with + and the country code", c.From)
	case len(c.From) > 11 || strings.Trim(c.From, digits+letters+" ") != "" || !strings.ContainsAny(c.From, letters):
		return fmt.Errorf("from %q is no number, and a sender's name has at most 11 letters, digits and spaces", c.From)
	case c.MessagingProfileID == "":
		return fmt.Errorf("from %q is a name, for which Telnyx wants a messaging profile too", c.From)
	}
	return nil
}

// endpoint returns the address that messages are posted to. Its errors do not
// quote the base URL, which may hold a password that somebody put there.
func (c Config) endpoint() (string, error) {
	text := c.BaseURL
	if text == "" {
		text = DefaultBaseURL
	}
	base, err := url.Parse(text)
	switch {
	case err != nil:
		return "", errors.New("the base URL cannot be read")
	case base.Scheme != "https" && base.Scheme != "http", base.Hostname() == "":
		return "", errors.New("the base URL does not begin with https:// and a host")
	case base.User != nil:
		return "", errors.New("the base URL holds a user name or password: the API key is all that Telnyx asks for")
	case base.RawQuery != "" || base.ForceQuery || base.Fragment != "":
		return "", errors.New("the base URL holds ? or #: it ends with a path, as /v2")
	case base.Scheme == "http" && !loopback(base.Hostname()):
		return "", errors.New("the base URL is plain http: the API key would travel in the clear, so only loopback may be so")
	}
	return base.JoinPath("messages").String(), nil
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
