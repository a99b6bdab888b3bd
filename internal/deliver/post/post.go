// Package post posts messages to carriers that speak HTTP, and tells a message
// that surely did not go out from one that may have.
//
// The one idea: whether a message went out is told by two facts alone, whether
// any of the request was taken from us and what status came back; what the
// answer's body adds may name the message or the refusal, and nothing of it is
// ever shown but short codes, since carriers echo requests in their complaints.
//
// The package knows no carrier: what a request holds, where in an answer the codes
// stand and what they mean is said by the packages beside it. It never tries twice.
package post

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"countersign/internal/verify"
)

// DefaultTimeout is that of a Client that names none.
const DefaultTimeout = 10 * time.Second

const (
	maxAnswer = 64 << 10 // carriers' own are below 8 KiB
	maxWait   = 10 * time.Minute
)

// Client posts to one carrier. It is safe for concurrent use.
type Client struct {
	Carrier string // its name, in errors
	// Authorization stands behind a pointer: for a verb that does not fit, such as
	// %q, fmt follows a pointer to a struct even out of an unexported field, but
	// never one to a string. There may be none.
	Authorization *string
	// Sign adds to the headers of a request with that body, if it is there.
	Sign      func(h http.Header, body []byte)
	Kind      string            // of the bodies: their Content-Type
	Timeout   time.Duration     // of a whole Post; DefaultTimeout if zero
	Transport http.RoundTripper // one of the client's own if nil
}

// New fills in what c leaves open.
func New(c Client) *Client {
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Transport == nil {
		c.Transport = newTransport()
	}
	return &c
}

// Post posts one body and returns what was answered, whatever that was. The error
// is there if nothing was, with no credential or part of the body in it.
func (c *Client) Post(ctx context.Context, url string, text []byte) (Answer, *verify.SendError) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	body := &letter{text: text}
	req, err := c.request(ctx, url, body)
	if err != nil {
		return Answer{}, c.Refuse(verify.UnknownClass, "the request cannot be made")
	}
	// A bare round trip: an http.Client would follow redirects, key and all, and
	// put URLs into errors.
	resp, err := c.Transport.RoundTrip(req)
	if err != nil {
		return Answer{}, &verify.SendError{
			Class:     verify.Temporary,
			Ambiguous: !body.seal(),
			Err:       fmt.Errorf("%s: no answer: %w", c.Carrier, reason(ctx, err)),
		}
	}
	defer func() { _ = resp.Body.Close() }()
	return c.read(resp), nil
}

// Refuse makes the error of a message that the carrier is not asked to take.
func (c *Client) Refuse(class verify.Class, why string) *verify.SendError {
	return &verify.SendError{Class: class, Err: errors.New(c.Carrier + ": " + why)}
}

func (c *Client) request(ctx context.Context, url string, body *letter) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return nil, err
	}
	req.Body, _ = body.open()
	req.GetBody = body.open
	req.ContentLength = int64(len(body.text))
	if c.Authorization != nil {
		req.Header.Set("Authorization", *c.Authorization)
	}
	req.Header.Set("Content-Type", c.Kind)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "countersign")
	if c.Sign != nil {
		c.Sign(req.Header, body.text)
	}
	return req, nil
}

// read reads as much as it can. A body that is late, broken or endless changes
// nothing: the status has come.
func (c *Client) read(resp *http.Response) Answer {
	a := Answer{Status: resp.StatusCode, carrier: c.Carrier, wait: retryAfter(resp.Header)}
	if a.Status < 200 || a.Status/100 == 3 {
		// What follows a 101 is no body and would not end with the context.
		return a
	}
	a.Body, _ = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return a
}

// Answer is what a carrier answered.
type Answer struct {
	Status int
	Body   []byte // as much as came; to be understood, never to be shown

	carrier string
	wait    time.Duration
}

// Taken says whether the status is one of success.
func (a Answer) Taken() bool { return a.Status/100 == 2 }

// Refusal says why m was not taken. A code outranks the status: it is the
// carrier's own word on this message, so that nothing is left ambiguous.
func (a Answer) Refusal(m verify.Message, codes []Code, classes map[Code]verify.Class) *verify.SendError {
	e := &verify.SendError{Err: errors.New(a.carrier + ": answered " + strconv.Itoa(a.Status) + shown(m, codes))}
	e.Class, e.Ambiguous = byStatus(a.Status)
	for _, c := range codes {
		if class, ok := classes[c]; ok {
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
func shown(m verify.Message, codes []Code) string {
	var list []string
	for _, c := range codes {
		echo := strings.Contains(m.Text.Reveal(), string(c)) || strings.Contains(m.To.Text(), string(c)) ||
			strings.Contains(m.Keys, string(c))
		if c != "" && !echo && len(list) < 3 {
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
