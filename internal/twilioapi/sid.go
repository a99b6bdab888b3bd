package twilioapi

import (
	"encoding/hex"
	"strings"

	"countersign/internal/verify"
)

// The two letters that say what a sid is of.
const (
	sidAccount          = "AC"
	sidService          = "VA"
	sidVerification     = "VE"
	sidAttempt          = "VL"
	sidRateLimit        = "RK"
	sidBucket           = "BL"
	sidSafeNumber       = "GN"
	sidTemplate         = "HJ"
	sidWebhook          = "YW"
	sidMessagingService = "MG"
)

// sid writes an id as Twilio does: two letters and 32 hexadecimal digits.
func sid(kind string, id verify.ID) string { return kind + hex.EncodeToString(id[:]) }

// idOf reads what sid wrote, digits of either case; ok is false for anything else. The
// zero id is nobody's, and elsewhere stands for none: no caller may name it.
func idOf(kind, text string) (id verify.ID, ok bool) {
	digits, ok := strings.CutPrefix(text, kind)
	if !ok || len(digits) != hex.EncodedLen(len(id)) {
		return verify.ID{}, false
	}
	_, err := hex.Decode(id[:], []byte(digits))
	return id, err == nil && id != (verify.ID{})
}
