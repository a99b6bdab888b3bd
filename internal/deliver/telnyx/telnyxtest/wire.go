package telnyxtest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"
)

// ServeHTTP answers POST /v2/messages as Telnyx does, and all else with one of
// its errors.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.requests.Add(1)
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, "10015", "Bad Request", "The body could not be read.")
		return
	case r.URL.Path != "/v2/messages":
		refuse(w, http.StatusNotFound, "10005", "Resource not found", "There is nothing at this URL.")
		return
	case r.Method != http.MethodPost:
		refuse(w, http.StatusMethodNotAllowed, "10015", "Bad Request", "Messages are sent by POST.")
		return
	case r.Header.Get("Authorization") != "Bearer "+a.apiKey:
		refuse(w, http.StatusUnauthorized, "10009", "Authentication failed", "The API key is missing or not known.")
		return
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		refuse(w, http.StatusUnsupportedMediaType, "10014", "Unsupported Media Type", "The body is not declared to be JSON.")
		return
	}
	m, missing, err := parse(raw)
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, "10015", "Bad Request", "The body is not JSON of the right form.")
		return
	}
	if missing != "" {
		refuse(w, http.StatusUnprocessableEntity, "10004", "Missing required parameter", "The parameter '"+missing+"' is required.")
		return
	}
	a.take(w, m)
}

func parse(raw []byte) (m Message, missing string, err error) {
	var in struct {
		To      string `json:"to"`
		From    string `json:"from"`
		Text    string `json:"text"`
		Profile string `json:"messaging_profile_id"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return Message{}, "", err
	}
	switch {
	case in.To == "":
		missing = "to"
	case in.From == "" && in.Profile == "":
		missing = "from"
	case in.Text == "":
		missing = "text"
	}
	return Message{ID: newID(), To: in.To, From: in.From, Text: in.Text, ProfileID: in.Profile, Raw: raw}, missing, nil
}

func (a *API) take(w http.ResponseWriter, m Message) {
	f, fails := a.script(m.To)
	switch {
	case fails && f.status == 0:
		a.keep(m)
		panic(http.ErrAbortHandler)
	case fails && f.status/100 == 2:
		answer(w, f.status, map[string]any{"data": data(m, "sending_failed", f.code)})
	case fails:
		// Telnyx quotes the request in its complaints; whoever logs them leaks.
		refuse(w, f.status, f.code, "Message refused", fmt.Sprintf("The message %q to %s was refused.", m.Text, m.To))
	default:
		a.keep(m)
		answer(w, http.StatusOK, map[string]any{"data": data(m, "queued", "")})
	}
}

func refuse(w http.ResponseWriter, status int, code, title, detail string) {
	list := []any{}
	if code != "" {
		list = append(list, fault(code, title, detail))
	}
	answer(w, status, map[string]any{"errors": list})
}

func fault(code, title, detail string) map[string]any {
	return map[string]any{
		"code":   code,
		"title":  title,
		"detail": detail,
		"meta":   map[string]any{"url": "https://developers.telnyx.com/docs/overview/errors/" + code},
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // nobody to tell if the sender has gone
}

const sentAt = "2026-01-01T00:00:00.000+00:00"

// data is the message object that events carry too.
func data(m Message, status, code string) map[string]any {
	faults := []any{}
	if code != "" {
		faults = append(faults, fault(code, "Message failed", "The message was given up."))
	}
	encoding, parts := segments(m.Text)
	return map[string]any{
		"id":                   m.ID,
		"record_type":          "message",
		"direction":            "outbound",
		"type":                 "SMS",
		"organization_id":      "b448f9cc-a842-4784-98e9-03c1a5872950",
		"messaging_profile_id": m.ProfileID,
		"from":                 map[string]any{"phone_number": m.From, "carrier": "Telnyx", "line_type": "VoIP"},
		"to": []any{map[string]any{
			"phone_number": m.To, "status": status, "carrier": "T-MOBILE USA, INC.", "line_type": "Wireless",
		}},
		"cc":                   []any{},
		"text":                 m.Text,
		"media":                []any{},
		"encoding":             encoding,
		"parts":                parts,
		"tags":                 []any{},
		"cost":                 map[string]any{"amount": "0.0040", "currency": "USD"},
		"cost_breakdown":       nil,
		"errors":               faults,
		"webhook_url":          nil,
		"webhook_failover_url": nil,
		"received_at":          sentAt,
		"sent_at":              nil,
		"completed_at":         nil,
		"valid_until":          "2026-01-01T01:00:00.000+00:00",
		"wait_seconds":         0,
	}
}

// segments counts the parts of a text. It takes ASCII for the GSM alphabet,
// which is near enough for an imitation.
func segments(text string) (encoding string, parts int) {
	encoding, one, more := "GSM-7", 160, 153
	if len(text) != utf8.RuneCountInString(text) {
		encoding, one, more = "UCS-2", 70, 67
	}
	n := utf8.RuneCountInString(text)
	if n <= one {
		return encoding, 1
	}
	return encoding, (n + more - 1) / more
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
