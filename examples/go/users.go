package main

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"sync"
	"time"
)

// iterations of PBKDF2, which is what Go's standard library has for passwords: as many
// as OWASP asks for with SHA-256.
const iterations = 600_000

type user struct {
	name, phone string
	salt, hash  []byte
}

func newUser(name, password, phone string) (user, error) {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // ends the program rather than fail
	hash, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	return user{name, phone, salt, hash}, err
}

// is says whether these are the user's. A wrong name takes as long as a wrong password.
func (u user) is(name, password string) bool {
	hash, err := pbkdf2.Key(sha256.New, password, u.salt, iterations, sha256.Size)
	right := subtle.ConstantTimeCompare(hash, u.hash) & subtle.ConstantTimeCompare([]byte(name), []byte(u.name))
	return err == nil && right == 1
}

// The levels of a session.
const (
	nobody     = 0
	halfway    = 1 // the password was right
	everything = 2 // and the second factor is there
)

// How long a session lasts.
const (
	halfwayFor    = 40 * time.Minute // a little more than Countersign's own
	everythingFor = 12 * time.Hour
)

type session struct {
	id      string
	level   int
	channel string
	until   time.Time
}

// sessions are kept by the server: the browser has nothing but an id.
type sessions struct {
	now  func() time.Time
	mu   sync.Mutex
	byID map[string]session
}

const cookieName = "session"

// of is the browser's session; the zero one if it has none.
func (s *sessions) of(r *http.Request) session {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return session{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.byID[c.Value]
	if !s.now().Before(found.until) {
		return session{}
	}
	return found
}

// renew ends the browser's session and, above nobody, begins another under a new id: an
// id that somebody knew before a level was reached is worth nothing after.
func (s *sessions) renew(w http.ResponseWriter, r *http.Request, next session) session {
	old := s.of(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for id, each := range s.byID {
		if id == old.id || !now.Before(each.until) {
			delete(s.byID, id)
		}
	}
	// Lax, not Strict: the person comes back from Countersign by a link of another site.
	// Behind https this would be Secure as well, and its name begin with __Host-.
	c := &http.Cookie{Name: cookieName, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: -1}
	if next.level > nobody {
		next.id = rand.Text()
		next.until = now.Add(map[int]time.Duration{halfway: halfwayFor, everything: everythingFor}[next.level])
		if s.byID == nil {
			s.byID = map[string]session{}
		}
		s.byID[next.id] = next
		c.Value, c.MaxAge = next.id, int(next.until.Sub(now).Seconds())
	}
	http.SetCookie(w, c)
	return next
}
