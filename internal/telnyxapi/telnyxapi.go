// Package telnyxapi serves the wire format of Telnyx Verify v2, so that an
// application with an official Telnyx SDK needs another address and another key
// and nothing else (TELNYX_BASE_URL).
//
// The one idea: a handler reads a request into a command of the core, and turns
// the answer, or the refusal by one table, into Telnyx's form. The package decides
// nothing, and knows nothing of Telnyx as a carrier: that is deliver/telnyx.
// Where Telnyx's own pages contradict each other, what its SDKs read counts; the
// differences that remain are in docs/telnyx.md.
package telnyxapi

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"time"

	"countersign/internal/proof"
	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// Engine carries out commands and reads.
type Engine interface {
	Start(context.Context, verify.Start) (verify.Started, error)
	Check(context.Context, verify.Check) (verify.Checked, error)
	Cancel(context.Context, verify.Cancel) (verify.Verification, error)
	Approve(context.Context, verify.Approve) (verify.Verification, error)
	// Verification reads one; nil if there is none.
	Verification(context.Context, verify.ID) (*verify.Verification, error)
	// History reads those of a subject, the newest first.
	History(ctx context.Context, to verify.Target, limit int) ([]verify.Verification, error)
	// Deliveries reads a verification's messages, the first one first.
	Deliveries(context.Context, verify.ID) ([]verify.Delivery, error)

	OpenSession(context.Context, verify.OpenSession) (verify.Session, error)
	EndSession(context.Context, verify.EndSession) (verify.Session, error)
	Redeem(context.Context, verify.Redeem) (verify.Session, error)
	// Session reads one; nil if there is none.
	Session(context.Context, verify.ID) (*verify.Session, error)
}

// Config is what the handler needs.
type Config struct {
	Engine    Engine
	Directory *tenant.Directory
	Keys      *secret.Ring
	Proofs    *proof.Signer
	// Public is the address that people reach the pages at, as a request's scheme and
	// host; empty where the operator has not said it.
	Public func(*http.Request) string
	Now    func() time.Time
	Log    *slog.Logger
}

// maxBody bounds a request's body in bytes: a request holds a number and a code.
const maxBody = 64 << 10

type api struct{ Config }

// NewHandler serves everything below /v2/ that is Telnyx's.
func NewHandler(c Config) http.Handler {
	a := &api{c}
	mux := http.NewServeMux()
	for path, channel := range starts {
		mux.Handle("POST /v2/verifications/"+path, a.handle(tenant.ScopeVerify, func(r *request) (any, error) { return a.start(r, channel) }))
	}
	const verifications, profiles = "/v2/verifications", "/v2/verify_profiles"
	routes := map[string]route{
		"POST " + verifications:                                             {tenant.ScopeVerify, a.startOfType},
		"POST " + verifications + "/dtmf_confirm":                           {tenant.ScopeVerify, a.confirmByKey},
		"GET " + verifications + "/{id}":                                    {tenant.ScopeRead, a.retrieve},
		"GET " + verifications + "/{id}/{part}":                             {tenant.ScopeRead, a.part},
		"POST " + verifications + "/{id}/actions/verify":                    {tenant.ScopeVerify, a.checkByID},
		"GET " + verifications + "/by_phone_number/{phone}":                 {tenant.ScopeRead, a.listByNumber},
		"POST " + verifications + "/by_phone_number/{phone}/actions/verify": {tenant.ScopeVerify, a.checkByNumber},
		"GET " + profiles:                                                   {tenant.ScopeRead, a.listProfiles},
		"POST " + profiles:                                                  {tenant.ScopeManage, a.createProfile},
		"GET " + profiles + "/{id}":                                         {tenant.ScopeRead, a.retrieveProfile},
		"PATCH " + profiles + "/{id}":                                       {tenant.ScopeManage, a.updateProfile},
		"DELETE " + profiles + "/{id}":                                      {tenant.ScopeManage, a.deleteProfile},
		"GET " + profiles + "/templates":                                    {tenant.ScopeRead, a.listTemplates},
		"POST " + profiles + "/templates":                                   {tenant.ScopeManage, a.createTemplate},
		"PATCH " + profiles + "/templates/{id}":                             {tenant.ScopeManage, a.updateTemplate},
	}
	maps.Copy(routes, a.sessionRoutes())
	for pattern, route := range routes {
		mux.Handle(pattern, a.handle(route.scope, route.serve))
	}
	mux.Handle("/v2/", a.handle(tenant.ScopeRead, nowhere))
	return mux
}

// route is what a path needs of a key, and what it does.
type route struct {
	scope tenant.Scope
	serve func(*request) (any, error)
}

func nowhere(*request) (any, error) {
	return nil, problem(notFound, "", "The requested resource or URL could not be found.")
}

// request is a request of somebody known.
type request struct {
	*http.Request
	who  tenant.Principal
	body []byte
	head http.Header // of the answer
}

// handle authenticates, reads the body, and writes what serve returns: what stands in
// data, or a whole page of a list.
func (a *api) handle(scope tenant.Scope, serve func(*request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		answer, err := a.serve(w, r, scope, serve)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		if _, whole := answer.(page); !whole {
			answer = document{answer}
		}
		writeJSON(w, http.StatusOK, answer)
	})
}

func (a *api) serve(w http.ResponseWriter, r *http.Request, scope tenant.Scope, serve func(*request) (any, error)) (any, error) {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	who, ok, err := a.Directory.Bearer(r.Context(), strings.TrimSpace(key))
	if err != nil {
		return nil, err
	}
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		w.Header().Set("WWW-Authenticate", `Bearer realm="countersign"`)
		return nil, problem(unauthenticated, "", "No valid API key was given. Send one as «Authorization: Bearer KEY».")
	}
	if err := who.May(scope); err != nil {
		return nil, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	return serve(&request{r, who, body, w.Header()})
}

// once reads the Idempotency-Key. The fingerprint covers what was asked: where
// and with which body.
func (r *request) once() (*verify.Once, error) {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return nil, nil
	}
	if len(keys) > 1 || keys[0] == "" || len(keys[0]) > 255 {
		return nil, problem(badRequest, "", "Idempotency-Key must be given once and have 1 to 255 characters.")
	}
	sum := sha256.Sum256([]byte(r.Method + " " + r.URL.Path + "\n" + string(r.body)))
	return &verify.Once{Key: keys[0], Fingerprint: [16]byte(sum[:16])}, nil
}
