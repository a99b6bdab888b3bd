package verify_test

import (
	"testing"
	"time"

	"countersign/internal/limit"
	"countersign/internal/verify"
)

func TestAQuotaIsSpentByEveryMessageAndRefusedUnderItsOwnName(t *testing.T) {
	w := newWorld()
	visitor := verify.Quota{Name: "visitor 192.0.2.1", Rule: hourly(2), Kind: verify.QuotaSpent}
	s := start(ada)
	s.Quotas = []verify.Quota{visitor}
	v := must(t, w, s).Verification
	w.pass(time.Minute)
	must(t, w, verify.Resend{Tenant: "t", Verification: v.ID, Quotas: s.Quotas})
	s.Address = verify.Phone(bob)
	if got := refused(t, w, s, verify.QuotaSpent); got.Wait <= 0 || got.Wait > time.Hour {
		t.Errorf("it says to wait %s", got.Wait)
	}
	s.Quotas[0].Name = "visitor 192.0.2.2"
	must(t, w, s)
}

func TestTheSpendLimitOfAProfileHoldsForTheDayAndIsWholeTheNext(t *testing.T) {
	w := newWorld()
	s := start(ada)
	s.Profile.Quotas = []verify.Quota{{
		Name: "spend", Rule: limit.Rule{Count: 1, Per: 24 * time.Hour, Fixed: true}, Kind: verify.SpendLimit,
	}}
	must(t, w, s)
	s.Address = verify.Phone(bob)
	if got := refused(t, w, s, verify.SpendLimit); got.Wait != 12*time.Hour { // it is noon
		t.Errorf("it says to wait %s, and the day is over in 12h", got.Wait)
	}
	w.pass(12 * time.Hour)
	must(t, w, s)
}

func TestARefusedMessageSpendsNoQuota(t *testing.T) {
	w := newWorld()
	w.env.Limits.Hour = hourly(1)
	one := verify.Quota{Name: "a", Rule: hourly(1), Kind: verify.QuotaSpent}
	other := verify.Quota{Name: "b", Rule: hourly(5), Kind: verify.QuotaSpent}
	s := start(ada)
	s.Quotas = []verify.Quota{one}
	must(t, w, s)
	s.Address, s.Quotas = verify.Phone(bob), []verify.Quota{other, one}
	for range 10 {
		refused(t, w, s, verify.QuotaSpent)
	}
	s.Quotas = []verify.Quota{other}
	must(t, w, s)
}

func TestTenantsHaveQuotasOfOneNameApart(t *testing.T) {
	w := newWorld()
	s := start(ada)
	s.Quotas = []verify.Quota{{Name: "a", Rule: hourly(1), Kind: verify.QuotaSpent}}
	must(t, w, s)
	s.Profile.Tenant = "u"
	must(t, w, s)
}

// A message that was sent under the old key counts under the new one.
func TestAQuotaIsNotForgottenWhenTheKeyIsRotated(t *testing.T) {
	w := newWorld()
	s := start(ada)
	s.Quotas = []verify.Quota{{Name: "a", Rule: hourly(1), Kind: verify.QuotaSpent}}
	must(t, w, s)
	next, err := w.env.Keys.Rotate(w.now)
	if err != nil {
		t.Fatal(err)
	}
	w.env.Keys = next.At(w.now.Add(time.Second))
	if w.env.Keys.Other() == "" {
		t.Fatal("the ring has one key")
	}
	s.Address = verify.Phone(bob)
	refused(t, w, s, verify.QuotaSpent)
}

// Whoever may make profiles must not have the limits on a number anew with each.
func TestTheLimitsOnANumberHoldForAllProfilesOfATenantTogether(t *testing.T) {
	for name, limits := range map[string]verify.Limits{
		"by the hour": {Hour: hourly(2)}, "by the day": {Day: limit.Rule{Count: 2, Per: 24 * time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.env.Limits = limits
			s := start(ada)
			s.Profile.Joint = true
			by := func(profile byte) verify.Start { s.Profile.ID = verify.ID{15: profile}; return s }
			first := must(t, w, by(1)).Verification
			if left := must(t, w, by(2)).Allowance; left.Limit != 2 || left.Left != 0 {
				t.Errorf("after two messages of two profiles: %+v", left)
			}
			if got := refused(t, w, by(3), verify.TooManyStarts); got.Wait <= 0 {
				t.Errorf("it says to wait %s", got.Wait)
			}
			w.pass(30 * time.Second)
			refused(t, w, verify.Resend{Tenant: first.Tenant, Verification: first.ID, Joint: verify.Phone(ada)}, verify.TooManyStarts)
			s.Address = verify.Phone(bob)
			must(t, w, by(3)) // another number has limits of its own,
			s.Address = verify.Phone(ada)
			s.Profile.Tenant = "u"
			must(t, w, by(3)) // and another tenant cannot use up those of this one,
			s.Profile.Tenant, s.Profile.Joint = "t", false
			must(t, w, by(4)) // nor can what tenants make use up those of the operator's
		})
	}
}
