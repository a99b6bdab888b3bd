package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// dialect is one way to say what the flows say. They are written in Telnyx's words.
type dialect interface {
	start(f *flow, number string) (status int, id string, err error)
	// check asks by id, or by number if id is empty.
	check(f *flow, id, number, code string) (answer string, err error)
	status(f *flow, id string) (answer string, err error)
	// refused, answered and shown are what stands for the flows' words for a start that
	// is refused, for the answer to a guess, and for a status.
	refused(status string) string
	answered(words string) string
	shown(status string) string
}

// dialects are those that every flow is played in.
var dialects = map[string]dialect{"telnyx": telnyxDialect{}, "twilio": twilioDialect{}}

type telnyxDialect struct{}

func (telnyxDialect) start(f *flow, number string) (int, string, error) {
	status, v, err := f.call(http.MethodPost, "/v2/verifications/sms", map[string]string{"phone_number": number, "verify_profile_id": f.ProfileID})
	return status, fmt.Sprint(v["id"]), err
}

func (telnyxDialect) check(f *flow, id, number, code string) (string, error) {
	path := "/v2/verifications/by_phone_number/" + number + "/actions/verify"
	if id != "" {
		path = "/v2/verifications/" + id + "/actions/verify"
	}
	status, data, err := f.call(http.MethodPost, path, map[string]string{"code": code, "verify_profile_id": f.ProfileID})
	if status != http.StatusOK {
		return fmt.Sprintf("refused %d", status), err
	}
	return strings.TrimSuffix(fmt.Sprintf("%v %v", data["response_code"], data["reason"]), " <nil>"), err
}

func (telnyxDialect) status(f *flow, id string) (string, error) {
	_, v, err := f.call(http.MethodGet, "/v2/verifications/"+id, nil)
	return fmt.Sprint(v["status"]), err
}

func (telnyxDialect) refused(status string) string {
	telnyx, _, _ := strings.Cut(status, "/")
	return telnyx
}
func (telnyxDialect) answered(words string) string { return words }
func (telnyxDialect) shown(status string) string   { return status }

type twilioDialect struct{}

func (twilioDialect) start(f *flow, number string) (int, string, error) {
	status, v, err := f.form(http.MethodPost, f.service()+"/Verifications", url.Values{"To": {number}, "Channel": {"sms"}})
	if status == http.StatusCreated {
		status = http.StatusOK
	}
	return status, fmt.Sprint(v["sid"]), err
}

func (twilioDialect) check(f *flow, id, number, code string) (string, error) {
	form := url.Values{"Code": {code}, "To": {number}}
	if id != "" {
		form.Del("To")
		form.Set("VerificationSid", id)
	}
	status, v, err := f.form(http.MethodPost, f.service()+"/VerificationCheck", form)
	if status >= http.StatusBadRequest {
		return fmt.Sprintf("refused %d %v", status, v["code"]), err
	}
	return fmt.Sprintf("%v %v", v["status"], v["valid"]), err
}

func (twilioDialect) status(f *flow, id string) (string, error) {
	status, v, err := f.form(http.MethodGet, f.service()+"/Verifications/"+id, nil)
	if status >= http.StatusBadRequest {
		return fmt.Sprintf("refused %d %v", status, v["code"]), err
	}
	return fmt.Sprint(v["status"]), err
}

// twilioAnswers are what Twilio says where Telnyx says something else. What is over is
// gone there, 404 and 20404, unless too many guesses ended it.
var twilioAnswers = map[string]string{
	"accepted":                       "approved true",
	"rejected wrong_code":            "pending false",
	"rejected already_used":          "refused 404 20404",
	"rejected expired":               "refused 404 20404",
	"rejected max_attempts_exceeded": "refused 429 60202",
	"refused 422":                    "refused 400 60200",
}

// twilioStatuses are Twilio's words for a status; what is accepted or expired cannot be
// fetched any more.
var twilioStatuses = map[string]string{
	"pending": "pending", "accepted": "refused 404 20404", "expired": "refused 404 20404", "invalid": "max_attempts_reached",
}

func (twilioDialect) refused(status string) string {
	telnyx, twilio, two := strings.Cut(status, "/")
	if two {
		return twilio
	}
	return telnyx
}

func (twilioDialect) answered(words string) string { return twilioAnswers[words] }
func (twilioDialect) shown(status string) string   { return twilioStatuses[status] }

// service is where the profile is in Twilio's paths.
func (f *flow) service() string { return "/v2/Services/" + f.TwilioServiceSID }

// form sends what Twilio's SDKs send: a form, with the account and the key as user
// and password.
func (f *flow) form(method, path string, form url.Values) (status int, answer map[string]any, err error) {
	req, err := http.NewRequestWithContext(f.t.Context(), method, f.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	req.SetBasicAuth(f.TwilioAccountSID, f.TwilioAuthToken)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil, err
	}
	err = json.Unmarshal(text, &answer)
	return res.StatusCode, answer, err
}
