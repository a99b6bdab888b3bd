package telnyxapi

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"countersign/internal/verify"
)

// startBody is the body of POST /verifications/{channel}. Fields that Telnyx
// knows and this release does not are passed over, as SDKs add them at will.
type startBody struct {
	PhoneNumber     *string `json:"phone_number"`
	VerifyProfileID *string `json:"verify_profile_id"`
	CustomCode      *string `json:"custom_code"`
	TimeoutSecs     *int64  `json:"timeout_secs"`
	Extension       *string `json:"extension"` // of a call: keys that are pressed when it is taken
	Type            *string `json:"type"`      // of POST /verifications alone
}

// checkBody is the body of …/actions/verify.
type checkBody struct {
	Code            *string `json:"code"`
	Status          *string `json:"status"` // by id alone
	VerifyProfileID *string `json:"verify_profile_id"`
}

// document is the body of an answer that is no refusal.
type document struct {
	Data any `json:"data"`
}

// verification is a verification as Telnyx shows it. CustomCode is always null:
// no answer shows a code, the caller's own included.
type verification struct {
	ID              string  `json:"id"`
	RecordType      string  `json:"record_type"`
	Type            string  `json:"type"`
	PhoneNumber     string  `json:"phone_number"`
	VerifyProfileID string  `json:"verify_profile_id"`
	Status          string  `json:"status"`
	TimeoutSecs     int     `json:"timeout_secs"`
	CustomCode      *string `json:"custom_code"`
	CreatedAt       string  `json:"created_at"`
	UpdatedAt       string  `json:"updated_at"`
}

// checkAnswer is the answer to a check. Telnyx has no reason; its SDKs pass it
// over, and whoever looks sees why a code was rejected.
type checkAnswer struct {
	PhoneNumber  string `json:"phone_number"`
	ResponseCode string `json:"response_code"`
	Reason       string `json:"reason,omitzero"`
}

// naive is Telnyx's form of an instant: UTC, microseconds, no zone.
const naive = "2006-01-02T15:04:05.000000"

// statuses maps the core's statuses to Telnyx's: pending, accepted, invalid,
// expired, error.
var statuses = map[verify.Status]string{
	verify.Pending:   "pending",
	verify.Accepted:  "accepted",
	verify.Canceled:  "invalid",
	verify.Exhausted: "invalid",
	verify.Expired:   "expired",
}

// responseCodes maps outcomes to the two response codes that the SDKs know. The
// vendor's pages name more (expired, max_attempts_exceeded), but an SDK's type
// would not hold them, so those are the reason.
var responseCodes = map[verify.Outcome]struct{ code, reason string }{
	verify.OutcomeAccepted:  {"accepted", ""},
	verify.OutcomeWrong:     {"rejected", "wrong_code"},
	verify.OutcomeExhausted: {"rejected", "max_attempts_exceeded"},
	verify.OutcomeLocked:    {"rejected", "number_locked"},
	verify.OutcomeExpired:   {"rejected", "expired"},
	verify.OutcomeUsed:      {"rejected", "already_used"},
	verify.OutcomeCanceled:  {"rejected", "canceled"},
}

// show is the verification in Telnyx's form.
func (a *api) show(v verify.Verification, to verify.Address) verification {
	return verification{
		ID: v.ID.String(), RecordType: "verification", Type: string(v.Channel), PhoneNumber: to.Text(),
		VerifyProfileID: v.Profile.String(), Status: statuses[v.StatusAt(a.Now())],
		TimeoutSecs: int(v.ExpiresAt.Sub(v.CreatedAt) / time.Second),
		CreatedAt:   v.CreatedAt.UTC().Format(naive), UpdatedAt: v.UpdatedAt.UTC().Format(naive),
	}
}

// readBody reads the whole body, so that nothing is decided on half a request.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, problem(tooLarge, "", "The body must not be larger than 64 KiB.")
	}
	if err != nil {
		return nil, problem(badRequest, "", "The body could not be read to its end.")
	}
	return body, nil
}

// decode reads the body strictly: a name given twice, trailing bytes, invalid
// UTF-8 and wrong types are refused; unknown names are passed over, as SDKs of other
// versions send them.
func (r *request) decode(to any) error { return r.decodeBy(to) }

// decodeOurs reads the body of what is ours alone: there an unknown name is a mistake,
// such as a number under another name, which would leave the person to type any.
func (r *request) decodeOurs(to any) error { return r.decodeBy(to, json.RejectUnknownMembers(true)) }

func (r *request) decodeBy(to any, how ...json.Options) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return problem(notJSON, "", "The body must be JSON, sent as «Content-Type: application/json».")
	}
	err := json.Unmarshal(r.body, to, how...)
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok {
		pointer := string(wrong.JSONPointer)
		name := pointer[strings.LastIndexByte(pointer, '/')+1:]
		if name == "" {
			return problem(badType, "", "The body must be a JSON object.")
		}
		if errors.Is(err, json.ErrUnknownName) {
			return problem(badParameter, pointer, "There is no such field here; docs/sign-in.md lists them.")
		}
		return problem(badType, pointer, name+" has the wrong type: "+expected[name]+".")
	}
	if twice, ok := errors.AsType[*jsontext.SyntacticError](err); ok && errors.Is(err, jsontext.ErrDuplicateName) {
		return problem(badJSON, string(twice.JSONPointer), "The body names a field twice.")
	}
	return problem(badJSON, "", "The body is not one valid JSON object.")
}

// expected says what each field must be, for whoever sent something else.
var expected = map[string]string{
	"phone_number":      "a string in +E.164 form is expected",
	"verify_profile_id": "a string with a UUID is expected",
	"custom_code":       "a string or null is expected",
	"timeout_secs":      "a whole number of seconds is expected",
	"code":              "a string is expected",
	"extension":         "a string of keys is expected",
	"type":              "a string is expected",
	"status":            "a string is expected",

	"name":                              "a string is expected",
	"language":                          "a string such as en-US is expected",
	"webhook_url":                       "a string or null is expected",
	"webhook_failover_url":              "a string or null is expected",
	"daily_spend_limit":                 "a number of US dollars is expected",
	"daily_spend_limit_enabled":         "true or false is expected",
	"sms":                               "an object is expected",
	"call":                              "an object is expected",
	"flashcall":                         "an object is expected",
	"whatsapp":                          "an object is expected",
	"app_name":                          "a string is expected",
	"alpha_sender":                      "a string or null is expected",
	"code_length":                       "a whole number is expected",
	"default_verification_timeout_secs": "a whole number of seconds is expected",
	"default_timeout_secs":              "a whole number of seconds is expected",
	"messaging_template_id":             "a string with a UUID is expected",
	"whitelisted_destinations":          "a list of country codes such as [\"US\"] is expected",
	"text":                              "a string is expected",
	"return_urls":                       "a list of addresses is expected",

	"email":         "a string is expected",
	"channels":      "a list such as [\"sms\"] is expected",
	"return_url":    "a string is expected",
	"state":         "a string is expected",
	"locale":        "a string such as en-US is expected",
	"purpose":       "a string is expected",
	"reveal":        "a string is expected",
	"share_address": "true or false is expected",
	"display":       "a string is expected",
	"proof":         "a string is expected",
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"errors":[]}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone: nobody to tell
}
