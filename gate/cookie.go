package gate

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The kinds of cookie, by name. One kind does not pass for the other.
const (
	asked  = "gate"        // a proof was asked for: state, session, where to go on
	passed = "gate-passed" // Require has seen one: the session
)

// askedFor is a little more than a session is open, which is half an hour.
const askedFor = 35 * time.Minute

// maxCookie is what browsers take, and more than we write.
const maxCookie = 4096

// seal writes parts so that nobody else can: a browser's holder may be the one whom the
// second factor is to keep out, and could otherwise show the proof of an account of
// their own. The visit is not in it and must be known to open it.
func (g *Gate) seal(kind, visit string, until time.Time, parts ...string) string {
	all := append([]string{strconv.FormatInt(until.Unix(), 10)}, parts...)
	for i, p := range all {
		all[i] = base64.RawURLEncoding.EncodeToString([]byte(p))
	}
	text := strings.Join(all, ".")
	return text + "." + g.mac(kind, visit, text)
}

func (g *Gate) mac(kind, visit, text string) string {
	mac := hmac.New(sha256.New, g.secret)
	for _, part := range []string{kind, visit, text} {
		// A length before each part, so that no two lists of parts read alike.
		mac.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// unseal reads n parts; ok is false of anything that seal did not write for this kind
// and visit, or that is over.
func (g *Gate) unseal(cookie, kind, visit string, now time.Time, n int) (parts []string, ok bool) {
	end := strings.LastIndexByte(cookie, '.')
	if end < 0 || len(cookie) > maxCookie || !hmac.Equal([]byte(cookie[end+1:]), []byte(g.mac(kind, visit, cookie[:end]))) {
		return nil, false
	}
	for part := range strings.SplitSeq(cookie[:end], ".") {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return nil, false
		}
		parts = append(parts, string(raw))
	}
	until, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || now.Unix() >= until || len(parts) != n+1 {
		return nil, false
	}
	return parts[1:], true
}

// cookie is one of ours without its value. With https the prefix keeps other hosts of
// the same site from setting it.
func (g *Gate) cookie(kind string) *http.Cookie {
	c := &http.Cookie{Name: kind, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if g.home.Scheme == "https" {
		c.Name, c.Secure = "__Host-"+kind, true
	}
	return c
}

func (g *Gate) setCookie(w http.ResponseWriter, kind, value string, age time.Duration) {
	c := g.cookie(kind)
	c.Value, c.MaxAge = value, int(age.Seconds())
	http.SetCookie(w, c)
}

// takeCookie reads a cookie and deletes it.
func (g *Gate) takeCookie(w http.ResponseWriter, r *http.Request, kind string) string {
	c := g.cookie(kind)
	c.MaxAge = -1
	http.SetCookie(w, c)
	return g.readCookie(r, kind)
}

func (g *Gate) readCookie(r *http.Request, kind string) string {
	c, err := r.Cookie(g.cookie(kind).Name)
	if err != nil {
		return ""
	}
	return c.Value
}
