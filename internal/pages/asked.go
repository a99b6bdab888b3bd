package pages

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"countersign/internal/mailbox"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

// typedIn is what stood in the form's field, for the form to show again.
func typedIn(fields url.Values) flash {
	if fields.Has("email") {
		return flash{Text: clip(fields.Get("email"), maxMail), Mail: true}
	}
	return flash{Text: clip(either(fields, "phone", "phone_number"), maxNumber), Country: clip(fields.Get("country"), 2)}
}

// asked reads what a person asks for, or says what is wrong with it.
func (at *place) asked(fields url.Values) (ask, *flash) {
	f := typedIn(fields)
	f.Page = "/"
	var a ask
	if at.given.IsZero() {
		var wrong saying
		if a.to, wrong = at.typed(f, fields); wrong != "" {
			f.Say = wrong
			return ask{}, &f
		}
	} else {
		a.to = at.given
	}
	open := at.reaching(a.to)
	if len(open) == 0 {
		f.Say = sayChannel
		return ask{}, &f
	}
	a.channel = open[0]
	if fields.Has("channel") {
		if a.channel = verify.Channel(fields.Get("channel")); !slices.Contains(open, a.channel) {
			f.Say = sayChannel
			return ask{}, &f
		}
	}
	return a, nil
}

// typed reads the address typed. It reads what typedIn kept and no more: work is done for
// that, and would be good for every number that stands behind enough dots.
func (at *place) typed(f flash, fields url.Values) (verify.Address, saying) {
	if f.Mail {
		if utf8.RuneCountInString(fields.Get("email")) > maxMail {
			return verify.Address{}, sayEmailUnknown
		}
		m, err := mailbox.Parse(f.Text)
		if err != nil {
			return verify.Address{}, sayMailbox(err)
		}
		return verify.Mail(m), ""
	}
	if utf8.RuneCountInString(either(fields, "phone", "phone_number")) > maxNumber {
		return verify.Address{}, sayNumberLong
	}
	region := at.p.Region
	if chosen, err := phone.Region(f.Country); err == nil && chosen != "" {
		region = chosen
	}
	number, err := phone.Parse(f.Text, region)
	if err != nil {
		return verify.Address{}, sayNumber(err)
	}
	return verify.Phone(number), ""
}

// refusal says why a command was refused. Whatever is no refusal is our fault,
// and so logged.
func (at *place) refusal(r *http.Request, err error, to verify.Address) flash {
	e, ok := errors.AsType[*verify.Error](err)
	if !ok {
		at.p.logFault(r, err)
		return flash{Say: sayFault}
	}
	f := flash{Say: sayKind(e.Kind), Wait: int(math.Ceil(e.Wait.Seconds()))}
	switch e.Kind {
	case verify.NumberType:
		number, _ := to.Number()
		if s := sayType(number.Type()); at.words.has(s) {
			f.Say = s
		}
	case verify.Invalid:
		if s := sayField(e.Field); at.words.has(s) {
			f.Say = s
		}
	case verify.Unavailable, verify.NoChannel:
		at.p.Log.WarnContext(r.Context(), "a page could not do what was asked", "path", r.Pattern, "cause", err)
	}
	return f
}

func (p *pages) logFault(r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the visitor went away: nobody's fault
	}
	p.Log.ErrorContext(r.Context(), "a page failed", "path", r.Pattern, "cause", err)
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

// sayMailbox maps why a text is no e-mail address.
func sayMailbox(err error) saying {
	switch {
	case errors.Is(err, mailbox.ErrEmpty):
		return sayEmailEmpty
	case errors.Is(err, mailbox.ErrDomain), errors.Is(err, mailbox.ErrTooLong):
		return sayEmailUnknown
	}
	return sayEmailShape
}

// clip cuts what goes into a cookie.
func clip(text string, most int) string {
	letters := []rune(strings.ToValidUTF8(text, "�"))
	return string(letters[:min(len(letters), most)])
}
