package pages

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"countersign/internal/secret"
	"countersign/internal/verify"
)

// visit is what a browser remembers of one place, sealed in a cookie: nobody but us reads
// or changes it. The zero visit is that of a browser that has done nothing there.
type visit struct {
	Verification verify.ID `json:"v"`
	Token        string    `json:"t,omitempty"` // names this browser: to a session, and in replays of a check
	Address      string    `json:"n,omitempty"` // as verify.Address.Text has it
	AcceptedAt   time.Time `json:"a,omitzero"`  // when this browser was told yes
	Returned     bool      `json:"r,omitempty"` // it was sent back to the application by itself, which is done once
	SavedAt      time.Time `json:"s"`
	Flash        *flash    `json:"f,omitempty"`
}

// flash is what the next page is to say, once.
type flash struct {
	Page    string         `json:"p"` // the path of that page: another tab's page leaves it alone
	Say     saying         `json:"k"`
	Wait    int            `json:"w,omitempty"` // seconds
	Count   int            `json:"c,omitempty"` // guesses left, or characters typed
	Text    string         `json:"x,omitempty"` // what stood in the field
	Mail    bool           `json:"m,omitempty"` // the field was that of an e-mail address
	Country string         `json:"l,omitempty"` // what was chosen beside it
	Channel verify.Channel `json:"h,omitempty"` // what was asked for, if the browser is to work for it
}

const (
	visitAge = time.Hour
	// maxVisits is how many sessions a browser remembers at a time.
	maxVisits = 10
	// sealedPlace ties sealed cookies to this one use of them.
	sealedPlace = "pages session"
	// maxNumber is enough for a number with every separator people use, and maxMail is
	// what a mailbox has at most.
	maxNumber, maxMail = 64, 254
)

func (v visit) begun() bool    { return v.Verification != verify.ID{} }
func (v visit) accepted() bool { return !v.AcceptedAt.IsZero() }

// to is the address that the code went to.
func (v visit) to() verify.Address { return verify.Trusted(v.Address) }

// browser is what a session knows this browser by.
func (v visit) browser() verify.BrowserKey {
	sum := sha256.Sum256([]byte("browser " + v.Token))
	return verify.BrowserKey(sum[:16])
}

// known returns v with a token.
func (v visit) known() visit {
	if v.Token == "" {
		v.Token = rand.Text()
	}
	return v
}

// begin turns v into the visit of a verification. The token stays, so that a repeated
// form is known for one and a session for the browser's own.
func (v visit) begin(begun verify.Verification, to verify.Address) visit {
	if v.Verification == begun.ID && !v.accepted() {
		v.Flash = nil
		return v
	}
	return visit{Verification: begun.ID, Token: v.known().Token, Address: to.Text()}
}

func (v visit) saying(f flash) visit {
	v.Flash = &f
	return v
}

// cookieName has the prefix that makes browsers hold the cookie to this host, https and
// the root path, which a neighbour under the same domain cannot forge. Each session has
// a cookie of its own, so that two of them in two tabs do not meet.
func (at *place) cookieName() string {
	name := "countersign"
	if at.p.Secure {
		name = "__Host-" + name
	}
	if at.session != nil {
		name += "-" + hex.EncodeToString(at.session.ID[10:])
	}
	return name
}

// sealedPlace is what a cookie of this place is sealed for: one of another session opens
// nothing here.
func (at *place) sealedPlace() string {
	if at.session == nil {
		return sealedPlace
	}
	return sealedPlace + " " + at.session.ID.String()
}

// visit reads the cookie. One that was changed, has aged or was sealed with keys that are
// gone counts as none.
func (at *place) visit(r *http.Request) visit {
	for _, c := range r.CookiesNamed(at.cookieName()) {
		if v, ok := at.open(c.Value); ok {
			return v
		}
	}
	return visit{}
}

func (at *place) open(value string) (visit, bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return visit{}, false
	}
	plain, err := at.p.Keys.Open(secret.Page, at.sealedPlace(), sealed)
	if err != nil {
		return visit{}, false
	}
	var v visit
	if err := json.Unmarshal(plain, &v); err != nil {
		return visit{}, false
	}
	age := at.p.Now().Sub(v.SavedAt)
	return v, age < visitAge && age > -verify.ClockSlack
}

// save writes the cookie.
func (at *place) save(w http.ResponseWriter, v visit) error {
	v.SavedAt = at.p.Now().UTC().Truncate(time.Second)
	plain, err := json.Marshal(v)
	if err != nil {
		return err
	}
	sealed, err := at.p.Keys.Seal(secret.Page, at.sealedPlace(), plain)
	if err != nil {
		return err
	}
	at.set(w, at.cookieName(), base64.RawURLEncoding.EncodeToString(sealed), int(visitAge.Seconds()))
	if len(at.others) >= maxVisits { // else a browser that sees many sends more than a server reads
		for _, name := range at.others {
			at.set(w, name, "", -1)
		}
	}
	return nil
}

// set writes a cookie that lives for so many seconds; a negative number ends it.
func (at *place) set(w http.ResponseWriter, name, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age, Secure: at.p.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// leave ends a POST: it saves the visit and sends the browser to a page.
func (at *place) leave(w http.ResponseWriter, r *http.Request, v visit, to string) {
	if err := at.save(w, v); err != nil {
		at.fault(w, r, err)
		return
	}
	http.Redirect(w, r, at.path(to), http.StatusSeeOther)
}

// lookAhead says that nobody has seen this answer yet: a HEAD, or a browser's prefetch.
func lookAhead(r *http.Request) bool {
	return r.Method == http.MethodHead || r.Header.Get("Sec-Purpose") != ""
}

// takeFlash returns what this page is to say, and forgets it, so that a reload does not
// say it again. A look ahead leaves it for the person.
func (at *place) takeFlash(w http.ResponseWriter, r *http.Request, v visit, page string) (*flash, error) {
	f := v.Flash
	if f == nil || f.Page != page {
		return nil, nil
	}
	if lookAhead(r) {
		return f, nil
	}
	v.Flash = nil
	return f, at.save(w, v)
}
