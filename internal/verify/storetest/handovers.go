package storetest

import (
	"testing"
	"time"

	"countersign/internal/verify"
)

// handovers have every field set at least once.
func handovers() []verify.Handover {
	return []verify.Handover{
		{Why: "passed over: «a» is resting", Carrier: "a", At: noon},
		{
			Carrier: "b", CarrierID: "id\n'1", Unnamed: true, State: verify.Failed, Class: verify.Temporary, Why: "first",
			Line: verify.VoIP, Times: 3, At: noon, Took: 1500 * time.Millisecond, Word: noon.Add(time.Second), Early: true,
		},
	}
}

func onward(t *testing.T, open Open) {
	s := open(t)
	for n := byte(1); n <= 3; n++ {
		add(t, s, n)
	}
	commit(t, s, needs(2), func(r verify.Rows) verify.Changes {
		r.Delivery.State, r.Delivery.Onward, r.Delivery.Handovers = verify.Sent, true, handovers()
		return verify.Changes{Deliveries: []verify.Delivery{*r.Delivery}}
	})
	commit(t, s, needs(3), func(r verify.Rows) verify.Changes {
		r.Delivery.State, r.Delivery.DueAt = verify.Sent, noon
		return verify.Changes{Deliveries: []verify.Delivery{*r.Delivery}}
	})
	rows, err := s.Due(t.Context(), noon.Add(time.Hour), false, 10)
	if err != nil || len(rows) != 2 || rows[1].Key.Verification != id(2) || !rows[1].Onward {
		t.Errorf("due: %+v, %v", rows, err)
	}
	if n, err := s.Queued(t.Context()); n != 1 || err != nil {
		t.Errorf("%d wait to be sent, %v: one that was sent waits for nothing", n, err)
	}
	key, err := s.Found(t.Context(), verify.FoundBy("b", "id\n'1"))
	if err != nil || key == nil || *key != (verify.DeliveryKey{Verification: id(2), Number: 1}) {
		t.Errorf("found %v, %v", key, err)
	}
	for _, by := range []string{"", "b", verify.FoundBy("c", "id\n'1")} {
		if key, err := s.Found(t.Context(), by); key != nil || err != nil {
			t.Errorf("%q finds %v, %v", by, key, err)
		}
	}
	// Of deliveries due at one instant the older verification's comes first.
	for _, n := range []byte{3, 2, 1} {
		commit(t, s, needs(n), func(r verify.Rows) verify.Changes {
			r.Delivery.State, r.Delivery.DueAt = verify.Queued, noon
			return verify.Changes{Deliveries: []verify.Delivery{*r.Delivery}}
		})
	}
	rows, err = s.Due(t.Context(), noon, false, 2)
	if err != nil || len(rows) != 2 || rows[0].Key.Verification != id(1) || rows[1].Key.Verification != id(2) {
		t.Errorf("due at once: %+v, %v", rows, err)
	}
}
