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
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"countersign/internal/phone"
	"countersign/internal/secret"
	"countersign/internal/verify"
)

// Engine carries out commands and reads.
type Engine interface {
	Start(context.Context, verify.Start) (verify.Started, error)
	Check(context.Context, verify.Check) (verify.Checked, error)
	Verification(context.Context, verify.ID) (*verify.Verification, error)
}

// Config is what the handler needs.
type Config struct {
	Engine Engine
	Keys   *secret.Ring
	// Authenticate names the tenant of an API key.
	Authenticate func(key string) (tenant string, ok bool)
	// Profile finds a tenant's profile.
	Profile func(tenant string, id verify.ID) (verify.Profile, bool)
	Now     func() time.Time
	Log     *slog.Logger
}

// maxBody bounds a request's body in bytes: a request holds a number and a code.
const maxBody = 64 << 10

type api struct{ Config }

// NewHandler serves everything below /v2/.
func NewHandler(c Config) http.Handler {
	a := &api{c}
	mux := http.NewServeMux()
	for path, channel := range map[string]verify.Channel{
		"sms": verify.SMS, "call": verify.Call, "whatsapp": verify.WhatsApp, "flashcall": verify.Flashcall,
	} {
		mux.Handle("POST /v2/verifications/"+path, a.handle(func(r *request) (any, error) { return a.start(r, channel) }))
	}
	mux.Handle("GET /v2/verifications/{id}", a.handle(a.retrieve))
	mux.Handle("POST /v2/verifications/{id}/actions/verify", a.handle(a.checkByID))
	mux.Handle("POST /v2/verifications/by_phone_number/{phone}/actions/verify", a.handle(a.checkByNumber))
	mux.Handle("/v2/", a.handle(func(*request) (any, error) {
		return nil, problem(notFound, "", "The requested resource or URL could not be found.")
	}))
	return mux
}

// request is a request of a known tenant.
type request struct {
	*http.Request
	tenant string
	body   []byte
}

// handle authenticates, reads the body, and writes what serve returns.
func (a *api) handle(serve func(*request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		answer, err := a.serve(w, r, serve)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, document{answer})
	})
}

func (a *api) serve(w http.ResponseWriter, r *http.Request, serve func(*request) (any, error)) (any, error) {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	tenant, ok := a.Authenticate(strings.TrimSpace(key))
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		w.Header().Set("WWW-Authenticate", `Bearer realm="countersign"`)
		return nil, problem(unauthenticated, "", "No valid API key was given. Send one as «Authorization: Bearer KEY».")
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	return serve(&request{r, tenant, body})
}

func (a *api) start(r *request, channel verify.Channel) (any, error) {
	var in startBody
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	number, err := parseNumber(in.PhoneNumber, "/phone_number")
	if err != nil {
		return nil, err
	}
	profile, err := a.profile(r.tenant, in.VerifyProfileID)
	if err != nil {
		return nil, err
	}
	once, err := r.once()
	if err != nil {
		return nil, err
	}
	cmd := verify.Start{
		Profile: profile, Channel: channel, Address: verify.Phone(number), Once: once,
	}
	if in.TimeoutSecs != nil {
		// Bounded before it is multiplied, so that no large number wraps round to
		// a small one; the core cuts what is too long.
		if *in.TimeoutSecs < 1 {
			return nil, problem(outOfRange, "/timeout_secs", "timeout_secs must be at least 1.")
		}
		cmd.Validity = time.Duration(min(*in.TimeoutSecs, 1<<20)) * time.Second
	}
	if in.CustomCode != nil {
		if *in.CustomCode == "" {
			return nil, problem(badLength, "/custom_code", "custom_code must be 4 to 10 letters or digits, or be left out.")
		}
		cmd.CustomCode = *in.CustomCode
	}
	started, err := a.Engine.Start(r.Context(), cmd)
	if err != nil {
		return nil, err
	}
	return a.show(started.Verification, verify.Phone(number)), nil
}

func (a *api) retrieve(r *request) (any, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	v, err := a.Engine.Verification(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if v == nil || v.Tenant != r.tenant {
		return nil, &verify.Error{Kind: verify.NotFound}
	}
	to, err := v.To(a.Keys)
	if err != nil {
		return nil, err
	}
	return a.show(*v, to), nil
}

func (a *api) checkByID(r *request) (any, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var in checkBody
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	return a.check(r, in, verify.Check{Tenant: r.tenant, Verification: id})
}

func (a *api) checkByNumber(r *request) (any, error) {
	number, err := parseNumber(new(r.PathValue("phone")), "/phone_number")
	if err != nil {
		return nil, err
	}
	var in checkBody
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	profile, err := a.profile(r.tenant, in.VerifyProfileID)
	if err != nil {
		return nil, err
	}
	target := verify.Target{Tenant: r.tenant, Profile: profile.ID, Address: verify.Phone(number)}
	return a.check(r, in, verify.Check{Tenant: r.tenant, Target: target})
}

func (a *api) check(r *request, in checkBody, cmd verify.Check) (any, error) {
	if in.Code == nil {
		return nil, problem(missing, "/code", "code is required.")
	}
	once, err := r.once()
	if err != nil {
		return nil, err
	}
	cmd.Guess, cmd.Once = *in.Code, once
	checked, err := a.Engine.Check(r.Context(), cmd)
	if err != nil {
		return nil, err
	}
	to, err := checked.Verification.To(a.Keys)
	if err != nil {
		return nil, err
	}
	return checkAnswer{to.Text(), responseCodes[checked.Outcome].code, responseCodes[checked.Outcome].reason}, nil
}

func (a *api) profile(tenant string, text *string) (verify.Profile, error) {
	if text == nil {
		return verify.Profile{}, problem(missing, "/verify_profile_id", "verify_profile_id is required.")
	}
	id, err := uuid.Parse(*text)
	if err != nil || len(*text) != 36 {
		return verify.Profile{}, problem(badParameter, "/verify_profile_id", "verify_profile_id must be a UUID.")
	}
	p, ok := a.Profile(tenant, id)
	if !ok {
		return verify.Profile{}, problem(notFound, "/verify_profile_id", "No verify profile has this id.")
	}
	return p, nil
}

// parseNumber takes what stands for a number, E.164 as Telnyx demands.
func parseNumber(text *string, pointer string) (phone.Number, error) {
	if text == nil {
		return phone.Number{}, problem(missing, pointer, "phone_number is required.")
	}
	n, err := phone.ParseE164(*text)
	if err != nil {
		return phone.Number{}, numberProblem(err, pointer)
	}
	return n, nil
}

func parseID(text string) (verify.ID, error) {
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return verify.ID{}, problem(notFound, "/verification_id", "No verification has this id.")
	}
	return id, nil
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
