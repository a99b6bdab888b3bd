package verify

import (
	"cmp"
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"countersign/internal/secret"
)

// The sessions' figures.
const (
	// SessionValidity is how long a person has from the making of a session: for several
	// codes, and for finding the telephone.
	SessionValidity = 30 * time.Minute
	// SessionKept is how long whoever asked for a session may look at it once its time is
	// over. Then it is deleted: it holds an address, and nobody needs it any more.
	SessionKept = time.Hour
	// MaxSessionStarts is how many times a code may be asked for in one session, over all
	// addresses: else one link is a machine that texts whomever its holder likes.
	MaxSessionStarts = 10
	// ProofValidity is how long after the acceptance a proof is good.
	ProofValidity = 5 * time.Minute

	MaxState   = 512 // characters of what a session hands back
	MaxPurpose = 64  // characters
)

// SessionStatus is where a session stands. Only SessionOpen can change.
type SessionStatus string

// The statuses of a session.
const (
	SessionOpen     SessionStatus = "open"
	SessionVerified SessionStatus = "verified" // the code was accepted, in this session and no other
	SessionExpired  SessionStatus = "expired"  // its time is over, or the application ended it
)

// Reveal is how much of a given address a page shows to whoever opens it.
type Reveal string

// What is shown of an address.
const (
	RevealMasked Reveal = "masked" // the last two digits, or the mailbox's first letter
	RevealNone   Reveal = "none"
	RevealFull   Reveal = "full"
)

// Reveals lists every Reveal, the default first.
func Reveals() []Reveal { return []Reveal{RevealMasked, RevealNone, RevealFull} }

// SessionDetails are what the application asked for. They never change.
type SessionDetails struct {
	Channels  []Channel `json:"channels"` // that the person may choose of, the first one first
	ReturnURL string    `json:"return_url"`
	State     string    `json:"state,omitzero"`
	Locale    string    `json:"locale,omitzero"` // of the page and the message; empty: the browser's
	Purpose   string    `json:"purpose,omitzero"`
	Reveal    Reveal    `json:"reveal"`
	Share     bool      `json:"share,omitzero"` // the proof tells the address
	Popup     bool      `json:"popup,omitzero"` // shown in a window that the application opened
	Given     bool      `json:"given,omitzero"` // the application named the address: nobody may change it
}

// SessionProgress is how far the person is.
type SessionProgress struct {
	Used   []Channel `json:"used,omitzero"` // that the code went by, the newest last
	Starts int       `json:"starts,omitzero"`
	Sends  int       `json:"sends,omitzero"` // messages of the verification that this session caused
}

// BrowserKey is what a session knows its browser by: a hash of a random token that the
// browser keeps.
type BrowserKey [16]byte

// Session is a person's visit to our pages on behalf of an application: from the link
// that the application sends the person to, to the proof that the person comes back with.
// It belongs to the first browser that does something in it.
//
// A verification can be one of several sessions' with the same purpose: they share its
// code and its guesses, and only the session in which the code was accepted is verified.
type Session struct {
	ID           ID
	Tenant       string
	Profile      ID
	KeyID        string // of the key that the link is made with
	Details      SessionDetails
	Progress     SessionProgress
	Status       SessionStatus
	Address      []byte // sealed, as Address.Text has it; nil while nobody has named one
	Browser      BrowserKey
	Verification ID // the one that the code form is for; zero before the first message
	CreatedAt    time.Time
	ExpiresAt    time.Time
	VerifiedAt   time.Time // zero unless it is verified
	RedeemedAt   time.Time // zero until the proof was handed in
	UpdatedAt    time.Time
}

// sessionPurpose is what codes of sessions are for that have no purpose of their own.
const sessionPurpose = "session"

// Purpose is what the session's codes are for. It is never empty: on the first page, which
// is open to everybody, and for callers of the API codes are for no purpose, and a stranger
// there must neither spend a session's guesses nor send its code by another channel.
func (s Session) Purpose() string { return cmp.Or(s.Details.Purpose, sessionPurpose) }

// StatusAt is the status as anyone should see it at now.
func (s Session) StatusAt(now time.Time) SessionStatus {
	if s.Status == SessionOpen && (!now.Before(s.ExpiresAt) || now.Add(ClockSlack).Before(s.CreatedAt)) {
		return SessionExpired
	}
	return s.Status
}

// BoundTo says whether this browser may go on: the session is its own, or nobody's yet.
func (s Session) BoundTo(b BrowserKey) bool {
	return s.Browser == BrowserKey{} || hmac.Equal(s.Browser[:], b[:])
}

// PurgeAt is when the session may be deleted.
func (s Session) PurgeAt() time.Time { return s.ExpiresAt.Add(SessionKept) }

// To opens the address; the zero Address if there is none. The error is of package secret.
func (s Session) To(keys *secret.Ring) (Address, error) {
	if s.Address == nil {
		return Address{}, nil
	}
	plain, err := keys.Open(secret.Row, sessionPlace(s.ID), s.Address)
	if err != nil {
		return Address{}, err
	}
	return Trusted(string(plain)), nil
}

func sessionPlace(id ID) string { return "session " + id.String() + " address" }

// linkBytes are the id and as many bytes that only the key makes.
const linkBytes = 16

// Link is the last part of the page's address: the id, which the application and its
// logs know, and a part that only the key makes. The error is of package secret.
func (s Session) Link(keys *secret.Ring) (string, error) {
	sum, err := keys.Sum(s.KeyID, secret.Link, s.ID.String())
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(s.ID[:], sum[:linkBytes]...)), nil
}

// LinkOf reads the id from a link; ok is false of what is none. Whether the rest of it
// is right is for Session.Opens to say.
func LinkOf(link string) (id ID, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(link)
	if err != nil || len(raw) != len(id)+linkBytes {
		return ID{}, false
	}
	return ID(raw[:len(id)]), true
}

// Opens says whether a link is this session's.
func (s Session) Opens(keys *secret.Ring, link string) bool {
	want, err := s.Link(keys)
	return err == nil && hmac.Equal([]byte(want), []byte(link))
}

// OpenSession makes a session. Nothing is sent: a person does that. Of a given address
// only the channels that reach it stay.
//
// Refusals: Invalid (return_url, state, purpose, reveal, channels, payment), NoChannel,
// NumberType, Country.
type OpenSession struct {
	Profile Profile  // of the first channel asked for
	Returns []string // the profile's return URLs; Details.ReturnURL must be one of them
	Details SessionDetails
	Address Address // zero: the page asks for it
}

// Needs refuses what can be refused without rows; it names none.
func (o OpenSession) Needs(env *Env) (Needs, error) {
	_, err := o.details(env)
	return Needs{}, err
}

// Decide makes the session.
func (o OpenSession) Decide(env *Env, _ Rows, now time.Time) (Changes, Session, error) {
	details, err := o.details(env)
	if err != nil {
		return Changes{}, Session{}, err
	}
	id, err := NewID(now, env.Random)
	if err != nil {
		return Changes{}, Session{}, err
	}
	s := Session{
		ID: id, Tenant: o.Profile.Tenant, Profile: o.Profile.ID, KeyID: env.Keys.Current(), Details: details,
		Status: SessionOpen, CreatedAt: now, ExpiresAt: now.Add(SessionValidity), UpdatedAt: now,
	}
	if details.Given {
		if err := s.setAddress(env, o.Address); err != nil {
			return Changes{}, Session{}, err
		}
	}
	return Changes{Session: &s}, s, nil
}

func (s *Session) setAddress(env *Env, to Address) (err error) {
	s.Address, err = env.Keys.Seal(secret.Row, sessionPlace(s.ID), []byte(to.Text()))
	return err
}

// details are those asked for with what was left out, or why they cannot be had.
func (o OpenSession) details(env *Env) (SessionDetails, error) {
	d := o.Details
	d.Given = !o.Address.IsZero()
	if d.Reveal == "" {
		d.Reveal = RevealMasked
	}
	_, mail := o.Address.Mailbox()
	if len(d.Channels) == 0 {
		d.Channels = []Channel{SMS}
		if mail {
			d.Channels = []Channel{Email}
		}
	}
	bad := func(field, format string, args ...any) (SessionDetails, error) {
		return d, &Error{Kind: Invalid, Field: field, Err: fmt.Errorf(format, args...)}
	}
	switch {
	case !slices.Contains(o.Returns, d.ReturnURL):
		return bad(FieldReturnURL, "must be, to the letter, one of the profile's return_urls: add it there first")
	case !printable(d.State, MaxState):
		return bad(FieldState, "must have at most %d characters, none of them a control character", MaxState)
	case !printable(d.Purpose, MaxPurpose):
		return bad(FieldPurpose, "must have at most %d characters, none of them a control character", MaxPurpose)
	case !slices.Contains(Reveals(), d.Reveal):
		return bad(FieldReveal, "must be one of %v", Reveals())
	case o.Profile.Payments: // else every start in the session would be refused
		return bad(FieldPayment, "the profile is for payments alone, and a session is for none")
	}
	for i, ch := range d.Channels {
		switch {
		case !slices.Contains(pageChannels, ch) || slices.Contains(d.Channels[:i], ch):
			return bad(FieldChannels, "must be some of %v, each once", pageChannels)
		case d.Given && mail != (ch == Email):
			return bad(FieldChannels, "must be email alone with an email, and sms, call or whatsapp with a phone_number")
		case !slices.Contains(env.Channels, ch):
			return d, &Error{Kind: NoChannel, Err: fmt.Errorf("no carrier is configured for channel %q", ch)}
		}
	}
	if !d.Given {
		return d, nil
	}
	// The person is offered what can work: of a landline, the call.
	first := d.Channels[0]
	d.Channels = slices.DeleteFunc(slices.Clone(d.Channels), func(ch Channel) bool { return !Reaches(ch, o.Address) })
	if len(d.Channels) > 0 {
		first = d.Channels[0]
	}
	return d, guard(env, o.Profile, first, o.Address)
}

// pageChannels are those that bring a code which can be typed.
var pageChannels = []Channel{SMS, Call, WhatsApp, Email}

func printable(text string, most int) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= most && !slices.ContainsFunc([]rune(text), unicode.IsControl)
}

// usable refuses a session that is not there, over, or another browser's.
func usable(s *Session, b BrowserKey, now time.Time) error {
	switch {
	case s == nil:
		return &Error{Kind: NotFound}
	case b == BrowserKey{}:
		return errors.New("verify: a browser has no key")
	case !s.BoundTo(b):
		return &Error{Kind: Forbidden, Err: errors.New("another browser is using the session")}
	case s.StatusAt(now) != SessionOpen:
		return &Error{Kind: Settled}
	}
	return nil
}
