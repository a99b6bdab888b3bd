package pages

import (
	"errors"
	"html/template"
	"net/http"

	"countersign/internal/phone"
	"countersign/internal/verify"
)

// askBody is what the first page shows: a field for a number or an e-mail address or, where
// the application has named one, a button.
type askBody struct {
	Mail      bool
	Given     bool
	Lead      string // the label of what we say
	Typed     string
	Example   string // in national form; "" where national numbers are not understood
	Begun     bool   // a code was sent to this browser and may be typed
	Session   bool
	Channel   verify.Channel   // of the button
	Others    []verify.Channel // of the other buttons
	Switch    string           // where the other kind of address is asked for; "" if there is none
	Shown     shown
	Countries template.HTML // options of a list; empty if there is no choice
	Country   string        // chosen before
	Sum       *sum          // that the browser is to do first
	Cancel    string        // where the person goes back to without
}

// askAddress is GET /: the form for an address.
func (at *place) askAddress(w http.ResponseWriter, r *http.Request) {
	v := at.visit(r)
	f, err := at.takeFlash(w, r, v, "/")
	if err == nil && at.session != nil && v.Token == "" && !lookAhead(r) {
		err = at.save(w, v.known()) // so that the session knows this browser again
	}
	if err != nil {
		at.fault(w, r, err)
		return
	}
	body, err := at.askBody(r, v, f)
	if err != nil {
		at.fault(w, r, err)
		return
	}
	title := "number.title"
	switch {
	case body.Sum != nil:
		title = "work.title"
	case body.Given:
		title = "confirm.title"
	case body.Mail:
		title = "email.title"
	}
	page := view{at: at, Body: body, Title: at.words.labels[title]}
	name := "ask.html"
	if body.Sum != nil {
		name = "work.html"
	} else {
		page.say(f)
	}
	at.show(w, r, http.StatusOK, name, page)
}

func (at *place) askBody(r *http.Request, v visit, f *flash) (body askBody, err error) {
	body = askBody{
		Begun: v.begun() && !v.accepted(), Session: at.session != nil, Given: !at.given.IsZero(),
		Mail: at.asksMail(r, f), Cancel: at.cancel(v),
	}
	if body.Given {
		_, body.Mail = at.given.Mailbox()
		body.Shown = at.shown(at.given)
	}
	open := at.channels(body.Mail)
	if len(open) > 0 {
		body.Channel = open[0]
	}
	if body.Given && len(open) > 1 {
		body.Others = open[1:]
	}
	if !body.Given && len(at.channels(!body.Mail)) > 0 {
		body.Switch = at.path("/") + "?with=email"
		if body.Mail {
			body.Switch = at.path("/") + "?with=phone"
		}
	}
	body.Lead = at.lead(body)
	region := at.likely(r)
	if f != nil {
		body.Typed = f.Text
		if chosen, err := phone.Region(f.Country); err == nil && chosen != "" {
			region = chosen
		}
		if f.Say == sayKind(verify.WorkNeeded) {
			body.Country = f.Country
			if body.Sum, err = at.sum(r, v, *f); err != nil {
				return body, err
			}
		}
	}
	if region != "" {
		body.Example = phone.Example(region)
	}
	if !body.Mail && !body.Given && body.Sum == nil {
		body.Countries = at.countries(r, region)
	}
	return body, nil
}

// asksMail says whether the field is for an e-mail address.
func (at *place) asksMail(r *http.Request, f *flash) bool {
	phones, mails := len(at.channels(false)) > 0, len(at.channels(true)) > 0
	if !phones || !mails {
		return mails
	}
	if f != nil {
		return f.Mail
	}
	with := r.URL.Query().Get("with")
	return with == "email" || with == "" && at.session.Details.Channels[0] == verify.Email
}

// lead is the label of what the first page says first.
func (at *place) lead(b askBody) string {
	switch {
	case b.Given && b.Mail && b.Shown.Hidden:
		return "confirm.lead.email.hidden"
	case b.Given && b.Mail:
		return "confirm.lead.email"
	case b.Given && b.Shown.Hidden:
		return "confirm.lead.hidden"
	case b.Given && b.Shown.Full:
		return "confirm.lead.full"
	case b.Given:
		return "confirm.lead"
	case b.Mail && b.Session:
		return "email.lead.session"
	case b.Mail:
		return "email.lead"
	case b.Session:
		return "number.lead.session"
	}
	return "number.lead"
}

// shown is as much of an address as a page may show.
type shown struct {
	Text   string // the last two digits, or all, or a mailbox with its name masked
	Full   bool   // Text is a whole number, or an e-mail address
	Hidden bool   // nothing may be shown
	Mail   bool
}

// shown says what may be shown of an address. What a person typed here is shown as the
// person typed it or in part; what an application named as the application asks.
func (at *place) shown(to verify.Address) shown {
	m, mail := to.Mailbox()
	reveal := verify.RevealMasked
	if at.session != nil {
		reveal = at.session.Details.Reveal
	}
	switch {
	case reveal == verify.RevealNone && !at.given.IsZero():
		return shown{Hidden: true, Mail: mail}
	case mail && (reveal == verify.RevealFull || at.given.IsZero()):
		return shown{Text: to.Text(), Full: true, Mail: true}
	case mail:
		return shown{Text: m.Masked(), Full: true, Mail: true}
	case reveal == verify.RevealFull:
		return shown{Text: to.Text(), Full: true}
	}
	number, _ := to.Number()
	masked := number.Masked()
	return shown{Text: masked[max(0, len(masked)-2):]}
}

// Key is a label in the variant for what is shown: of an ending, of a whole address, or of
// nothing.
func (s shown) Key(ending, full, hidden string) string {
	switch {
	case s.Hidden:
		return hidden
	case s.Full:
		return full
	}
	return ending
}

// unreadable answers where the service could not be asked.
func (at *place) unreadable(w http.ResponseWriter, r *http.Request, err error) {
	at.p.logFault(r, err)
	status := http.StatusInternalServerError
	if e, ok := errors.AsType[*verify.Error](err); ok && (e.Kind == verify.Unavailable || e.Kind == verify.Busy) {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "2")
	}
	at.problem(w, r, status)
}
