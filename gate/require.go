package gate

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// maxNext is how long an address may be that Require comes back to.
const maxNext = 1024

// Require lets a request through to next once its visit has a second factor, and sends
// the person for one before. It serves the ReturnURL itself, so it must be what the
// application has at that path; it remembers in a cookie, for Config.Remember, which
// visit has passed.
//
// who says who is asking: whom the password let in, and what to ask of them. Its Visit
// must change when somebody else signs in or the person signs out, since what has passed
// is the visit, for this Ask: one with another purpose or address is asked for by itself.
// Where who returns an error (nobody is signed in, for example) Config.Refused answers.
func (g *Gate) Require(who func(*http.Request) (Ask, error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ask, err := who(r)
		switch {
		case err != nil:
			g.refused(w, r, err)
		case ask.Visit == "":
			g.refused(w, r, errors.New("gate: Ask.Visit must not be empty"))
		case r.URL.Path == g.home.Path && r.URL.Query().Has("session_id"):
			g.comeBack(w, r, ask)
		case g.hasPassed(r, ask):
			next.ServeHTTP(w, r)
		case !opensPage(r):
			// A script's call, a picture or a form: nobody would see the pages.
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, "A second factor is needed first.", http.StatusForbidden)
		default:
			to := r.URL.RequestURI()
			if len(to) > maxNext {
				to = "/"
			}
			if err := g.begin(w, r, ask, to); err != nil {
				g.refused(w, r, err)
			}
		}
	})
}

func (g *Gate) hasPassed(r *http.Request, ask Ask) bool {
	kind := passed + "-" + mark(ask)
	_, ok := g.unseal(readCookie(r, g.prefix()+kind), kind, ask.Visit, g.conf.Now(), 1)
	return ok
}

func (g *Gate) comeBack(w http.ResponseWriter, r *http.Request, ask Ask) {
	proof, q, err := g.finish(w, r, ask.Visit)
	switch {
	case err == nil:
		kind := passed + "-" + q.mark // what was asked for, which may be another Ask than this path's
		g.setCookie(w, g.prefix()+kind, g.seal(kind, ask.Visit, g.conf.Now().Add(g.conf.Remember), proof.SessionID), g.conf.Remember)
	case !g.hasPassed(r, ask):
		g.refused(w, r, err)
		return
	default:
		// Another tab was first, or the person went back to our pages' link: they are through.
	}
	to := q.next
	// Only what begin sealed comes here, and that was a path of this host. Two slashes
	// would begin another one's name.
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`) {
		to = "/"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// opensPage says whether a person will see the answer as a page of its own.
func opensPage(r *http.Request) bool {
	dest := r.Header.Get("Sec-Fetch-Dest")
	return r.Method == http.MethodGet && (dest == "" || dest == "document")
}

// refused answers where there is no going on: as the application says, or plainly.
func (g *Gate) refused(w http.ResponseWriter, r *http.Request, err error) {
	if g.conf.Refused != nil {
		g.conf.Refused(w, r, err)
		return
	}
	status, text := http.StatusForbidden, "You were not verified. Go back to the page that you wanted, and try again."
	if service, ok := errors.AsType[*ServiceError](err); ok || errors.Is(err, context.Canceled) {
		status, text = http.StatusServiceUnavailable, "Your second factor cannot be asked for at the moment. Try again in a minute."
		if service != nil && service.Pointer != "" {
			status = http.StatusForbidden
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, text, status)
}
