package telnyx

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"countersign/internal/verify"
)

const (
	maxAnswer = 64 << 10 // Telnyx's own are below 4 KiB
	maxWait   = 10 * time.Minute
)

// answer is what is understood of Telnyx's answer. It holds nothing that the far
// side could have chosen freely, but for id.
type answer struct {
	status int
	id     string
	failed bool // accepted by the API and given up at once
	codes  []code
	wait   time.Duration
}

// read understands as much as it can. A body that is late, broken or endless
// changes nothing: the status has come.
func read(resp *http.Response) answer {
	a := answer{status: resp.StatusCode, wait: retryAfter(resp.Header)}
	if a.status < 200 || a.status/100 == 3 {
		// What follows a 101 is no body and would not end with the context.
		return a
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	a.decode(body)
	return a
}

// decode lets json skip what has another type than expected, and go on.
func (a *answer) decode(body []byte) {
	type fault struct {
		Code code `json:"code"`
	}
	var in struct {
		Data struct {
			ID string `json:"id"`
			To []struct {
				Status string `json:"status"`
			} `json:"to"`
			Errors []fault `json:"errors"`
		} `json:"data"`
		Errors []fault `json:"errors"`
	}
	_ = json.Unmarshal(body, &in)
	faults := in.Errors
	if a.taken() {
		a.id = plainID(in.Data.ID)
		faults = in.Data.Errors
		if len(in.Data.To) > 0 {
			status := in.Data.To[0].Status
			a.failed = status == "sending_failed" || status == "delivery_failed"
		}
	}
	for _, f := range faults {
		if f.Code != "" {
			a.codes = append(a.codes, f.Code)
		}
	}
}

// code is a carrier's error code: up to six digits, or empty.
type code string

// UnmarshalJSON takes a string or a number, and of anything else nothing.
func (c *code) UnmarshalJSON(in []byte) error {
	text := strings.Trim(string(in), `"`)
	if len(text) <= 6 && strings.Trim(text, digits) == "" {
		*c = code(text)
	}
	return nil
}

// plainID returns id if it can stand in a log or a URL, or else nothing.
func plainID(id string) string {
	if len(id) > 64 || strings.Trim(id, digits+letters+"-_") != "" {
		return ""
	}
	return id
}

func (a answer) taken() bool { return a.status/100 == 2 }

// refusal says why m was not taken, or nil if it was. A code outranks the status:
// it is Telnyx's own word on this message, so that nothing is left ambiguous.
func (a answer) refusal(m verify.Message) *verify.SendError {
	if a.taken() && !a.failed {
		return nil
	}
	e := &verify.SendError{Err: errors.New("telnyx: answered " + strconv.Itoa(a.status) + a.shown(m))}
	e.Class, e.Ambiguous = byStatus(a.status)
	for _, c := range a.codes {
		if class, ok := classes[string(c)]; ok {
			e.Class, e.Ambiguous = class, false
			break
		}
	}
	if e.Class == verify.Throttled || e.Class == verify.Temporary {
		e.Wait = a.wait
	}
	return e
}

// shown lists at most three codes, and none that could be an echo of what was sent.
func (a answer) shown(m verify.Message) string {
	var list []string
	for _, c := range a.codes {
		echo := strings.Contains(m.Text.Reveal(), string(c)) || strings.Contains(m.To.Text(), string(c))
		if !echo && len(list) < 3 {
			list = append(list, string(c))
		}
	}
	if list == nil {
		return ""
	}
	return " with code " + strings.Join(list, ", ")
}

// byStatus sorts an answer without a code that is known. Of the 5xx only 503 says
// that nothing was done (RFC 9110, 15.6.4); the others may come from a gateway
// whose back end took the message.
func byStatus(status int) (class verify.Class, ambiguous bool) {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return verify.Credentials, false
	case status == http.StatusPaymentRequired:
		return verify.NoMoney, false
	case status == http.StatusTooManyRequests:
		return verify.Throttled, false
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusServiceUnavailable:
		return verify.Temporary, false
	case status/100 == 5:
		return verify.Temporary, true
	}
	return verify.UnknownClass, false
}

// retryAfter reads either form of the header (RFC 9110, 10.2.3). A date counts
// from the answer's own Date, so that nobody's clock matters.
func retryAfter(h http.Header) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text != "" && strings.Trim(text, digits) == "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds > int(maxWait/time.Second) {
			return maxWait
		}
		return time.Duration(seconds) * time.Second
	}
	until, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(until.Sub(now), 0), maxWait)
}
