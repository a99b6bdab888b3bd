package pages

import (
	"net/http"
	"slices"
	"time"

	"countersign/internal/code"
	"countersign/internal/verify"
)

// codeBody is what the code form shows.
type codeBody struct {
	Verification string
	Sends        int
	Channel      verify.Channel
	Code         string // "6 digits"
	Digits       bool   // of digits only, so that a keypad is enough
	Shown        shown
	Valid        string
	Wait         int // seconds until the next message may be asked for
	WaitSpan     string
	Resendable   bool
	Others       []verify.Channel // that the same code can come by
	OthersShown  bool
	Unsent       bool // the newest message could not be delivered
	Live         bool // the state of the message may still change
	Quiet        bool // nothing is to be read first: the field may have the focus
	Given        bool
	Cancel       string
}

// othersAfter is how many messages by one channel it takes before others are offered.
const othersAfter = 3

// askCode is GET /verify: the code form, or why there is none.
func (at *place) askCode(w http.ResponseWriter, r *http.Request) {
	v := at.visit(r)
	if !v.begun() {
		http.Redirect(w, r, at.path("/"), http.StatusSeeOther)
		return
	}
	if v.accepted() {
		at.showDone(w, r, v, true)
		return
	}
	row, err := at.p.Engine.Verification(r.Context(), v.Verification)
	if err != nil {
		at.unreadable(w, r, err)
		return
	}
	f, err := at.takeFlash(w, r, v, "/verify")
	if err != nil {
		at.fault(w, r, err)
		return
	}
	now := at.p.Now()
	if row == nil || row.StatusAt(now) != verify.Pending {
		at.showEnded(w, r, v, row, f)
		return
	}
	page := view{at: at, Title: at.words.labels[codeTitle(row.Channel)]}
	page.say(f, "code", at.words.code(row.Code))
	class, failed, live := at.delivery(r, row.ID)
	if failed {
		page.say(&flash{Say: class})
	}
	body := at.codeBody(*row, v, now)
	body.Unsent, body.Live, body.Quiet = failed, live, len(page.Alerts)+len(page.Notices) == 0
	body.OthersShown = failed || row.Sends >= othersAfter || !body.Resendable
	page.Body = body
	at.show(w, r, http.StatusOK, "code.html", page)
}

func codeTitle(ch verify.Channel) string {
	if ch == verify.SMS {
		return "code.title"
	}
	return "code.title." + string(ch)
}

func (at *place) codeBody(row verify.Verification, v visit, now time.Time) codeBody {
	body := codeBody{
		Verification: row.ID.String(), Sends: row.Sends, Channel: row.Channel,
		Code: at.words.code(row.Code), Digits: row.CustomCode == nil && row.Code.Alphabet == code.Digits,
		Shown:      at.shown(v.to()),
		Valid:      at.words.count(int((row.ExpiresAt.Sub(now)+time.Minute-1)/time.Minute), minutes),
		Resendable: !row.ResendAt().IsZero(),
		Given:      !at.given.IsZero(),
		Cancel:     at.cancel(v),
	}
	if body.Resendable {
		body.Others = slices.DeleteFunc(at.reaching(v.to()), func(ch verify.Channel) bool { return ch == row.Channel })
	}
	if wait := row.ResendAt().Sub(now); body.Resendable && wait > 0 {
		body.Wait = int((wait + time.Second - 1) / time.Second)
		body.WaitSpan = at.words.span(wait)
	}
	return body
}

// Lead is the label of what the page says first.
func (b codeBody) Lead() string {
	if b.Unsent {
		return b.Shown.Key("code.unsent", "code.unsent.email", "code.unsent.hidden")
	}
	full := "code.lead.full"
	if b.Shown.Mail {
		full = "code.lead.email"
	}
	ending := "code.lead"
	if b.Channel != verify.SMS {
		ending += "." + string(b.Channel)
	}
	return b.Shown.Key(ending, full, "code.lead.hidden")
}

// Label is a label in the variant for the channel, if there is one.
func (b codeBody) Label(key string, variants ...string) string {
	if slices.Contains(variants, string(b.Channel)) {
		return key + "." + string(b.Channel)
	}
	return key
}

// delivery says how the newest message fares: whether it could not be delivered, and in
// which words, and whether there is more to come.
func (at *place) delivery(r *http.Request, id verify.ID) (class saying, failed, live bool) {
	all, err := at.p.Engine.Deliveries(r.Context(), id)
	if err != nil {
		at.p.logFault(r, err) // the form is of use without this
		return "", false, false
	}
	if len(all) == 0 {
		return "", false, false
	}
	newest := all[len(all)-1]
	if newest.State != verify.Failed {
		return "", false, newest.State != verify.Delivered
	}
	if !at.given.IsZero() || newest.Channel == verify.Email {
		return sayUndelivered, true, false
	}
	if s := sayClass(newest.Class); at.words.has(s) {
		return s, true, false
	}
	return sayClass(verify.UnknownClass), true, false
}

// endedBody is what is shown in place of the code form once the code is over.
type endedBody struct {
	Verification string
	Title        string
	Lead         string // the label of the text
	Shown        shown
	Given        bool
	Cancel       string
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

func (at *place) showEnded(w http.ResponseWriter, r *http.Request, v visit, row *verify.Verification, f *flash) {
	words := endings[verify.Canceled]
	words.title, words.lead = "ended.gone", "ended.lead.gone"
	if row != nil {
		words = endings[row.StatusAt(at.p.Now())]
	}
	to := at.shown(v.to())
	body := endedBody{
		Verification: v.Verification.String(), Title: at.words.labels[words.title], Shown: to,
		Lead: to.Key(words.lead, words.lead+".other", words.lead+".other"), Given: !at.given.IsZero(), Cancel: at.cancel(v),
	}
	if f != nil {
		switch f.Say {
		case sayOutcome(words.outcome), sayKind(verify.Settled), sayKind(verify.NotFound):
			f = nil
		}
	}
	page := view{at: at, Body: body, Title: body.Title}
	page.say(f)
	at.show(w, r, http.StatusOK, "ended.html", page)
}
