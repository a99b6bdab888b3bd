package pages

import (
	"context"
	"crypto/sha256"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"countersign/internal/verify"
)

// maxOnce bounds the guesses that are remembered for a double click; no code is
// nearly as long.
const maxOnce = 64

// begin is POST /request: it sends a code to the address that was typed, or that the
// application named.
func (at *place) begin(w http.ResponseWriter, r *http.Request) {
	fields, ok := at.form(w, r)
	if !ok {
		return
	}
	v := at.visit(r).known()
	a, mistake := at.asked(fields)
	if mistake != nil {
		at.leave(w, r, v.saying(*mistake), "/")
		return
	}
	var slow *flash
	if a.worked, slow = at.worked(r, v, a, fields); slow != nil {
		at.leave(w, r, v.saying(*slow), "/")
		return
	}
	begun, err := at.start(r, v, a)
	if err == nil {
		at.leave(w, r, v.begin(begun.Verification, a.to), "/verify")
		return
	}
	f := at.refusal(r, err, a.to)
	if at.waiting(r.Context(), v, a.to, err) {
		f.Page, f.Say = "/verify", sayStillGood
		at.leave(w, r, v.saying(f), "/verify")
		return
	}
	typed := typedIn(fields)
	f.Page, f.Text, f.Mail, f.Country, f.Channel = "/", typed.Text, typed.Mail, typed.Country, a.channel
	at.leave(w, r, v.saying(f), "/")
}

// waiting says whether a start was refused only because this browser has a code
// for the same address already: the code form is what the person wants then.
func (at *place) waiting(ctx context.Context, v visit, to verify.Address, refusal error) bool {
	kind := verify.KindOf(refusal)
	if kind != verify.Cooldown && kind != verify.TooManySends {
		return false
	}
	if !v.begun() || v.accepted() || !v.to().Equal(to) {
		return false
	}
	row, err := at.p.Engine.Verification(ctx, v.Verification)
	return err == nil && row != nil && row.StatusAt(at.p.Now()) == verify.Pending
}

// mine reads a form about the verification of this browser. Where there is none
// any more, or the form belongs to another one, the person has been sent to the
// page that helps and ok is false.
func (at *place) mine(w http.ResponseWriter, r *http.Request) (fields url.Values, v visit, ok bool) {
	fields, ok = at.form(w, r)
	if !ok {
		return nil, visit{}, false
	}
	v = at.visit(r)
	switch {
	case !v.begun():
		at.leave(w, r, v.saying(flash{Page: "/", Say: sayNoSession}), "/")
	case fields.Has("v") && fields.Get("v") != v.Verification.String():
		at.leave(w, r, v.saying(flash{Page: "/verify", Say: sayOtherTab}), "/verify")
	case v.accepted():
		http.Redirect(w, r, at.path("/done"), http.StatusSeeOther)
	default:
		return fields, v, true
	}
	return nil, visit{}, false
}

// answer is POST /verify: it checks the code typed.
func (at *place) answer(w http.ResponseWriter, r *http.Request) {
	fields, v, ok := at.mine(w, r)
	if !ok {
		return
	}
	guess := either(fields, "code", "token")
	f, err := at.slip(r.Context(), v, guess)
	if err == nil && f == nil {
		var checked verify.Checked
		if checked, err = at.check(r, v, guess); err == nil {
			if checked.Outcome == verify.OutcomeAccepted {
				v.AcceptedAt, v.Flash = at.p.Now().UTC().Truncate(time.Second), nil
				at.leave(w, r, v, "/done")
				return
			}
			f = &flash{Say: sayOutcome(checked.Outcome), Count: checked.Verification.GuessesLeft()}
		}
	}
	if err != nil {
		refused := at.refusal(r, err, v.to())
		f = &refused
	}
	f.Page = "/verify"
	at.leave(w, r, v.saying(*f), "/verify")
}

// slip finds what can be told about a guess without spending one; nil if nothing.
func (at *place) slip(ctx context.Context, v visit, guess string) (*flash, error) {
	typed := squeeze(guess)
	if typed == "" {
		return &flash{Say: sayCodeEmpty}, nil
	}
	row, err := at.p.Engine.Verification(ctx, v.Verification)
	if err != nil {
		return nil, err
	}
	if row == nil || row.CustomCode != nil || row.StatusAt(at.p.Now()) != verify.Pending || row.Code.Plausible(guess) {
		return nil, nil
	}
	if n := len([]rune(typed)); n != row.Code.Length {
		return &flash{Say: sayCodeLength, Count: n}, nil
	}
	return &flash{Say: sayCodeCharacter}, nil
}

// guess makes the check of a guess. A repetition of the same guess by the same
// browser, as by a double click, gets the answer of the first and spends nothing.
func (at *place) guess(v visit, text string) verify.Check {
	c := verify.Check{Tenant: at.tenant(), Verification: v.Verification, Guess: text}
	if len(text) <= maxOnce {
		id := v.Verification.String()
		stamp := sha256.Sum256([]byte("page check " + id))
		c.Once = &verify.Once{
			Key:         v.Token + ":" + id + ":" + strings.ToUpper(squeeze(text)),
			Fingerprint: [16]byte(stamp[:16]),
		}
	}
	return c
}

// squeeze leaves out what does not count in a code. Spellings that it leaves
// apart cost a guess each and do no other harm.
func squeeze(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text)
}

// sentBy says by which channel a code went that was on its way by another one.
var sentBy = map[verify.Channel]saying{
	verify.SMS: saySentSMS, verify.Call: saySentCall, verify.WhatsApp: saySentWhatsApp, verify.Email: saySentEmail,
}

// sendAgain is POST /resend: it sends the code again, by the same channel or another one,
// or, where that code has ended, a new one to the same address.
func (at *place) sendAgain(w http.ResponseWriter, r *http.Request) {
	fields, v, ok := at.mine(w, r)
	if !ok {
		return
	}
	sends, err := strconv.Atoi(fields.Get("sends"))
	if fields.Has("sends") && (err != nil || sends < 0 || sends > math.MaxInt32) {
		at.problem(w, r, http.StatusBadRequest)
		return
	}
	row, err := at.p.Engine.Verification(r.Context(), v.Verification)
	if err != nil {
		f := at.refusal(r, err, v.to())
		f.Page = "/verify"
		at.leave(w, r, v.saying(f), "/verify")
		return
	}
	_, mail := v.to().Mailbox()
	open := at.reaching(v.to())
	a := ask{to: v.to(), channel: open[0]}
	if row != nil && slices.Contains(open, row.Channel) {
		a.channel = row.Channel
	}
	if other := verify.Channel(fields.Get("channel")); slices.Contains(open, other) {
		a.channel = other
	}
	pending := row != nil && row.StatusAt(at.p.Now()) == verify.Pending
	f := flash{Say: saySentAgain}
	next := v
	switch {
	case pending && a.channel == row.Channel:
		_, err = at.resend(r, v, a.channel, sends)
	default:
		var begun verify.Started
		if begun, err = at.start(r, v, a); err == nil {
			next, f.Say = v.begin(begun.Verification, a.to), saySentNew
		}
		if pending {
			f.Say = sentBy[a.channel]
		}
	}
	if err != nil {
		f = at.refusal(r, err, a.to)
	}
	f.Page = "/verify"
	if f.Say == sayKind(verify.WorkNeeded) { // the first page has what a browser works on
		f.Page, f.Text, f.Mail, f.Channel = "/", at.retyped(a.to), mail, a.channel
	}
	at.leave(w, r, next.saying(f), f.Page)
}

// retyped is what a person would type into the field for an address.
func (at *place) retyped(to verify.Address) string {
	if !at.given.IsZero() {
		return ""
	}
	return to.Text()
}
