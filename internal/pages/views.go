package pages

import (
	"errors"
	"net/http"
	"time"

	"countersign/internal/code"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

// numberBody is what the phone form shows.
type numberBody struct {
	Typed   string
	Example string // in national form; "" where national numbers are not understood
	Begun   bool   // a code was sent to this browser and may be typed
}

// askNumber is GET /: the phone form.
func (p *pages) askNumber(w http.ResponseWriter, r *http.Request) {
	s := p.session(r)
	f, err := p.takeFlash(w, r, s)
	if err != nil {
		p.fault(w, r, err)
		return
	}
	body := numberBody{Begun: s.begun() && !s.accepted()}
	if p.Region != "" {
		body.Example = phone.Example(p.Region)
	}
	if f != nil {
		body.Typed = f.Text
	}
	v := view{Body: body}
	p.say(&v, f)
	v.Title = p.words.labels["number.title"]
	p.show(w, r, http.StatusOK, "number.html", v)
}

// codeBody is what the code form shows.
type codeBody struct {
	Verification string
	Sends        int
	Code         string // "6 digits"
	Digits       bool   // of digits only, so that a keypad is enough
	Ending       string
	Valid        string
	Wait         int // seconds until the next message may be asked for
	WaitSpan     string
	Resendable   bool
	Unsent       bool // the newest message could not be delivered
	Quiet        bool // nothing is to be read first: the field may have the focus
}

// askCode is GET /verify: the code form, or why there is none.
func (p *pages) askCode(w http.ResponseWriter, r *http.Request) {
	s := p.session(r)
	if !s.begun() {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if s.accepted() {
		p.showDone(w, r, s, true)
		return
	}
	v, err := p.Engine.Verification(r.Context(), s.Verification)
	if err != nil {
		p.unreadable(w, r, err)
		return
	}
	f, err := p.takeFlash(w, r, s)
	if err != nil {
		p.fault(w, r, err)
		return
	}
	now := p.Now()
	if v == nil || v.StatusAt(now) != verify.Pending {
		p.showEnded(w, r, s, v, f)
		return
	}
	shown := view{}
	p.say(&shown, f, "code", p.words.code(v.Code))
	class, failed := p.undelivered(r, v.ID)
	if failed {
		p.say(&shown, &flash{Say: class})
	}
	body := p.codeBody(*v, s, now)
	body.Unsent, body.Quiet = failed, len(shown.Alerts)+len(shown.Notices) == 0
	shown.Body = body
	shown.Title = p.words.labels["code.title"]
	p.show(w, r, http.StatusOK, "code.html", shown)
}

func (p *pages) codeBody(v verify.Verification, s session, now time.Time) codeBody {
	body := codeBody{
		Verification: v.ID.String(), Sends: v.Sends,
		Code: p.words.code(v.Code), Digits: v.CustomCode == nil && v.Code.Alphabet == code.Digits,
		Ending:     ending(s.number()),
		Valid:      p.words.count(int((v.ExpiresAt.Sub(now)+time.Minute-1)/time.Minute), minutes),
		Resendable: !v.ResendAt().IsZero(),
	}
	if wait := v.ResendAt().Sub(now); body.Resendable && wait > 0 {
		body.Wait = int((wait + time.Second - 1) / time.Second)
		body.WaitSpan = p.words.span(wait)
	}
	return body
}

// undelivered says whether the newest message could not be delivered, and in
// which words.
func (p *pages) undelivered(r *http.Request, id verify.ID) (saying, bool) {
	all, err := p.Engine.Deliveries(r.Context(), id)
	if err != nil {
		p.logFault(r, err) // the form is of use without this
		return "", false
	}
	if len(all) == 0 || all[len(all)-1].State != verify.Failed {
		return "", false
	}
	if s := sayClass(all[len(all)-1].Class); p.words.has(s) {
		return s, true
	}
	return sayClass(verify.UnknownClass), true
}

// ending is as much of a number as its owner needs to know it by.
func ending(n phone.Number) string {
	masked := n.Masked()
	return masked[max(0, len(masked)-2):]
}

// endedBody is what is shown in place of the code form once the code is over.
type endedBody struct {
	Verification string
	Title        string
	Lead         string // the label of the text
	Ending       string
}

// endings are the labels of a code that is over. An accepted one that this
// browser was not told of was used elsewhere.
var endings = map[verify.Status]struct {
	title, lead string
	outcome     verify.Outcome // the saying that the page says already
}{
	verify.Expired:   {"ended.expired", "ended.lead.expired", verify.OutcomeExpired},
	verify.Exhausted: {"ended.exhausted", "ended.lead.exhausted", verify.OutcomeExhausted},
	verify.Canceled:  {"ended.title", "ended.lead.canceled", verify.OutcomeCanceled},
	verify.Accepted:  {"ended.used", "ended.lead.used", verify.OutcomeUsed},
}

func (p *pages) showEnded(w http.ResponseWriter, r *http.Request, s session, v *verify.Verification, f *flash) {
	words := endings[verify.Canceled]
	words.title, words.lead = "ended.gone", "ended.lead.gone"
	if v != nil {
		words = endings[v.StatusAt(p.Now())]
	}
	body := endedBody{s.Verification.String(), p.words.labels[words.title], words.lead, ending(s.number())}
	if f != nil {
		switch f.Say {
		case sayOutcome(words.outcome), sayKind(verify.Settled), sayKind(verify.NotFound):
			f = nil
		}
	}
	shown := view{Body: body}
	p.say(&shown, f)
	shown.Title = body.Title
	p.show(w, r, http.StatusOK, "ended.html", shown)
}

// doneBody is what the success page shows.
type doneBody struct {
	Ending  string
	Already bool
}

// done is GET /done: the success, to the browser that was told so.
func (p *pages) done(w http.ResponseWriter, r *http.Request) {
	s := p.session(r)
	switch {
	case s.accepted():
		p.showDone(w, r, s, false)
	case s.begun():
		http.Redirect(w, r, "/verify", http.StatusSeeOther)
	default:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

func (p *pages) showDone(w http.ResponseWriter, r *http.Request, s session, already bool) {
	title := p.words.labels["done.title"]
	if already {
		title = p.words.labels["done.already"]
	}
	p.show(w, r, http.StatusOK, "done.html", view{Title: title, Body: doneBody{ending(s.number()), already}})
}

// unreadable answers where the service could not be asked.
func (p *pages) unreadable(w http.ResponseWriter, r *http.Request, err error) {
	p.logFault(r, err)
	status := http.StatusInternalServerError
	if e, ok := errors.AsType[*verify.Error](err); ok && (e.Kind == verify.Unavailable || e.Kind == verify.Busy) {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "2")
	}
	p.problem(status).ServeHTTP(w, r)
}
