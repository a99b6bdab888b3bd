package whatsapp

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"countersign/internal/deliver/post"
	"countersign/internal/deliver/receipt"
)

// What a Config means that says nothing.
const (
	DefaultBaseURL = "https://graph.facebook.com"
	DefaultVersion = "v23.0"
)

// Config is what an operator says of a WhatsApp business number. Printed in any way, it
// shows no credential.
type Config struct {
	AccessToken   string // of a system user, so that it does not end
	PhoneNumberID string // of the business number: not the number itself
	Template      string // an approved one, of the category authentication
	Languages     []string

	// ReceiptURL is where Meta is set to post what became of a message; empty for
	// nowhere. Then AppSecret, with which Meta signs, and VerifyToken, which it shows once
	// when the address is set, are needed.
	ReceiptURL  string
	AppSecret   string
	VerifyToken string

	Version   string            // of the Graph API; DefaultVersion if empty
	BaseURL   string            // DefaultBaseURL if empty
	Timeout   time.Duration     // of a whole Send; post.DefaultTimeout if zero
	Transport http.RoundTripper // one of the carrier's own if nil
}

// String shows the configuration without its credentials.
func (c Config) String() string {
	return fmt.Sprintf("whatsapp by number %q, template %q", c.PhoneNumberID, c.Template)
}

// Format writes what String does whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue returns what String does.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText returns what String does, so that no encoder shows a credential.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

var (
	templateName = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
	languageCode = regexp.MustCompile(`^[a-z]{2,3}(_[A-Z]{2})?$`)
	graphVersion = regexp.MustCompile(`^v[0-9]{1,3}\.[0-9]$`)
)

// check returns the address that messages are posted to. It quotes no credential, and
// nothing where one may stand by mistake.
func (c Config) check() (url string, err error) {
	digits := strings.Trim(c.PhoneNumberID, "0123456789") == ""
	switch {
	case c.AccessToken == "":
		return "", errors.New("there is no access_token: make one for a system user in the Meta Business settings, with whatsapp_business_messaging")
	case !post.Printable(c.AccessToken):
		return "", errors.New("access_token holds a space or another character that no token has")
	case c.PhoneNumberID == "" || !digits || len(c.PhoneNumberID) > 32:
		return "", errors.New("phone_number_id is not the id of a business number, digits alone: it stands in the Meta App Dashboard under WhatsApp, API Setup")
	case !templateName.MatchString(c.Template):
		return "", errors.New("template is not the name of an authentication template: small letters, digits and _, as in the WhatsApp Manager")
	case len(c.Languages) == 0:
		return "", errors.New("there are no languages: name those that the template has, such as [en_US, de]; the first is taken for all others")
	case c.Timeout < 0:
		return "", fmt.Errorf("the time-out is negative: %s", c.Timeout)
	}
	for _, l := range c.Languages {
		if !languageCode.MatchString(l) {
			return "", fmt.Errorf("languages: %q is not one of Meta's codes, such as en_US or de", l)
		}
	}
	version, base := c.Version, c.BaseURL
	if version == "" {
		version = DefaultVersion
	}
	if !graphVersion.MatchString(version) {
		return "", fmt.Errorf("version: %q is not one of the Graph API, such as %s", version, DefaultVersion)
	}
	if base == "" {
		base = DefaultBaseURL
	}
	u, err := post.ParseBase(base)
	if err != nil {
		return "", err
	}
	return u.JoinPath(version, c.PhoneNumberID, "messages").String(), c.checkReceipts()
}

func (c Config) checkReceipts() error {
	if c.ReceiptURL == "" {
		return nil
	}
	if err := receipt.CheckAddress(c.ReceiptURL); err != nil {
		return err
	}
	switch {
	case c.AppSecret == "":
		return errors.New("there is no app_secret, without which a receipt could be anybody's: it stands in the Meta App Dashboard under App settings, Basic")
	case len(c.VerifyToken) < 16 || !post.Printable(c.VerifyToken):
		return errors.New("verify_token is not 16 or more characters without spaces: make one up, and give Meta the same with the address")
	}
	return nil
}
