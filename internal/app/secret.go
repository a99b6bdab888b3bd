package app

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a setting that is never shown: every way of printing it is a mask.
// It stands behind a pointer because fmt calls no method of a value in an
// unexported field.
type Secret struct{ text *string }

// NewSecret wraps a text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// UnmarshalText reads the text from a file or the environment.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

const mask = "[secret]"

// String returns a mask.
func (s Secret) String() string { return mask }

// Format writes a mask whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// LogValue returns a mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalText returns a mask, so that a configuration can be shown.
func (s Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }
