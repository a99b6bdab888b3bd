package store_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/internal/verify"
)

// What a tenant asks for must cost by what is its own: a small tenant's list would
// otherwise read through a large one's rows, and keep the few connections that read, or
// the one that writes, from everybody else.
func TestNothingThatATenantAsksForReadsThroughATable(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "c.db"))
	t.Cleanup(func() { _ = s.Close() })
	one, noon := verify.ID{15: 1}, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, q := range map[string]verify.AttemptQuery{
		"of a tenant":     {},
		"of a profile":    {Profile: one},
		"of one":          {Verification: one},
		"by a channel":    {Channel: verify.Call},
		"after a time":    {After: noon},
		"before a time":   {Before: noon},
		"below another":   {Below: verify.DeliveryKey{Verification: one, Number: 1}},
		"within a period": {After: noon, Before: noon, Below: verify.DeliveryKey{Verification: one, Number: 1}},
	} {
		q.Tenant, q.Limit = "t", 10
		plans, err := s.Plans(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for what, lines := range plans {
			for _, line := range lines {
				// What stands between a statement's parts is small; the last term sorts the
				// messages of one verification.
				small := line == "SCAN family" || line == "SCAN page" || strings.HasSuffix(line, "LAST TERM OF ORDER BY")
				if !small && (strings.HasPrefix(line, "SCAN") || strings.Contains(line, "TEMP B-TREE") || strings.Contains(line, "AUTOMATIC")) {
					t.Errorf("%s, %s: %s", name, what, line)
				}
			}
		}
	}
}
