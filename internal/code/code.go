// Package code is about one-time codes: how long they are, of which characters,
// how they are drawn from random bytes, and when what a person typed is the same.
//
// A Code prints as a mask everywhere, so that no log line or error can show one;
// Text is the only way to its characters. The package keeps nothing and has no
// randomness of its own: the caller hands in a stream of uniform bytes.
package code

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"unicode"

	"countersign/internal/numeral"
)

// Alphabet names the characters of a code.
type Alphabet string

// The alphabets. Alphanumeric leaves out 0, 1, I and O, which people mistake for
// each other; Hex is upper case, as the tutorial's tokens are.
const (
	Digits       Alphabet = "digits"
	Hex          Alphabet = "hex"
	Alphanumeric Alphabet = "alphanumeric"
)

var characters = map[Alphabet]string{
	Digits:       "0123456789",
	Hex:          "0123456789ABCDEF",
	Alphanumeric: "23456789ABCDEFGHJKLMNPQRSTUVWXYZ",
}

// Lengths that a Spec may have, in characters.
const (
	MinLength = 4
	MaxLength = 10
)

// Spec says what codes look like.
type Spec struct {
	Alphabet Alphabet
	Length   int
}

// Default is six digits.
var Default = Spec{Alphabet: Digits, Length: 6}

// ErrSpec is returned for an alphabet or a length that does not exist.
var ErrSpec = errors.New("code: there is no such code")

// Check returns ErrSpec, wrapped with what is wrong, unless codes of s can be made.
func (s Spec) Check() error {
	if _, ok := characters[s.Alphabet]; !ok {
		return fmt.Errorf("%w: alphabet %q is not one of digits, hex, alphanumeric", ErrSpec, s.Alphabet)
	}
	if s.Length < MinLength || s.Length > MaxLength {
		return fmt.Errorf("%w: length %d is not between %d and %d", ErrSpec, s.Length, MinLength, MaxLength)
	}
	return nil
}

// Bits is the entropy of one code. Six digits have 19.93.
func (s Spec) Bits() float64 {
	return float64(s.Length) * math.Log2(float64(len(characters[s.Alphabet])))
}

// Weak says whether codes of s are easier to guess than six digits.
func (s Spec) Weak() bool { return s.Bits() < Default.Bits() }

// String says the spec in words: "6 digits".
func (s Spec) String() string {
	if s.Alphabet == Digits {
		return fmt.Sprintf("%d digits", s.Length)
	}
	return fmt.Sprintf("%d %s characters", s.Length, s.Alphabet)
}

// Draw makes a code from uniform random bytes. Bytes that would favour some
// characters are thrown away, so every code is equally likely. The error is
// that of the reader.
func (s Spec) Draw(random io.Reader) (Code, error) {
	if err := s.Check(); err != nil {
		return Code{}, err
	}
	chars := characters[s.Alphabet]
	fair := 256 - 256%len(chars)
	out := make([]byte, 0, MaxLength)
	var buf [32]byte
	for len(out) < s.Length {
		if _, err := io.ReadFull(random, buf[:]); err != nil {
			return Code{}, fmt.Errorf("code: %w", err)
		}
		for _, b := range buf {
			if int(b) < fair && len(out) < s.Length {
				out = append(out, chars[int(b)%len(chars)])
			}
		}
	}
	text := string(out)
	return Code{&text}, nil
}

// Plausible says whether a guess could be a code of s at all: a page may then
// tell the person about a typing slip without spending a guess.
func (s Spec) Plausible(guess string) bool {
	folded := fold(guess)
	if len(folded) != s.Length {
		return false
	}
	return strings.Trim(folded, characters[s.Alphabet]) == ""
}

// Code is a one-time code. Every way of printing it but Text shows a mask. The
// characters stand behind a pointer because fmt calls no method of a value in an
// unexported field: printed from there, a Code is an address.
type Code struct{ text *string }

// ErrCustom is returned for a customer's own code that cannot be used.
var ErrCustom = errors.New("code: a custom code has 4 to 10 letters or digits")

// Custom takes a code that the customer chose: 4 to 10 ASCII letters or digits.
func Custom(text string) (Code, error) {
	if len(text) < MinLength || len(text) > MaxLength {
		return Code{}, ErrCustom
	}
	for i := range len(text) {
		if !asciiAlnum(rune(text[i])) {
			return Code{}, ErrCustom
		}
	}
	return Code{&text}, nil
}

// Text returns the characters, to be sent to the person and nowhere else.
func (c Code) Text() string {
	if c.text == nil {
		return ""
	}
	return *c.text
}

// Matches compares a guess in time that does not depend on where they differ.
// Case, spaces, hyphens and invisible marks do not count, and digits of other
// scripts (full-width, Arabic-Indic, …) are the digits they stand for.
func (c Code) Matches(guess string) bool {
	want, got := fold(c.Text()), fold(guess)
	return want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1
}

const mask = "••••••"

// String returns a mask.
func (c Code) String() string { return mask }

// Format writes a mask whatever the verb.
func (c Code) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// LogValue returns a mask.
func (c Code) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalText returns a mask, so that no encoder shows a code.
func (c Code) MarshalText() ([]byte, error) { return []byte(mask), nil }

// fold brings a typed code into the one form that is compared.
func fold(text string) string {
	var b strings.Builder
	for _, r := range text {
		if ignorable(r) {
			continue
		}
		if d, ok := numeral.Digit(r); ok {
			r = rune(d)
		}
		if r >= 0xFF21 && r <= 0xFF5A { // full-width letters
			r -= 0xFEE0
		}
		if r >= 'a' && r <= 'z' {
			r -= 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func ignorable(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || unicode.Is(unicode.Cf, r)
}

func asciiAlnum(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}
