package route_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/deliver/route"
	"countersign/internal/mailbox"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var (
	texts = []verify.Channel{verify.SMS}
	three = []route.Carrier{{Name: "a", Channels: texts}, {Name: "b", Channels: []verify.Channel{verify.SMS, verify.Call}}, {Name: "c", Channels: texts}}
)

func number(t testing.TB, text string) verify.Address {
	t.Helper()
	n, err := phone.Parse(text, "")
	if err != nil {
		t.Fatal(err)
	}
	return verify.Phone(n)
}

func mail(t *testing.T, text string) verify.Address {
	t.Helper()
	m, err := mailbox.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return verify.Mail(m)
}

func table(t testing.TB, carriers []route.Carrier, rules ...route.Rule) *route.Table {
	t.Helper()
	table, err := route.NewTable(carriers, rules)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// choices reads "a b c" as carriers in that order.
func choices(text string) (out []route.Choice) {
	for name := range strings.FieldsSeq(text) {
		out = append(out, route.Choice{Name: name})
	}
	return out
}

// sms is a match of a rule for texts to GB.
func sms(choices ...route.Choice) route.Match {
	return route.Match{Rule: route.Rule{Channel: verify.SMS, Carriers: choices}, Country: "GB"}
}

// told writes a plan as "a b, not c".
func told(steps []route.Step) string {
	var out []string
	skipping := false
	for _, s := range steps {
		if s.Skipped && !skipping {
			skipping = true
			out = append(out, "not")
		}
		out = append(out, s.Carrier)
	}
	return strings.Join(out, " ")
}

func why(steps []route.Step, carrier string) string {
	i := slices.IndexFunc(steps, func(s route.Step) bool { return s.Carrier == carrier })
	return steps[i].Why
}

func refused(class verify.Class) *verify.SendError { return &verify.SendError{Class: class} }

// try hands one message over and says whether it was let through.
func try(b *route.Breakers, carrier, country string, now time.Time, refusal *verify.SendError) (ok, recovered bool) {
	a, ok := b.Begin(carrier, country, now)
	if !ok {
		return false, false
	}
	return true, b.End(a, refusal, now)
}

// fail hands over n messages that are refused.
func fail(t testing.TB, b *route.Breakers, carrier, country string, now time.Time, refusal *verify.SendError, n int) {
	t.Helper()
	for i := range n {
		if ok, _ := try(b, carrier, country, now, refusal); !ok {
			t.Fatalf("message %d of %d is not let through", i+1, n)
		}
	}
}
