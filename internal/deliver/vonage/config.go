package vonage

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"

	"countersign/internal/deliver/post"
	"countersign/internal/deliver/receipt"
)

// DefaultBaseURL is that of a Config that names none.
const DefaultBaseURL = "https://api.nexmo.com"

// Config is what an operator says of a Vonage account. Printed in any way, it shows no
// credential.
type Config struct {
	// APIKey and APISecret are the account's, ApplicationID and PrivateKey (PEM, RSA) an
	// application's: either pair lets us in. APIKey alone may stand beside an application.
	APIKey        string
	APISecret     string
	ApplicationID string
	PrivateKey    string

	From string // number, short code or name, of messages whose route names no sender

	ReceiptURL      string // where Vonage posts what became of a message; it is not asked to if empty
	SignatureSecret string // of the account, with which Vonage signs; needed with ReceiptURL

	BaseURL   string            // DefaultBaseURL if empty
	Timeout   time.Duration     // of a whole Send; post.DefaultTimeout if zero
	Transport http.RoundTripper // one of the carrier's own if nil
	Now       func() time.Time  // needed to send by an application, not to be checked
}

// String shows the configuration without its credentials.
func (c Config) String() string {
	return fmt.Sprintf("vonage from %q, application %q", c.From, c.ApplicationID)
}

// Format writes what String does whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue returns what String does.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText returns what String does, so that no encoder shows a credential.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// check returns the address that messages are posted to, and what makes the header that
// lets us in. Errors quote no credential.
func (c Config) check() (url string, authorize func() string, err error) {
	if authorize, err = c.authorizer(); err != nil {
		return "", nil, err
	}
	if c.Timeout < 0 {
		return "", nil, fmt.Errorf("the time-out is negative: %s", c.Timeout)
	}
	if c.From == "" {
		return "", nil, errors.New("nothing to send from: give a number of the account, or a name, as from")
	}
	if _, err := post.ParseOrigin(c.From); err != nil {
		return "", nil, err
	}
	text := c.BaseURL
	if text == "" {
		text = DefaultBaseURL
	}
	base, err := post.ParseBase(text)
	if err != nil {
		return "", nil, err
	}
	if c.ReceiptURL != "" {
		if err := receipt.CheckAddress(c.ReceiptURL); err != nil {
			return "", nil, err
		}
		if c.SignatureSecret == "" {
			return "", nil, errors.New("there is no signature_secret, without which a receipt could be anybody's: it stands in the Vonage dashboard under Settings")
		}
	}
	return base.JoinPath("v1", "messages").String(), authorize, nil
}

func (c Config) authorizer() (func() string, error) {
	secret, application := c.APISecret != "", c.ApplicationID != "" || c.PrivateKey != ""
	switch {
	case !secret && !application:
		return nil, errors.New("there is no api_key with an api_secret, and no application_id with a private_key: they stand in the Vonage dashboard")
	case secret && application:
		return nil, errors.New("give the api_secret or an application's private_key, not both")
	case !post.Printable(c.APIKey), !post.Printable(c.APISecret):
		return nil, errors.New("api_key or api_secret holds a space or another character that none has")
	case secret && c.APIKey == "":
		return nil, errors.New("there is an api_secret and no api_key")
	case secret:
		header := "Basic " + base64.StdEncoding.EncodeToString([]byte(c.APIKey+":"+c.APISecret))
		return func() string { return header }, nil
	}
	if _, err := uuid.Parse(c.ApplicationID); err != nil {
		return nil, errors.New("application_id is not a UUID: it stands in the Vonage dashboard under Applications")
	}
	key, err := parseKey(c.PrivateKey)
	if err != nil {
		return nil, err
	}
	return func() string { return "Bearer " + token(c.ApplicationID, key, c.Now()) }, nil
}

// parseKey reads an RSA key in either of PEM's forms.
func parseKey(text string) (*rsa.PrivateKey, error) {
	wrong := errors.New("private_key is not an RSA key in PEM: it is the private.key that Vonage gave when the application was made")
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, wrong
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil, wrong
	}
	return key, nil
}

// tokenFor is how long a token of ours is good: a request takes less.
const tokenFor = 5 * time.Minute

// token is a JWT by RS256 that lets the application in ("Authentication: JWT").
func token(application string, key *rsa.PrivateKey, now time.Time) string {
	claims, _ := json.Marshal(map[string]any{ // of texts and numbers
		"application_id": application, "iat": now.Unix(), "exp": now.Add(tokenFor).Unix(), "jti": rand.Text(),
	})
	signed := encoded([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encoded(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil { // the key is too short for a signature
		return ""
	}
	return signed + "." + encoded(signature)
}

func encoded(part []byte) string { return base64.RawURLEncoding.EncodeToString(part) }
