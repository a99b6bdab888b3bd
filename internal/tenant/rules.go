package tenant

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"countersign/internal/code"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

// What each kind is called by, and what must not be stored.

func (a *Account) meta() *Meta    { return &a.Meta }
func (k *APIKey) meta() *Meta     { return &k.Meta }
func (p *Profile) meta() *Meta    { return &p.Meta }
func (t *Template) meta() *Meta   { return &t.Meta }
func (l *RateLimit) meta() *Meta  { return &l.Meta }
func (b *Bucket) meta() *Meta     { return &b.Meta }
func (s *Sender) meta() *Meta     { return &s.Meta }
func (n *SafeNumber) meta() *Meta { return &n.Meta }
func (w *Webhook) meta() *Meta    { return &w.Meta }

func (a *Account) name() string    { return a.Tenant } // a tenant has one account
func (p *Profile) name() string    { return "" }       // neither vendor keeps two apart by name
func (t *Template) name() string   { return "" }
func (l *RateLimit) name() string  { return l.Name }
func (b *Bucket) name() string     { return strconv.Itoa(b.Seconds) }
func (s *Sender) name() string     { return s.Country }
func (n *SafeNumber) name() string { return n.Hash }
func (w *Webhook) name() string    { return w.Name }

// name keeps the places of a name apart: there are two live keys of one at most, of
// which one takes over from the other.
func (k *APIKey) name() string {
	if !k.RevokedAt.IsZero() {
		return ""
	}
	return strconv.Itoa(k.Place) + " " + k.Name
}

func (a *Account) label() string    { return a.Name }
func (k *APIKey) label() string     { return k.Name }
func (p *Profile) label() string    { return p.Name }
func (t *Template) label() string   { return t.Name }
func (l *RateLimit) label() string  { return l.Name }
func (b *Bucket) label() string     { return strconv.Itoa(b.Seconds) }
func (s *Sender) label() string     { return s.Country }
func (n *SafeNumber) label() string { return "" }
func (w *Webhook) label() string    { return w.Name }

// Bounds of what tenants set up.
const (
	MaxName        = 64   // characters of a name
	MaxDescription = 256  // characters
	MaxText        = 1000 // characters of a template
	MaxURL         = 2000 // bytes
	MaxAppName     = 32   // characters
	MaxBucket      = 10_000
	MaxInterval    = 30 * 86_400 // seconds
	MaxValue       = 256         // characters of a value that a rate limit counts
)

// maxCountries is more than there are.
const maxCountries = 300

// AllCountries stands for every country that the operator enables.
const AllCountries = "*"

// EveryCountry is the Country of a Sender that is for all that have none of their own.
const EveryCountry = "all"

var (
	limitName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	channels  = []verify.Channel{verify.SMS, verify.Call, verify.WhatsApp, verify.Flashcall, verify.Email}
)

func invalid(field, format string, args ...any) error {
	return &verify.Error{Kind: verify.Invalid, Field: field, Err: fmt.Errorf(format, args...)}
}

// first returns the first error that there is.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// text refuses what has not so many characters, or one that cannot be shown.
func text(field, s string, least, most int) error {
	switch n := utf8.RuneCountInString(s); {
	case n < least || n > most:
		return invalid(field, "must have %d to %d characters", least, most)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return invalid(field, "must not have control characters")
	}
	return nil
}

func (a *Account) check() error { return text(verify.FieldName, a.Name, 1, MaxName) }

func (k *APIKey) check() error {
	if len(k.Hash) != sha256.Size || k.Place < 1 || k.Place > keysOfAName {
		return fmt.Errorf("tenant: an API key is made by CreateKey alone")
	}
	for _, s := range k.Scopes {
		if !slices.Contains([]Scope{ScopeRead, ScopeVerify, ScopeManage}, s) {
			return invalid(verify.FieldScopes, "must be of read, verify and manage")
		}
	}
	return text(verify.FieldName, k.Name, 1, MaxName)
}

// check also cuts what is valid for longer than anything may be, and stores «all
// countries» as none.
func (p *Profile) check() error {
	err := first(
		text(verify.FieldName, p.Name, 1, MaxName),
		language(verify.FieldLanguage, p.Language),
		webhook(verify.FieldWebhook, p.WebhookURL),
		webhook(verify.FieldFailover, p.WebhookFailoverURL),
		ReturnURLs(p.ReturnURLs),
		text(verify.FieldVoice, p.Voice, 0, MaxName),
	)
	if err != nil {
		return err
	}
	if p.Base, err = p.Base.checked(); err != nil {
		return err
	}
	if slices.Contains(p.Base.Countries, AllCountries) {
		p.Base.Countries = nil
	}
	own := maps.Clone(p.Channels)
	for _, ch := range slices.Sorted(maps.Keys(own)) {
		if !slices.Contains(channels, ch) {
			return invalid(verify.FieldChannel, "must be one of %v", channels)
		}
		s, err := own[ch].checked()
		if err != nil {
			return err
		}
		// Where the base has a list, «all» is more than to say nothing.
		if slices.Contains(s.Countries, AllCountries) && p.Base.Countries == nil {
			s.Countries = nil
		}
		own[ch] = s
	}
	p.Channels = own
	return nil
}

func (s Settings) checked() (Settings, error) {
	if s.Validity != 0 && s.Validity < verify.MinValidity {
		return s, invalid(verify.FieldTimeout, "must be at least %s", verify.MinValidity)
	}
	s.Validity = min(s.Validity, verify.MaxValidity)
	if s.CodeLength != 0 && (s.CodeLength < code.MinLength || s.CodeLength > code.MaxLength) {
		return s, invalid(verify.FieldCodeLength, "must be %d to %d", code.MinLength, code.MaxLength)
	}
	if s.Countries != nil && len(s.Countries) == 0 {
		return s, invalid(verify.FieldCountries, "must name a country, or %q for all", AllCountries)
	}
	if len(s.Countries) > maxCountries { // each start looks through them
		return s, invalid(verify.FieldCountries, "must be at most %d", maxCountries)
	}
	for _, c := range s.Countries {
		if err := country(verify.FieldCountries, c); err != nil && c != AllCountries {
			return s, err
		}
	}
	for _, kept := range s.Kept {
		if err := text(verify.FieldText, kept, 0, MaxDescription); err != nil {
			return s, err
		}
	}
	return s, first(AppName(s.AppName), text(verify.FieldSender, s.Sender, 0, MaxName))
}

// AppName refuses a name that could make a message seem to lead somewhere, whoever
// gives it: a profile, or the start of one verification. Refusals: Invalid.
func AppName(s string) error {
	if strings.ContainsAny(s, "{}<>/\\") {
		return invalid(verify.FieldAppName, "must not have brackets or slashes")
	}
	return text(verify.FieldAppName, s, 0, MaxAppName)
}

func language(field, tag string) error {
	if _, ok := message.Match(tag); tag != "" && !ok {
		return invalid(field, "must be a language that there are words for, such as en-US or de; there are %s", strings.Join(message.Locales(), ", "))
	}
	return nil
}

func country(field, c string) error {
	if region, err := phone.Region(c); err != nil || region != c || c == "" {
		return invalid(field, "must be countries of ISO 3166 in two capital letters, such as US")
	}
	return nil
}

// webhook refuses an address that events would be told in the clear, or with a
// password in it. Of this machine http will do.
func webhook(field, text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	switch {
	case len(text) > MaxURL:
		return invalid(field, "must have at most %d bytes", MaxURL)
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return invalid(field, "must be a whole address, such as https://example.com/events")
	case u.User != nil:
		return invalid(field, "must hold neither a user name nor a password")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return invalid(field, "must begin with https://; http:// will do for this machine alone (127.0.0.1, localhost)")
	}
	return nil
}

func loopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

func (t *Template) check() error {
	if n := utf8.RuneCountInString(t.Text); n > MaxText {
		return invalid(verify.FieldText, "must have at most %d characters", MaxText)
	}
	if err := message.Check(t.Text); errors.Is(err, message.ErrNoCode) {
		return invalid(verify.FieldText, "must hold {{code}}")
	} else if err != nil {
		return invalid(verify.FieldText, "must hold no variable but {{code}}, {{app_name}}, {{minutes}}, {{amount}} and {{payee}}")
	}
	for _, ch := range t.Channel {
		if !slices.Contains(channels, ch) {
			return invalid(verify.FieldChannel, "must be of %v", channels)
		}
	}
	return first(text(verify.FieldText, strings.ReplaceAll(t.Text, "\n", ""), 0, MaxText), text(verify.FieldName, t.Name, 0, MaxName))
}

func (l *RateLimit) check() error {
	if !limitName.MatchString(l.Name) {
		return invalid(verify.FieldName, "must be 1 to 64 letters, digits, _, . and -")
	}
	return text(verify.FieldText, l.Description, 0, MaxDescription)
}

func (b *Bucket) check() error {
	if b.Max < 1 || b.Max > MaxBucket {
		return invalid(verify.FieldMax, "must be 1 to %d", MaxBucket)
	}
	if b.Seconds < 1 || b.Seconds > MaxInterval {
		return invalid(verify.FieldInterval, "must be 1 to %d seconds", MaxInterval)
	}
	return nil
}

func (s *Sender) check() error {
	err := text(verify.FieldSender, s.Service, 1, MaxName)
	if s.Country != EveryCountry {
		err = first(country(verify.FieldCountries, s.Country), err)
	}
	return err
}

func (n *SafeNumber) check() error {
	if n.Hash == "" || len(n.Sealed) == 0 {
		return fmt.Errorf("tenant: a safe number is made by AddSafe alone")
	}
	return nil
}

func (w *Webhook) check() error {
	const most = 50
	if w.URL == "" {
		return invalid(verify.FieldWebhook, "must not be empty")
	}
	if len(w.Events) == 0 || len(w.Events) > most {
		return invalid(verify.FieldEvents, "must be 1 to %d", most)
	}
	for _, e := range w.Events {
		if err := text(verify.FieldEvents, e, 1, MaxName); err != nil {
			return err
		}
	}
	return first(text(verify.FieldName, w.Name, 1, MaxName), webhook(verify.FieldWebhook, w.URL), text(verify.FieldEvents, w.Version, 0, MaxName))
}
