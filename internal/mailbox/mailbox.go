// Package mailbox turns what people write into e-mail addresses. It does not say
// whether anybody reads mail there.
package mailbox

// Address is a mailbox. Every way of printing it but Text shows a mask.
type Address struct{ text string }

// Parse reads an address.
func Parse(text string) (Address, error) { return Address{text}, nil }

// Trusted takes what Text wrote.
func Trusted(text string) Address { return Address{text} }

// Text is the address.
func (a Address) Text() string { return a.text }

// Key is what two spellings have in common.
func (a Address) Key() string { return a.text }

// String returns a mask.
func (a Address) String() string { return "•••" }
