package tenant

import (
	"maps"
	"slices"
	"time"

	"countersign/internal/code"
	"countersign/internal/limit"
	"countersign/internal/verify"
)

// Meta is what every record has. It is not in the body.
type Meta struct {
	ID        verify.ID
	Tenant    string
	Parent    verify.ID
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Money is an amount in millionths of a US dollar.
type Money int64

// Dollar is one US dollar.
const Dollar Money = 1_000_000

// Account is a tenant as the Twilio dialect knows it. Its Tenant is what rows of
// verifications carry.
type Account struct {
	Meta `json:"-"`
	Name string `json:"name"`
}

// APIKey is a credential of a tenant. Its text is shown once, when it is made, and is
// then known by its hash alone.
type APIKey struct {
	Meta      `json:"-"`
	Name      string    `json:"name"`
	Hash      []byte    `json:"hash"`  // SHA-256 of the text
	Place     int       `json:"place"` // 1 or 2, among the live keys of its name
	Scopes    []Scope   `json:"scopes"`
	UsedAt    time.Time `json:"used_at,omitzero"`    // to within ten minutes
	RevokedAt time.Time `json:"revoked_at,omitzero"` // zero while it is good
}

// Scope is a part of what the API does.
type Scope string

// The scopes. A key without any has all of them.
const (
	ScopeRead   Scope = "read"   // looks at verifications and settings
	ScopeVerify Scope = "verify" // begins, checks, cancels and reads verifications
	ScopeManage Scope = "manage" // changes profiles, templates, limits and webhooks, and reads them
)

// Settings are what a profile says of one channel. Zero values are not set.
type Settings struct {
	AppName    string        `json:"app_name,omitzero"`
	CodeLength int           `json:"code_length,omitzero"`
	Validity   time.Duration `json:"validity,omitzero"`
	Template   verify.ID     `json:"template,omitzero"`
	Countries  []string      `json:"countries,omitzero"` // ISO 3166; nil: all that the operator enables
	Sender     string        `json:"sender,omitzero"`
	// Kept is what a dialect shows again and this release does not act on.
	Kept map[string]string `json:"kept,omitzero"`
}

// Keep puts a value that is only kept under a name, if it is given; an empty one goes.
func (s *Settings) Keep(name, value string, given bool) {
	if !given {
		return
	}
	kept := maps.Clone(s.Kept) // another copy of the profile may have it
	delete(kept, name)
	if value != "" {
		if kept == nil {
			kept = map[string]string{}
		}
		kept[name] = value
	}
	s.Kept = kept
}

// Profile is a tenant's named set of settings: what Telnyx calls a verify profile and
// Twilio a service.
type Profile struct {
	Meta     `json:"-"`
	Name     string                      `json:"name"`
	Language string                      `json:"language,omitzero"` // of package message
	Base     Settings                    `json:"base,omitzero"`     // of every channel
	Channels map[verify.Channel]Settings `json:"channels,omitzero"` // over Base

	WebhookURL         string `json:"webhook_url,omitzero"`
	WebhookFailoverURL string `json:"webhook_failover_url,omitzero"`

	// ReturnURLs are where a person may be sent back to from a session, to the letter.
	ReturnURLs []string `json:"return_urls,omitzero"`

	SpendLimit   Money `json:"spend_limit,omitzero"` // a UTC day; counts only if SpendLimited
	SpendLimited bool  `json:"spend_limited,omitzero"`

	CustomCodes        bool   `json:"custom_codes"` // codes of the caller's own are taken
	Payments           bool   `json:"payments,omitzero"`
	DoNotShareWarning  bool   `json:"do_not_share_warning,omitzero"`
	LookupEnabled      bool   `json:"lookup_enabled,omitzero"`
	SkipLandlines      bool   `json:"skip_landlines,omitzero"`
	KeyPressRequired   bool   `json:"key_press_required,omitzero"`
	Voice              string `json:"voice,omitzero"`
	EventsSubscription bool   `json:"events_subscription,omitzero"`

	// Factors are a Twilio service's settings of what is not served yet (push, TOTP,
	// passkeys, senders of WhatsApp), as the caller gave them: kept to be shown again.
	Factors map[string]string `json:"factors,omitzero"`

	// Fixed: it comes from the operator's configuration and is not to be changed here.
	Fixed bool `json:"-"`
	// Code, Retention and Text are the operator's. A profile's own length comes before
	// Code's, and any template before Text; with no Text, package message has one.
	Code      code.Spec     `json:"-"`
	Retention time.Duration `json:"-"`
	Text      string        `json:"-"`
	Domain    string        `json:"-"` // of the page that codes are typed into
}

// Template is a message text with variables.
type Template struct {
	Meta    `json:"-"`
	Name    string           `json:"name"`
	Text    string           `json:"text"`
	Channel []verify.Channel `json:"channels,omitzero"` // none: all
	Stock   bool             `json:"-"`                 // ours: the same for everybody
}

// RateLimit is a named limit on messages that a tenant sets: RateLimits of Twilio. Its
// parent is a profile, and Buckets are its figures.
type RateLimit struct {
	Meta        `json:"-"`
	Name        string `json:"name"`
	Description string `json:"description,omitzero"`
}

// Bucket is one figure of a rate limit: so many messages in so many seconds. Its
// parent is a RateLimit.
type Bucket struct {
	Meta    `json:"-"`
	Max     int `json:"max"`
	Seconds int `json:"seconds"`
}

// Rule is the bucket's arithmetic.
func (b Bucket) Rule() limit.Rule {
	return limit.Rule{Count: b.Max, Per: time.Duration(b.Seconds) * time.Second}
}

// Sender is the sender of a profile's messages to one country: a messaging
// configuration of Twilio. Its parent is a profile.
type Sender struct {
	Meta    `json:"-"`
	Country string `json:"country"` // ISO 3166; its name
	Service string `json:"service"` // as the caller names it
}

// SafeNumber is a number that the guard against pumping lets pass. Its name is a keyed
// hash of the number.
type SafeNumber struct {
	Meta   `json:"-"`
	Hash   string `json:"hash"`
	Sealed []byte `json:"sealed"`
}

// Webhook is an address that is told of events: a service webhook of Twilio. Its
// parent is a profile.
type Webhook struct {
	Meta    `json:"-"`
	Name    string   `json:"name"`
	URL     string   `json:"url"`
	Events  []string `json:"events"`
	Enabled bool     `json:"enabled"`
	Version string   `json:"version,omitzero"`
}

// Effective is what holds for a channel: the channel's own settings over the base.
func (p Profile) Effective(ch verify.Channel) Settings {
	s, own := p.Base, p.Channels[ch]
	if own.AppName != "" {
		s.AppName = own.AppName
	}
	if own.CodeLength != 0 {
		s.CodeLength = own.CodeLength
	}
	if own.Validity != 0 {
		s.Validity = own.Validity
	}
	if own.Template != (verify.ID{}) {
		s.Template = own.Template
	}
	if own.Countries != nil {
		s.Countries = own.Countries
	}
	if own.Kept != nil {
		s.Kept = own.Kept
	}
	if own.Sender != "" {
		s.Sender = own.Sender
	}
	if slices.Contains(s.Countries, AllCountries) {
		s.Countries = nil
	}
	return s
}
