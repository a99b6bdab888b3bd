package twilioapi

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"countersign/internal/phone"
	"countersign/internal/verify"
)

// The codes that this server sends; problems has what each means.
const (
	codeAuthenticate     = 20003
	codeForbidden        = 20403
	codeNotFound         = 20404
	codeConflict         = 20409
	codeTooMany          = 20429
	codeInternal         = 20500
	codeUnavailable      = 20503
	codeInvalid          = 60200
	codeMaxChecks        = 60202
	codeMaxSends         = 60203
	codeUnsupported      = 60204
	codeNumberType       = 60205
	codePaymentMissing   = 60206
	codeRateLimited      = 60207
	codeRateLimitExists  = 60208
	codeRateLimitName    = 60209
	codeTooManyBuckets   = 60210
	codeBucketExists     = 60211
	codeMessagingExists  = 60213
	codePaymentByCall    = 60214
	codeNoTarget         = 60221
	codeNoChannel        = 60223
	codeBlocked          = 60238
	codeCountryForbidden = 60605
)

// refusals gives every kind of the core its code and words.
var refusals = map[verify.Kind]struct {
	code    int
	message string
	reason  bool // the core's reason follows
}{
	verify.Invalid:       {codeInvalid, "Invalid parameter", true},
	verify.NotFound:      {codeNotFound, missing, false},
	verify.Settled:       {codeNotFound, missing, false},
	verify.Cooldown:      {codeMaxSends, "Max send attempts reached for now: a code went to this address a moment ago. Another may be sent after the time in Retry-After.", false},
	verify.TooManySends:  {codeMaxSends, "Max send attempts reached: this verification has had all its messages. Check a code, cancel it, or start again after the time in Retry-After.", false},
	verify.TooManyStarts: {codeTooMany, "Too many requests: this address has had all the messages that it may get for now. Try again after the time in Retry-After.", false},
	verify.QuotaSpent:    {codeRateLimited, "Max rate limit reached: a limit that was set for this service is spent. Try again after the time in Retry-After.", false},
	verify.WorkNeeded:    {codeTooMany, "Too many requests. Try again after the time in Retry-After.", false},
	verify.SpendLimit:    {codeRateLimited, "Max rate limit reached: this service has spent its daily spend limit. Try again after the time in Retry-After.", false},
	verify.Locked:        {codeBlocked, "Verification creation blocked: too many wrong codes in a row were tried for this address.", false},
	verify.NumberType:    {codeNumberType, "This number cannot receive the message", true},
	verify.Country:       {codeCountryForbidden, "Messages to the number's country are blocked", true},
	verify.NoChannel:     {codeNoChannel, "Delivery channel disabled: no carrier is configured for it.", false},
	verify.KeyReused:     {codeConflict, "This Idempotency-Key was used for another request. Use a new one.", false},
	verify.Taken:         {codeInvalid, "Another one has this name", true},
	verify.Full:          {codeInvalid, "There are as many as there may be", true},
	verify.Forbidden:     {codeForbidden, "This may not be done", true},
	verify.Busy:          {codeUnavailable, "More messages are waiting than the carriers take. Try again after the time in Retry-After.", false},
	verify.Unavailable:   {codeUnavailable, "The service cannot store your request right now. Try again after the time in Retry-After.", false},
}

// missing says no more than that: whether a number is unknown, its code used or its
// time over is not told.
const missing = "The requested resource was not found."

// fields are the core's field names in this dialect.
var fields = map[string]string{
	verify.FieldAddress:    "To",
	verify.FieldCode:       "Code",
	verify.FieldTimeout:    "Timeout",
	verify.FieldCustom:     "CustomCode",
	verify.FieldPayment:    "Amount",
	verify.FieldAppHash:    "AppHash",
	verify.FieldCallKeys:   "SendDigits",
	verify.FieldTags:       "Tags",
	verify.FieldName:       "FriendlyName",
	verify.FieldAppName:    "FriendlyName",
	verify.FieldLocale:     "Locale",
	verify.FieldLanguage:   "Locale",
	verify.FieldCodeLength: "CodeLength",
	verify.FieldTemplate:   "TemplateSid",
	verify.FieldText:       "Description",
	verify.FieldChannel:    "Channel",
	verify.FieldCountries:  "Country",
	verify.FieldSender:     "MessagingServiceSid",
	verify.FieldWebhook:    "WebhookUrl",
	verify.FieldEvents:     "EventTypes",
	verify.FieldVoice:      "TtsName",
	verify.FieldMax:        "Max",
	verify.FieldInterval:   "Interval",
	verify.FieldQuotas:     "RateLimits",
}

// apiError is a refusal in this dialect's own words.
type apiError struct {
	code    int
	status  int // zero: the one that problems has
	message string
	wait    time.Duration
}

func (e *apiError) Error() string { return "twilioapi: " + strconv.Itoa(e.code) + " " + e.message }

func refuse(code int, message string) error { return &apiError{code: code, message: message} }

func notFound() error { return refuse(codeNotFound, missing) }

// invalid names a parameter and says what it must be.
func invalid(parameter, reason string) error {
	return refuse(codeInvalid, "Invalid parameter: "+parameter+": "+reason+".")
}

// recast gives a refusal of one kind a code of its own, and leaves all else as it is.
func recast(err error, kind verify.Kind, code int, message string) error {
	if verify.KindOf(err) == kind {
		return refuse(code, message)
	}
	return err
}

// numberReason says what is wrong with a number, and what one looks like.
func numberReason(err error) string {
	const example = "; a number looks like +13035551234"
	for _, d := range []struct {
		err    error
		reason string
	}{
		{phone.ErrEmpty, "it must not be empty"},
		{phone.ErrCountry, "it must begin with + and a country code that exists"},
		{phone.ErrCharacter, "it must hold + and digits only"},
		{phone.ErrTooShort, "it has too few digits for its country"},
		{phone.ErrTooLong, "it has too many digits for its country"},
		{phone.ErrUnknown, "it is not a number of its country's numbering plan"},
	} {
		if errors.Is(err, d.err) {
			return d.reason + example
		}
	}
	return "it is no number" + example
}

// translate gives a refusal of the core this dialect's form. Anything else is our
// fault, and nobody outside learns more than that.
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
		return &apiError{code: codeInternal, message: "Something failed on our side; the log knows it by this request's id."}
	}
	row := refusals[refusal.Kind]
	out := &apiError{code: row.code, message: row.message, wait: refusal.Wait}
	if refusal.Kind == verify.Invalid && refusal.Field != "" {
		out.message += ": " + cmp.Or(fields[refusal.Field], refusal.Field)
	}
	if row.reason && refusal.Err != nil {
		out.message += ": " + refusal.Err.Error()
	}
	if last := out.message[len(out.message)-1]; last != '.' {
		out.message += "."
	}
	return out
}

// seconds are whole ones, so that nobody comes too early.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// refuse writes the error body. Its code and status are numbers: SDKs have broken on
// texts there.
func (a *api) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := translate(err)
	status := cmp.Or(e.status, statusOf(e.code))
	if status >= http.StatusInternalServerError && r.Context().Err() == nil {
		a.Log.ErrorContext(r.Context(), "request failed", "path", r.Pattern, "cause", err)
	}
	if e.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds(e.wait)))
	}
	if e.wait > 0 && status == http.StatusTooManyRequests {
		w.Header().Set("RateLimit-Remaining", "0")
		w.Header().Set("RateLimit-Reset", strconv.Itoa(seconds(e.wait)))
	}
	writeJSON(w, status, struct {
		Code     int    `json:"code"`
		Message  string `json:"message"`
		MoreInfo string `json:"more_info"`
		Status   int    `json:"status"`
	}{e.code, e.message, a.Base(r) + errorsPath + strconv.Itoa(e.code), status})
}
