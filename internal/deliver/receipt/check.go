package receipt

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Window is how far a signed instant may be from now, either way.
const Window = 5 * time.Minute

// One returns the value of a header that comes exactly once: of two, a forger could
// have one verified and the other read.
func One(h http.Header, name string) (string, bool) {
	values := h.Values(name)
	if len(values) != 1 || values[0] == "" {
		return "", false
	}
	return values[0], true
}

// Fresh says whether an instant in Unix seconds, as it was signed, is within Window of
// now.
func Fresh(seconds string, now time.Time) bool {
	if seconds == "" || len(seconds) > 12 || strings.Trim(seconds, "0123456789") != "" {
		return false
	}
	n, err := strconv.ParseInt(seconds, 10, 64)
	return err == nil && now.Sub(time.Unix(n, 0)).Abs() <= Window
}

// Base64 decodes standard Base64 in its one proper form: package encoding/base64 also
// takes line ends and loose bits, with which one signature has many spellings.
func Base64(text string) ([]byte, bool) {
	out, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || base64.StdEncoding.EncodeToString(out) != text {
		return nil, false
	}
	return out, true
}

// CheckAddress says what is wrong with a Config's ReceiptURL. It is made of the public
// address, which may be plain http in development alone; that is its maker's to see to.
func CheckAddress(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("the receipt URL cannot be read")
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return errors.New("the receipt URL does not begin with https:// and a host: it is made of public_url")
	case u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return errors.New("the receipt URL holds more than host and path")
	}
	return nil
}

// WithMessage is a receipt address that names a message, for carriers that repeat the
// address or sign it.
func WithMessage(address, message string) string {
	return address + "?message=" + url.QueryEscape(message)
}

// MessageOf returns the message that an address made by WithMessage names. It refuses
// with false whatever is not exactly such an address.
func MessageOf(address, full string) (string, bool) {
	query, ok := strings.CutPrefix(full, address+"?message=")
	if !ok {
		return "", false
	}
	message, err := url.QueryUnescape(query)
	if err != nil || message == "" || WithMessage(address, message) != full {
		return "", false
	}
	return message, true
}
