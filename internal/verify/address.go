package verify

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"countersign/internal/mailbox"
	"countersign/internal/phone"
)

// Address is where a message goes: a telephone number or a mailbox. The zero value
// is neither. Every way of printing it but Text shows a mask.
type Address struct {
	number  phone.Number
	mailbox mailbox.Address
	mail    bool
}

// Phone is the address of a telephone.
func Phone(n phone.Number) Address { return Address{number: n} }

// Mail is the address of a mailbox.
func Mail(m mailbox.Address) Address { return Address{mailbox: m, mail: true} }

// Number returns the telephone number; ok is false for a mailbox.
func (a Address) Number() (n phone.Number, ok bool) { return a.number, !a.mail }

// Mailbox returns the mailbox; ok is false for a telephone.
func (a Address) Mailbox() (m mailbox.Address, ok bool) { return a.mailbox, a.mail }

// Text is the address as a message needs it: +E.164, or name@domain.
func (a Address) Text() string {
	if a.mail {
		return a.mailbox.Text()
	}
	return a.number.E164()
}

// Key is what two spellings of one address have in common: not for showing.
func (a Address) Key() string {
	if a.mail {
		return a.mailbox.Key()
	}
	return a.number.E164()
}

// IsZero says whether a is no address at all.
func (a Address) IsZero() bool { return a.Key() == "" }

// Equal says whether two addresses are of the same person's telephone or mailbox.
func (a Address) Equal(b Address) bool { return a.mail == b.mail && a.Key() == b.Key() }

// Trusted takes a text that Text made earlier, as when it comes back from the store. It
// checks nothing. No telephone number holds an @.
func Trusted(text string) Address {
	if strings.Contains(text, "@") {
		return Mail(mailbox.Trusted(text))
	}
	return Phone(phone.Trusted(text))
}

// String returns a mask.
func (a Address) String() string {
	if a.mail {
		return a.mailbox.String()
	}
	return a.number.String()
}

// Format writes a mask whatever the verb.
func (a Address) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }

// LogValue returns a mask.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.String()) }

// MarshalText returns a mask, so that no encoder shows an address.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }
