package route_test

import (
	"strings"
	"testing"
	"time"

	"countersign/internal/deliver/route"
	"countersign/internal/verify"
)

func TestTheMostSpecificRuleIsTaken(t *testing.T) {
	rule := func(countries, prefixes string) route.Rule {
		return route.Rule{Channel: verify.SMS, Countries: strings.Fields(countries), Prefixes: strings.Fields(prefixes), Carriers: choices("a")}
	}
	tt := table(t, append(three, route.Carrier{Name: "post", Channels: []verify.Channel{verify.Email}}),
		rule("", ""), rule("GB FR", ""), rule("gb", "+447"), rule("", "+4477"), rule("", "+447"), rule("IM", "+4476"),
		route.Rule{Channel: verify.Call, Countries: []string{"GB"}, Carriers: choices("b")},
	)
	for _, c := range []struct {
		name, to string
		channel  verify.Channel
		index    int
		why      string
	}{
		{"a number with the longest prefix", "+447712345678", verify.SMS, 3, "routes[3], for numbers that begin with +4477"},
		{"a prefix and its country before the prefix alone", "+447400123456", verify.SMS, 2, "routes[2], for numbers that begin with +447 in GB"},
		{"a prefix alone for another country of its numbers", "+447797712345", verify.SMS, 3, "+4477"},
		{"a longer prefix in a country, which it is not of", "+447624312345", verify.SMS, 5, "in IM"},
		{"a country", "+33612345678", verify.SMS, 1, "routes[1], for numbers of FR"},
		{"a fixed line, which no prefix fits", "+442079460123", verify.SMS, 1, "for numbers of GB"},
		{"anything else", "+4915112345678", verify.SMS, 0, "routes[0]"},
		{"another channel", "+447712345678", verify.Call, 6, "routes[6]"},
		{"another channel without a route for it", "+33612345678", verify.Call, -1, "no route fits: every carrier that takes call"},
	} {
		m := tt.Match(c.channel, number(t, c.to))
		if m.Index != c.index || !strings.Contains(m.Why, c.why) {
			t.Errorf("%s goes by %d (%s), want %d (%s)", c.name, m.Index, m.Why, c.index, c.why)
		}
	}
	if m := tt.Match(verify.Email, mail(t, "ada@example.com")); m.Index != -1 || m.Country != "" || m.Rule.Carriers[0].Name != "post" {
		t.Errorf("an e-mail: %+v", m)
	}
	if m := tt.Match(verify.WhatsApp, number(t, "+447712345678")); len(m.Rule.Carriers) != 0 || m.Rule.Channel != verify.WhatsApp {
		t.Errorf("a channel that nobody takes: %+v", m)
	}
}

func TestWithoutARouteEveryCarrierOfTheChannelIsTakenInTheOrderOfTheFile(t *testing.T) {
	tt := table(t, three)
	for channel, want := range map[verify.Channel]string{verify.SMS: "a b c", verify.Call: "b"} {
		m := tt.Match(channel, number(t, "+447712345678"))
		if got := told(route.Plan(route.Input{Match: m, Now: noon})); got != want || m.Country != "GB" {
			t.Errorf("%s: %s in %s, want %s", channel, got, m.Country, want)
		}
	}
}

func TestNoWholeNumberIsInTheWordsOfARuleForOne(t *testing.T) {
	for _, to := range []string{"+447712345678", "+6834002"} {
		tt := table(t, three, route.Rule{Channel: verify.SMS, Prefixes: []string{to}, Carriers: choices("a")})
		m := tt.Match(verify.SMS, number(t, to))
		if m.Index != 0 || strings.Contains(m.Why, to) {
			t.Errorf("it shows the number: %s", m.Why)
		}
	}
}

func TestARuleThatIsWrongIsRefusedWithItsFieldAndWhatToMend(t *testing.T) {
	good := route.Rule{Channel: verify.SMS, Carriers: choices("a b")}
	with := func(f func(*route.Rule)) []route.Rule {
		r := good
		f(&r)
		return []route.Rule{r}
	}
	gb := route.Rule{Channel: verify.SMS, Countries: []string{"GB"}, Carriers: choices("a")}
	for name, c := range map[string]struct {
		rules []route.Rule
		want  string
	}{
		"no channel":           {with(func(r *route.Rule) { r.Channel = "" }), `routes[0].channel: "" is not a channel; it must be one of [sms`},
		"no carriers":          {with(func(r *route.Rule) { r.Carriers = nil }), "routes[0].carriers: name at least one"},
		"an unknown carrier":   {with(func(r *route.Rule) { r.Carriers = choices("a x") }), `no carrier is called "x"; it must be one of a, b, c`},
		"of another channel":   {with(func(r *route.Rule) { r.Channel = verify.Call }), `"a" takes [sms] as it is set up, and not call`},
		"a carrier twice":      {with(func(r *route.Rule) { r.Carriers = choices("a b a") }), `"a" is there twice`},
		"a negative weight":    {with(func(r *route.Rule) { r.Carriers = []route.Choice{{Name: "a", Weight: -1}} }), "weight of \"a\" is -1 and must be from 0"},
		"a huge weight":        {with(func(r *route.Rule) { r.Carriers = []route.Choice{{Name: "a", Weight: 1e9}} }), "to 1000000"},
		"a sender of lines":    {with(func(r *route.Rule) { r.Carriers = []route.Choice{{Name: "a", Sender: "Acme\r\nBcc: x"}} }), "must be one line"},
		"a sender with spaces": {with(func(r *route.Rule) { r.Carriers = []route.Choice{{Name: "a", Sender: " Acme"}} }), "without spaces round it"},
		"a country in words":   {with(func(r *route.Rule) { r.Countries = []string{"Britain"} }), `"Britain" is no country; write its two letters`},
		"a calling code":       {with(func(r *route.Rule) { r.Countries = []string{"+44"} }), `"+44" is no country`},
		"no country's letters": {with(func(r *route.Rule) { r.Countries = []string{"UK"} }), `"UK" is no country`},
		"an empty country":     {with(func(r *route.Rule) { r.Countries = []string{""} }), `"" is no country`},
		"a country twice":      {with(func(r *route.Rule) { r.Countries = []string{"GB", "gb"} }), `"GB" is there twice`},
		"a national prefix":    {with(func(r *route.Rule) { r.Prefixes = []string{"077"} }), `"077" is no prefix; write + and`},
		"a prefix of zero":     {with(func(r *route.Rule) { r.Prefixes = []string{"+077"} }), `"+077" is no prefix`},
		"a plus alone":         {with(func(r *route.Rule) { r.Prefixes = []string{"+"} }), `"+" is no prefix`},
		"a prefix of letters":  {with(func(r *route.Rule) { r.Prefixes = []string{"+44a"} }), `"+44a" is no prefix`},
		"too long a prefix":    {with(func(r *route.Rule) { r.Prefixes = []string{"+4477123456784567"} }), "is no prefix"},
		"a prefix twice":       {with(func(r *route.Rule) { r.Prefixes = []string{"+44", "+44"} }), `"+44" is there twice`},
		"a hedge at once":      {with(func(r *route.Rule) { r.HedgeAfter = time.Millisecond }), "routes[0].hedge_after: 1ms is not from 1s to 10m0s"},
		"a hedge too late":     {with(func(r *route.Rule) { r.HedgeAfter = time.Hour }), "routes[0].hedge_after: 1h0m0s"},
		"a hedge with nobody":  {with(func(r *route.Rule) { r.HedgeAfter, r.Carriers = 5*time.Second, choices("a") }), "the route has one carrier"},
		"a negative validity":  {with(func(r *route.Rule) { r.Validity = -1 }), "routes[0].validity: -1ns is not from 1s"},
		"a prefix elsewhere":   {with(func(r *route.Rule) { r.Countries, r.Prefixes = []string{"FR"}, []string{"+4477"} }), `routes[0].prefixes: no number of FR begins with "+4477"`},
		"a country elsewhere": {with(func(r *route.Rule) { r.Countries, r.Prefixes = []string{"GB", "FR"}, []string{"+4477"} }),
			"routes[0].countries: no number of FR begins with +4477"},
		"the same twice": {[]route.Rule{good, good}, "routes[1].channel: a route for all of sms is never used, since routes[0] has it too"},
		"a country that has a route": {[]route.Rule{gb, {Channel: verify.SMS, Countries: []string{"FR", "GB"}, Carriers: choices("b")}},
			`routes[1].countries: "GB" is never used, since routes[0] has it too and comes first; take it out of one of them`},
		"a country behind its calling code": {[]route.Rule{gb, {Channel: verify.SMS, Prefixes: []string{"+44"}, Carriers: choices("b")}},
			`routes[0].countries: "GB" is never used, since all its numbers begin with "+44", and routes[1] has those`},
		"a prefix behind the same": {[]route.Rule{
			{Channel: verify.SMS, Prefixes: []string{"+4477", "+33"}, Carriers: choices("a")},
			{Channel: verify.SMS, Prefixes: []string{"+33"}, Carriers: choices("b")},
		}, `routes[1].prefixes: "+33" is never used`},
		"e-mail of a country": {[]route.Rule{{Channel: verify.Email, Countries: []string{"GB"}, Carriers: choices("a")}}, "routes[0].countries: an e-mail address has no country"},
		"e-mail of a prefix":  {[]route.Rule{{Channel: verify.Email, Prefixes: []string{"+44"}, Carriers: choices("a")}}, "routes[0].prefixes: an e-mail address has no prefix"},
	} {
		got, err := route.NewTable(three, c.rules)
		if err == nil || got != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if _, err := route.NewTable(three, []route.Rule{{Channel: "x"}, {Channel: "y"}}); strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("not all faults are told at once: %v", err)
	}
}

func TestWhatOnlySeemsToOverlapIsTaken(t *testing.T) {
	rule := func(countries, prefixes string) route.Rule {
		return route.Rule{Channel: verify.SMS, Countries: strings.Fields(countries), Prefixes: strings.Fields(prefixes), Carriers: choices("a b"), HedgeAfter: 8 * time.Second}
	}
	table(t, three,
		rule("", "+44"), rule("GB", "+44"), rule("JE", "+4477"), rule("US", ""), rule("CA", ""), rule("", "+1212"), rule("US", "+1212"), rule("", ""))
}

func TestACarrierIsToldToGiveUpNoLaterThanTheCodeAndTheRule(t *testing.T) {
	for _, c := range []struct{ rule, left, want time.Duration }{
		{0, time.Minute, time.Minute}, {time.Minute, 5 * time.Minute, time.Minute}, {5 * time.Minute, time.Minute, time.Minute},
	} {
		if got := (route.Rule{Validity: c.rule}).ValidFor(c.left); got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.rule, c.left, got, c.want)
		}
	}
}

// Whatever is written, a table is made or the error names a field; and of a table each
// rule can be matched without one being returned that does not fit.
func FuzzNewTable(f *testing.F) {
	f.Add("sms", "GB", "+44", "a", "b", 1, "")
	f.Add("call", "gb", "", "b", "", -1, "Acme")
	f.Add("email", "", "+", "x", "a", 0, "\n")
	f.Fuzz(func(t *testing.T, channel, country, prefix, first, second string, weight int, sender string) {
		list := func(s string) []string {
			if s == "" {
				return nil
			}
			return strings.Split(s, ",")
		}
		rules := []route.Rule{
			{Channel: verify.Channel(channel), Countries: list(country), Carriers: []route.Choice{{Name: first, Weight: weight, Sender: sender}}},
			{Channel: verify.SMS, Countries: list(country), Prefixes: list(prefix), Carriers: choices(second)},
		}
		tt, err := route.NewTable(three, rules)
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "routes[") || !strings.Contains(line, ": ") {
					t.Errorf("an error without a field: %q", line)
				}
			}
			return
		}
		if m := tt.Match(verify.SMS, number(t, "+447712345678")); m.Index == 1 && !strings.HasPrefix("+447712345678", strings.Split(prefix, ",")[0]) && !strings.Contains(prefix, ",") {
			t.Errorf("prefix %q is taken for a number that it does not fit", prefix)
		}
	})
}
