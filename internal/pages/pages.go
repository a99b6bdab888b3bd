// Package pages is the hosted flow for people: a form takes a phone number, a
// code goes out, a second form takes the code, a page says yes. The routes are
// those of the tutorial "Two Factor Authentication with Node".
//
// The one idea: whatever a browser does twice must do no harm. Every POST, also
// one that went wrong, answers 303 and the page that follows is a GET without
// effect, so that reload, prefetch, the back button, a double click and a second
// tab neither spend a guess nor send a message. What a browser must remember
// between pages is one sealed cookie; the server keeps nothing.
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
}

// Config is what New needs. Engine, Keys and Now are required.
type Config struct {
	Engine  Engine
	Keys    *secret.Ring
	Profile verify.Profile // what the pages start
	Region  string         // ISO 3166 country of national numbers; "" if none
	// Secure: the pages are served over https. The cookie is then bound to the
	// host and to https, and browsers are told to stay with https (HSTS).
	Secure   bool
	InboxURL string // in development, where messages can be read; "" otherwise
	// Dir is a folder to read templates and assets from at each request, so that
	// an edit shows at once; "" means those built in.
	Dir     string
	Network func(*http.Request) string // the visitor's network, for limits; nil: not limited
	Now     func() time.Time
	Log     *slog.Logger // nil: nothing is logged
}

// pages is the handler. Its methods are the routes.
type pages struct {
	Config
	words     *catalogue
	files     fs.FS
	templates map[string]page // nil where Dir is set: parsed at each request
	versions  map[string]string
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
	p := &pages{Config: c, words: &english, files: embedded}
	if c.Dir != "" {
		p.files = os.DirFS(c.Dir)
	}
	var err error
	if p.versions, err = versions(p.files); err != nil {
		return nil, err
	}
	parsed, err := p.parse()
	if err != nil {
		return nil, err
	}
	if c.Dir == "" {
		p.templates = parsed
	}
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(p.problem(http.StatusForbidden))
	return p.headers(csrf.Handler(p.routes())), nil
}

// route is what one path does; nil where the method is not allowed.
type route struct{ get, post http.HandlerFunc }

// routes is a table rather than an http.ServeMux because every answer, also that
// of a wrong path or method, is to be a page for people.
func (p *pages) routes() http.HandlerFunc {
	table := map[string]route{
		"/":        {get: p.askNumber},
		"/request": {post: p.start},
		"/verify":  {get: p.askCode, post: p.check},
		"/resend":  {post: p.resend},
		"/done":    {get: p.done},
	}
	return func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		at, ok := table[path]
		if strings.HasPrefix(path, assetPath) {
			at, ok, path = route{get: p.asset}, true, assetPath
		}
		if !ok {
			p.problem(http.StatusNotFound).ServeHTTP(w, r)
			return
		}
		r.Pattern = path // as a mux leaves it, for whoever logs the request
		at.serve(p, w, r)
	}
}

func (at route) serve(p *pages, w http.ResponseWriter, r *http.Request) {
	reading := []string{http.MethodGet, http.MethodHead}
	switch {
	case at.get != nil && slices.Contains(reading, r.Method):
		at.get(w, r)
	case at.post != nil && r.Method == http.MethodPost:
		at.post(w, r)
	default:
		var allowed []string
		if at.get != nil {
			allowed = reading
		}
		if at.post != nil {
			allowed = append(allowed, http.MethodPost)
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		p.problem(http.StatusMethodNotAllowed).ServeHTTP(w, r)
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
