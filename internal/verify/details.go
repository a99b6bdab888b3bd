package verify

import (
	"errors"
	"fmt"
	"regexp"
	"unicode/utf8"
)

// Details are what a message says or does besides carrying the code, as whoever
// started the verification asked for it, and what that caller wants to be told
// again. All may be empty.
type Details struct {
	Locale  string            `json:"locale,omitzero"`   // of the message's words, as package message knows it
	AppHash string            `json:"app_hash,omitzero"` // 11 characters that hand a text to an Android app
	Amount  string            `json:"amount,omitzero"`   // of a payment; with Payee
	Payee   string            `json:"payee,omitzero"`
	Keys    string            `json:"keys,omitzero"`   // pressed when a call is taken, before the code is said
	Tags    map[string]string `json:"tags,omitzero"`   // of the caller, for its own use
	Domain  string            `json:"domain,omitzero"` // of the page that the code is typed into: the profile's
	Events  bool              `json:"events,omitzero"` // deliveries are reported to the profile's webhook
}

// IsZero says whether there are none.
func (d Details) IsZero() bool {
	return d.Locale == "" && d.AppHash == "" && d.Amount == "" && d.Payee == "" && d.Keys == "" && len(d.Tags) == 0 && d.Domain == "" && !d.Events
}

// Bounds of the details: what the vendors' documents allow, where they say so.
const (
	MaxTags      = 10  // pairs
	MaxTag       = 128 // characters of a name or a value
	MaxPayment   = 60  // characters of an amount or a payee
	MaxCallKeys  = 50  // keys pressed when a call is taken
	appHashChars = 11
)

var (
	appHash  = regexp.MustCompile(`^[A-Za-z0-9+/]{11}$`)
	callKeys = regexp.MustCompile(`^[0-9A-D*#wW]*$`)
)

// check refuses details that no message can have. Fields are named as the core
// names them.
func (d Details) check() error {
	bad := func(field, format string, args ...any) error {
		return &Error{Kind: Invalid, Field: field, Err: fmt.Errorf(format, args...)}
	}
	switch {
	case (d.Amount == "") != (d.Payee == ""):
		return &Error{Kind: Invalid, Field: FieldPayment, Err: errors.New("must have both an amount and a payee")}
	case utf8.RuneCountInString(d.Amount) > MaxPayment, utf8.RuneCountInString(d.Payee) > MaxPayment:
		return bad(FieldPayment, "must have at most %d characters each for the amount and the payee", MaxPayment)
	case d.AppHash != "" && !appHash.MatchString(d.AppHash):
		return bad(FieldAppHash, "must be the %d characters that Android computes for the app", appHashChars)
	case len(d.Keys) > MaxCallKeys, !callKeys.MatchString(d.Keys):
		return bad(FieldCallKeys, "must be at most %d of the keys 0-9, A-D, * and #, with w and W for pauses", MaxCallKeys)
	case len(d.Tags) > MaxTags:
		return bad(FieldTags, "must be at most %d pairs", MaxTags)
	}
	for name, value := range d.Tags {
		if n := utf8.RuneCountInString(name); n == 0 || n > MaxTag || utf8.RuneCountInString(value) > MaxTag {
			return bad(FieldTags, "must have names of 1 to %d characters and values of at most %d", MaxTag, MaxTag)
		}
	}
	return nil
}
