package app

import (
	"context"
	"net/http"

	"countersign/internal/message"
	"countersign/internal/telnyxapi"
	"countersign/internal/twilioapi"
	"countersign/internal/verify"
)

// mountDialects serves both wire formats. They do not share a path: what is not
// Twilio's below /v2/ is Telnyx's.
func (a *App) mountDialects(ctx context.Context, mux *http.ServeMux, e *engine) {
	ctx = context.WithoutCancel(ctx)
	mux.Handle("/v2/", telnyxapi.NewHandler(telnyxapi.Config{
		Engine: e, Keys: a.keys, Now: a.clock, Log: a.log,
		Authenticate: func(key string) (string, bool) {
			p, ok, err := a.directory.Bearer(ctx, key)
			return p.Tenant, ok && err == nil
		},
		Profile: func(owner string, id verify.ID) (verify.Profile, bool) {
			p, err := a.directory.Profile(ctx, owner, id)
			if err != nil {
				return verify.Profile{}, false
			}
			rules, err := a.directory.Rules(ctx, p, verify.SMS, verify.ID{}, "")
			return rules, err == nil
		},
	}))
	twilio := twilioapi.NewHandler(twilioapi.Config{
		Engine: e, Directory: a.directory, Keys: a.keys, Locale: message.Match, Base: a.base, Now: a.clock, Log: a.log,
	})
	for _, path := range twilioapi.Prefixes() {
		mux.Handle(path, twilio)
	}
	mux.Handle("/docs/errors/", twilioapi.ErrorPages())
	mux.Handle("GET /v2/public_key", a.signer)
}

// base is the address that a request came to, as people and programs outside see it.
func (a *App) base(r *http.Request) string {
	if u := a.settings.publicURL; u != nil {
		return u.Scheme + "://" + u.Host
	}
	return "http://" + r.Host
}
