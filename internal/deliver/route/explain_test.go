package route_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/deliver/route"
	"countersign/internal/verify"
)

func TestAnExplanationSaysWhatWouldHappenAndWhy(t *testing.T) {
	b := route.NewBreakers()
	tt := table(t, three, route.Rule{
		Channel: verify.SMS, Prefixes: []string{"+4477"}, HedgeAfter: 8 * time.Second, Validity: time.Minute,
		Carriers: []route.Choice{{Name: "a", Sender: "Acme"}, {Name: "b"}, {Name: "c"}},
	})
	to := number(t, "+447712345678")
	fail(t, b, "b", "GB", noon, refused(verify.Temporary), 3)
	e := route.Explain(route.Input{Match: tt.Match(verify.SMS, to), Breakers: b, Now: noon}, to)
	want := `sms to +4•••••••••78 (GB)
routes[0], for numbers that begin with +4477
  1. a from Acme: 1st of routes[0]
  2. c: 3rd of routes[0]
  –. b: skipped: its last 3 messages to GB failed; next try in 5 s
without a receipt or a check after 8s the next one gets it too
carriers are told to give up after 1m0s
`
	if diff := cmp.Diff(want, e.Text()); diff != "" {
		t.Error(diff)
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"channel":"sms","to":"+4•••••••••78","country":"GB","route":0,"why":"routes[0], for numbers that begin with +4477",`+
		`"steps":[{"carrier":"a","sender":"Acme","why":"1st of routes[0]"},{"carrier":"c","why":"3rd of routes[0]"},`+
		`{"carrier":"b","skipped":true,"why":"skipped: its last 3 messages to GB failed; next try in 5 s"}],"hedge_after":8,"validity":60}`, string(text)); diff != "" {
		t.Error(diff)
	}
}

func TestAnExplanationSaysWhereItIsOneDrawOfChance(t *testing.T) {
	const line = "chance decides by weight for each message: this is one draw\n"
	to := number(t, "+447712345678")
	for name, tt := range map[string]struct {
		carriers []route.Choice
		fails    string
		want     bool
	}{
		"two with a weight":                          {[]route.Choice{{Name: "a", Weight: 3}, {Name: "b", Weight: 1}, {Name: "c"}}, "", true},
		"none with a weight":                         {[]route.Choice{{Name: "a"}, {Name: "b"}}, "", false},
		"one with a weight, and one that stands by":  {[]route.Choice{{Name: "a", Weight: 3}, {Name: "b"}}, "", false},
		"two with a weight, of which one is skipped": {[]route.Choice{{Name: "a", Weight: 3}, {Name: "b", Weight: 1}}, "b", false},
	} {
		b := route.NewBreakers()
		if tt.fails != "" {
			fail(t, b, tt.fails, "GB", noon, refused(verify.Temporary), 3)
		}
		match := table(t, three, route.Rule{Channel: verify.SMS, Carriers: tt.carriers}).Match(verify.SMS, to)
		e := route.Explain(route.Input{Match: match, Breakers: b, Now: noon}, to)
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if e.Drawn != tt.want || strings.Contains(e.Text(), line) != tt.want || strings.Contains(string(text), `"drawn":true`) != tt.want {
			t.Errorf("%s: drawn %v\n%s%s", name, e.Drawn, e.Text(), text)
		}
	}
}

func TestAnExplanationSaysThatNobodyTakesAMessage(t *testing.T) {
	to := mail(t, "ada@example.com")
	explain := func(b *route.Breakers, carriers ...route.Carrier) string {
		return route.Explain(route.Input{Match: table(t, carriers).Match(verify.Email, to), Breakers: b, Now: noon}, to).Text()
	}
	if got := explain(nil); !strings.Contains(got, "nobody takes it: add a carrier for this channel") || strings.Contains(got, "(") {
		t.Error(got)
	}
	b := route.NewBreakers()
	fail(t, b, "post", "", noon, refused(verify.Temporary), 3)
	got := explain(b, route.Carrier{Name: "post", Channels: []verify.Channel{verify.Email}})
	if !strings.Contains(got, "nobody can be tried now: it waits") || !strings.Contains(got, "its last 3 messages failed;") || strings.Contains(got, "ada@") {
		t.Error(got)
	}
}
