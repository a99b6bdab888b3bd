package telnyxapi

import (
	"slices"
	"testing"

	"countersign/internal/verify"
)

func TestEveryOutcomeAndStatusIsOneThatTheSDKsKnow(t *testing.T) {
	for _, o := range verify.Outcomes() {
		row, ok := responseCodes[o]
		if !ok || (row.code == "accepted") != (o == verify.OutcomeAccepted) || row.code != "accepted" && row.code != "rejected" {
			t.Errorf("%s is %+v", o, row)
		}
	}
	for _, s := range []verify.Status{verify.Pending, verify.Accepted, verify.Canceled, verify.Exhausted, verify.Expired} {
		if !slices.Contains([]string{"pending", "accepted", "invalid", "expired", "error"}, statuses[s]) {
			t.Errorf("%s is %q", s, statuses[s])
		}
	}
}
