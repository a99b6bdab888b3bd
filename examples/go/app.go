package main

import (
	"bytes"
	_ "embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"countersign/gate"
)

//go:embed page.html
var layout string

//go:embed page.css
var style []byte

type app struct {
	gate   *gate.Gate
	user   user
	base   string // of this application
	host   string
	server string // Countersign
	now    func() time.Time
	sessions
}

// notices are what is said to whoever did not get through, by a word in the address.
var notices = map[string]string{
	"password": "That user name and password do not belong together.",
	"again":    "Please sign in first.",
	"canceled": "You left before the second step was done. Try again whenever you like.",
	"state":    "That answer was not for this visit. Please try the second step again.",
	"expired":  "That took too long. Please try the second step again.",
	"used":     "That answer was used before. Please try the second step again.",
	"proof":    "That answer was not good. Please try the second step again.",
	"service":  "The second step does not work at the moment. Please try again in a minute.",
}

// notice is the word for an error of gate.
func notice(err error) string {
	for _, n := range []struct {
		err  error
		word string
	}{{gate.ErrCanceled, "canceled"}, {gate.ErrState, "state"}, {gate.ErrExpired, "expired"}, {gate.ErrUsed, "used"}} {
		if errors.Is(err, n.err) {
			return n.word
		}
	}
	if _, ok := errors.AsType[*gate.ServiceError](err); ok {
		return "service"
	}
	return "proof"
}

func (a *app) handler() http.Handler {
	page := template.Must(template.New("page").Parse(layout))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		a.show(w, r, page, view{Notice: notices[r.URL.Query().Get("notice")]})
	})
	mux.HandleFunc("GET /page.css", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(style) // the browser may be gone
	})
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) { a.signIn(w, r, page) })
	mux.HandleFunc("POST /second-step", func(w http.ResponseWriter, r *http.Request) { a.secondStep(w, r, a.of(r)) })
	mux.HandleFunc("GET /second-factor", a.comeBack)
	mux.HandleFunc("POST /sign-out", func(w http.ResponseWriter, r *http.Request) {
		a.renew(w, r, session{})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	// Forms are taken from our own pages alone, by what the browser says of where they
	// come from: there is no token to carry.
	own := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		// Chrome holds redirects after a form against form-action too: one leads to Countersign.
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self' "+a.server)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if r.Host != a.host { // localhost has other cookies than 127.0.0.1
			http.Redirect(w, r, a.base, http.StatusSeeOther)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
		own.ServeHTTP(w, r)
	})
}

// signIn checks the password, and goes on to the second step at once.
func (a *app) signIn(w http.ResponseWriter, r *http.Request, page *template.Template) {
	name := r.PostFormValue("name")
	if !a.user.is(name, r.PostFormValue("password")) {
		a.show(w, r, page, view{Notice: notices["password"], Name: name, status: http.StatusUnprocessableEntity})
		return
	}
	a.secondStep(w, r, a.renew(w, r, session{level: halfway}))
}

// secondStep sends the person to Countersign. The session's id binds the proof to it.
func (a *app) secondStep(w http.ResponseWriter, r *http.Request, s session) {
	if s.level != halfway {
		http.Redirect(w, r, "/?notice=again", http.StatusSeeOther)
		return
	}
	err := a.gate.Begin(w, r, gate.Ask{Visit: s.id, PhoneNumber: a.user.phone, Purpose: "sign in to Example Notes"})
	if err != nil {
		a.without(w, r, err)
	}
}

// comeBack is where Countersign sends the person.
func (a *app) comeBack(w http.ResponseWriter, r *http.Request) {
	s := a.of(r)
	switch s.level {
	case nobody:
		http.Redirect(w, r, "/?notice=again", http.StatusSeeOther)
		return
	case everything: // by the back button, and the link on Countersign's last page
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	proof, err := a.gate.Finish(w, r, s.id)
	if err != nil {
		a.without(w, r, err)
		return
	}
	a.renew(w, r, session{level: everything, channel: proof.Channel})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// without answers whoever has no proof: the session stays as it was.
func (a *app) without(w http.ResponseWriter, r *http.Request, err error) {
	slog.InfoContext(r.Context(), "no second factor", "why", err)
	http.Redirect(w, r, "/?notice="+notice(err), http.StatusSeeOther)
}

type view struct {
	Title, Notice, Name string
	Level               int
	Channel, At         string
	status              int
}

// channels in words.
var channels = map[string]string{"sms": "Text message", "call": "Phone call", "whatsapp": "WhatsApp"}

func (a *app) show(w http.ResponseWriter, r *http.Request, page *template.Template, v view) {
	s := a.of(r)
	v.Level = s.level
	v.Title = []string{"Sign in", "One more step", "Welcome back"}[s.level]
	if s.level > nobody {
		v.Name = a.user.name
	}
	if s.level == everything {
		v.Channel = channels[s.channel]
		v.At = s.until.Add(-everythingFor).UTC().Format("15:04") + " UTC"
	}
	var out bytes.Buffer
	if err := page.Execute(&out, v); err != nil {
		http.Error(w, "This page cannot be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if v.status != 0 {
		w.WriteHeader(v.status)
	}
	_, _ = out.WriteTo(w) // the browser may be gone
}
