package pages

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"countersign/internal/phone"
	"countersign/internal/secret"
	"countersign/internal/verify"
)

// session is what a browser remembers, sealed in one cookie: nobody but us reads
// or changes it. The zero session is that of a browser that has begun nothing.
type session struct {
	Verification verify.ID `json:"v"`
	Token        string    `json:"t,omitempty"` // names this browser in replays of a check
	E164         string    `json:"n,omitempty"`
	AcceptedAt   time.Time `json:"a,omitzero"` // when this browser was told yes
	SavedAt      time.Time `json:"s"`
	Flash        *flash    `json:"f,omitempty"`
}

// flash is what the next page is to say, once.
type flash struct {
	Page  string `json:"p"` // the path of that page: another tab's page leaves it alone
	Say   saying `json:"k"`
	Wait  int    `json:"w,omitempty"` // seconds
	Count int    `json:"c,omitempty"` // guesses left, or characters typed
	Text  string `json:"x,omitempty"` // what stood in the phone field
}

const (
	sessionAge = time.Hour
	// sealedPlace ties sealed cookies to this one use of them.
	sealedPlace = "pages session"
	// maxFlashText is enough for a number with every separator people use.
	maxFlashText = 64
)

func (s session) begun() bool          { return s.Verification != verify.ID{} }
func (s session) accepted() bool       { return !s.AcceptedAt.IsZero() }
func (s session) number() phone.Number { return phone.Trusted(s.E164) }

// begin turns s into the session of a verification. The token stays while the
// verification does, so that a repeated form is known for one.
func (s session) begin(v verify.Verification, n phone.Number) session {
	if s.Verification == v.ID && !s.accepted() {
		s.Flash = nil
		return s
	}
	return session{Verification: v.ID, Token: rand.Text(), E164: n.E164()}
}

func (s session) saying(f flash) session {
	s.Flash = &f
	return s
}

// cookieName has the prefix that makes browsers hold the cookie to this host,
// https and the root path, which a neighbour under the same domain cannot forge.
func (p *pages) cookieName() string {
	if p.Secure {
		return "__Host-countersign"
	}
	return "countersign"
}

// session reads the cookie. One that was changed, has aged or was sealed with
// keys that are gone counts as none.
func (p *pages) session(r *http.Request) session {
	for _, c := range r.CookiesNamed(p.cookieName()) {
		if s, ok := p.openSession(c.Value); ok {
			return s
		}
	}
	return session{}
}

func (p *pages) openSession(value string) (session, bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return session{}, false
	}
	plain, err := p.Keys.Open(secret.Page, sealedPlace, sealed)
	if err != nil {
		return session{}, false
	}
	var s session
	if err := json.Unmarshal(plain, &s); err != nil {
		return session{}, false
	}
	age := p.Now().Sub(s.SavedAt)
	return s, age < sessionAge && age > -verify.ClockSlack
}

// save writes the cookie.
func (p *pages) save(w http.ResponseWriter, s session) error {
	s.SavedAt = p.Now().UTC().Truncate(time.Second)
	plain, err := json.Marshal(s)
	if err != nil {
		return err
	}
	sealed, err := p.Keys.Seal(secret.Page, sealedPlace, plain)
	if err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{
		Name:     p.cookieName(),
		Value:    base64.RawURLEncoding.EncodeToString(sealed),
		Path:     "/",
		MaxAge:   int(sessionAge.Seconds()),
		Secure:   p.Secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
	return nil
}

// leave ends a POST: it saves the session and sends the browser to a page.
func (p *pages) leave(w http.ResponseWriter, r *http.Request, s session, to string) {
	if err := p.save(w, s); err != nil {
		p.fault(w, r, err)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// takeFlash returns what this page is to say, and forgets it, so that a reload
// does not say it again. A look ahead (HEAD, a browser's prefetch) leaves it for
// the person.
func (p *pages) takeFlash(w http.ResponseWriter, r *http.Request, s session) (*flash, error) {
	f := s.Flash
	if f == nil || f.Page != r.URL.Path {
		return nil, nil
	}
	if r.Method == http.MethodHead || r.Header.Get("Sec-Purpose") != "" {
		return f, nil
	}
	s.Flash = nil
	return f, p.save(w, s)
}
