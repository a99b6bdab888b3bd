package telnyxapi

import (
	"errors"
	"time"

	"countersign/internal/mailbox"
	"countersign/internal/message"
	"countersign/internal/proof"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// Sessions are ours: Telnyx has no such thing. They have its envelope, its keys and its
// profiles, so that an application with its SDK needs nothing else for them.

// sessionBody is the body of POST /verification_sessions.
type sessionBody struct {
	VerifyProfileID *string           `json:"verify_profile_id"`
	Channels        *[]verify.Channel `json:"channels"`
	PhoneNumber     *string           `json:"phone_number"`
	Email           *string           `json:"email"`
	ReturnURL       *string           `json:"return_url"`
	State           *string           `json:"state"`
	Locale          *string           `json:"locale"`
	Purpose         *string           `json:"purpose"`
	Reveal          *verify.Reveal    `json:"reveal"`
	ShareAddress    *bool             `json:"share_address"`
	Display         *string           `json:"display"`
}

// displays are what a session's pages are shown in, and whether it is a window that the
// application has opened.
var displays = map[string]bool{"page": false, "popup": true}

// session is a session as it is shown. It has no address: whoever gave one knows it, and
// a proof has the one that a person gave, if it was asked to.
type session struct {
	ID              string           `json:"id"`
	RecordType      string           `json:"record_type"`
	URL             string           `json:"url"`
	Status          string           `json:"status"`
	VerifyProfileID string           `json:"verify_profile_id"`
	Channels        []verify.Channel `json:"channels"`
	VerificationID  string           `json:"verification_id,omitzero"`
	Channel         verify.Channel   `json:"channel,omitzero"`
	CreatedAt       time.Time        `json:"created_at"`
	ExpiresAt       time.Time        `json:"expires_at"`
	VerifiedAt      time.Time        `json:"verified_at,omitzero"`
	RedeemedAt      time.Time        `json:"redeemed_at,omitzero"`
}

// openSession is POST /verification_sessions.
func (a *api) openSession(r *request) (any, error) {
	var in sessionBody
	if err := r.decodeOurs(&in); err != nil {
		return nil, err
	}
	if _, err := a.public(r); err != nil {
		return nil, err
	}
	profile, err := a.profile(r, in.VerifyProfileID)
	if err != nil {
		return nil, err
	}
	cmd := verify.OpenSession{Returns: profile.ReturnURLs}
	if err := in.details(&cmd.Details); err != nil {
		return nil, err
	}
	if cmd.Address, err = in.address(); err != nil {
		return nil, err
	}
	first := verify.SMS
	if len(cmd.Details.Channels) > 0 {
		first = cmd.Details.Channels[0]
	} else if _, mail := cmd.Address.Mailbox(); mail {
		first = verify.Email
	}
	if cmd.Profile, err = a.Directory.Rules(r.Context(), profile, first, verify.ID{}, cmd.Details.Locale); err != nil {
		return nil, err
	}
	s, err := a.Engine.OpenSession(r.Context(), cmd)
	if err != nil {
		return nil, err
	}
	return a.showSession(r, s)
}

// details puts what a session is to be into d.
func (in sessionBody) details(d *verify.SessionDetails) error {
	if in.ReturnURL == nil {
		return problem(missing, "/return_url", "return_url is required: one of the profile's return_urls, to the letter.")
	}
	d.ReturnURL = *in.ReturnURL
	for text, place := range map[*string]*string{in.State: &d.State, in.Purpose: &d.Purpose} {
		if text != nil {
			*place = *text
		}
	}
	if in.Channels != nil {
		if len(*in.Channels) == 0 {
			return problem(notOfList, "/channels", "channels must name a channel, or be left out.")
		}
		d.Channels = *in.Channels
	}
	if in.Locale != nil {
		locale, ok := message.Match(*in.Locale)
		if !ok {
			return problem(notOfList, "/locale", "locale must be a language that there are words for, such as en or de.")
		}
		d.Locale = locale
	}
	if in.Reveal != nil {
		d.Reveal = *in.Reveal
	}
	if in.Display != nil {
		popup, ok := displays[*in.Display]
		if !ok {
			return problem(notOfList, "/display", "display must be page or popup.")
		}
		d.Popup = popup
	}
	d.Share = in.ShareAddress != nil && *in.ShareAddress
	return nil
}

// address is the one given; the zero Address if the page is to ask for it.
func (in sessionBody) address() (verify.Address, error) {
	switch {
	case in.PhoneNumber != nil && in.Email != nil:
		return verify.Address{}, problem(badParameter, "/email", "Give phone_number or email, not both.")
	case in.PhoneNumber != nil:
		number, err := parseNumber(in.PhoneNumber)
		return verify.Phone(number), err
	case in.Email != nil:
		m, err := mailbox.Parse(*in.Email)
		if err != nil {
			return verify.Address{}, problem(badParameter, "/email", "email must be one address such as name@example.com.")
		}
		return verify.Mail(m), nil
	}
	return verify.Address{}, nil
}

// public is the address that people reach the pages at.
func (a *api) public(r *request) (string, error) {
	base := a.Public(r.Request)
	if base == "" {
		return "", problem(notEnabled, "", "This service does not know its own address: its operator has to set public_url before sessions can be made.")
	}
	return base, nil
}

func (a *api) showSession(r *request, s verify.Session) (any, error) {
	base, err := a.public(r)
	if err != nil {
		return nil, err
	}
	link, err := s.Link(a.Keys)
	if err != nil {
		return nil, err
	}
	out := session{
		ID: s.ID.String(), RecordType: "verification_session", URL: base + "/s/" + link, Status: string(s.StatusAt(a.Now())),
		VerifyProfileID: s.Profile.String(), Channels: s.Details.Channels, Channel: s.Channel(),
		CreatedAt: s.CreatedAt.UTC(), ExpiresAt: s.ExpiresAt.UTC(), VerifiedAt: s.VerifiedAt, RedeemedAt: s.RedeemedAt,
	}
	if s.Verification != (verify.ID{}) {
		out.VerificationID = s.Verification.String()
	}
	return out, nil
}

func errNoSession() error { return problem(notFound, "/id", "No session has this id.") }

// retrieveSession is GET /verification_sessions/{id}.
func (a *api) retrieveSession(r *request) (any, error) {
	id, err := sessionID(r)
	if err != nil {
		return nil, err
	}
	s, err := a.Engine.Session(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if s == nil || s.Tenant != r.who.Tenant {
		return nil, errNoSession()
	}
	return a.showSession(r, *s)
}

func sessionID(r *request) (verify.ID, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return id, errNoSession()
	}
	return id, nil
}

// expireSession is POST /verification_sessions/{id}/expire.
func (a *api) expireSession(r *request) (any, error) {
	id, err := sessionID(r)
	if err != nil {
		return nil, err
	}
	s, err := a.Engine.EndSession(r.Context(), verify.EndSession{Tenant: r.who.Tenant, Session: id})
	switch verify.KindOf(err) {
	case verify.NotFound:
		err = errNoSession()
	case verify.Settled:
		err = problem(unprocessable, "/id", "The session is verified already.")
	}
	if err != nil {
		return nil, err
	}
	return a.showSession(r, s)
}

// redeemBody is the body of POST /verification_sessions/{id}/redeem.
type redeemBody struct {
	Proof *string `json:"proof"`
}

// redeemSession takes a proof in, once, and says what it says.
func (a *api) redeemSession(r *request) (any, error) {
	id, err := sessionID(r)
	if err != nil {
		return nil, err
	}
	var in redeemBody
	if err := r.decodeOurs(&in); err != nil {
		return nil, err
	}
	if in.Proof == nil {
		return nil, problem(missing, "/proof", "proof is required: the one that the person came back with.")
	}
	base, err := a.public(r)
	if err != nil {
		return nil, err
	}
	claims, err := a.Proofs.Read(base, *in.Proof)
	switch {
	case errors.Is(err, proof.ErrExpired):
		return nil, problem(unprocessable, "/proof", "The proof is too old. Send the person to a new session.")
	case err != nil || claims.ID != id.String():
		return nil, problem(unprocessable, "/proof", "This is no proof of this session.")
	}
	_, err = a.Engine.Redeem(r.Context(), verify.Redeem{Tenant: r.who.Tenant, Session: id})
	switch verify.KindOf(err) {
	case verify.NotFound:
		err = errNoSession()
	case verify.Settled:
		err = problem(unprocessable, "/proof", "The proof has been redeemed before.")
	}
	if err != nil {
		return nil, err
	}
	return claims, nil
}

// sessionRoutes are the paths of sessions.
func (a *api) sessionRoutes() map[string]route {
	const sessions = "/v2/verification_sessions"
	return map[string]route{
		"POST " + sessions:                  {tenant.ScopeVerify, a.openSession},
		"GET " + sessions + "/{id}":         {tenant.ScopeRead, a.retrieveSession},
		"POST " + sessions + "/{id}/expire": {tenant.ScopeVerify, a.expireSession},
		"POST " + sessions + "/{id}/redeem": {tenant.ScopeVerify, a.redeemSession},
	}
}
