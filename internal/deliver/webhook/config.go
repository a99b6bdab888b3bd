package webhook

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign/internal/deliver/post"
	"countersign/internal/deliver/receipt"
)

// leastSecret is how long a secret must be, in bytes.
const leastSecret = 16

// Config is what an operator says of the service. Printed in any way, it shows neither
// the secret nor a header nor where the service is, but for its host.
type Config struct {
	URL        string            // https, or http on loopback
	Secret     string            // both sides sign with it; 16 characters or more
	Body       string            // a template of JSON; the body of our own if empty
	Headers    map[string]string // more headers, such as Authorization
	ReceiptURL string            // where the service posts what became of a message; it is not told of it if empty

	Now       func() time.Time
	Timeout   time.Duration     // of a whole Send; post.DefaultTimeout if zero
	Transport http.RoundTripper // one of the carrier's own if nil
}

// String shows the configuration without its secrets. A path may be one.
func (c Config) String() string {
	host := "?"
	if u, err := url.Parse(c.URL); err == nil {
		host = u.Host
	}
	return fmt.Sprintf("webhook to %q", host)
}

// Format writes what String does whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue returns what String does.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText returns what String does, so that no encoder shows a secret.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

func (c Config) check() error {
	switch {
	case c.URL == "":
		return errors.New("there is no url: give the address of your own service that sends the messages")
	case c.Secret == "":
		return errors.New("there is no secret, with which both sides sign: make one with «openssl rand -base64 32» and give it to your service too")
	case len(c.Secret) < leastSecret:
		return fmt.Errorf("the secret has fewer than %d characters: make one with «openssl rand -base64 32»", leastSecret)
	case !post.Printable(c.Secret):
		return errors.New("the secret holds a space or another character that does not print")
	case c.Now == nil:
		return errors.New("there is no clock")
	case c.Timeout < 0:
		return fmt.Errorf("the time-out is negative: %s", c.Timeout)
	}
	if _, err := post.ParseBase(c.URL); err != nil {
		return fmt.Errorf("url: %w", err)
	}
	if c.ReceiptURL != "" {
		if err := receipt.CheckAddress(c.ReceiptURL); err != nil {
			return err
		}
	}
	if err := c.checkHeaders(); err != nil {
		return err
	}
	return checkTemplate(c.Body)
}

// ours are the headers that are not the operator's to choose.
var ours = []string{"Content-Type", "Content-Length", "Transfer-Encoding", "Connection", "Host", SignatureHeader}

// checkHeaders quotes no value: one may be a credential.
func (c Config) checkHeaders() error {
	seen := map[string]bool{}
	for name, value := range c.Headers {
		key := http.CanonicalHeaderKey(name)
		switch {
		case post.PlainID(name) == "" || strings.ContainsAny(name, ":"):
			return fmt.Errorf("headers: %q is no name of a header", name)
		case seen[key]:
			return fmt.Errorf("headers: %q stands there twice", key)
		case strings.TrimSpace(value) != value || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
			return fmt.Errorf("headers: the value of %q holds a character that no header can have, or begins or ends with a space", key)
		}
		seen[key] = true
		for _, one := range ours {
			if key == one {
				return fmt.Errorf("headers: %q is set by Countersign", key)
			}
		}
	}
	return nil
}

// headers is a copy, which nobody changes later.
func (c Config) headers() map[string]string {
	out := make(map[string]string, len(c.Headers))
	for name, value := range c.Headers {
		out[name] = value
	}
	return out
}
