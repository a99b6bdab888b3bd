package twilioapi

import "net/http"

// problem is what a code means, for the page that a refusal points at.
type problem struct {
	code, status           int
	title                  string
	meaning, cause, remedy string
}

// statusOf is the HTTP status of a code.
func statusOf(code int) int {
	for _, p := range problems() {
		if p.code == code {
			return p.status
		}
	}
	return http.StatusInternalServerError
}

// problems are all codes that this server sends. The numbers are Twilio's, so that an
// application need not learn others.
func problems() []problem {
	return append(generalProblems(), verifyProblems()...)
}

// generalProblems are those that any resource answers with.
func generalProblems() []problem {
	return []problem{
		{codeAuthenticate, http.StatusUnauthorized, "Authentication failed",
			"The request does not say who sends it, or what it says is not true.",
			"There is no Authorization header, the account sid or key sid is unknown, or the API key is another account's or revoked.",
			"Send the account sid (AC…) or a key sid (SK…) as the user name and the text of an API key as the password."},
		{codeForbidden, http.StatusForbidden, "Not allowed",
			"The API key is good, but may not do this; or nobody may over the API.",
			"The key lacks the scope (read, verify or manage), or the service comes from the operator's configuration file.",
			"Use a key with the scope, or have the operator change the configuration."},
		{codeNotFound, http.StatusNotFound, "Not found",
			"There is nothing here for this account.",
			"A verification that is approved, canceled or expired is not found any more; nor is one that was never started, a resource of another account, or a resource that this server does not serve (entities, factors, challenges, access tokens, forms, passkeys).",
			"Start a new verification, or look at the sids and the path of the request."},
		{codeConflict, http.StatusConflict, "Idempotency-Key used before",
			"The Idempotency-Key of the request belongs to another request.",
			"A key was used again, within a day, with another path or another body.",
			"Make a new key for each request, and use it again only to send the same request once more."},
		{codeTooMany, http.StatusTooManyRequests, "Too many requests",
			"The address has had all the messages that it may get for now.",
			"The operator limits the messages to one number by the hour and by the day.",
			"Wait for as many seconds as Retry-After says."},
		{codeInternal, http.StatusInternalServerError, "Internal error",
			"Something failed on the server.",
			"The server's log has the cause, by the request's id.",
			"Try again; if it stays, ask the operator."},
		{codeUnavailable, http.StatusServiceUnavailable, "Unavailable",
			"The server cannot do this right now, and it is not known whether it was done.",
			"The database does not answer, or more messages are waiting than the carriers take.",
			"Try again after as many seconds as Retry-After says, with the same Idempotency-Key if there was one."},
	}
}

// verifyProblems are those of verifications and what is set up for them.
func verifyProblems() []problem {
	return append(sendProblems(), settingProblems()...)
}

func sendProblems() []problem {
	return []problem{
		{codeInvalid, http.StatusBadRequest, "Invalid parameter",
			"A parameter holds what it must not. The message names it and says what it must be. Where the whole body cannot be read, the HTTP status is 413 (too large) or 415 (no form).",
			"Often a number that is not in E.164 form, or a + that was not encoded and so arrived as a space.",
			"Correct the parameter. In a form, + is written %2B."},
		{codeMaxChecks, http.StatusTooManyRequests, "Max check attempts reached",
			"Five codes were tried for this verification and none was right; or too many in a row for this address.",
			"The code was mistyped, or somebody is guessing.",
			"Start a new verification."},
		{codeMaxSends, http.StatusTooManyRequests, "Max send attempts reached",
			"No further message goes out for this verification, or not yet.",
			"It has had its five messages, or the last one went out a moment ago: between messages there are 30, 60, 120 and 300 seconds.",
			"Wait for as many seconds as Retry-After says, or check a code that has arrived: all of a verification's messages hold the same one."},
		{codeUnsupported, http.StatusForbidden, "Feature not enabled",
			"The service does not have the feature that a parameter asks for.",
			"CustomCode was sent while CustomCodeEnabled is false, or Amount and Payee while Psd2Enabled is.",
			"Enable the feature on the service, or leave the parameter out."},
		{codeNumberType, http.StatusForbidden, "Not supported by this kind of number",
			"The numbering plan says that the number cannot get the message.",
			"A text to a landline, or any message to a premium-rate or other special number.",
			"Ask for a mobile number, or use Channel=call for a landline."},
		{codePaymentMissing, http.StatusBadRequest, "Amount and Payee required",
			"A payment's verification and its checks must say how much goes to whom.",
			"Psd2Enabled is true for the service and Amount or Payee was not sent.",
			"Send both, the same at the start and at each check."},
		{codeRateLimited, http.StatusTooManyRequests, "Max rate limit reached",
			"A limit that the account has set itself is spent.",
			"A bucket of one of the RateLimits that the request names, or the service's daily spend limit.",
			"Wait for as many seconds as Retry-After says, or widen the limit."},
		{codePaymentByCall, http.StatusForbidden, "Calls cannot carry payments",
			"A code for a payment cannot be spoken.",
			"Channel is call and Psd2Enabled is true for the service.",
			"Use another channel."},
		{codeNoTarget, http.StatusBadRequest, "No verification named",
			"A check must say which verification it is for.",
			"Neither To nor VerificationSid was sent.",
			"Send one of them."},
		{codeNoChannel, http.StatusBadRequest, "Delivery channel disabled",
			"Nothing can be sent on this channel.",
			"No carrier is configured for it, or it is one that this server does not have (sna, rbm).",
			"Use another channel, or have the operator configure a carrier."},
		{codeBlocked, http.StatusForbidden, "Verification creation blocked",
			"No verification can be started for this address.",
			"A hundred wrong codes in a row were tried for it, over all its verifications.",
			"The operator can unlock the address."},
		{codeCountryForbidden, http.StatusForbidden, "Country blocked",
			"No message goes to this number's country.",
			"The operator or the service has not enabled the country.",
			"Enable the country if people there are to be verified."},
	}
}

func settingProblems() []problem {
	return []problem{
		{codeRateLimitExists, http.StatusBadRequest, "Rate limit exists",
			"The service has a rate limit of this UniqueName.",
			"It was created before.",
			"Use the one that is there, or another name."},
		{codeRateLimitName, http.StatusBadRequest, "Invalid rate limit name",
			"UniqueName is not one.",
			"It is empty, too long, or holds other characters than letters, digits, _, . and -.",
			"Choose another name."},
		{codeTooManyBuckets, http.StatusBadRequest, "Too many buckets",
			"The rate limit has as many buckets as it may have.",
			"Buckets were added before.",
			"Change or delete one that is there."},
		{codeBucketExists, http.StatusBadRequest, "Bucket exists",
			"The rate limit has a bucket of this Interval.",
			"Each Interval can be there once.",
			"Change the one that is there."},
		{codeMessagingExists, http.StatusBadRequest, "Messaging configuration exists",
			"The service has a messaging configuration for this Country.",
			"It was created before.",
			"Change the one that is there."},
	}
}
