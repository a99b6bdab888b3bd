package pages

import (
	"net/http"

	"countersign/internal/verify"
)

// closedBody is what is shown of a session that nobody can go on in.
type closedBody struct {
	Title, Text string
	Home        string // where the person goes back to; empty: nobody knows
}

// showMissing answers a link that no session has.
func (at *place) showMissing(w http.ResponseWriter, r *http.Request) {
	at.closed(w, r, http.StatusNotFound, "session.unknown", "")
}

func (at *place) closed(w http.ResponseWriter, r *http.Request, status int, words, home string) {
	text, err := at.words.label(words+".text", "app", at.appOrUs())
	if err != nil {
		at.fault(w, r, err)
		return
	}
	body := closedBody{Title: at.words.labels[words+".title"], Text: text, Home: home}
	at.show(w, r, status, "closed.html", view{Title: body.Title, Body: body})
}

// showClosed answers for a session that is over or another browser's; false if it is open
// to this one. Whoever is through comes to the last page, whatever was asked for.
func (at *place) showClosed(w http.ResponseWriter, r *http.Request) bool {
	s, v := at.session, at.visit(r)
	untouched := s.Browser == verify.BrowserKey{}
	mine := !untouched && v.Token != "" && s.BoundTo(v.browser())
	switch status := s.StatusAt(at.p.Now()); {
	case status == verify.SessionVerified && mine:
		if r.Method == http.MethodPost {
			http.Redirect(w, r, at.path("/done"), http.StatusSeeOther)
			return true
		}
		at.showHome(w, r, v)
	case status == verify.SessionVerified:
		at.closed(w, r, http.StatusGone, "session.used", at.home())
	case status == verify.SessionExpired && (mine || untouched): // who has the link could have had the state
		at.closed(w, r, http.StatusGone, "session.expired", at.home("state", s.Details.State, "error", "expired"))
	case status == verify.SessionExpired:
		at.closed(w, r, http.StatusGone, "session.expired", at.home("error", "expired"))
	case !untouched && !mine:
		at.closed(w, r, http.StatusForbidden, "session.other", at.origin()+"/") // the session goes on elsewhere: this is no answer to it
	default:
		return false
	}
	return true
}

// cancel is where a person goes who gives up; empty where nobody waits.
func (at *place) cancel(v visit) string {
	if at.session == nil || v.Token == "" && at.session.Browser != (verify.BrowserKey{}) {
		return ""
	}
	return at.home("state", at.session.Details.State, "error", "canceled")
}

// homeBody is what the last page of a session shows.
type homeBody struct {
	Shown   shown
	Mail    bool
	Late    bool // the proof is too old
	Already bool // the person has been sent home before, and has come back
	Home    string
	Proof   string
}

// showHome is the last page of a session. It sends the person home by itself, once: who
// comes back to it by the back button is not thrown out again.
func (at *place) showHome(w http.ResponseWriter, r *http.Request, v visit) {
	s := *at.session
	body := homeBody{Shown: at.shown(v.to()), Already: v.Returned}
	_, body.Mail = v.to().Mailbox()
	if at.p.Now().Before(s.ProofUntil()) {
		proof, err := at.p.Prove(r, s)
		if err != nil {
			at.unreadable(w, r, err)
			return
		}
		body.Home, body.Proof = at.home("state", s.Details.State, "proof", proof), proof
		if !v.Returned && !lookAhead(r) {
			v.Returned = true
			if err := at.save(w, v); err != nil {
				at.fault(w, r, err)
				return
			}
			if !s.Details.Popup {
				// A redirect after a form is held to form-action, in Chromium, over all its
				// hops; this is none.
				w.Header().Set("Refresh", "0; url="+body.Home)
			}
		}
	} else {
		body.Late, body.Home = true, at.home("state", s.Details.State, "error", "expired")
	}
	title := "done.title"
	switch {
	case body.Already:
		title = "done.already"
	case body.Mail:
		title = "done.title.email"
	}
	at.show(w, r, http.StatusOK, "home.html", view{Title: at.words.labels[title], Body: body})
}

// doneBody is what the success page at the root shows.
type doneBody struct {
	Shown   shown
	Already bool
}

// done is GET /done: the success, to the browser that was told so. A session that is
// verified has been answered before.
func (at *place) done(w http.ResponseWriter, r *http.Request) {
	v := at.visit(r)
	switch {
	case v.accepted() && at.session == nil:
		at.showDone(w, r, v, false)
	case v.begun():
		http.Redirect(w, r, at.path("/verify"), http.StatusSeeOther)
	default:
		http.Redirect(w, r, at.path("/"), http.StatusSeeOther)
	}
}

func (at *place) showDone(w http.ResponseWriter, r *http.Request, v visit, already bool) {
	title := at.words.labels["done.title"]
	if already {
		title = at.words.labels["done.already"]
	}
	at.show(w, r, http.StatusOK, "done.html", view{Title: title, Body: doneBody{at.shown(v.to()), already}})
}
