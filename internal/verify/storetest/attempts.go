package storetest

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/verify"
)

// attemptsAt makes three verifications a minute apart: the first with two deliveries,
// the second of another profile and by call, the third of another tenant.
func attemptsAt(t *testing.T, s verify.Store) (ids [3]verify.ID) {
	t.Helper()
	for i := range ids {
		n, at := byte(i+1), noon.Add(time.Duration(i)*time.Minute)
		made, err := verify.NewID(at, zeros{})
		if err != nil {
			t.Fatal(err)
		}
		v := verification(n)
		v.ID, v.CreatedAt = made, at
		d := delivery(n, 1)
		d.Key.Verification, d.CreatedAt = made, at
		all := []verify.Delivery{d}
		switch i {
		case 0:
			again := d
			again.Key.Number, again.CreatedAt = 2, at.Add(5*time.Minute)
			all = append(all, again)
		case 1:
			v.Profile, v.Channel, all[0].Channel = id(201), verify.Call, verify.Call
		case 2:
			v.Tenant = "another"
		}
		ids[i] = made
		commit(t, s, needs(n), func(verify.Rows) verify.Changes {
			sub := subject(n)
			return verify.Changes{Subject: &sub, Verifications: []verify.Verification{v}, Deliveries: all}
		})
	}
	return ids
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func attempts(t *testing.T, open Open) {
	s := open(t)
	ids := attemptsAt(t, s)
	for name, tt := range map[string]struct {
		q    verify.AttemptQuery
		want []string // verification and number
	}{
		"all of a tenant":     {verify.AttemptQuery{}, []string{"1-1", "0-2", "0-1"}},
		"another tenant":      {verify.AttemptQuery{Tenant: "another"}, []string{"2-1"}},
		"nobody":              {verify.AttemptQuery{Tenant: "nobody"}, nil},
		"a profile":           {verify.AttemptQuery{Profile: id(201)}, []string{"1-1"}},
		"a verification":      {verify.AttemptQuery{Verification: ids[0]}, []string{"0-2", "0-1"}},
		"another tenant's":    {verify.AttemptQuery{Verification: ids[2]}, nil},
		"a channel":           {verify.AttemptQuery{Channel: verify.SMS}, []string{"0-2", "0-1"}},
		"after an instant":    {verify.AttemptQuery{After: noon.Add(time.Minute)}, []string{"1-1", "0-2"}},
		"before an instant":   {verify.AttemptQuery{Before: noon}, []string{"0-1"}},
		"between":             {verify.AttemptQuery{After: noon.Add(time.Second), Before: noon.Add(4 * time.Minute)}, []string{"1-1"}},
		"a page":              {verify.AttemptQuery{Offset: 1, Limit: 1}, []string{"0-2"}},
		"below the first":     {verify.AttemptQuery{Below: verify.DeliveryKey{Verification: ids[1], Number: 1}}, []string{"0-2", "0-1"}},
		"below one of two":    {verify.AttemptQuery{Below: verify.DeliveryKey{Verification: ids[0], Number: 2}}, []string{"0-1"}},
		"below the last":      {verify.AttemptQuery{Below: verify.DeliveryKey{Verification: ids[0], Number: 1}}, nil},
		"below another's":     {verify.AttemptQuery{Below: verify.DeliveryKey{Verification: ids[2], Number: 1}, Limit: 1}, []string{"1-1"}},
		"below, in a stretch": {verify.AttemptQuery{Below: verify.DeliveryKey{Verification: ids[1], Number: 1}, Before: noon}, []string{"0-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.q.Tenant == "" {
				tt.q.Tenant = verification(1).Tenant
			}
			if tt.q.Limit == 0 {
				tt.q.Limit = 10
			}
			found, err := s.Attempts(t.Context(), tt.q)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, j := range found {
				if j.Verification.ID != j.Delivery.Key.Verification {
					t.Errorf("delivery %s came with verification %s", j.Delivery.Key, j.Verification.ID)
				}
				got = append(got, strconv.Itoa(slices.Index(ids[:], j.Verification.ID))+"-"+strconv.Itoa(j.Delivery.Key.Number))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}
