package twilioapi

import (
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"countersign/internal/verify"
)

// verification is a verification as Twilio shows it. No answer shows a code.
type verification struct {
	SID              string     `json:"sid"`
	ServiceSID       string     `json:"service_sid"`
	AccountSID       string     `json:"account_sid"`
	To               string     `json:"to"`
	Channel          string     `json:"channel"`
	Status           string     `json:"status"`
	Valid            bool       `json:"valid"`
	Lookup           struct{}   `json:"lookup"`
	Amount           *string    `json:"amount"`
	Payee            *string    `json:"payee"`
	SendCodeAttempts []sendCode `json:"send_code_attempts"`
	DateCreated      string     `json:"date_created"`
	DateUpdated      string     `json:"date_updated"`
	SNA              *struct{}  `json:"sna"`
	URL              string     `json:"url"`
}

// sendCode is one message of a verification.
type sendCode struct {
	Time       string `json:"time"`
	Channel    string `json:"channel"`
	AttemptSID string `json:"attempt_sid"`
}

// verificationCheck is the answer to a check.
type verificationCheck struct {
	SID           string   `json:"sid"`
	ServiceSID    string   `json:"service_sid"`
	AccountSID    string   `json:"account_sid"`
	To            string   `json:"to"`
	Channel       string   `json:"channel"`
	Status        string   `json:"status"`
	Valid         bool     `json:"valid"`
	Amount        *string  `json:"amount"`
	Payee         *string  `json:"payee"`
	SNAErrorCodes []string `json:"sna_attempts_error_codes"`
	DateCreated   string   `json:"date_created"`
	DateUpdated   string   `json:"date_updated"`
}

// statuses maps the core's statuses to Twilio's. Those of verifications that are over
// are seen only in the answer that ends them.
var statuses = map[verify.Status]string{
	verify.Pending:   "pending",
	verify.Accepted:  "approved",
	verify.Canceled:  "canceled",
	verify.Exhausted: "max_attempts_reached",
	verify.Expired:   "expired",
}

// channels maps the core's channels to Twilio's, of a verification and of one of its
// messages. A flash call, which only the Telnyx dialect starts, is a call.
var channels = map[verify.Channel]struct{ name, attempt string }{
	verify.SMS:       {"sms", "SMS"},
	verify.Call:      {"call", "CALL"},
	verify.Flashcall: {"call", "CALL"},
	verify.WhatsApp:  {"whatsapp", "whatsapp"},
	verify.Email:     {"email", "EMAIL"},
}

// iso is Twilio's form of an instant: UTC, to the second.
func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// orNull is nil for an empty text.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"code":20500,"message":"Internal server error","status":500}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone: nobody to tell
}
