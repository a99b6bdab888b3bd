package pages

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"countersign/internal/verify"
)

// sessionPath is what the addresses of sessions begin with.
const sessionPath = "/s/"

// place is where a request is: at the root, with the tutorial's own flow, or in a session,
// with the same pages below its link. It knows what differs.
type place struct {
	p       *pages
	words   *catalogue
	base    string          // what paths begin with: "" or "/s/LINK"
	session *verify.Session // nil at the root
	app     string          // whom the code is for; empty: nobody says
	given   verify.Address  // that the application named; zero: the person is asked
	others  []string        // names of the browser's cookies of other sessions
}

// path is a page's address in this place. The first page of a session is the link itself.
func (at *place) path(page string) string {
	if page == "/" && at.base != "" {
		return at.base
	}
	return at.base + page
}

// root is the place of what belongs to no session.
func (p *pages) root(r *http.Request) *place {
	return &place{p: p, words: p.wordsFor(r, ""), app: p.Profile.AppName}
}

// at finds the place of a request and the page in it. A link that no session has is a
// place without one, and page is "" then.
func (p *pages) at(r *http.Request) (at *place, page string, err error) {
	at = p.root(r)
	rest, inSession := strings.CutPrefix(r.URL.Path, sessionPath)
	if !inSession {
		return at, r.URL.Path, nil
	}
	link, page, _ := strings.Cut(rest, "/")
	id, ok := verify.LinkOf(link)
	if !ok {
		return at, "", nil
	}
	s, err := p.Engine.Session(r.Context(), id)
	if err != nil || s == nil || !s.Opens(p.Keys, link) {
		return at, "", err
	}
	at.words, at.base, at.session = p.wordsFor(r, s.Details.Locale), sessionPath+link, s
	for _, c := range r.Cookies() {
		if own := at.cookieName(); strings.HasPrefix(c.Name, own[:strings.LastIndexByte(own, '-')+1]) && c.Name != own {
			at.others = append(at.others, c.Name)
		}
	}
	if at.app, err = p.AppName(r.Context(), *s); err != nil {
		return at, "", err
	}
	if at.app == "" {
		_, at.app, _ = strings.Cut(at.origin(), "://") // whom the person comes from, at the least
	}
	if s.Details.Given {
		at.given, err = s.To(p.Keys)
	}
	return at, "/" + page, err
}

// channels are those that the person may choose of, for a kind of address.
func (at *place) channels(mail bool) []verify.Channel {
	all := []verify.Channel{verify.SMS}
	if at.session != nil {
		all = at.session.Details.Channels
	}
	return slices.DeleteFunc(slices.Clone(all), func(ch verify.Channel) bool { return (ch == verify.Email) != mail })
}

// reaching are those of them that can bring a code to an address, or all if none can: the
// refusal says why then.
func (at *place) reaching(to verify.Address) []verify.Channel {
	_, mail := to.Mailbox()
	all := at.channels(mail)
	able := slices.DeleteFunc(slices.Clone(all), func(ch verify.Channel) bool { return !verify.Reaches(ch, to) })
	if len(able) == 0 {
		return all
	}
	return able
}

// rules are those of a channel here. Refusals: of what reads them.
func (at *place) rules(ctx context.Context, ch verify.Channel) (verify.Profile, error) {
	if at.session == nil {
		return at.p.Profile, nil
	}
	return at.p.Rules(ctx, *at.session, ch, at.words.language)
}

// ask is a code that somebody asks for.
type ask struct {
	to      verify.Address
	channel verify.Channel
	worked  bool // the browser has done what it was asked to do
}

// start asks the engine for a code.
func (at *place) start(r *http.Request, v visit, a ask) (verify.Started, error) {
	profile, err := at.rules(r.Context(), a.channel)
	if err != nil {
		return verify.Started{}, err
	}
	cmd := verify.Start{
		Profile: profile, Channel: a.channel, Address: a.to, Network: at.p.Network(r), Worked: a.worked,
	}
	if at.session == nil {
		return at.p.Engine.Start(r.Context(), cmd)
	}
	cmd.Purpose = at.session.Purpose()
	return at.p.Engine.StartSession(r.Context(), verify.SessionStart{Session: at.session.ID, Browser: v.browser(), Start: cmd})
}

// resend asks the engine for the same message once more.
func (at *place) resend(r *http.Request, v visit, ch verify.Channel, sends int) (verify.Started, error) {
	profile, err := at.rules(r.Context(), ch)
	if err != nil {
		return verify.Started{}, err
	}
	cmd := verify.Resend{
		Tenant: profile.Tenant, Verification: v.Verification, Sends: sends, Network: at.p.Network(r), Quotas: profile.Quotas,
	}
	if profile.Joint {
		cmd.Joint = v.to()
	}
	if at.session == nil {
		return at.p.Engine.Resend(r.Context(), cmd)
	}
	return at.p.Engine.ResendSession(r.Context(), verify.SessionResend{Session: at.session.ID, Browser: v.browser(), Resend: cmd})
}

// check asks the engine whether a guess is right.
func (at *place) check(r *http.Request, v visit, guess string) (verify.Checked, error) {
	cmd := at.guess(v, guess)
	if at.session == nil {
		return at.p.Engine.Check(r.Context(), cmd)
	}
	return at.p.Engine.CheckSession(r.Context(), verify.SessionCheck{Session: at.session.ID, Browser: v.browser(), Check: cmd})
}

func (at *place) tenant() string {
	if at.session == nil {
		return at.p.Profile.Tenant
	}
	return at.session.Tenant
}

// home is where the person goes back to, with what the application is to know.
func (at *place) home(pairs ...string) string {
	u, err := url.Parse(at.session.Details.ReturnURL)
	if err != nil {
		return "" // a profile takes no such address
	}
	q := u.RawQuery
	add := func(name, value string) {
		if value == "" {
			return
		}
		if q != "" {
			q += "&"
		}
		q += name + "=" + url.QueryEscape(value)
	}
	add("session_id", at.session.ID.String())
	for i := 0; i+1 < len(pairs); i += 2 {
		add(pairs[i], pairs[i+1])
	}
	u.RawQuery = q
	return u.String()
}

// origin is the return URL's, to which alone a pop-up's result is posted.
func (at *place) origin() string {
	u, err := url.Parse(at.session.Details.ReturnURL)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
