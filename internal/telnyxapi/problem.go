package telnyxapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"countersign/internal/phone"
	"countersign/internal/verify"
)

// form is a refusal's code, title and status, as Telnyx's list of errors has
// them. The code is a string on the wire.
type form struct {
	status int
	code   string
	title  string
}

// The forms.
var (
	badNumber       = form{http.StatusBadRequest, "10002", "Invalid phone number"}
	missing         = form{http.StatusBadRequest, "10004", "Missing required parameter"}
	notFound        = form{http.StatusNotFound, "10005", "Resource not found"}
	unauthenticated = form{http.StatusUnauthorized, "10009", "Authentication failed"}
	tooMany         = form{http.StatusTooManyRequests, "10011", "Too many requests"}
	badRequest      = form{http.StatusBadRequest, "10015", "Bad Request"}
	badParameter    = form{http.StatusUnprocessableEntity, "10015", "Bad Request"}
	tooLarge        = form{http.StatusRequestEntityTooLarge, "10015", "Bad Request"}
	notE164         = form{http.StatusUnprocessableEntity, "10016", "Phone number must be in +E.164 format"}
	badJSON         = form{http.StatusBadRequest, "10023", "Invalid JSON"}
	badLength       = form{http.StatusUnprocessableEntity, "10025", "Invalid string length"}
	badType         = form{http.StatusUnprocessableEntity, "10026", "Invalid parameter type"}
	unprocessable   = form{http.StatusUnprocessableEntity, "10027", "Unprocessable Entity"}
	notOfList       = form{http.StatusUnprocessableEntity, "10032", "Invalid enumerated value"}
	notJSON         = form{http.StatusBadRequest, "10029", "JSON content type required"}
	outOfRange      = form{http.StatusUnprocessableEntity, "10033", "Value out of range"}
	unavailable     = form{http.StatusServiceUnavailable, "10037", "Service unavailable"}
	unexpected      = form{http.StatusInternalServerError, "10007", "Unexpected error"}
	forbidden       = form{http.StatusForbidden, "10010", "Authorization failed"}
	duplicate       = form{http.StatusUnprocessableEntity, "10012", "Duplicate resource"}
	spendLimit      = form{http.StatusBadRequest, "40333", "Spend limit reached"}
	notEnabled      = form{http.StatusForbidden, "20015", "Feature not enabled"}
	notWhitelisted  = form{http.StatusBadRequest, "40309", "Destination region not whitelisted"}
)

// refusals gives every kind of the core its form and words. A refusal whose
// retry would meet the same refusal, or send a second message, tells the SDK so.
var refusals = map[verify.Kind]struct {
	form
	detail  string
	reason  bool // the core's reason follows the detail
	noRetry bool
}{
	verify.Invalid:       {form: unprocessable, detail: "A parameter is invalid", reason: true},
	verify.NotFound:      {form: notFound, detail: "No such verification. It may have been started under another profile or key, or never."},
	verify.Settled:       {form: unprocessable, detail: "The verification is over. Start a new one."},
	verify.Cooldown:      {form: tooMany, detail: "A code was sent to this number a moment ago. Another one may be sent after the time in Retry-After.", noRetry: true},
	verify.TooManySends:  {form: tooMany, detail: "This verification has had all its messages. Check a code, or start again after the time in Retry-After.", noRetry: true},
	verify.TooManyStarts: {form: tooMany, detail: "Too many codes were asked for. Try again after the time in Retry-After.", noRetry: true},
	verify.QuotaSpent:    {form: tooMany, detail: "A limit that was set for this account is spent. Try again after the time in Retry-After.", noRetry: true},
	verify.WorkNeeded:    {form: tooMany, detail: "Too many codes were asked for. Try again after the time in Retry-After.", noRetry: true},
	verify.SpendLimit:    {form: spendLimit, detail: "This verify profile has spent its daily_spend_limit. It may spend again after the time in Retry-After.", noRetry: true},
	verify.Locked:        {form: unprocessable, detail: "Too many wrong codes in a row were tried for this number: it is locked.", noRetry: true},
	verify.NumberType:    {form: badNumber, detail: "This number cannot receive the message", reason: true},
	verify.Country:       {form: notWhitelisted, detail: "The number's country is not enabled", reason: true},
	verify.NoChannel:     {form: notEnabled, detail: "This channel is not enabled: no carrier is configured for it."},
	verify.KeyReused:     {form: unprocessable, detail: "This Idempotency-Key was used for another request. Use a new one."},
	verify.Taken:         {form: duplicate, detail: "Another one has this name", reason: true},
	verify.Full:          {form: unprocessable, detail: "There are as many as there may be", reason: true},
	verify.Forbidden:     {form: forbidden, detail: "That is not allowed", reason: true},
	verify.Busy:          {form: unavailable, detail: "More messages are waiting than the carriers take. Try again after the time in Retry-After."},
	verify.Unavailable:   {form: unavailable, detail: "The service cannot store your request right now. Try again after the time in Retry-After."},
}

// fields are the core's field names in this dialect.
var fields = map[string]string{
	verify.FieldAddress:  "phone_number",
	verify.FieldCode:     "code",
	verify.FieldTimeout:  "timeout_secs",
	verify.FieldCustom:   "custom_code",
	verify.FieldPayment:  "payment",
	verify.FieldAppHash:  "app_hash",
	verify.FieldCallKeys: "extension",
	verify.FieldTags:     "tags",

	verify.FieldName:       "name",
	verify.FieldLanguage:   "language",
	verify.FieldLocale:     "locale",
	verify.FieldAppName:    "app_name",
	verify.FieldCodeLength: "code_length",
	verify.FieldTemplate:   "messaging_template_id",
	verify.FieldText:       "text",
	verify.FieldChannel:    "type",
	verify.FieldCountries:  "whitelisted_destinations",
	verify.FieldSender:     "alpha_sender",
	verify.FieldWebhook:    "webhook_url",
	verify.FieldFailover:   "webhook_failover_url",
	verify.FieldEvents:     "events",
	verify.FieldSpendLimit: "daily_spend_limit",
	verify.FieldVoice:      "voice",
	verify.FieldMax:        "max",
	verify.FieldInterval:   "interval",
	verify.FieldQuotas:     "rate_limits",
	verify.FieldScopes:     "scopes",
	verify.FieldReturnURLs: "return_urls",

	verify.FieldReturnURL: "return_url",
	verify.FieldState:     "state",
	verify.FieldPurpose:   "purpose",
	verify.FieldReveal:    "reveal",
	verify.FieldChannels:  "channels",
}

// fieldForms are the forms of a field that the core found invalid.
var fieldForms = map[string]form{
	verify.FieldCode:    badLength,
	verify.FieldTimeout: outOfRange,
	verify.FieldCustom:  badLength,
}

// apiError is an error in this dialect's own words.
type apiError struct {
	form
	pointer string
	detail  string
	wait    time.Duration
	noRetry bool
}

func (e *apiError) Error() string { return "telnyxapi: " + e.code + " " + e.detail }

func problem(f form, pointer, detail string) error {
	return &apiError{form: f, pointer: pointer, detail: detail}
}

// numberProblem says what is wrong with a number, and what one looks like.
func numberProblem(err error, pointer string) error {
	const example = " A number looks like +13035551234."
	details := []struct {
		err    error
		form   form
		detail string
	}{
		{phone.ErrEmpty, notE164, "phone_number must not be empty."},
		{phone.ErrCountry, notE164, "phone_number must begin with + and a country code that exists."},
		{phone.ErrCharacter, notE164, "phone_number must hold + and digits only."},
		{phone.ErrTooShort, badNumber, "phone_number has too few digits for its country."},
		{phone.ErrTooLong, badNumber, "phone_number has too many digits for its country."},
		{phone.ErrUnknown, badNumber, "phone_number is not a number of its country's numbering plan."},
	}
	for _, d := range details {
		if errors.Is(err, d.err) {
			return problem(d.form, pointer, d.detail+example)
		}
	}
	return problem(badNumber, pointer, "phone_number is not valid."+example)
}

// translate gives a refusal of the core this dialect's form. Anything else is
// our fault, and nobody outside learns more than that.
func translate(err error) *apiError {
	if own, ok := errors.AsType[*apiError](err); ok {
		return own
	}
	if errors.Is(err, context.Canceled) {
		// The caller hung up, or closed its half of the connection and still reads:
		// what it asked for is done or not, and it must not take silence for a yes.
		err = &verify.Error{Kind: verify.Unavailable, Wait: time.Second}
	}
	refusal, ok := errors.AsType[*verify.Error](err)
	if !ok {
		return &apiError{form: unexpected, detail: "Something failed on our side; the log knows it by this request's id."}
	}
	row := refusals[refusal.Kind]
	out := &apiError{form: row.form, detail: row.detail, wait: refusal.Wait, noRetry: row.noRetry}
	if refusal.Err != nil && row.reason {
		out.detail += ": " + refusal.Err.Error() + "."
	}
	if name, ok := fields[refusal.Field]; ok {
		out.pointer = "/" + name
	}
	if name := fields[refusal.Field]; name != "" && refusal.Kind == verify.Invalid && refusal.Err != nil {
		out.detail = name + " " + refusal.Err.Error() + "."
		if f, ok := fieldForms[refusal.Field]; ok {
			out.form = f
		}
	}
	return out
}

// seconds are whole ones, so that nobody comes too early.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// refuse writes the error envelope.
func (a *api) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := translate(err)
	if e.status >= http.StatusInternalServerError && r.Context().Err() == nil {
		a.Log.ErrorContext(r.Context(), "request failed", "path", r.Pattern, "cause", err)
	}
	if e.status == http.StatusTooManyRequests && e.wait > 0 {
		w.Header().Set("RateLimit-Remaining", "0")
		w.Header().Set("RateLimit-Reset", strconv.Itoa(seconds(e.wait)))
	}
	if e.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds(e.wait)))
	}
	if e.noRetry {
		w.Header().Set("X-Should-Retry", "false")
	}
	type source struct {
		Pointer string `json:"pointer"`
	}
	type meta struct {
		URL string `json:"url"`
	}
	entry := struct {
		Code   string  `json:"code"`
		Title  string  `json:"title"`
		Detail string  `json:"detail"`
		Source *source `json:"source,omitzero"`
		Meta   meta    `json:"meta"`
	}{e.code, e.title, e.detail, nil, meta{"https://developers.telnyx.com/docs/overview/errors/" + e.code}}
	if e.pointer != "" {
		entry.Source = &source{e.pointer}
	}
	writeJSON(w, e.status, map[string]any{"errors": []any{entry}})
}
