package telnyx

import (
	"countersign/internal/deliver/post"
	"countersign/internal/verify"
)

// classes sorts Telnyx's codes. A code that is not here leaves it to the status
// to say what happened.
var classes = map[post.Code]verify.Class{
	"40001": verify.NotMobile, // also where a carrier has no route for texts

	"40310": verify.BadNumber,
	"40012": verify.BadNumber,

	"40300": verify.OptedOut, // the person answered STOP: Telnyx itself holds the list

	"40002": verify.Filtered,
	"40003": verify.Filtered, // permanent for this sender only, so another carrier may try
	"40015": verify.Filtered,
	"40017": verify.Filtered,
	"40322": verify.Filtered,

	"40004": verify.Temporary, // "for unknown reasons", which mostly pass
	"40006": verify.Temporary,
	"40008": verify.Temporary,
	"40005": verify.Temporary, // it expired in the queue: whether there is time left, the core knows
	"40014": verify.Temporary, // likewise

	"40011": verify.Throttled,
	"40016": verify.Throttled,
	"40018": verify.Throttled,
	"40318": verify.Throttled,

	"40020": verify.Pumping, // Telnyx blocks the destination for 24 hours

	"40010": verify.SenderUnready,
	"40013": verify.SenderUnready, // the *source* number is the invalid one
	"40305": verify.SenderUnready,
	"40306": verify.SenderUnready,
	"40307": verify.SenderUnready,
	"40321": verify.SenderUnready,
	"40329": verify.SenderUnready,

	"40309": verify.RegionOff,
	"40331": verify.RegionOff,

	"40333": verify.NoMoney,
	"20100": verify.NoMoney,
}
