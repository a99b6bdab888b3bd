package pages

import (
	"context"
	"crypto/sha256"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"countersign/internal/phone"
	"countersign/internal/verify"
)

// maxOnce bounds the guesses that are remembered for a double click; no code is
// nearly as long.
const maxOnce = 64

// start is POST /request: it sends a code to the number typed.
func (p *pages) start(w http.ResponseWriter, r *http.Request) {
	fields, ok := p.form(w, r)
	if !ok {
		return
	}
	s, typed := p.session(r), either(fields, "phone", "phone_number")
	number, err := phone.Parse(typed, p.Region)
	if err != nil {
		p.leave(w, r, s.saying(flash{Page: "/", Say: sayNumber(err), Text: clip(typed)}), "/")
		return
	}
	begun, err := p.begin(r, number)
	if err == nil {
		p.leave(w, r, s.begin(begun.Verification, number), "/verify")
		return
	}
	if f := p.refusal(r, err, number); p.waiting(r.Context(), s, number, err) {
		f.Page, f.Say = "/verify", sayStillGood
		p.leave(w, r, s.saying(f), "/verify")
	} else {
		f.Page, f.Text = "/", clip(typed)
		p.leave(w, r, s.saying(f), "/")
	}
}

func (p *pages) begin(r *http.Request, number phone.Number) (verify.Started, error) {
	return p.Engine.Start(r.Context(), verify.Start{
		Profile: p.Profile, Channel: verify.SMS, Address: verify.Phone(number), Network: p.Network(r),
	})
}

// waiting says whether a start was refused only because this browser has a code
// for the same number already: the code form is what the person wants then.
func (p *pages) waiting(ctx context.Context, s session, number phone.Number, refusal error) bool {
	kind := verify.KindOf(refusal)
	if kind != verify.Cooldown && kind != verify.TooManySends {
		return false
	}
	if !s.begun() || s.accepted() || !s.number().Equal(number) {
		return false
	}
	v, err := p.Engine.Verification(ctx, s.Verification)
	return err == nil && v != nil && v.StatusAt(p.Now()) == verify.Pending
}

// mine reads a form about the verification of this browser. Where there is none
// any more, or the form belongs to another one, the person has been sent to the
// page that helps and ok is false.
func (p *pages) mine(w http.ResponseWriter, r *http.Request) (fields url.Values, s session, ok bool) {
	fields, ok = p.form(w, r)
	if !ok {
		return nil, session{}, false
	}
	s = p.session(r)
	switch {
	case !s.begun():
		p.leave(w, r, s.saying(flash{Page: "/", Say: sayNoSession}), "/")
	case fields.Has("v") && fields.Get("v") != s.Verification.String():
		p.leave(w, r, s.saying(flash{Page: "/verify", Say: sayOtherTab}), "/verify")
	case s.accepted():
		http.Redirect(w, r, "/done", http.StatusSeeOther)
	default:
		return fields, s, true
	}
	return nil, session{}, false
}

// check is POST /verify: it checks the code typed.
func (p *pages) check(w http.ResponseWriter, r *http.Request) {
	fields, s, ok := p.mine(w, r)
	if !ok {
		return
	}
	guess := either(fields, "code", "token")
	f, err := p.slip(r.Context(), s, guess)
	if err == nil && f == nil {
		var checked verify.Checked
		if checked, err = p.Engine.Check(r.Context(), p.guess(s, guess)); err == nil {
			if checked.Outcome == verify.OutcomeAccepted {
				s.AcceptedAt, s.Flash = p.Now().UTC().Truncate(time.Second), nil
				p.leave(w, r, s, "/done")
				return
			}
			f = &flash{Say: sayOutcome(checked.Outcome), Count: checked.Verification.GuessesLeft()}
		}
	}
	if err != nil {
		refused := p.refusal(r, err, s.number())
		f = &refused
	}
	f.Page = "/verify"
	p.leave(w, r, s.saying(*f), "/verify")
}

// slip finds what can be told about a guess without spending one; nil if nothing.
func (p *pages) slip(ctx context.Context, s session, guess string) (*flash, error) {
	typed := squeeze(guess)
	if typed == "" {
		return &flash{Say: sayCodeEmpty}, nil
	}
	v, err := p.Engine.Verification(ctx, s.Verification)
	if err != nil {
		return nil, err
	}
	if v == nil || v.CustomCode != nil || v.StatusAt(p.Now()) != verify.Pending || v.Code.Plausible(guess) {
		return nil, nil
	}
	if n := len([]rune(typed)); n != v.Code.Length {
		return &flash{Say: sayCodeLength, Count: n}, nil
	}
	return &flash{Say: sayCodeCharacter}, nil
}

// guess makes the check of a guess. A repetition of the same guess by the same
// browser, as by a double click, gets the answer of the first and spends nothing.
func (p *pages) guess(s session, text string) verify.Check {
	c := verify.Check{Tenant: p.Profile.Tenant, Verification: s.Verification, Guess: text}
	if len(text) <= maxOnce {
		id := s.Verification.String()
		stamp := sha256.Sum256([]byte("page check " + id))
		c.Once = &verify.Once{
			Key:         s.Token + ":" + id + ":" + strings.ToUpper(squeeze(text)),
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

// resend is POST /resend: it sends the code again or, where that one has ended,
// a new one to the same number.
func (p *pages) resend(w http.ResponseWriter, r *http.Request) {
	fields, s, ok := p.mine(w, r)
	if !ok {
		return
	}
	sends, err := strconv.Atoi(fields.Get("sends"))
	if fields.Has("sends") && (err != nil || sends < 0 || sends > math.MaxInt32) {
		p.problem(http.StatusBadRequest).ServeHTTP(w, r)
		return
	}
	next, f := s, flash{Say: saySentAgain}
	v, err := p.Engine.Verification(r.Context(), s.Verification)
	switch {
	case err != nil:
	case v != nil && v.StatusAt(p.Now()) == verify.Pending:
		_, err = p.Engine.Resend(r.Context(), verify.Resend{
			Tenant: p.Profile.Tenant, Verification: v.ID, Sends: sends, Network: p.Network(r), Quotas: p.Profile.Quotas,
		})
	default:
		var begun verify.Started
		if begun, err = p.begin(r, s.number()); err == nil {
			next, f.Say = s.begin(begun.Verification, s.number()), saySentNew
		}
	}
	if err != nil {
		f = p.refusal(r, err, s.number())
	}
	f.Page = "/verify"
	p.leave(w, r, next.saying(f), "/verify")
}

// refusal says why a command was refused. Whatever is no refusal is our fault,
// and so logged.
func (p *pages) refusal(r *http.Request, err error, number phone.Number) flash {
	e, ok := errors.AsType[*verify.Error](err)
	if !ok {
		p.logFault(r, err)
		return flash{Say: sayFault}
	}
	f := flash{Say: sayKind(e.Kind), Wait: int(math.Ceil(e.Wait.Seconds()))}
	switch e.Kind {
	case verify.NumberType:
		if s := sayType(number.Type()); p.words.has(s) {
			f.Say = s
		}
	case verify.Invalid:
		if s := sayField(e.Field); p.words.has(s) {
			f.Say = s
		}
	case verify.Unavailable, verify.NoChannel:
		p.Log.WarnContext(r.Context(), "a page could not do what was asked", "path", r.URL.Path, "cause", err)
	}
	return f
}

func (p *pages) logFault(r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the visitor went away: nobody's fault
	}
	p.Log.ErrorContext(r.Context(), "a page failed", "path", r.URL.Path, "cause", err)
}

// sayNumber maps why a text is no number.
func sayNumber(err error) saying {
	for _, row := range []struct {
		err error
		say saying
	}{
		{phone.ErrEmpty, sayNumberEmpty},
		{phone.ErrCharacter, sayNumberCharacter},
		{phone.ErrTooShort, sayNumberShort},
		{phone.ErrTooLong, sayNumberLong},
		{phone.ErrCountry, sayNumberCountry},
	} {
		if errors.Is(err, row.err) {
			return row.say
		}
	}
	return sayNumberUnknown
}

// clip cuts what goes into a cookie.
func clip(text string) string {
	letters := []rune(strings.ToValidUTF8(text, "�"))
	return string(letters[:min(len(letters), maxFlashText)])
}
