// Package clients shows how an application that has one of Twilio's packages reaches
// Countersign: those packages hard-code their host, so each language has a few lines that
// send the requests elsewhere. docs/from-twilio.md shows them all. This is Go's; the tests
// of e2e/twiliogo run it. It is to be copied, not imported, and has no other use.
package clients

import (
	"net/http"
	"net/url"
)

// Countersign sends the requests that are meant for Twilio Verify to Base, over Next.
type Countersign struct {
	Base *url.URL
	Next http.RoundTripper
}

// RoundTrip sends one request.
func (c Countersign) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "verify.twilio.com" {
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host, r.Host = c.Base.Scheme, c.Base.Host, ""
	}
	return c.Next.RoundTrip(r)
}
