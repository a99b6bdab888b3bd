// Package twilioapi serves the wire format of Twilio Verify v2, so that an application
// with an official Twilio SDK needs an HTTP client that sends its requests elsewhere,
// and another account, and nothing else.
//
// The one idea: a handler reads a form into a command of the core or a record of
// package tenant, and turns the answer, or the refusal by one table, into Twilio's form.
// A service is a profile, a sid is a record's id under two letters, and an attempt is a
// delivery: the Telnyx dialect reads what this one made, and the other way round. The
// package decides nothing and sends nothing.
//
// NewHandler is to be mounted at the paths of Prefixes:
//
//	/v2/Services  /v2/Services/  /v2/Attempts  /v2/Attempts/
//	/v2/Templates  /v2/SafeList/  /v2/Forms/
//
// and ErrorPages, which every refusal's more_info points at, at /docs/errors/.
//
// Not here: entities, factors, challenges, access tokens, forms and passkeys, which
// answer 20404. Lookups are not made: lookup is always {}. What else differs, and why,
// is in docs/twilio.md.
package twilioapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"

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
	// Verification is nil if there is none; the caller looks whose it is.
	Verification(context.Context, verify.ID) (*verify.Verification, error)
	// Newest is the newest verification of a target; nil if there is none.
	Newest(context.Context, verify.Target) (*verify.Verification, error)
	Deliveries(context.Context, verify.ID) ([]verify.Delivery, error)
	// Attempts are deliveries with their verifications, the newest first.
	Attempts(context.Context, verify.AttemptQuery) ([]verify.Job, error)
}

// Config is what the handler needs.
type Config struct {
	Engine    Engine
	Directory *tenant.Directory
	Keys      *secret.Ring
	// Locale finds the locale of package message that a caller's word stands for.
	Locale func(string) (string, bool)
	// Base is the address that a request came to, such as https://verify.example.com,
	// without a slash at its end: answers hold whole addresses.
	Base func(*http.Request) string
	Now  func() time.Time
	Log  *slog.Logger
}

// Prefixes are the paths that the handler of NewHandler answers at; one that ends in a
// slash stands for all below it.
func Prefixes() []string {
	return []string{
		"/v2/Services", "/v2/Services/", "/v2/Attempts", "/v2/Attempts/", "/v2/Templates", "/v2/SafeList/", "/v2/Forms/",
	}
}

type api struct{ Config }

// request is a request of somebody known.
type request struct {
	*http.Request
	who  tenant.Principal
	base string
	body []byte
	form *form       // of the body, or of the query where there is none
	head http.Header // of the answer
}

// serve answers a request with what is to be written as JSON; nil is no body.
type serve func(*request) (any, error)

// route is one thing that can be asked for.
type route struct {
	pattern string
	scope   tenant.Scope
	status  int // of the answer
	serve   serve
}

// NewHandler serves everything below Prefixes.
func NewHandler(c Config) http.Handler {
	a := &api{c}
	mux := http.NewServeMux()
	for _, r := range a.routes() {
		mux.Handle(r.pattern, a.handle(r))
	}
	for _, p := range Prefixes() {
		mux.Handle(p, a.handle(route{"", tenant.ScopeRead, 0, func(*request) (any, error) { return nil, notFound() }}))
	}
	return mux
}

// routes lists all that can be asked for.
func (a *api) routes() []route {
	const (
		read, act, manage = tenant.ScopeRead, tenant.ScopeVerify, tenant.ScopeManage
		ok, created, gone = http.StatusOK, http.StatusCreated, http.StatusNoContent
		service           = "/v2/Services/{service}"
		limit             = service + "/RateLimits/{limit}"
	)
	return []route{
		{"POST /v2/Services", manage, created, a.createService},
		{"GET /v2/Services", read, ok, a.listServices},
		{"GET " + service, read, ok, a.in(a.fetchService)},
		{"POST " + service, manage, ok, a.in(a.updateService)},
		{"DELETE " + service, manage, gone, a.in(a.deleteService)},

		{"POST " + service + "/Verifications", act, created, a.in(a.start)},
		{"GET " + service + "/Verifications/{verification}", read, ok, a.in(a.fetch)},
		{"POST " + service + "/Verifications/{verification}", act, ok, a.in(a.update)},
		{"POST " + service + "/VerificationCheck", act, created, a.in(a.check)},

		{"GET /v2/Attempts", read, ok, a.listAttempts},
		{"GET /v2/Attempts/Summary", read, ok, a.summary},
		{"GET /v2/Attempts/{attempt}", read, ok, a.fetchAttempt},

		{"POST " + service + "/RateLimits", manage, created, a.in(a.createLimit)},
		{"GET " + service + "/RateLimits", read, ok, a.in(a.listLimits)},
		{"GET " + limit, read, ok, a.under(a.fetchLimit)},
		{"POST " + limit, manage, ok, a.under(a.updateLimit)},
		{"DELETE " + limit, manage, gone, a.under(a.deleteLimit)},
		{"POST " + limit + "/Buckets", manage, created, a.under(a.createBucket)},
		{"GET " + limit + "/Buckets", read, ok, a.under(a.listBuckets)},
		{"GET " + limit + "/Buckets/{bucket}", read, ok, a.under(a.fetchBucket)},
		{"POST " + limit + "/Buckets/{bucket}", manage, ok, a.under(a.updateBucket)},
		{"DELETE " + limit + "/Buckets/{bucket}", manage, gone, a.under(a.deleteBucket)},

		{"POST " + service + "/MessagingConfigurations", manage, created, a.in(a.createSender)},
		{"GET " + service + "/MessagingConfigurations", read, ok, a.in(a.listSenders)},
		{"GET " + service + "/MessagingConfigurations/{country}", read, ok, a.in(a.fetchSender)},
		{"POST " + service + "/MessagingConfigurations/{country}", manage, ok, a.in(a.updateSender)},
		{"DELETE " + service + "/MessagingConfigurations/{country}", manage, gone, a.in(a.deleteSender)},

		{"POST " + service + "/Webhooks", manage, created, a.in(a.createWebhook)},
		{"GET " + service + "/Webhooks", read, ok, a.in(a.listWebhooks)},
		{"GET " + service + "/Webhooks/{webhook}", read, ok, a.in(a.fetchWebhook)},
		{"POST " + service + "/Webhooks/{webhook}", manage, ok, a.in(a.updateWebhook)},
		{"DELETE " + service + "/Webhooks/{webhook}", manage, gone, a.in(a.deleteWebhook)},

		{"GET /v2/Templates", read, ok, a.listTemplates},
		{"POST /v2/SafeList/Numbers", manage, created, a.addSafe},
		{"GET /v2/SafeList/Numbers/{number}", read, ok, a.fetchSafe},
		{"DELETE /v2/SafeList/Numbers/{number}", manage, gone, a.dropSafe},
	}
}

// in finds the service that a path names.
func (a *api) in(serve func(*request, tenant.Profile) (any, error)) serve {
	return func(r *request) (any, error) {
		id, ok := idOf(sidService, r.PathValue("service"))
		if !ok {
			return nil, notFound()
		}
		p, err := a.Directory.Profile(r.Context(), r.who.Tenant, id)
		if err != nil {
			return nil, err
		}
		return serve(r, p)
	}
}

// handle authenticates, reads the form, and writes what the route serves.
func (a *api) handle(to route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		answer, err := a.serve(w, r, to)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		if answer == nil {
			w.WriteHeader(to.status)
			return
		}
		writeJSON(w, to.status, answer)
	})
}

func (a *api) serve(w http.ResponseWriter, r *http.Request, to route) (any, error) {
	who, err := a.authenticate(w, r)
	if err != nil {
		return nil, err
	}
	if err := who.May(to.scope); err != nil {
		return nil, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	f, err := readForm(r, body)
	if err != nil {
		return nil, err
	}
	return to.serve(&request{r, who, a.Base(r), body, f, w.Header()})
}

func (a *api) authenticate(w http.ResponseWriter, r *http.Request) (tenant.Principal, error) {
	user, password, given := r.BasicAuth()
	if given {
		who, ok, err := a.Directory.Basic(r.Context(), user, password)
		if ok || err != nil {
			return who, err
		}
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="countersign", charset="UTF-8"`)
	return tenant.Principal{}, refuse(codeAuthenticate,
		"Authenticate: send an account sid (AC...) or a key sid (SK...) as the user name and an API key as the password.")
}
