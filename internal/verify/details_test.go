package verify_test

import (
	"strings"
	"testing"
	"time"

	"countersign/internal/mailbox"
	"countersign/internal/verify"
)

func TestACodeForAPaymentIsGoodForThatPaymentAlone(t *testing.T) {
	w := newWorld()
	s := start(ada)
	s.Details = verify.Details{Amount: "€10.00", Payee: "Acme"}
	v := must(t, w, s).Verification
	right := w.code(t, v)
	for name, c := range map[string]verify.Check{
		"no payment":     {},
		"another amount": {Amount: "€10000.00", Payee: "Acme"},
		"another payee":  {Amount: "€10.00", Payee: "Mallory"},
	} {
		c.Tenant, c.Verification, c.Guess = "t", v.ID, right
		if got := refused(t, w, c, verify.Invalid); got.Field != verify.FieldPayment {
			t.Errorf("%s: the field is %q", name, got.Field)
		}
	}
	if got := w.Verification(v.ID); got.Guesses != 0 {
		t.Errorf("%d guesses were counted of checks that were refused", got.Guesses)
	}
	outcome(t, w, verify.Check{Tenant: "t", Verification: v.ID, Guess: right, Amount: "€10.00", Payee: "Acme"}, verify.OutcomeAccepted)
}

func TestAProfileForPaymentsBeginsNothingElse(t *testing.T) {
	w := newWorld()
	s := start(ada)
	s.Profile.Payments = true
	if got := refused(t, w, s, verify.Invalid); got.Field != verify.FieldPayment {
		t.Errorf("the field is %q", got.Field)
	}
	s.Details = verify.Details{Amount: "1", Payee: "Acme"}
	must(t, w, s)
}

func TestAStartForAnotherPaymentEndsTheFirst(t *testing.T) {
	w := newWorld()
	s := start(ada)
	s.Details = verify.Details{Amount: "1", Payee: "Acme"}
	first := must(t, w, s).Verification
	w.pass(time.Minute)
	s.Details.Amount = "2"
	second := must(t, w, s).Verification
	if first.ID == second.ID {
		t.Fatal("one verification for two payments")
	}
	outcome(t, w, verify.Check{Tenant: "t", Verification: first.ID, Guess: w.code(t, first), Amount: "1", Payee: "Acme"}, verify.OutcomeCanceled)
}

func TestDetailsThatNoMessageCanHaveAreRefused(t *testing.T) {
	long := strings.Repeat("x", verify.MaxTag+1)
	many := map[string]string{}
	for i := range verify.MaxTags + 1 {
		many[strings.Repeat("x", i+1)] = ""
	}
	for name, tt := range map[string]struct {
		details verify.Details
		field   string
	}{
		"an amount without a payee": {verify.Details{Amount: "1"}, verify.FieldPayment},
		"a payee without an amount": {verify.Details{Payee: "Acme"}, verify.FieldPayment},
		"a long payee":              {verify.Details{Amount: "1", Payee: long}, verify.FieldPayment},
		"a hash of 10 characters":   {verify.Details{AppHash: "0123456789"}, verify.FieldAppHash},
		"a hash with a line break":  {verify.Details{AppHash: "0123456789\n"}, verify.FieldAppHash},
		"keys that no phone has":    {verify.Details{Keys: "1E"}, verify.FieldCallKeys},
		"too many keys":             {verify.Details{Keys: strings.Repeat("1", verify.MaxCallKeys+1)}, verify.FieldCallKeys},
		"too many tags":             {verify.Details{Tags: many}, verify.FieldTags},
		"a tag without a name":      {verify.Details{Tags: map[string]string{"": "a"}}, verify.FieldTags},
		"a long tag":                {verify.Details{Tags: map[string]string{"a": long}}, verify.FieldTags},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(ada)
			s.Details = tt.details
			if got := refused(t, newWorld(), s, verify.Invalid); got.Field != tt.field {
				t.Errorf("the field is %q, want %q", got.Field, tt.field)
			}
		})
	}
}

func TestAnAddressIsReachedByTheChannelsOfItsOwnKind(t *testing.T) {
	box, err := mailbox.Parse("ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld()
	w.env.Channels = []verify.Channel{verify.SMS, verify.Email}
	s := start(ada)
	s.Channel = verify.Email
	refused(t, w, s, verify.NumberType)
	s.Address, s.Channel = verify.Mail(box), verify.SMS
	refused(t, w, s, verify.NumberType)
	s.Channel = verify.Email
	s.Profile.Countries = []string{"GB"} // of numbers
	v := must(t, w, s).Verification
	if to, err := v.To(w.env.Keys); err != nil || !to.Equal(s.Address) || to.Text() != "ada@example.com" {
		t.Errorf("it goes to %v, %v", to, err)
	}
	target := verify.Target{Tenant: "t", Profile: profile.ID, Address: verify.Mail(box)}
	outcome(t, w, verify.Check{Tenant: "t", Target: target, Guess: w.code(t, v)}, verify.OutcomeAccepted)
}

func TestApprovingIsTheOneAcceptance(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	outcome(t, w, check(v, w.wrong(t, v)), verify.OutcomeWrong)
	refused(t, w, verify.Approve{Tenant: "u", Verification: v.ID}, verify.NotFound)
	if got := must(t, w, verify.Approve{Tenant: "t", Verification: v.ID}); got.Status != verify.Accepted {
		t.Errorf("it is %s", got.Status)
	}
	outcome(t, w, check(v, w.code(t, v)), verify.OutcomeUsed)
	refused(t, w, verify.Approve{Tenant: "t", Verification: v.ID}, verify.Settled)
	refused(t, w, verify.Cancel{Tenant: "t", Verification: v.ID}, verify.Settled)
	if s := w.Subject(v.Subject); s.Streak != 0 {
		t.Errorf("a streak of %d is left", s.Streak)
	}
}

func TestWhatIsOverCannotBeApproved(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	w.pass(verify.MaxValidity)
	refused(t, w, verify.Approve{Tenant: "t", Verification: v.ID}, verify.Settled)
}

func TestTheVerificationsOfAnAddressAreAChain(t *testing.T) {
	w := newWorld()
	first := must(t, w, start(ada)).Verification
	w.pass(verify.MaxValidity)
	second := must(t, w, start(ada)).Verification
	if first.Previous != (verify.ID{}) || second.Previous != first.ID {
		t.Errorf("before the first came %s, before the second %s", first.Previous, second.Previous)
	}
}

func TestADeliveryIsFoundByItsID(t *testing.T) {
	w := newWorld()
	v := must(t, w, start(ada)).Verification
	for number := 1; number <= verify.MaxSends; number++ {
		key := verify.DeliveryKey{Verification: v.ID, Number: number}
		if got, ok := verify.DeliveryOf(key.ID()); !ok || got != key {
			t.Errorf("message %d is found as %v, %v", number, got, ok)
		}
	}
	if _, ok := verify.DeliveryOf(v.ID); ok {
		t.Error("a verification's own id is taken for a delivery's")
	}
}
