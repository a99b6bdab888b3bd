// Package mailbox turns what people and programs write into e-mail addresses.
//
// The one idea is that of package phone: text is parsed once, and only the parsed
// Address travels on, so that every spelling of a mailbox meets the same limits
// and nothing that reaches a mail server can end a header line. Whether anybody
// reads mail there, and whether the domain exists, is not said here.
package mailbox

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
)

// Why a text is not an e-mail address. No error repeats what was written.
var (
	ErrEmpty         = errors.New("mailbox: no address given")
	ErrShape         = errors.New("mailbox: not name@domain alone")
	ErrCharacter     = errors.New("mailbox: characters that no name before the @ has here")
	ErrTooLong       = errors.New("mailbox: too long: at most 64 characters before the @, and 254 in all")
	ErrDomain        = errors.New("mailbox: no such domain can exist")
	ErrInternational = errors.New("mailbox: the domain must be in its ASCII form, which begins with xn--")
)

// The lengths of RFC 5321, 4.5.3.1, in octets: a path of 256 holds two angle
// brackets besides the address.
const (
	maxLocal = 64
	maxWhole = 254
	maxLabel = 63
)

// Address is one mailbox. Addresses are compared with Equal; == does not compile,
// since it would take two spellings for two mailboxes. Every way of printing it
// but Text and Key shows a mask; the text stands behind a pointer because fmt
// calls no method of a value in an unexported field. The zero value is no address.
type Address struct {
	_    [0]func()
	text *string
}

// Parse reads one plain address, name@domain (RFC 5321, 4.1.2), with white space
// and invisible marks around it. Display names, comments, quoted names, address
// literals and names beyond ASCII, which ask every server on the way for SMTPUTF8,
// are refused, and so is a domain that is not a host name of two labels or more.
// The domain comes out in lower case. The error is one of this package's.
func Parse(text string) (Address, error) {
	if len(text) > maxWhole*4 {
		return Address{}, ErrTooLong
	}
	text = strings.TrimFunc(text, around)
	if text == "" {
		return Address{}, ErrEmpty
	}
	local, domain, ok := strings.Cut(text, "@")
	if !ok || local == "" || domain == "" || strings.Contains(domain, "@") {
		return Address{}, ErrShape
	}
	if err := checkLocal(local); err != nil {
		return Address{}, err
	}
	if err := checkDomain(domain); err != nil {
		return Address{}, err
	}
	if len(text) > maxWhole {
		return Address{}, ErrTooLong
	}
	text = local + "@" + lower(domain)
	return Address{text: &text}, nil
}

// Trusted takes a text that Parse made earlier, as when it comes back from the
// store. It checks nothing.
func Trusted(text string) Address {
	if text == "" {
		return Address{}
	}
	return Address{text: &text}
}

func around(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// checkLocal holds the local part to a Dot-string of RFC 5321, 4.1.2.
func checkLocal(local string) error {
	for _, r := range local {
		switch {
		case strings.ContainsRune(` <>()",:;\[]`, r):
			return ErrShape // a display name, a comment, a quoted name or a list
		case r <= ' ', r >= 0x7f:
			return ErrCharacter
		}
	}
	if len(local) > maxLocal {
		return ErrTooLong
	}
	if local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return ErrShape
	}
	return nil
}

// checkDomain holds the domain to a host name (RFC 1123, 2.1). Its last label is
// not all digits (RFC 3696, 2), or it would be an IPv4 address.
func checkDomain(domain string) error {
	if strings.ContainsAny(domain, " <>()\",;") {
		return ErrShape
	}
	if strings.IndexFunc(domain, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
		return ErrInternational
	}
	labels := strings.Split(domain, ".")
	if len(labels) < 2 || strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return ErrDomain
	}
	for _, l := range labels {
		if l == "" || len(l) > maxLabel || l[0] == '-' || l[len(l)-1] == '-' || strings.IndexFunc(l, notLDH) >= 0 {
			return ErrDomain
		}
	}
	return nil
}

func notLDH(r rune) bool {
	return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

// lower folds ASCII alone, which is all that an address holds.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, text)
}

// Text is the address that mail goes to, its local part as it was written: by
// RFC 5321, 2.4, only the receiving server knows whether case matters there. It is
// empty for the zero value.
func (a Address) Text() string {
	if a.text == nil {
		return ""
	}
	return *a.text
}

// Key is what counts for limits and for identity: the address in lower case, since
// no provider worth the name gives Ada and ada to two people. Dots and +tags stay.
// They mean nothing at some providers and another person at others, and here a
// false "same" would let one person spend another's guesses; a false "other" costs
// a few messages, which the limits of the tenant bound.
func (a Address) Key() string { return lower(a.Text()) }

// Equal says whether two Addresses are the same mailbox.
func (a Address) Equal(b Address) bool { return a.Key() == b.Key() }

// IsZero says whether a is no address at all.
func (a Address) IsZero() bool { return a.text == nil }

// Masked shows the first letters of the name and of the domain, and the domain's
// last label: "a***@e***.com". The stars do not count what they hide.
func (a Address) Masked() string {
	local, domain, _ := strings.Cut(a.Text(), "@")
	dot := strings.LastIndexByte(domain, '.')
	if local == "" || dot < 1 {
		return "***"
	}
	return local[:1] + "***@" + domain[:1] + "***" + domain[dot:]
}

// String returns the mask.
func (a Address) String() string { return a.Masked() }

// Format writes the mask whatever the verb.
func (a Address) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.Masked()) }

// LogValue returns the mask.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.Masked()) }

// MarshalText returns the mask: whoever means to show the address says Text.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.Masked()), nil }
