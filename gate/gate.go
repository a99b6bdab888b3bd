// Package gate puts a second factor behind an application's user name and password.
//
// The one idea: a person whose password was right is sent to Countersign's pages and
// comes back with a proof, which is worth something once, for a few minutes, and only
// to the visit that asked for it. [Gate.Begin] sends the person there; [Gate.Finish]
// reads what they came back with. [Gate.Require] is both, round a handler.
//
// It keeps no database: what lies between the two is in a cookie that only this
// package can write. It knows no users and no passwords, keeps no telephone numbers, and
// does not decide who needs a second factor.
package gate

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config is what an application knows of its Countersign. Server, APIKey, ProfileID
// and ReturnURL are required.
type Config struct {
	Server    string // where the service is reached, such as https://verify.example.com
	Issuer    string // the service's public_url, if that is not Server
	APIKey    string
	ProfileID string
	// ReturnURL is where the person comes back to, to the letter one of the profile's
	// return_urls. Its handler calls Finish.
	ReturnURL string

	// Redeem hands every proof in at the service besides, which takes each one once.
	// Without it a Gate remembers in memory which proofs it has seen: enough for one
	// process, and not for several behind a balancer.
	Redeem bool
	// AllowEmail takes proofs that came by e-mail. They show that an address is the
	// person's, and are no second factor.
	AllowEmail bool

	// Remember is how long what Require has seen is good for; 12 hours if it is zero.
	Remember time.Duration
	// Refused answers where Require cannot go on, instead of a plain page. The error is
	// one of those that Begin and Finish return.
	Refused func(http.ResponseWriter, *http.Request, error)

	Client *http.Client     // for calls to the service; nil: one with time-outs
	Now    func() time.Time // nil: the clock
}

// Gate is a second factor. Any number of goroutines may use it.
type Gate struct {
	conf    Config
	home    *url.URL // ReturnURL
	secret  []byte   // for cookies
	service service
	keys    keyring
	seen    seen
}

// New makes a Gate. It asks nobody anything: an error is about the Config.
func New(c Config) (*Gate, error) {
	if c.Issuer == "" {
		c.Issuer = c.Server
	}
	c.Server, c.Issuer = strings.TrimRight(c.Server, "/"), strings.TrimRight(c.Issuer, "/")
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Remember == 0 {
		c.Remember = 12 * time.Hour
	}
	for name, text := range map[string]string{"Server": c.Server, "Issuer": c.Issuer, "ReturnURL": c.ReturnURL} {
		if !webAddress(text) {
			return nil, fmt.Errorf("gate: Config.%s must be an http or https address", name)
		}
	}
	if c.APIKey == "" || c.ProfileID == "" {
		return nil, errors.New("gate: Config.APIKey and Config.ProfileID must not be empty")
	}
	home, err := url.Parse(c.ReturnURL)
	if err != nil {
		return nil, fmt.Errorf("gate: Config.ReturnURL: %w", err)
	}
	home.Path = cmp.Or(home.Path, "/") // as requests have it
	s := service{base: c.Server, key: c.APIKey, client: c.Client}
	if s.client == nil {
		s.client = newClient()
	}
	mac := hmac.New(sha256.New, []byte(c.APIKey))
	mac.Write([]byte("countersign gate: cookies of profile " + c.ProfileID))
	return &Gate{conf: c, home: home, secret: mac.Sum(nil), service: s, keys: keyring{service: s, now: c.Now}}, nil
}

func webAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.Fragment == ""
}

// Ask is what a person is asked to prove.
type Ask struct {
	// Visit is what the proof will be good for: the id of the session that the person
	// has with the application since their password was right. It is required, and
	// Finish must be told the same. Without it, whoever has two accounts could show the
	// proof of one at the other.
	Visit string

	// PhoneNumber in E.164, or Email, is the address that the account has.
	PhoneNumber string
	Email       string
	// AnyAddress has the page ask for an address where neither is given, as for a new
	// account. It proves no more than that the person has some telephone: whoever knows
	// the password of an account without an address would type a number of their own. So
	// without it Begin refuses such an Ask, and Finish such a proof.
	AnyAddress bool

	Channels     []string // that the person may choose of: sms, call, whatsapp, email; nil: the service's default
	Locale       string   // of the pages and the message, such as de; empty: the browser's
	Purpose      string   // what the code is for, such as pay: signed, and codes for one are no good for another; at most 64 characters
	ShareAddress bool     // the proof names the address
}

// mark tells one Ask of a visit from another, of which each has a pass of its own.
func mark(ask Ask) string {
	sum := sha256.New()
	for _, part := range []string{ask.Purpose, anyAddress(ask), ask.PhoneNumber, ask.Email} {
		fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(sum.Sum(nil)[:12])
}

// Begin makes a session at the service and sends the browser there, with 303. If it
// returns an error it has written nothing: [*ServiceError] if the service refused or
// was not reached, [ErrAssurance] for e-mail where that is not allowed, [ErrAddress].
func (g *Gate) Begin(w http.ResponseWriter, r *http.Request, ask Ask) error {
	return g.begin(w, r, ask, "")
}

// begin is Begin with the place that Require goes on to.
func (g *Gate) begin(w http.ResponseWriter, r *http.Request, ask Ask, next string) error {
	if ask.Visit == "" {
		return errors.New("gate: Ask.Visit must not be empty")
	}
	if !g.conf.AllowEmail && (ask.Email != "" || slices.Contains(ask.Channels, "email")) {
		return ErrAssurance
	}
	if ask.PhoneNumber == "" && ask.Email == "" && !ask.AnyAddress {
		return ErrAddress
	}
	state := rand.Text()
	made, err := g.service.open(r.Context(), sessionRequest{
		Profile: g.conf.ProfileID, ReturnURL: g.conf.ReturnURL, State: state, PhoneNumber: ask.PhoneNumber, Email: ask.Email,
		Channels: ask.Channels, Locale: ask.Locale, Purpose: ask.Purpose, Share: ask.ShareAddress,
	})
	if err != nil {
		return err
	}
	if !webAddress(made.URL) || made.ID == "" {
		return &ServiceError{Detail: "the session has no id or no url"}
	}
	g.tidy(w, r)
	g.setCookie(w, g.askedName(state), g.seal(asked, ask.Visit, g.conf.Now().Add(askedFor), state, made.ID, next, anyAddress(ask), mark(ask)), askedFor)
	keepPrivate(w)
	http.Redirect(w, r, made.URL, http.StatusSeeOther)
	return nil
}

// anyAddress is how a cookie tells an Ask with AnyAddress.
func anyAddress(ask Ask) string {
	if ask.AnyAddress {
		return "any"
	}
	return ""
}

// Finish reads what the person came back with, in the handler of the ReturnURL; visit
// is what Ask.Visit was. A nil error means: this browser began it for this visit, the
// person typed the code, and this proof was not used before. On success renew the
// session's id, note the second factor in it, and redirect, since the proof stands in
// the address.
//
// The errors are ErrCanceled, ErrState, ErrProof, ErrExpired, ErrUsed, ErrAssurance, ErrAddress and
// [*ServiceError]. After every one of them but ErrState, which changes nothing, and after
// success, the cookie is gone: begin again.
func (g *Gate) Finish(w http.ResponseWriter, r *http.Request, visit string) (Proof, error) {
	p, _, err := g.finish(w, r, visit)
	return p, err
}

// question is what Require wants to know of the one that was answered.
type question struct {
	next string // where to go on
	mark string // of the Ask
}

func (g *Gate) finish(w http.ResponseWriter, r *http.Request, visit string) (p Proof, q question, err error) {
	keepPrivate(w)
	now, query := g.conf.Now(), r.URL.Query()
	name := g.askedName(query.Get("state"))
	parts, ok := g.unseal(readCookie(r, name), asked, visit, now, 5)
	if !ok || visit == "" {
		return Proof{}, question{}, ErrState
	}
	state, session := parts[0], parts[1]
	q = question{next: parts[2], mark: parts[4]}
	if !hmac.Equal([]byte(query.Get("state")), []byte(state)) || !hmac.Equal([]byte(query.Get("session_id")), []byte(session)) {
		return Proof{}, question{}, ErrState
	}
	g.endCookie(w, name)
	switch query.Get("error") {
	case "":
	case "canceled":
		return Proof{}, q, ErrCanceled
	case "expired":
		return Proof{}, q, ErrExpired
	default:
		return Proof{}, q, fmt.Errorf("%w: the service sent the person back without one", ErrProof)
	}
	token := query.Get("proof")
	p, err = g.verify(r.Context(), token, expected{session: session, state: state, now: now})
	if err != nil {
		return Proof{}, q, err
	}
	if !g.conf.AllowEmail && p.Assurance == AddressConfirmed {
		return Proof{}, q, ErrAssurance
	}
	if !p.AddressGiven && parts[3] != anyAddress(Ask{AnyAddress: true}) {
		return Proof{}, q, ErrAddress
	}
	if err := g.seen.add(p.SessionID, p.ExpiresAt.Add(leeway), now); err != nil {
		return Proof{}, q, err
	}
	if g.conf.Redeem {
		err := g.service.redeem(r.Context(), session, token)
		if errors.Is(err, ErrUsed) && !now.Before(p.ExpiresAt) {
			err = ErrExpired // the service has no leeway, and one answer for both
		}
		if err != nil {
			return Proof{}, q, err
		}
	}
	return p, q, nil
}

// keepPrivate keeps an address with a proof in it out of caches and of the next
// page's knowledge.
func keepPrivate(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
}
