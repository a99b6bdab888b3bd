package verify

import (
	"errors"
	"slices"
	"time"
)

// SessionStart starts a verification in a session, or sends the pending one's code by
// another channel. The first one binds the session to its browser.
//
// Refusals: those of Start, and NotFound (no such session), Forbidden (another browser's
// session), Settled (a session that is over), Invalid (address: the application named
// another one).
type SessionStart struct {
	Session ID
	Browser BrowserKey
	Start   Start
}

// Needs names the session besides what the start does.
func (c SessionStart) Needs(env *Env) (Needs, error) {
	n, err := c.Start.Needs(env)
	n.Session = c.Session
	return n, err
}

// Decide starts.
func (c SessionStart) Decide(env *Env, rows Rows, now time.Time) (Changes, Started, error) {
	s := rows.Session
	if err := c.check(env, s, now); err != nil {
		return Changes{}, Started{}, err
	}
	changes, answer, err := c.Start.Decide(env, rows, now)
	if err != nil {
		return Changes{}, Started{}, err
	}
	v := answer.Verification
	if s.Verification != v.ID {
		s.Verification, s.Progress.Used, s.Progress.Sends = v.ID, nil, 0
		if err := s.setAddress(env, c.Start.Address); err != nil {
			return Changes{}, Started{}, err
		}
	}
	s.Browser, s.UpdatedAt = c.Browser, now
	if answer.Sent {
		s.Progress.Starts++
		s.sent(v.Channel)
	}
	changes.Session = s
	return changes, answer, nil
}

func (c SessionStart) check(env *Env, s *Session, now time.Time) error {
	if err := usable(s, c.Browser, now); err != nil {
		return err
	}
	if s.Tenant != c.Start.Profile.Tenant || s.Profile != c.Start.Profile.ID || s.Purpose() != c.Start.Purpose {
		return &Error{Kind: NotFound}
	}
	if !slices.Contains(s.Details.Channels, c.Start.Channel) {
		return &Error{Kind: NoChannel, Err: errors.New("the session is not for this channel")}
	}
	if s.Details.Given {
		to, err := s.To(env.Keys)
		if err != nil {
			return err
		}
		if !to.Equal(c.Start.Address) {
			return &Error{Kind: Invalid, Field: FieldAddress, Err: errors.New("must be the one that the session was made for")}
		}
	}
	if s.Progress.Starts >= MaxSessionStarts {
		return &Error{Kind: TooManyStarts, Wait: s.ExpiresAt.Sub(now)}
	}
	return nil
}

// sent notes a message that this session caused.
func (s *Session) sent(ch Channel) {
	s.Progress.Sends++
	others := slices.DeleteFunc(slices.Clone(s.Progress.Used), func(o Channel) bool { return o == ch })
	s.Progress.Used = append(others, ch)
}

// SessionResend sends the session's code once more.
//
// Refusals: those of Resend, and those of SessionStart about the session.
type SessionResend struct {
	Session ID
	Browser BrowserKey
	Resend  Resend
}

// Needs names the session besides what the resend does.
func (c SessionResend) Needs(env *Env) (Needs, error) {
	n, err := c.Resend.Needs(env)
	n.Session = c.Session
	return n, err
}

// Decide resends.
func (c SessionResend) Decide(env *Env, rows Rows, now time.Time) (Changes, Started, error) {
	s := rows.Session
	if err := usable(s, c.Browser, now); err != nil {
		return Changes{}, Started{}, err
	}
	if s.Verification != c.Resend.Verification {
		return Changes{}, Started{}, &Error{Kind: NotFound}
	}
	// Another session of the same purpose may have sent the code by another channel since.
	if v := rows.Verification; v != nil && !slices.Contains(s.Details.Channels, v.Channel) {
		return Changes{}, Started{}, &Error{Kind: NoChannel, Err: errors.New("the session is not for this channel")}
	}
	changes, answer, err := c.Resend.Decide(env, rows, now)
	if err != nil || !answer.Sent {
		return changes, answer, err
	}
	s.sent(answer.Verification.Channel)
	s.UpdatedAt = now
	changes.Session = s
	return changes, answer, nil
}

// SessionCheck checks a code in a session, which is verified if the code is right. To the
// browser of a session that is verified already the answer is yes again, and nothing
// changes.
//
// Refusals: those of Check, and those of SessionStart about the session.
type SessionCheck struct {
	Session ID
	Browser BrowserKey
	Check   Check
}

// Needs names the session besides what the check does.
func (c SessionCheck) Needs(env *Env) (Needs, error) {
	n, err := c.Check.Needs(env)
	n.Session = c.Session
	return n, err
}

// Decide checks.
func (c SessionCheck) Decide(env *Env, rows Rows, now time.Time) (Changes, Checked, error) {
	s, v := rows.Session, rows.Verification
	if s != nil && v != nil && s.Status == SessionVerified && s.BoundTo(c.Browser) && s.Verification == c.Check.Verification {
		return Changes{}, Checked{OutcomeAccepted, *v}, nil
	}
	if err := usable(s, c.Browser, now); err != nil {
		return Changes{}, Checked{}, err
	}
	if s.Verification == (ID{}) || s.Verification != c.Check.Verification {
		return Changes{}, Checked{}, &Error{Kind: NotFound}
	}
	changes, answer, err := c.Check.Decide(env, rows, now)
	if err != nil || answer.Outcome != OutcomeAccepted {
		return changes, answer, err
	}
	if len(changes.Verifications) == 0 { // a replay: the code was accepted before, and not in this session
		return changes, Checked{OutcomeUsed, answer.Verification}, nil
	}
	// Messages that others caused may have gone by any channel: what the code proves is
	// no more than the weakest of them does.
	if weakest := weakestTo(env, *s); answer.Verification.Sends != s.Progress.Sends && !slices.Contains(s.Progress.Used, weakest) {
		s.Progress.Used = slices.Insert(slices.Clone(s.Progress.Used), 0, weakest)
	}
	s.Status, s.VerifiedAt, s.UpdatedAt = SessionVerified, now, now
	changes.Session = s
	return changes, answer, nil
}

// weakestTo is the weakest channel that reaches the session's address. One that cannot
// be opened is taken for a mailbox, of which the least is claimed.
func weakestTo(env *Env, s Session) Channel {
	to, err := s.To(env.Keys)
	if _, phones := to.Number(); phones && err == nil {
		return SMS
	}
	return Email
}

// EndSession ends an open session: its link leads nowhere any more. One that is over
// stays as it is.
//
// Refusals: NotFound, Settled (it is verified).
type EndSession struct {
	Tenant  string
	Session ID
}

// Needs names the session.
func (c EndSession) Needs(*Env) (Needs, error) { return Needs{Session: c.Session}, nil }

// Decide ends it.
func (c EndSession) Decide(_ *Env, rows Rows, now time.Time) (Changes, Session, error) {
	s := rows.Session
	if s == nil || s.Tenant != c.Tenant {
		return Changes{}, Session{}, &Error{Kind: NotFound}
	}
	switch s.StatusAt(now) {
	case SessionVerified:
		return Changes{}, Session{}, &Error{Kind: Settled}
	case SessionExpired:
		return Changes{}, *s, nil
	}
	s.Status, s.UpdatedAt = SessionExpired, now
	return Changes{Session: s}, *s, nil
}

// Redeem takes a session's proof in, once. Whether the proof is genuine is for its
// verifier to say.
//
// Refusals: NotFound (no such session, or no verified one), Settled (it was redeemed
// before, or its proof is too old).
type Redeem struct {
	Tenant  string
	Session ID
}

// Needs names the session.
func (c Redeem) Needs(*Env) (Needs, error) { return Needs{Session: c.Session}, nil }

// Decide redeems.
func (c Redeem) Decide(_ *Env, rows Rows, now time.Time) (Changes, Session, error) {
	s := rows.Session
	if s == nil || s.Tenant != c.Tenant || s.Status != SessionVerified {
		return Changes{}, Session{}, &Error{Kind: NotFound}
	}
	if !s.RedeemedAt.IsZero() || !now.Before(s.ProofUntil()) {
		return Changes{}, Session{}, &Error{Kind: Settled}
	}
	s.RedeemedAt, s.UpdatedAt = now, now
	return Changes{Session: s}, *s, nil
}

// EraseSession deletes a session whatever its state: a person wants to be forgotten. The
// answer says whether it was there.
type EraseSession struct{ Session ID }

// Needs names the session.
func (c EraseSession) Needs(*Env) (Needs, error) { return Needs{Session: c.Session}, nil }

// Decide deletes.
func (c EraseSession) Decide(_ *Env, rows Rows, _ time.Time) (Changes, bool, error) {
	if rows.Session == nil {
		return Changes{}, false, nil
	}
	return Changes{GoneSessions: []ID{c.Session}}, true, nil
}

// PurgeSession deletes a session that nobody needs any more. The answer says whether it
// is gone.
type PurgeSession struct{ Session ID }

// Needs names the session.
func (c PurgeSession) Needs(*Env) (Needs, error) { return Needs{Session: c.Session}, nil }

// Decide deletes.
func (c PurgeSession) Decide(_ *Env, rows Rows, now time.Time) (Changes, bool, error) {
	if rows.Session == nil || now.Before(rows.Session.PurgeAt()) {
		return Changes{}, false, nil
	}
	return Changes{GoneSessions: []ID{c.Session}}, true, nil
}

// Assurance is what an accepted code says of a person, in the words of NIST
// SP 800-63B-4, 3.1.3: nothing that comes by e-mail is a second factor, and the
// telephone network is a restricted one.
type Assurance string

// The assurances, the weakest first.
const (
	AddressConfirmed Assurance = "address_confirmed"
	Restricted       Assurance = "restricted"
	OutOfBand        Assurance = "out_of_band"
)

// assurances are what each channel is good for, and its method by RFC 8176; e-mail has
// none.
var assurances = map[Channel]struct {
	Assurance
	method string
}{
	SMS:       {Restricted, "sms"},
	Call:      {Restricted, "tel"},
	Flashcall: {Restricted, "tel"},
	WhatsApp:  {OutOfBand, "otp"},
	Email:     {AddressConfirmed, ""},
}

// Proves says what the session's acceptance is good for, which is what the weakest of
// the channels is that its code went by, and the methods by RFC 8176.
func (s Session) Proves() (weakest Assurance, methods []string) {
	order := []Assurance{AddressConfirmed, Restricted, OutOfBand}
	weakest = AddressConfirmed
	for i, ch := range s.Progress.Used {
		a := assurances[ch]
		if i == 0 || slices.Index(order, a.Assurance) < slices.Index(order, weakest) {
			weakest = a.Assurance
		}
		if a.method != "" && !slices.Contains(methods, a.method) {
			methods = append(methods, a.method)
		}
	}
	return weakest, methods
}

// Channel is the one that the newest code went by; empty before there is one.
func (s Session) Channel() Channel {
	if len(s.Progress.Used) == 0 {
		return ""
	}
	return s.Progress.Used[len(s.Progress.Used)-1]
}

// ProofUntil is when the session's proof is no longer good; the zero time if there is
// none.
func (s Session) ProofUntil() time.Time {
	if s.Status != SessionVerified {
		return time.Time{}
	}
	return s.VerifiedAt.Add(ProofValidity)
}
