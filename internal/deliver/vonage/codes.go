package vonage

import (
	"countersign/internal/deliver/post"
	"countersign/internal/verify"
)

// classes sorts the codes of the Messages API (developer.vonage.com/api-errors/messages),
// with which it refuses a request or says in a receipt why a message failed. A code that
// is not here leaves it to the status to say what happened.
var classes = map[post.Code]verify.Class{
	"1310": verify.NotMobile, // a device that takes no texts

	"1170": verify.BadNumber,
	"1190": verify.BadNumber, // not in use any more
	"1300": verify.BadNumber, // nobody of the network

	"1050": verify.OptedOut, // blacklisted
	"1240": verify.OptedOut, // answered STOP
	"1280": verify.OptedOut, // barred by the person's carrier

	"1210": verify.Filtered,
	"1270": verify.Filtered, // for the person's age

	"1030": verify.Temporary,
	"1100": verify.Temporary,
	"1180": verify.Temporary, // the handset is off
	"1200": verify.Temporary, // the number has just changed its network
	"1220": verify.Temporary,
	"1230": verify.Temporary,
	"1250": verify.Temporary, // not by this route: another carrier has another one
	"1260": verify.Temporary, // likewise
	"1330": verify.Temporary,
	"1360": verify.Temporary, // its time was over in the queue

	"1000": verify.Throttled,
	"1241": verify.Throttled,

	"1120": verify.SenderUnready,
	"1140": verify.SenderUnready,
	"1160": verify.SenderUnready, // a trial account texts listed numbers alone

	"1060": verify.Credentials, // the account is barred
	"1080": verify.Credentials,
	"1110": verify.Credentials,

	"1070": verify.NoMoney,
}
