package verify

import (
	"errors"
	"fmt"
	"time"
)

// Kind says why a command was refused. Each dialect and the pages have a table
// of all kinds, and a test that walks Kinds.
type Kind string

// The kinds of refusal.
const (
	// Invalid: a field holds what it must not. Field names it, Err says why.
	Invalid Kind = "invalid"
	// NotFound: no such verification, profile or route for this caller.
	NotFound Kind = "not_found"
	// Settled: the verification can no longer be resent or canceled.
	Settled Kind = "settled"
	// Cooldown: the last message went out too short a time ago. Wait says how long.
	Cooldown Kind = "cooldown"
	// TooManySends: the verification has had all its messages. Wait is until it expires.
	TooManySends Kind = "too_many_sends"
	// TooManyStarts: the number or the network has had its share. Wait says how long.
	TooManyStarts Kind = "too_many_starts"
	// WorkNeeded: the network's share is nearly used up, and a browser that does some work
	// first may go on. Wait says how long it takes without.
	WorkNeeded Kind = "work_needed"
	// QuotaSpent: a limit that the tenant has set is spent. Wait says how long.
	QuotaSpent Kind = "quota_spent"
	// SpendLimit: the profile's messages of the day have cost what they may. Wait is
	// until the next day.
	SpendLimit Kind = "spend_limit"
	// Locked: the subject has MaxStreak wrong guesses in a row.
	Locked Kind = "locked"
	// NumberType: the numbering plan says that the number cannot get this message.
	NumberType Kind = "number_type"
	// Country: the profile does not send to the number's country.
	Country Kind = "country"
	// NoChannel: no carrier is configured for the channel.
	NoChannel Kind = "no_channel"
	// KeyReused: an Idempotency-Key came back with another request.
	KeyReused Kind = "key_reused"
	// Taken: another one has that name.
	Taken Kind = "taken"
	// Full: the tenant has as many as it may have.
	Full Kind = "full"
	// Forbidden: this key, or anybody over the API, may not do that.
	Forbidden Kind = "forbidden"
	// Busy: more is waiting to be sent than carriers take. Wait says how long.
	Busy Kind = "busy"
	// Unavailable: the store did not answer, or it is unknown whether it did what
	// was asked. Nothing may be concluded. Wait says when to try again.
	Unavailable Kind = "unavailable"
)

// Kinds lists every kind, for tests that each one has a form in each dialect.
func Kinds() []Kind {
	return []Kind{
		Invalid, NotFound, Settled, Cooldown, TooManySends, TooManyStarts, WorkNeeded, QuotaSpent, SpendLimit, Locked,
		NumberType, Country, NoChannel, KeyReused, Taken, Full, Forbidden, Busy, Unavailable,
	}
}

// Fields that a refusal may name. Each dialect knows them under its own names.
const (
	FieldAddress  = "address"
	FieldCode     = "code"
	FieldTimeout  = "timeout"
	FieldCustom   = "custom_code"
	FieldPayment  = "payment"
	FieldAppHash  = "app_hash"
	FieldCallKeys = "call_keys"
	FieldTags     = "tags"
	FieldName     = "name"

	// Of what a tenant sets up.
	FieldLanguage   = "language"
	FieldLocale     = "locale"
	FieldAppName    = "app_name"
	FieldCodeLength = "code_length"
	FieldTemplate   = "template"
	FieldText       = "text" // of a template
	FieldChannel    = "channel"
	FieldCountries  = "countries"
	FieldSender     = "sender"
	FieldWebhook    = "webhook_url"
	FieldFailover   = "webhook_failover_url"
	FieldEvents     = "events"
	FieldSpendLimit = "spend_limit"
	FieldVoice      = "voice"
	FieldMax        = "max"
	FieldInterval   = "interval"
	FieldQuotas     = "rate_limits"
	FieldScopes     = "scopes"
	FieldReturnURLs = "return_urls"

	// Of a session.
	FieldReturnURL = "return_url"
	FieldState     = "state"
	FieldPurpose   = "purpose"
	FieldReveal    = "reveal"
	FieldChannels  = "channels"
)

// Error is a refusal. A command that returns one has changed nothing.
type Error struct {
	Kind  Kind
	Field string        // set with Invalid, NumberType and Country
	Wait  time.Duration // zero where waiting does not help
	Err   error         // the reason in detail, if there is one
}

// Error says the kind, the field and the reason; never a number or a code.
func (e *Error) Error() string {
	text := "verify: " + string(e.Kind)
	if e.Field != "" {
		text += " " + e.Field
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Wait > 0 {
		text += fmt.Sprintf(" (wait %s)", e.Wait)
	}
	return text
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of a refusal, or "" if err is none: then it is our fault.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}
