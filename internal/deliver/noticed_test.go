package deliver_test

import (
	"testing"
	"testing/synctest"
	"time"

	"countersign/internal/verify"
)

func TestAJobThatWaitedPastItsLeaseIsSentOnlyIfItIsStillOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, c := newOutbox("n1"), &carrier{}
		j := o.start(t, 1)
		time.Sleep(verify.Lease) // in memory; meanwhile another node takes it and sends it
		if _, err := o.Report(t.Context(), verify.Report{Key: j.Delivery.Key, Handovers: []verify.Handover{verify.Handed("b", verify.Submission{}, nil)}}); err != nil {
			t.Fatal(err)
		}
		f := newFixture(t, o, false, c)
		f.Offer(j)
		synctest.Wait()
		if c.count() != 0 || f.state(t).State != verify.Sent {
			t.Errorf("%d messages more, %s", c.count(), f.state(t).State)
		}
		f.Close(t.Context())
	})
}
