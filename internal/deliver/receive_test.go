package deliver_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"countersign/internal/deliver/route"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

func TestACarrierCannotTalkItselfUpWithTheSameReceiptOverAndOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox("n1")
		o.rules = []route.Rule{{Channel: verify.SMS, Carriers: []route.Choice{{Name: "a", Weight: 1}, {Name: "b", Weight: 1}}}}
		f := newFixture(t, o, true, &carrier{}, &carrier{})
		for n := byte(1); n < 100; n++ {
			f.Offer(o.start(t, n))
			synctest.Wait()
		}
		for _, d := range o.deliveries() {
			if d.Carrier == "b" {
				f.Verified(d.Key.Verification)
				continue
			}
			for range 50 { // nobody types in what came by a
				f.receive(t, "a", verify.Receipt{Message: d.Key.String(), State: verify.Delivered})
			}
		}
		time.Sleep(3 * time.Minute)
		if text := f.Explain(verify.SMS, verify.Phone(phone.Trusted("+447400123401"))).Text(); !strings.Contains(text, "of its codes only 9 % are typed in") {
			t.Errorf("a is believed:\n%s", text)
		}
		f.Close(t.Context())
	})
}
