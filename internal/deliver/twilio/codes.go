package twilio

import (
	"countersign/internal/deliver/post"
	"countersign/internal/verify"
)

// classes sorts Twilio's codes: those of its REST interface (2xxxx), which refuse
// the request, and those of delivery (3xxxx), which a message that was given up at
// once has already. A code that is not here leaves it to the status to say what
// happened.
var classes = map[post.Code]verify.Class{
	"21614": verify.NotMobile,
	"21635": verify.NotMobile, // "'To' number cannot be a landline", refused before it costs anything
	"30006": verify.NotMobile,

	"21211": verify.BadNumber,
	"21214": verify.BadNumber, // of a call
	"21217": verify.BadNumber,
	"30005": verify.BadNumber,

	"21610": verify.OptedOut, // the person answered STOP: Twilio itself holds the list
	"30004": verify.OptedOut, // barred by the person or the person's carrier

	"30007": verify.Filtered,

	"30003": verify.Temporary,
	"30008": verify.Temporary, // "Unknown error", which mostly passes
	"30036": verify.Temporary, // it waited longer than its ValidityPeriod

	"10004": verify.Throttled, // too many calls at once
	"14107": verify.Throttled,
	"20429": verify.Throttled,
	"21611": verify.Throttled, // the sender's queue is full
	"30001": verify.Throttled, // likewise

	"30450": verify.Pumping,
	"30453": verify.Pumping,

	"21210":  verify.SenderUnready, // of a call
	"21212":  verify.SenderUnready, // the *source* number is the invalid one
	"21219":  verify.SenderUnready, // a trial account calls verified numbers alone
	"21603":  verify.SenderUnready,
	"21606":  verify.SenderUnready,
	"21608":  verify.SenderUnready, // a trial account texts verified numbers alone
	"21612":  verify.SenderUnready, // not from this sender to that country
	"21703":  verify.SenderUnready, // the messaging service is empty
	"572005": verify.SenderUnready, // as 21608, of a number half verified
	"573005": verify.SenderUnready, // likewise, of a call
	"30034":  verify.SenderUnready, // United States: not registered for A2P 10DLC

	"21215": verify.RegionOff, // of a call
	"21408": verify.RegionOff,

	"10001": verify.Credentials, // the account is not active
	"20003": verify.Credentials,
	"20005": verify.Credentials, // the account is not active
	"20404": verify.Credentials, // of what we ask for only the account can be missing

	"30002": verify.NoMoney, // suspended: "Your account balance became negative" is the first of its causes
}
