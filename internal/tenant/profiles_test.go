package tenant_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/code"
	"countersign/internal/limit"
	"countersign/internal/message"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

func TestTheOperatorsProfilesCannotBeChanged(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	p, err := d.Profile(t.Context(), tenant.Default, fixedID)
	if err != nil || !p.Fixed || p.Name != "default" {
		t.Fatal(p, err)
	}
	_, err = d.ChangeProfile(t.Context(), tenant.Default, fixedID, func(*tenant.Profile) error { t.Error("it was changed"); return nil })
	refused(t, err, verify.Forbidden, "")
	_, err = d.DropProfile(t.Context(), tenant.Default, fixedID)
	refused(t, err, verify.Forbidden, "")
	if w.store.count() != 0 {
		t.Error("something was stored")
	}
}

func TestTheOperatorsProfilesComeFirstInLists(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	for _, name := range []string{"Shop", "Bank", "shop two"} {
		w.profile(d, tenant.Default, tenant.Profile{Name: name})
		w.now = w.now.Add(time.Second)
	}
	for _, tt := range []struct {
		q     tenant.Query
		names string
		total int
	}{
		{tenant.Query{Limit: 9}, "default, Shop, Bank, shop two", 4},
		{tenant.Query{Limit: 2}, "default, Shop", 4},
		{tenant.Query{Offset: 1, Limit: 2}, "Shop, Bank", 4},
		{tenant.Query{Offset: 3, Limit: 2}, "shop two", 4},
		{tenant.Query{Offset: 4, Limit: 2}, "", 4},
		{tenant.Query{Limit: 0}, "", 4},
		{tenant.Query{Name: "SHOP", Limit: 9}, "Shop, shop two", 2},
		{tenant.Query{Name: "shop", Offset: 1, Limit: 9}, "shop two", 2},
		{tenant.Query{Name: "a", Limit: 9}, "default, Bank", 2},
		{tenant.Query{Name: "a", Offset: 1, Limit: 9}, "Bank", 2},
		{tenant.Query{Name: "%", Limit: 9}, "", 0},
	} {
		page, total, err := d.Profiles(t.Context(), tenant.Default, tt.q)
		var names []string
		for _, p := range page {
			names = append(names, p.Name)
		}
		if got := strings.Join(names, ", "); got != tt.names || total != tt.total || err != nil {
			t.Errorf("%+v: %q of %d, %v; want %q of %d", tt.q, got, total, err, tt.names, tt.total)
		}
	}
}

func TestAProfileTakesWhatBelongsToItAlong(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	p := w.profile(d, tenant.Default, tenant.Profile{})
	before := w.store.count()
	l, err := d.RateLimits.Add(t.Context(), tenant.Default, tenant.RateLimit{Meta: tenant.Meta{Parent: p.ID}, Name: "ip"})
	w.must(err)
	b, err := d.Buckets.Add(t.Context(), tenant.Default, tenant.Bucket{Meta: tenant.Meta{Parent: l.ID}, Max: 1, Seconds: 60})
	w.must(err)
	_, err = d.Quotas(t.Context(), p, map[string]string{"ip": "x"}) // so that it is cached
	w.must(err)
	gone, err := d.DropProfile(t.Context(), tenant.Default, p.ID)
	if err != nil || gone.ID != p.ID {
		t.Fatal(gone, err)
	}
	if n := w.store.count(); n != before-1 {
		t.Errorf("%d rows are left of %d", n, before-1)
	}
	_, err = d.Buckets.Find(t.Context(), tenant.Default, b.ID)
	refused(t, err, verify.NotFound, "")
	_, err = d.Quotas(t.Context(), p, map[string]string{"ip": "x"})
	refused(t, err, verify.NotFound, verify.FieldQuotas)
}

func TestRulesOfAProfile(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	own, err := d.Templates.Add(t.Context(), tenant.Default, tenant.Template{Text: "own {{code}}", Channel: []verify.Channel{verify.SMS}})
	w.must(err)
	six := code.Default
	rules := func(change func(*verify.Profile)) verify.Profile {
		p := verify.Profile{Tenant: tenant.Default, Name: "a profile", Template: message.Plain, Code: six, Validity: 5 * time.Minute, Retention: time.Hour, Joint: true}
		change(&p)
		return p
	}
	for name, tt := range map[string]struct {
		p        tenant.Profile
		template verify.ID
		want     verify.Profile
	}{
		"with nothing set": {tenant.Profile{}, noID, rules(func(*verify.Profile) {})},
		"with its own settings": {
			tenant.Profile{Base: tenant.Settings{AppName: "Shop", CodeLength: 8, Validity: time.Minute, Countries: []string{"DE"}}}, noID,
			rules(func(p *verify.Profile) {
				p.AppName, p.Template, p.Validity, p.Countries = "Shop", message.Branded, time.Minute, []string{"DE"}
				p.Code.Length = 8
			}),
		},
		"with settings of the channel": {
			tenant.Profile{
				Base:     tenant.Settings{AppName: "Shop", CodeLength: 8, Template: tenant.Stock()[0].ID},
				Channels: map[verify.Channel]tenant.Settings{verify.SMS: {AppName: "Text", CodeLength: 4, Template: own.ID}, verify.Call: {AppName: "Voice"}},
			}, noID,
			rules(func(p *verify.Profile) { p.AppName, p.Template, p.Code.Length = "Text", "own {{code}}", 4 }),
		},
		"with another template": {
			tenant.Profile{Base: tenant.Settings{Template: own.ID, AppName: "Shop"}}, tenant.Stock()[1].ID,
			rules(func(p *verify.Profile) { p.AppName, p.Template = "Shop", tenant.Stock()[1].Text }),
		},
		"called like the app where a template needs one": {
			tenant.Profile{}, tenant.Stock()[1].ID,
			rules(func(p *verify.Profile) { p.AppName, p.Template = "a profile", tenant.Stock()[1].Text }),
		},
		"with a warning": {
			tenant.Profile{DoNotShareWarning: true}, noID,
			rules(func(p *verify.Profile) { p.Template = message.Plain + " Nobody will ever ask you for this code." }),
		},
		"with one warning and not two": {
			tenant.Profile{DoNotShareWarning: true, Base: tenant.Settings{AppName: "Shop"}}, tenant.Stock()[2].ID,
			rules(func(p *verify.Profile) { p.AppName, p.Template = "Shop", tenant.Stock()[2].Text }),
		},
		"with a language": {
			tenant.Profile{Language: "de-AT", DoNotShareWarning: true}, noID,
			rules(func(p *verify.Profile) {
				p.Template, p.Locale = message.Warned(message.Default("de", false), "de"), "de"
			}),
		},
		"for payments":   {tenant.Profile{Payments: true}, noID, rules(func(p *verify.Profile) { p.Payments = true })},
		"with a webhook": {tenant.Profile{WebhookURL: "https://example.com"}, noID, rules(func(p *verify.Profile) { p.Events = true })},
	} {
		t.Run(name, func(t *testing.T) {
			p := w.profile(d, tenant.Default, tt.p)
			got, err := d.Rules(t.Context(), p, verify.SMS, tt.template, "")
			tt.want.ID = p.ID
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
	fixed, err := d.Profile(t.Context(), tenant.Default, fixedID)
	w.must(err)
	got, err := d.Rules(t.Context(), fixed, verify.SMS, noID, "de")
	want := rules(func(p *verify.Profile) {
		p.Locale, p.Joint = "de", false // nobody can make more of them
		p.ID, p.Name, p.AppName, p.Template = fixedID, "default", "Acme", "{{code}} is from the configuration"
	})
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	_, err = d.Rules(t.Context(), fixed, verify.SMS, noID, "no such!")
	refused(t, err, verify.Invalid, verify.FieldLocale)
	_, err = d.Rules(t.Context(), fixed, verify.SMS, fixedID, "")
	refused(t, err, verify.NotFound, "")
	_, err = d.Rules(t.Context(), fixed, verify.Call, own.ID, "")
	refused(t, err, verify.Invalid, verify.FieldTemplate)
}

func TestAWebhookAddressWantsToKnowAndAServicesWebhookOfFactorsDoesNot(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	p := w.profile(d, tenant.Default, tenant.Profile{})
	events := func() bool {
		r, err := d.Rules(t.Context(), p, verify.SMS, noID, "")
		w.must(err)
		return r.Events
	}
	_, err := d.Webhooks.Add(t.Context(), tenant.Default, tenant.Webhook{
		Meta: tenant.Meta{Parent: p.ID}, Name: "w", URL: "https://example.com", Events: []string{"*"}, Enabled: true,
	})
	w.must(err)
	if events() {
		t.Error("nobody wants to know")
	}
	p.WebhookURL = "https://example.com"
	if !events() {
		t.Error("the webhook wants to know")
	}
	p.WebhookURL, p.WebhookFailoverURL = "", "https://example.com"
	if !events() {
		t.Error("the failover address alone wants to know")
	}
}

func TestAProfileSendsOnlyWhereTheOperatorDoes(t *testing.T) {
	w := newWorld(t)
	w.config.Fixed[0].Base.Countries = []string{"US", "DE"}
	d := w.node()
	for _, tt := range []struct {
		own  []string
		want string
	}{{nil, "[US DE]"}, {[]string{"*"}, "[US DE]"}, {[]string{"FR", "DE"}, "[DE]"}} {
		p := w.profile(d, tenant.Default, tenant.Profile{Base: tenant.Settings{Countries: tt.own}})
		got, err := d.Rules(t.Context(), p, verify.SMS, noID, "")
		if fmt.Sprint(got.Countries) != tt.want || err != nil {
			t.Errorf("%v: %v, %v", tt.own, got.Countries, err)
		}
	}
	p := w.profile(d, tenant.Default, tenant.Profile{Base: tenant.Settings{Countries: []string{"FR"}}})
	_, err := d.Rules(t.Context(), p, verify.SMS, noID, "") // an empty list would be every country
	refused(t, err, verify.Country, "")
}

func TestASpendLimitIsSoManyMessagesADay(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	for _, tt := range []struct {
		limit tenant.Money
		count int
	}{{price, 1}, {2*price - 1, 1}, {tenant.Dollar, 100}, {1 << 60, 50_000_000}} {
		p := w.profile(d, tenant.Default, tenant.Profile{SpendLimit: tt.limit, SpendLimited: true})
		got, err := d.Rules(t.Context(), p, verify.SMS, noID, "")
		w.must(err)
		want := []verify.Quota{{
			Name: "spend " + p.ID.String(), Rule: limit.Rule{Count: tt.count, Per: 24 * time.Hour, Fixed: true}, Kind: verify.SpendLimit,
		}}
		if diff := cmp.Diff(want, got.Quotas); diff != "" {
			t.Error(diff)
		}
	}
	p := w.profile(d, tenant.Default, tenant.Profile{SpendLimit: price, SpendLimited: true})
	for _, changed := range []tenant.Money{0, price + 1} {
		w.config.Price = changed
		_, err := w.node().Rules(t.Context(), p, verify.SMS, noID, "")
		refused(t, err, verify.SpendLimit, "")
		if e := (&verify.Error{}); errors.As(err, &e) && (e.Wait <= 11*time.Hour || e.Wait > 12*time.Hour) {
			t.Errorf("at noon the next day comes in %s", e.Wait)
		}
	}
}

func TestQuotasAreTheBucketsOfTheLimitsThatAreNamed(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	p, other := w.profile(d, tenant.Default, tenant.Profile{}), w.profile(d, tenant.Default, tenant.Profile{})
	add := func(p tenant.Profile, name string, buckets ...tenant.Bucket) {
		l, err := d.RateLimits.Add(t.Context(), tenant.Default, tenant.RateLimit{Meta: tenant.Meta{Parent: p.ID}, Name: name})
		w.must(err)
		for _, b := range buckets {
			b.Parent = l.ID
			_, err := d.Buckets.Add(t.Context(), tenant.Default, b)
			w.must(err)
		}
	}
	add(p, "ip", tenant.Bucket{Max: 5, Seconds: 60}, tenant.Bucket{Max: 50, Seconds: 3600})
	add(p, "session", tenant.Bucket{Max: 1, Seconds: 10})
	add(p, "empty")
	add(other, "foreign", tenant.Bucket{Max: 5, Seconds: 60})

	got, err := d.Quotas(t.Context(), p, map[string]string{"session": "s1", "ip": "192.0.2.1", "empty": "x"})
	w.must(err)
	var rules []string
	names := map[string]bool{}
	for _, q := range got {
		rules = append(rules, fmt.Sprintf("%d in %s", q.Rule.Count, q.Rule.Per))
		names[q.Name] = true
		if q.Kind != verify.QuotaSpent {
			t.Error(q.Kind)
		}
	}
	slices.Sort(rules)
	if diff := cmp.Diff([]string{"1 in 10s", "5 in 1m0s", "50 in 1h0m0s"}, rules); diff != "" || len(names) != 3 {
		t.Error(diff, names)
	}
	again, err := d.Quotas(t.Context(), p, map[string]string{"session": "s2"})
	if err != nil || len(again) != 1 || names[again[0].Name] {
		t.Errorf("another value: %v, %v", again, err)
	}
	for value, values := range map[string]map[string]string{"foreign": {"foreign": "x"}, "unknown": {"ip": "x", "none": "x"}} {
		_, err := d.Quotas(t.Context(), p, values)
		refused(t, err, verify.NotFound, verify.FieldQuotas)
		_ = value
	}
	for _, value := range []string{"", strings.Repeat("a", 257)} {
		_, err := d.Quotas(t.Context(), p, map[string]string{"ip": value})
		refused(t, err, verify.Invalid, verify.FieldQuotas)
	}
	if got, err := d.Quotas(t.Context(), p, nil); len(got) != 0 || err != nil {
		t.Error(got, err)
	}
}

func TestTheStockTemplatesAreGoodAndEverybodys(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	ids := map[verify.ID]bool{}
	for _, s := range tenant.Stock() {
		ids[s.ID] = true
		if err := message.Check(s.Text); err != nil || !s.Stock {
			t.Errorf("%s: %v", s.Text, err)
		}
		got, err := d.Template(t.Context(), "anybody", s.ID)
		if diff := cmp.Diff(s, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
		_, err = d.Templates.Change(t.Context(), "anybody", s.ID, func(*tenant.Template) error { return nil })
		refused(t, err, verify.NotFound, "")
	}
	if len(ids) != 6 {
		t.Errorf("%d ids", len(ids))
	}
}
