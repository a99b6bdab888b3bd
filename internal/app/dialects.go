package app

import (
	"net/http"

	"countersign/internal/message"
	"countersign/internal/openapi"
	"countersign/internal/proof"
	"countersign/internal/telnyxapi"
	"countersign/internal/twilioapi"
)

// mountDialects serves both wire formats and what describes them. They do not share a
// path: what is not Twilio's below /v2/ is Telnyx's.
func (a *App) mountDialects(mux *http.ServeMux, e *engine) error {
	mux.Handle("/v2/", telnyxapi.NewHandler(telnyxapi.Config{
		Engine: e, Directory: a.directory, Keys: a.keys, Proofs: a.proofs, Public: a.public, Now: a.clock, Log: a.log,
	}))
	twilio := twilioapi.NewHandler(twilioapi.Config{
		Engine: e, Directory: a.directory, Keys: a.keys, Locale: message.Match, Base: a.base, Now: a.clock, Log: a.log,
	})
	for _, path := range twilioapi.Prefixes() {
		mux.Handle(path, twilio)
	}
	mux.Handle("/docs/errors/", twilioapi.ErrorPages())
	mux.Handle("GET /v2/public_key", a.signer)
	mux.Handle(proof.Path, a.proofs)
	described, err := openapi.Handler()
	if err != nil {
		return err
	}
	for _, path := range []string{"/openapi.yaml", "/docs", "/docs/"} {
		mux.Handle(path, described)
	}
	return nil
}

// public is base where links to the pages may lead there: in production what a client
// writes as Host is believed for nothing that a person is sent to.
func (a *App) public(r *http.Request) string {
	if a.settings.publicURL == nil && !a.config.development() {
		return ""
	}
	return a.base(r)
}

// base is the address that a request came to, as people and programs outside see it.
func (a *App) base(r *http.Request) string {
	if u := a.settings.publicURL; u != nil {
		return u.Scheme + "://" + u.Host
	}
	return "http://" + r.Host
}
