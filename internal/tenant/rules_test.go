package tenant_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// good is a profile that nothing is wrong with, changed.
func good(change func(*tenant.Profile)) tenant.Profile {
	p := tenant.Profile{Name: "a profile"}
	change(&p)
	return p
}

func base(change func(*tenant.Settings)) tenant.Profile {
	return good(func(p *tenant.Profile) { change(&p.Base) })
}

func TestWhatAProfileIsRefused(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	stranger := w.account(d, "b")
	foreign, err := d.Templates.Add(t.Context(), stranger.Tenant, tenant.Template{Text: "{{code}}"})
	w.must(err)
	before := w.store.count()
	for name, tt := range map[string]struct {
		p     tenant.Profile
		field string // empty: it is good
	}{
		"a plain one":              {good(func(*tenant.Profile) {}), ""},
		"no name":                  {good(func(p *tenant.Profile) { p.Name = "" }), verify.FieldName},
		"64 characters":            {good(func(p *tenant.Profile) { p.Name = strings.Repeat("ü", 64) }), ""},
		"65 characters":            {good(func(p *tenant.Profile) { p.Name = strings.Repeat("a", 65) }), verify.FieldName},
		"a line break":             {good(func(p *tenant.Profile) { p.Name = "a\nb" }), verify.FieldName},
		"no UTF-8":                 {good(func(p *tenant.Profile) { p.Name = "a\xff" }), verify.FieldName},
		"a language":               {good(func(p *tenant.Profile) { p.Language = "pt-BR" }), ""},
		"a language without words": {good(func(p *tenant.Profile) { p.Language = "tlh" }), verify.FieldLanguage},
		"no language":              {good(func(p *tenant.Profile) { p.Language = "english!" }), verify.FieldLanguage},
		"a voice":                  {good(func(p *tenant.Profile) { p.Voice = strings.Repeat("a", 65) }), verify.FieldVoice},
		"3 digits":                 {base(func(s *tenant.Settings) { s.CodeLength = 3 }), verify.FieldCodeLength},
		"4 digits":                 {base(func(s *tenant.Settings) { s.CodeLength = 4 }), ""},
		"10 digits":                {base(func(s *tenant.Settings) { s.CodeLength = 10 }), ""},
		"11 digits":                {base(func(s *tenant.Settings) { s.CodeLength = 11 }), verify.FieldCodeLength},
		"-1 digits":                {base(func(s *tenant.Settings) { s.CodeLength = -1 }), verify.FieldCodeLength},
		"no time":                  {base(func(s *tenant.Settings) { s.Validity = time.Second - 1 }), verify.FieldTimeout},
		"less than no time":        {base(func(s *tenant.Settings) { s.Validity = -time.Hour }), verify.FieldTimeout},
		"a second":                 {base(func(s *tenant.Settings) { s.Validity = time.Second }), ""},
		"countries":                {base(func(s *tenant.Settings) { s.Countries = []string{"US", "DE"} }), ""},
		"lower case":               {base(func(s *tenant.Settings) { s.Countries = []string{"us"} }), verify.FieldCountries},
		"no such country":          {base(func(s *tenant.Settings) { s.Countries = []string{"US", "XX"} }), verify.FieldCountries},
		"every country there is":   {base(func(s *tenant.Settings) { s.Countries = slices.Repeat([]string{"US"}, 300) }), ""},
		"more than there are":      {base(func(s *tenant.Settings) { s.Countries = slices.Repeat([]string{"US"}, 301) }), verify.FieldCountries},
		"a calling code":           {base(func(s *tenant.Settings) { s.Countries = []string{"1"} }), verify.FieldCountries},
		"an empty country":         {base(func(s *tenant.Settings) { s.Countries = []string{""} }), verify.FieldCountries},
		"no country at all":        {base(func(s *tenant.Settings) { s.Countries = []string{} }), verify.FieldCountries},
		"a bracketed app":          {base(func(s *tenant.Settings) { s.AppName = "{{code}}" }), verify.FieldAppName},
		"an address as app":        {base(func(s *tenant.Settings) { s.AppName = "evil.example/x" }), verify.FieldAppName},
		"a long app name":          {base(func(s *tenant.Settings) { s.AppName = strings.Repeat("a", 33) }), verify.FieldAppName},
		"a long sender":            {base(func(s *tenant.Settings) { s.Sender = strings.Repeat("a", 65) }), verify.FieldSender},
		"a stock template":         {base(func(s *tenant.Settings) { s.Template = tenant.Stock()[3].ID }), ""},
		"no such template":         {base(func(s *tenant.Settings) { s.Template = fixedID }), verify.FieldTemplate},
		"one of a stranger":        {base(func(s *tenant.Settings) { s.Template = foreign.ID }), verify.FieldTemplate},
		"no such channel":          {good(func(p *tenant.Profile) { p.Channels = map[verify.Channel]tenant.Settings{"fax": {}} }), verify.FieldChannel},
		"a bad channel":            {good(func(p *tenant.Profile) { p.Channels = map[verify.Channel]tenant.Settings{verify.Call: {CodeLength: 3}} }), verify.FieldCodeLength},
		"its template": {good(func(p *tenant.Profile) {
			p.Channels = map[verify.Channel]tenant.Settings{verify.SMS: {Template: foreign.ID}}
		}), verify.FieldTemplate},
		"a webhook":         {good(func(p *tenant.Profile) { p.WebhookURL = "https://example.com/x?y=z" }), ""},
		"a failover":        {good(func(p *tenant.Profile) { p.WebhookFailoverURL = "ftp://example.com" }), verify.FieldFailover},
		"a limit":           {good(func(p *tenant.Profile) { p.SpendLimit, p.SpendLimited = price, true }), ""},
		"a limit not used":  {good(func(p *tenant.Profile) { p.SpendLimit = 1 }), ""},
		"a limit of none":   {good(func(p *tenant.Profile) { p.SpendLimited = true }), verify.FieldSpendLimit},
		"a limit below":     {good(func(p *tenant.Profile) { p.SpendLimit = -1 }), verify.FieldSpendLimit},
		"less than a price": {good(func(p *tenant.Profile) { p.SpendLimit, p.SpendLimited = price-1, true }), verify.FieldSpendLimit},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := d.AddProfile(t.Context(), tenant.Default, tt.p)
			if tt.field != "" {
				refused(t, err, verify.Invalid, tt.field)
				return
			}
			w.must(err)
			_, err = d.DropProfile(t.Context(), tenant.Default, p.ID)
			w.must(err)
		})
	}
	if n := w.store.count(); n != before {
		t.Errorf("%d rows, %d before", n, before)
	}
}

func TestASpendLimitNeedsAPrice(t *testing.T) {
	w := newWorld(t)
	w.config.Price = 0
	d := w.node()
	_, err := d.AddProfile(t.Context(), tenant.Default, good(func(p *tenant.Profile) { p.SpendLimit, p.SpendLimited = tenant.Dollar, true }))
	refused(t, err, verify.Invalid, verify.FieldSpendLimit)
	if err == nil || !strings.Contains(err.Error(), "price_per_message") {
		t.Errorf("it does not say what to do: %v", err)
	}
	p := w.profile(d, tenant.Default, tenant.Profile{})
	_, err = d.ChangeProfile(t.Context(), tenant.Default, p.ID, func(p *tenant.Profile) error {
		p.SpendLimit, p.SpendLimited = tenant.Dollar, true
		return nil
	})
	refused(t, err, verify.Invalid, verify.FieldSpendLimit)
}

func TestAProfileIsStoredInOneForm(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	channels := map[verify.Channel]tenant.Settings{verify.SMS: {Countries: []string{"*"}, Validity: time.Hour}}
	p := w.profile(d, tenant.Default, tenant.Profile{Base: tenant.Settings{Validity: time.Hour, Countries: []string{"US", "*"}}, Channels: channels})
	if p.Base.Validity != verify.MaxValidity || p.Base.Countries != nil {
		t.Errorf("base %+v", p.Base)
	}
	if s := p.Channels[verify.SMS]; s.Validity != verify.MaxValidity || s.Countries != nil {
		t.Errorf("channel %+v", s)
	}
	if channels[verify.SMS].Countries == nil {
		t.Error("the caller's own map was changed")
	}
	stored, err := w.node().Profile(t.Context(), tenant.Default, p.ID)
	if diff := cmp.Diff(p, stored); diff != "" || err != nil {
		t.Error(diff, err)
	}
	p, err = d.ChangeProfile(t.Context(), tenant.Default, p.ID, func(p *tenant.Profile) error {
		p.Base.Countries = []string{"US"}
		p.Channels[verify.SMS] = tenant.Settings{Countries: []string{"*"}}
		return nil
	})
	w.must(err)
	if got := p.Effective(verify.SMS).Countries; got != nil {
		t.Errorf("a channel's «all» does not go before the base: %v", got)
	}
	if got := p.Effective(verify.Call).Countries; !slices.Equal(got, []string{"US"}) {
		t.Errorf("a channel that says nothing has %v", got)
	}
}

func TestAnAddressForEventsIsEncryptedOrOfThisMachine(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	for _, tt := range []struct {
		url string
		ok  bool
	}{
		{"https://example.com", true},
		{"https://example.com:8443/a?b#c", true},
		{"https://[2001:db8::1]/", true},
		{"http://localhost:3000/hook", true},
		{"http://app.localhost/", true},
		{"http://127.0.0.9/", true},
		{"http://[::1]:80/", true},
		{"https://example.com/" + strings.Repeat("a", 1980), true},
		{"https://example.com/" + strings.Repeat("a", 1981), false},
		{"http://example.com/", false},
		{"http://localhost.example.com/", false},
		{"http://192.168.0.1/", false},
		{"https://user@example.com/", false},
		{"https://user:password@example.com/", false},
		{"https:///path", false},
		{"https:example.com", false},
		{"//example.com", false},
		{"/path", false},
		{"javascript:alert(1)", false},
		{"file:///etc/passwd", false},
		{"https://exa mple.com/", false},
		{"https://example.com/\n", false},
	} {
		_, err := d.AddProfile(t.Context(), tenant.Default, tenant.Profile{Name: "x", WebhookURL: tt.url})
		if tt.ok && err != nil {
			t.Errorf("%.40q: %v", tt.url, err)
		}
		if !tt.ok {
			refused(t, err, verify.Invalid, verify.FieldWebhook)
		}
		_, err = d.Webhooks.Add(t.Context(), tenant.Default, tenant.Webhook{
			Meta: tenant.Meta{Parent: fixedID}, Name: "x", URL: tt.url, Events: []string{"*"},
		})
		if ok := err == nil || verify.KindOf(err) != verify.Invalid; ok != tt.ok {
			t.Errorf("%.40q as a webhook: %v", tt.url, err)
		}
	}
}

func TestWhatTheOtherKindsAreRefused(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	of := tenant.Meta{Parent: fixedID}
	l, err := d.RateLimits.Add(t.Context(), tenant.Default, tenant.RateLimit{Meta: of, Name: "first"})
	w.must(err)
	in := tenant.Meta{Parent: l.ID}
	template := func(v tenant.Template) error { _, err := d.Templates.Add(t.Context(), tenant.Default, v); return err }
	limit := func(v tenant.RateLimit) error { _, err := d.RateLimits.Add(t.Context(), tenant.Default, v); return err }
	bucket := func(v tenant.Bucket) error { _, err := d.Buckets.Add(t.Context(), tenant.Default, v); return err }
	sender := func(v tenant.Sender) error { _, err := d.Senders.Add(t.Context(), tenant.Default, v); return err }
	webhook := func(v tenant.Webhook) error {
		v.Meta, v.URL = of, "https://example.com"
		_, err := d.Webhooks.Add(t.Context(), tenant.Default, v)
		return err
	}
	for name, tt := range map[string]struct {
		err   error
		kind  verify.Kind // empty: it is good
		field string
	}{
		"a template":                    {template(tenant.Template{Text: "{{code}} of\n{{app_name}}"}), "", ""},
		"a template without a code":     {template(tenant.Template{Text: "hello"}), verify.Invalid, verify.FieldText},
		"a template of other variables": {template(tenant.Template{Text: "{{code}} {{password}}"}), verify.Invalid, verify.FieldText},
		"a template that rings":         {template(tenant.Template{Text: "{{code}}\a"}), verify.Invalid, verify.FieldText},
		"a long template":               {template(tenant.Template{Text: "{{code}}" + strings.Repeat("a", 993)}), verify.Invalid, verify.FieldText},
		"a template for no channel":     {template(tenant.Template{Text: "{{code}}", Channel: []verify.Channel{"fax"}}), verify.Invalid, verify.FieldChannel},
		"a template of a long name":     {template(tenant.Template{Text: "{{code}}", Name: strings.Repeat("a", 65)}), verify.Invalid, verify.FieldName},

		"a rate limit":               {limit(tenant.RateLimit{Meta: of, Name: "end_user-IP4"}), "", ""},
		"its name again":             {limit(tenant.RateLimit{Meta: of, Name: "first"}), verify.Taken, verify.FieldName},
		"a rate limit without name":  {limit(tenant.RateLimit{Meta: of}), verify.Invalid, verify.FieldName},
		"a rate limit with a slash":  {limit(tenant.RateLimit{Meta: of, Name: "a/b"}), verify.Invalid, verify.FieldName},
		"a long rate limit":          {limit(tenant.RateLimit{Meta: of, Name: strings.Repeat("a", 65)}), verify.Invalid, verify.FieldName},
		"a long description":         {limit(tenant.RateLimit{Meta: of, Name: "a", Description: strings.Repeat("a", 257)}), verify.Invalid, verify.FieldText},
		"a rate limit of no profile": {limit(tenant.RateLimit{Name: "a"}), verify.NotFound, ""},
		"a rate limit in a limit":    {limit(tenant.RateLimit{Meta: in, Name: "a"}), verify.NotFound, ""},

		"a bucket":              {bucket(tenant.Bucket{Meta: in, Max: 10_000, Seconds: 30 * 86_400}), "", ""},
		"a bucket of a profile": {bucket(tenant.Bucket{Meta: of, Max: 1, Seconds: 1}), verify.NotFound, ""},
		"a bucket of none":      {bucket(tenant.Bucket{Meta: in, Max: 0, Seconds: 1}), verify.Invalid, verify.FieldMax},
		"a bucket of too many":  {bucket(tenant.Bucket{Meta: in, Max: 10_001, Seconds: 1}), verify.Invalid, verify.FieldMax},
		"a bucket of no time":   {bucket(tenant.Bucket{Meta: in, Max: 1, Seconds: 0}), verify.Invalid, verify.FieldInterval},
		"a bucket of two months": {
			bucket(tenant.Bucket{Meta: in, Max: 1, Seconds: 30*86_400 + 1}), verify.Invalid, verify.FieldInterval,
		},
		"the interval again": {bucket(tenant.Bucket{Meta: in, Max: 7, Seconds: 30 * 86_400}), verify.Taken, verify.FieldName},

		"a sender":                 {sender(tenant.Sender{Meta: of, Country: "US", Service: "MG1"}), "", ""},
		"the country again":        {sender(tenant.Sender{Meta: of, Country: "US", Service: "MG2"}), verify.Taken, verify.FieldName},
		"a sender of no country":   {sender(tenant.Sender{Meta: of, Country: "XX", Service: "MG1"}), verify.Invalid, verify.FieldCountries},
		"a sender of all of them":  {sender(tenant.Sender{Meta: of, Country: "*", Service: "MG1"}), verify.Invalid, verify.FieldCountries},
		"a sender without service": {sender(tenant.Sender{Meta: of, Country: "DE"}), verify.Invalid, verify.FieldSender},

		"a webhook":              {webhook(tenant.Webhook{Name: "w", Events: []string{"*"}}), "", ""},
		"a webhook of no events": {webhook(tenant.Webhook{Name: "v"}), verify.Invalid, verify.FieldEvents},
		"a webhook of no event":  {webhook(tenant.Webhook{Name: "v", Events: []string{""}}), verify.Invalid, verify.FieldEvents},
		"a webhook without name": {webhook(tenant.Webhook{Events: []string{"*"}}), verify.Invalid, verify.FieldName},
		"too many events":        {webhook(tenant.Webhook{Name: "v", Events: slices.Repeat([]string{"a"}, 51)}), verify.Invalid, verify.FieldEvents},
	} {
		if tt.kind == "" && tt.err != nil {
			t.Errorf("%s: %v", name, tt.err)
		}
		if tt.kind != "" {
			t.Run(name, func(t *testing.T) { refused(t, tt.err, tt.kind, tt.field) })
		}
	}
}

func TestATenantHasOnlySoMany(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	var last tenant.RateLimit
	for i := range 10 {
		l, err := d.RateLimits.Add(t.Context(), tenant.Default, tenant.RateLimit{Meta: tenant.Meta{Parent: fixedID}, Name: strings.Repeat("a", i+1)})
		w.must(err)
		_, err = d.Buckets.Add(t.Context(), tenant.Default, tenant.Bucket{Meta: tenant.Meta{Parent: l.ID}, Max: 1, Seconds: 1})
		w.must(err)
		last = l
	}
	_, err := d.RateLimits.Add(t.Context(), tenant.Default, tenant.RateLimit{Meta: tenant.Meta{Parent: fixedID}, Name: "b"})
	refused(t, err, verify.Full, "")
	for i := range 9 {
		_, err := d.Buckets.Add(t.Context(), tenant.Default, tenant.Bucket{Meta: tenant.Meta{Parent: last.ID}, Max: 1, Seconds: 2 + i})
		w.must(err)
	}
	_, err = d.Buckets.Add(t.Context(), tenant.Default, tenant.Bucket{Meta: tenant.Meta{Parent: last.ID}, Max: 1, Seconds: 99})
	refused(t, err, verify.Full, "")
}

func TestAChangeIsDoneAgainWhenSomebodyElseWasFaster(t *testing.T) {
	w := newWorld(t)
	one, two := w.node(), w.node()
	v, err := one.Templates.Add(t.Context(), tenant.Default, tenant.Template{Name: "a", Text: "{{code}}"})
	w.must(err)
	w.store.during = func() { // two has read it
		_, err := one.Templates.Change(t.Context(), tenant.Default, v.ID, func(v *tenant.Template) error { v.Name = "b"; return nil })
		w.must(err)
	}
	w.now = w.now.Add(time.Hour)
	v, err = two.Templates.Change(t.Context(), tenant.Default, v.ID, func(v *tenant.Template) error {
		v.Text = "{{code}}!"
		v.Tenant, v.ID, v.Parent, v.Version = "x", fixedID, fixedID, 99 // not the caller's to change
		return nil
	})
	if err != nil || v.Name != "b" || v.Text != "{{code}}!" || v.Version != 3 || v.Tenant != tenant.Default {
		t.Errorf("%+v %v", v, err)
	}
	if !v.UpdatedAt.Equal(w.now.Truncate(time.Millisecond)) || !v.CreatedAt.Before(v.UpdatedAt) {
		t.Errorf("made %s, changed %s", v.CreatedAt, v.UpdatedAt)
	}
	own := errors.New("no")
	if _, err := one.Templates.Change(t.Context(), tenant.Default, v.ID, func(*tenant.Template) error { return own }); !errors.Is(err, own) {
		t.Error(err)
	}
}
