package twilio

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"countersign/internal/deliver/post"
	"countersign/internal/deliver/receipt"
	"countersign/internal/verify"
)

// DefaultBaseURL is that of a Config that names none.
const DefaultBaseURL = "https://api.twilio.com"

// Config is what an operator says of a Twilio account. Printed in any way, it
// does not show the credentials.
type Config struct {
	AccountSID string
	// AuthToken or an API key, which can be revoked by itself, lets us in. Receipts are
	// signed with the auth token whatever lets us in, so with ReceiptURL it is needed.
	AuthToken string

	APIKeySID    string
	APIKeySecret string

	From                string // number, short code or name; calls come from a number only
	MessagingServiceSID string // texts go by it if there is one
	ReceiptURL          string // where Twilio posts what became of a message; it is not asked to if empty

	BaseURL   string            // DefaultBaseURL if empty
	Timeout   time.Duration     // of a whole Send; post.DefaultTimeout if zero
	Transport http.RoundTripper // one of the carrier's own if nil
}

// String shows the configuration without its credentials.
func (c Config) String() string {
	return fmt.Sprintf("twilio from %q, messaging service %q", c.From, c.MessagingServiceSID)
}

// Format writes what String does whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue returns what String does.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText returns what String does, so that no encoder shows a credential.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Channels says which channels a carrier of this configuration takes. Twilio calls from a
// number alone.
func (c Config) Channels() []verify.Channel {
	if origin, err := post.ParseOrigin(c.From); err == nil && origin == post.Number {
		return []verify.Channel{verify.SMS, verify.Call}
	}
	return []verify.Channel{verify.SMS}
}

// settings are all but the client.
func (c Config) settings() (*settings, error) {
	if err := c.checkCredentials(); err != nil {
		return nil, err
	}
	if c.Timeout < 0 {
		return nil, fmt.Errorf("the time-out is negative: %s", c.Timeout)
	}
	set := &settings{from: c.From, service: c.MessagingServiceSID, receipts: c.ReceiptURL, account: c.AccountSID, token: &c.AuthToken}
	switch {
	case c.From == "" && c.MessagingServiceSID == "":
		return nil, errors.New("nothing to send from: give a number of the account as from, or a messaging_service_sid")
	case c.MessagingServiceSID != "" && !isSID("MG", c.MessagingServiceSID):
		return nil, errors.New("messaging_service_sid is not MG and 32 hexadecimal characters")
	}
	if c.From != "" {
		origin, err := post.ParseOrigin(c.From)
		if err != nil {
			return nil, err
		}
		set.caller = origin == post.Number
	}
	text := c.BaseURL
	if text == "" {
		text = DefaultBaseURL
	}
	base, err := post.ParseBase(text)
	if err != nil {
		return nil, err
	}
	if c.ReceiptURL != "" {
		if err := receipt.CheckAddress(c.ReceiptURL); err != nil {
			return nil, err
		}
	}
	account := base.JoinPath("2010-04-01", "Accounts", c.AccountSID)
	set.messages = account.JoinPath("Messages.json").String()
	set.calls = account.JoinPath("Calls.json").String()
	return set, nil
}

// checkCredentials quotes nothing: whoever mixes the fields up has the token where
// a sid belongs.
func (c Config) checkCredentials() error {
	key := c.APIKeySID != "" || c.APIKeySecret != ""
	switch {
	case c.AccountSID == "":
		return errors.New("there is no account_sid: it stands in the Twilio Console, and begins with AC")
	case !isSID("AC", c.AccountSID):
		return errors.New("account_sid is not AC and 32 hexadecimal characters")
	case c.AuthToken == "" && !key:
		return errors.New("there is no auth_token: it stands in the Twilio Console, or give an api_key_sid and its api_key_secret")
	case c.AuthToken != "" && key && c.ReceiptURL == "":
		return errors.New("give the auth_token or an API key, not both: without receipts nothing needs the other")
	case c.AuthToken == "" && c.ReceiptURL != "":
		return errors.New("there is no auth_token, without which a receipt could be anybody's: Twilio signs with it, also if an API key lets us in. It stands in the Twilio Console")
	case key && c.APIKeySID == "":
		return errors.New("there is an api_key_secret and no api_key_sid")
	case key && !isSID("SK", c.APIKeySID):
		return errors.New("api_key_sid is not SK and 32 hexadecimal characters")
	case key && c.APIKeySecret == "":
		return errors.New("there is an api_key_sid and no api_key_secret")
	case !post.Printable(c.AuthToken):
		return errors.New("auth_token holds a space or another character that no token has")
	case !post.Printable(c.APIKeySecret):
		return errors.New("api_key_secret holds a space or another character that no secret has")
	}
	return nil
}

// credentials are user and password ("Twilio API requests": an API key stands for
// the account, whose sid stays in the address).
func (c Config) credentials() (user, password string) {
	if c.APIKeySID != "" {
		return c.APIKeySID, c.APIKeySecret
	}
	return c.AccountSID, c.AuthToken
}

func isSID(prefix, text string) bool {
	rest, ok := strings.CutPrefix(text, prefix)
	return ok && len(rest) == 32 && strings.Trim(rest, "0123456789abcdefABCDEF") == ""
}
