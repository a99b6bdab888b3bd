package main

import (
	"fmt"
	"io"
	"strings"

	"countersign/internal/app"
)

// welcome tells a newcomer where everything is, with two lines that work when
// they are pasted: the second takes the code out of the inbox by itself.
func welcome(w io.Writer, d app.Started, conf app.Config) {
	const number = "+12015550123"
	fmt.Fprintf(w, `
Countersign %s, for development

  Page      %s/
  Inbox     %s
  API key   %s
  Profile   %s

For Twilio's SDKs, with an HTTP client that changes their host

  Account   %s
  Token     the API key
  Service   %s

Start a verification, and check its code:

  curl -s %s/v2/verifications/sms -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' -d '{"phone_number":"%s","verify_profile_id":"%s"}'

  curl -s %s/v2/verifications/by_phone_number/%s/actions/verify -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' -d "{\"verify_profile_id\":\"%s\",\"code\":\"$(curl -s '%s/dev/messages/wait?to=%s' | sed 's/.*"code":"\([^"]*\)".*/\1/')\"}"

%sLimits are generous here: %s. Guesses are limited as ever.
Ctrl-C stops it.

`, release(), d.URL, d.InboxURL, d.APIKey, d.ProfileID, d.TwilioAccountSID, d.TwilioServiceSID,
		d.URL, d.APIKey, number, d.ProfileID,
		d.URL, number, d.APIKey, d.ProfileID, d.URL, strings.Replace(number, "+", "%2B", 1),
		session(d, conf.ReturnURLs), conf.Limits)
}

// session says how to send a person to the pages, where there is an address to come back
// to.
func session(d app.Started, returns []string) string {
	if len(returns) == 0 {
		return "To send people to the pages from an application of yours, say where they come back to: --return-url http://127.0.0.1:8080/second-factor\n\n"
	}
	return fmt.Sprintf(`Make a session, and open its url in a browser:

  curl -s %s/v2/verification_sessions -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' -d '{"verify_profile_id":"%s","return_url":"%s","state":"try"}'

`, d.URL, d.APIKey, d.ProfileID, returns[0])
}
