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

// The kinds of cookie. One kind does not pass for the other.
const (
	asked  = "gate"        // a proof was asked for: state, session, where to go on; see askedName
	passed = "gate-passed" // Require has seen one: the session; with the mark of what was asked
)

const (
	// markLen is how much of a state tells the cookies of two questions apart.
	markLen = 8
	// maxAsked is how many questions a browser may have open. One that opens all its tabs
	// again asks from each of them; it sends all their cookies with every request, of which
	// servers read some 8 KB.
	maxAsked = 4
)

// askedName is the cookie of the question with this state. Each question has one of its
// own, so that those of two tabs do not meet.
func (g *Gate) askedName(state string) string {
	return g.prefix() + asked + "-" + state[:min(markLen, len(state))]
}

// prefix keeps, with https, other hosts of the same site from setting a cookie.
func (g *Gate) prefix() string {
	if g.home.Scheme == "https" {
		return "__Host-"
	}
	return ""
}

// isAsked says whether a cookie is, by its name, that of a question.
func (g *Gate) isAsked(name string) bool {
	mark, ok := strings.CutPrefix(name, g.prefix()+asked+"-")
	return ok && len(mark) == markLen
}

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

// setCookie writes a cookie that lives for age, in seconds; a negative one ends it.
func (g *Gate) setCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(age.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: g.home.Scheme == "https",
	})
}

func (g *Gate) endCookie(w http.ResponseWriter, name string) { g.setCookie(w, name, "", -time.Second) }

// readCookie is a cookie's value; empty if the browser has none.
func readCookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// tidy ends the questions of a browser that has too many open.
func (g *Gate) tidy(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, c := range r.Cookies() {
		if g.isAsked(c.Name) {
			names = append(names, c.Name)
		}
	}
	if len(names) < maxAsked {
		return
	}
	for _, name := range names {
		g.endCookie(w, name)
	}
}
