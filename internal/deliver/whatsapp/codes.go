package whatsapp

import (
	"countersign/internal/deliver/post"
	"countersign/internal/verify"
)

// classes sorts the codes of "Cloud API: Error codes". A code that is not here leaves it
// to the status to say what happened.
var classes = map[post.Code]verify.Class{
	"131026": verify.BadNumber, // not on WhatsApp, or with an application that is too old
	"131021": verify.BadNumber, // the business's own number

	"131050": verify.OptedOut,

	"130472": verify.Filtered, // the person is part of an experiment of Meta's
	"131049": verify.Filtered, // held back for the health of the ecosystem

	"1":      verify.Temporary,
	"2":      verify.Temporary,
	"131000": verify.Temporary,
	"131016": verify.Temporary,
	"131057": verify.Temporary, // the account is being looked after
	"133004": verify.Temporary,

	"4":      verify.Throttled,
	"80007":  verify.Throttled,
	"130429": verify.Throttled,
	"131048": verify.Throttled, // for too many complaints
	"131056": verify.Throttled, // this business to this person

	"130497": verify.RegionOff,

	"131030": verify.SenderUnready, // a test number texts listed numbers alone
	"131045": verify.SenderUnready, // the number is not registered
	"133010": verify.SenderUnready, // likewise
	"132000": verify.SenderUnready, // the template has other parameters
	"132001": verify.SenderUnready, // no such template in this language
	"132005": verify.SenderUnready,
	"132007": verify.SenderUnready,
	"132012": verify.SenderUnready,
	"132015": verify.SenderUnready, // the template is paused
	"132016": verify.SenderUnready, // and for good

	"131042": verify.NoMoney,

	"0":      verify.Credentials,
	"3":      verify.Credentials,
	"10":     verify.Credentials,
	"190":    verify.Credentials, // the token has expired
	"200":    verify.Credentials,
	"368":    verify.Credentials, // the account is blocked for what it did
	"131005": verify.Credentials,
	"131031": verify.Credentials, // the account is locked
}
