// Package pages is the hosted flow for people: a form takes a phone number or an e-mail
// address, a code goes out, a second form takes the code, a page says yes. At the root
// the routes are those of the tutorial "Two Factor Authentication with Node". Below the
// link of a session they are the same, and the last page sends the person back to the
// application with a proof.
//
// The one idea: whatever a browser does twice must do no harm. Every POST, also
// one that went wrong, answers 303 and the page that follows is a GET without
// effect, so that reload, prefetch, the back button, a double click and a second
// tab neither spend a guess nor send a message. What a browser must remember
// between pages is one sealed cookie for each place.
//
// The package holds no rule of verification and sends nothing: it calls an
// Engine. It works without JavaScript.
package pages

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"countersign/internal/secret"
	"countersign/internal/verify"
)

//go:embed templates assets
var embedded embed.FS

// Engine is what the pages need of the service. Errors are refusals
// (*verify.Error), the context's, or faults.
type Engine interface {
	Start(context.Context, verify.Start) (verify.Started, error)
	Resend(context.Context, verify.Resend) (verify.Started, error)
	Check(context.Context, verify.Check) (verify.Checked, error)
	// Verification returns nil if there is none.
	Verification(context.Context, verify.ID) (*verify.Verification, error)
	// Deliveries returns those of a verification, the first one first.
	Deliveries(context.Context, verify.ID) ([]verify.Delivery, error)

	StartSession(context.Context, verify.SessionStart) (verify.Started, error)
	ResendSession(context.Context, verify.SessionResend) (verify.Started, error)
	CheckSession(context.Context, verify.SessionCheck) (verify.Checked, error)
	// Session returns nil if there is none.
	Session(context.Context, verify.ID) (*verify.Session, error)
}

// Config is what New needs. Engine, Keys and Now are required.
type Config struct {
	Engine  Engine
	Keys    *secret.Ring
	Profile verify.Profile // what the pages at the root start
	Region  string         // ISO 3166 country of national numbers; "" if none

	// Rules are those of a session's profile for a channel, with words of a locale.
	// AppName is whom the session's code is for; it may be empty. Prove makes the proof
	// of a session that is verified. All three are required if there are sessions.
	Rules   func(ctx context.Context, s verify.Session, ch verify.Channel, locale string) (verify.Profile, error)
	AppName func(context.Context, verify.Session) (string, error)
	Prove   func(*http.Request, verify.Session) (string, error)

	// Secure: the pages are served over https. The cookie is then bound to the
	// host and to https, and browsers are told to stay with https (HSTS).
	Secure   bool
	Style    string // CSS that comes after the pages' own; "" if none
	Logo     *Logo  // nil: ours
	InboxURL string // in development, where messages can be read; "" otherwise
	// Dir is a folder to read templates and assets from at each request, so that
	// an edit shows at once; "" means those built in.
	Dir     string
	Network func(*http.Request) string // the visitor's network, for limits; nil: not limited
	Now     func() time.Time
	Log     *slog.Logger // nil: nothing is logged
	// Stop ends what goes on for long, such as streams, when the service stops; nil: never.
	Stop context.Context //nolint:containedctx // it is the service's own, not a request's
}

// Logo is an operator's picture, beside the application's name.
type Logo struct {
	Type string // image/svg+xml, image/png, image/jpeg or image/webp
	Data []byte
}

// pages is the handler. Its methods are the routes.
type pages struct {
	Config
	wordsFor  func(r *http.Request, wanted string) *catalogue
	files     fs.FS
	templates map[string]page // nil where Dir is set: parsed at each request
	versions  map[string]string
	options   options
	streams   streams
}

// New returns the handler of the pages. The error is a missing field of c or,
// where Dir is set, a folder without templates.
func New(c Config) (http.Handler, error) {
	if c.Engine == nil || c.Keys == nil || c.Now == nil {
		return nil, errors.New("pages: Engine, Keys and Now are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Network == nil {
		c.Network = func(*http.Request) string { return "" }
	}
	p := &pages{Config: c, files: embedded, wordsFor: wordsFor}
	if c.Dir != "" {
		p.files = os.DirFS(c.Dir)
	}
	var err error
	if p.versions, err = versions(p.files); err != nil {
		return nil, err
	}
	p.versions[styleName], p.versions[logoName] = version([]byte(c.Style)), version(logoData(c.Logo))
	parsed, err := p.parse()
	if err != nil {
		return nil, err
	}
	if c.Dir == "" {
		p.templates = parsed
	}
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.root(r).problem(w, r, http.StatusForbidden)
	}))
	return p.headers(csrf.Handler(p.routes())), nil
}

// handler is what a page does in a place.
type handler func(at *place, w http.ResponseWriter, r *http.Request)

// route is what one path does; nil where the method is not allowed.
type route struct {
	get, post handler
	// closed says that the handlers know what to do in a session that is over or another
	// browser's; for others a page answers there.
	closed bool
}

// routes is a table rather than an http.ServeMux because every answer, also that
// of a wrong path or method, is to be a page for people.
func (p *pages) routes() http.HandlerFunc {
	table := map[string]route{
		"/":        {get: (*place).askAddress},
		"/request": {post: (*place).begin},
		"/verify":  {get: (*place).askCode, post: (*place).answer},
		"/resend":  {post: (*place).sendAgain},
		"/done":    {get: (*place).done},
		"/events":  {get: (*place).follow, closed: true},
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if name, asset := strings.CutPrefix(r.URL.Path, assetPath); asset {
			r.Pattern = assetPath
			route{get: func(_ *place, w http.ResponseWriter, r *http.Request) { p.asset(w, r, name) }}.serve(p.root(r), w, r)
			return
		}
		if r.URL.Path == embedPath {
			r.Pattern = embedPath
			route{get: p.embed}.serve(p.root(r), w, r)
			return
		}
		at, page, err := p.at(r)
		if err != nil {
			at.unreadable(w, r, err)
			return
		}
		if page == "" {
			r.Pattern = sessionPath
			at.showMissing(w, r)
			return
		}
		found, ok := table[page]
		if !ok {
			at.problem(w, r, http.StatusNotFound)
			return
		}
		r.Pattern = page // as a mux leaves it, for whoever logs the request
		if at.session != nil {
			r.Pattern = sessionPath + "LINK" + strings.TrimSuffix(page, "/")
			found = guarded(found)
		}
		found.serve(at, w, r)
	}
}

// guarded keeps browsers out of a session that is over or another's: they get a page that
// says so, whatever they asked for.
func guarded(in route) route {
	if in.closed {
		return in
	}
	wrap := func(next handler) handler {
		if next == nil {
			return nil
		}
		return func(at *place, w http.ResponseWriter, r *http.Request) {
			if at.session.Details.Popup { // else the window that opened this one cannot be told
				w.Header().Set("Cross-Origin-Opener-Policy", "unsafe-none")
			}
			if !at.showClosed(w, r) {
				next(at, w, r)
			}
		}
	}
	return route{get: wrap(in.get), post: wrap(in.post)}
}

func (found route) serve(at *place, w http.ResponseWriter, r *http.Request) {
	reading := []string{http.MethodGet, http.MethodHead}
	switch {
	case found.get != nil && slices.Contains(reading, r.Method):
		found.get(at, w, r)
	case found.post != nil && r.Method == http.MethodPost:
		found.post(at, w, r)
	default:
		var allowed []string
		if found.get != nil {
			allowed = reading
		}
		if found.post != nil {
			allowed = append(allowed, http.MethodPost)
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		at.problem(w, r, http.StatusMethodNotAllowed)
	}
}

// policy lets a page load what this host serves, and lets nothing else happen.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

// headers sets what every answer carries. No answer may be kept by anyone: it
// shows part of a number or what was typed. Assets set their own Cache-Control.
func (p *pages) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=(), otp-credentials=(self)")
		h.Set("Cache-Control", "no-store")
		if p.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}
