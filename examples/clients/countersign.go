// Package clients shows how an application's Twilio client reaches Countersign.
package clients

import (
	"net/http"
	"net/url"
)

// Countersign sends the requests that are meant for Twilio Verify to Base.
type Countersign struct{ Base *url.URL }

// RoundTrip sends one request.
func (c Countersign) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "verify.twilio.com" {
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host, r.Host = c.Base.Scheme, c.Base.Host, ""
	}
	return http.DefaultTransport.RoundTrip(r)
}
