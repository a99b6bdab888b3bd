package post

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

const (
	digits  = "0123456789"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// Code is a carrier's error code: up to six digits, or empty.
type Code string

// UnmarshalJSON takes a string or a number, and of anything else nothing.
func (c *Code) UnmarshalJSON(in []byte) error {
	text := strings.Trim(string(in), `"`)
	if len(text) <= 6 && strings.Trim(text, digits) == "" {
		*c = Code(text)
	}
	return nil
}

// PlainID returns a carrier's name for a message if it can stand in a log or a
// URL, or else nothing.
func PlainID(id string) string {
	if len(id) > 64 || strings.Trim(id, digits+letters+"-_:") != "" {
		return ""
	}
	return id
}

// Printable says whether a credential has only characters that one can have: a
// space or a line's end comes of copying.
func Printable(credential string) bool {
	return !strings.ContainsFunc(credential, func(r rune) bool { return r <= ' ' || r > '~' })
}

// Origin is what a message says it is from.
type Origin int

// The forms of an origin. A call can come from a number alone.
const (
	Number Origin = iota
	ShortCode
	Name
)

// ParseOrigin knows the three forms, or says what is wrong. A number is looked at
// for its form only: the account, not a numbering plan, says which numbers it owns.
func ParseOrigin(from string) (Origin, error) {
	number, plus := strings.CutPrefix(from, "+")
	onlyDigits := number != "" && strings.Trim(number, digits) == ""
	switch {
	case plus && onlyDigits && number[0] != '0' && len(number) >= 7 && len(number) <= 15:
		return Number, nil
	case plus:
		return 0, fmt.Errorf("from %q is not a number in E.164 form, as +15551234567", from)
	case onlyDigits && len(number) >= 3 && len(number) <= 8:
		return ShortCode, nil
	case onlyDigits:
		return 0, fmt.Errorf("from %q is too long or too short for a short code: a number begins with + and the country code", from)
	case len(from) > 11 || strings.Trim(from, digits+letters+" ") != "" || !strings.ContainsAny(from, letters):
		return 0, fmt.Errorf("from %q is no number, and a sender's name has at most 11 letters, digits and spaces", from)
	}
	return Name, nil
}

// ParseBase reads the address below which a carrier's interface lies. Its errors
// do not quote it: it may hold a password that somebody put there.
func ParseBase(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("the base URL cannot be read")
	case base.Scheme != "https" && base.Scheme != "http", base.Hostname() == "":
		return nil, errors.New("the base URL does not begin with https:// and a host")
	case base.User != nil:
		return nil, errors.New("the base URL holds a user name or password: credentials have settings of their own")
	case base.RawQuery != "" || base.ForceQuery || base.Fragment != "":
		return nil, errors.New("the base URL holds ? or #: it ends with a host or a path")
	case base.Scheme == "http" && !loopback(base.Hostname()):
		return nil, errors.New("the base URL is plain http: credentials would travel in the clear, so only loopback may be so")
	}
	return base, nil
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
