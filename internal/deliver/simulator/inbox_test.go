package simulator_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"countersign/internal/deliver/inbox"
	"countersign/internal/deliver/simulator"
	"countersign/internal/verify"
)

// TestTheInboxShowsAMessageOnItsWay joins the two as the wiring does: neither knows the
// other.
func TestTheInboxShowsAMessageOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := inbox.New("inbox", time.Now)
		w := newWorld(t, func(c *simulator.Config) {
			c.Show = func(m verify.Message, arrived bool) { box.Show("sim", m, arrived) }
			c.Receipts = func(r verify.Receipt) { box.Record(r.Message, verify.Step(r.State), time.Now(), "says sim") }
		})
		get := func(path string) string {
			r := httptest.NewRecorder()
			box.Handler().ServeHTTP(r, httptest.NewRequest("GET", path, nil))
			return r.Body.String()
		}
		w.send(t.Context(), to(t, "+12015550111"))
		if phone, page := get("/dev/messages"), get("/dev/inbox"); strings.Contains(phone, canary) || !strings.Contains(page, "Not arrived") || !strings.Contains(page, canary) {
			t.Errorf("before it arrives: %s\n%s", phone, page)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if phone, page := get("/dev/messages"), get("/dev/inbox"); !strings.Contains(phone, canary) || !strings.Contains(page, "Delivered") || strings.Contains(page, " away") {
			t.Errorf("when it has arrived: %s\n%s", phone, page)
		}
	})
}
