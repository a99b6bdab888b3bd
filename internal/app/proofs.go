package app

import (
	"context"
	"crypto/rand"
	"net/http"

	"countersign/internal/message"
	"countersign/internal/proof"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// openProofs makes what signs and reads proofs.
func (a *App) openProofs(st tenant.Store) {
	a.subjects = &tenant.Seed{
		Name: "subjects", Place: "subject_key seed", ID: verify.ID{6: 0x80, 8: 0x80, 15: 2},
		Store: st, Keys: a.keys, Now: a.clock, Random: rand.Reader,
	}
	a.proofs = &proof.Signer{Keys: a.keys, Subjects: a.subjects.Bytes, Now: a.clock}
}

// sessionRules are the rules of a session's profile for a channel.
func (a *App) sessionRules(ctx context.Context, s verify.Session, ch verify.Channel, locale string) (verify.Profile, error) {
	p, err := a.directory.Profile(ctx, s.Tenant, s.Profile)
	if err != nil {
		return verify.Profile{}, err
	}
	if _, ok := message.Match(locale); !ok {
		locale = "" // the pages speak a language that the messages do not
	}
	rules, err := a.directory.Rules(ctx, p, ch, verify.ID{}, locale)
	rules.Domain = a.pagesDomain() // the code is typed here, whatever page the profile's others are for
	return rules, err
}

// sessionApp is whom a session's code is for.
func (a *App) sessionApp(ctx context.Context, s verify.Session) (string, error) {
	p, err := a.directory.Profile(ctx, s.Tenant, s.Profile)
	if err != nil {
		return "", err
	}
	name := p.Effective(s.Details.Channels[0]).AppName
	if name == "" && !p.Fixed && tenant.AppName(p.Name) == nil {
		name = p.Name
	}
	return name, nil
}

// prove makes the proof of a verified session, in the name that its application knows the
// service by.
func (a *App) prove(r *http.Request, s verify.Session) (string, error) {
	return a.proofs.Sign(r.Context(), a.public(r), s)
}
