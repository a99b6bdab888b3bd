package tenant

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"countersign/internal/limit"
	"countersign/internal/message"
	"countersign/internal/verify"
)

// Rules are what the core needs to know of a profile for one channel: its template's
// text in its language, its code, its time, its countries, its spend limit as a quota,
// and whether anybody wants to know of events. template and locale come before the
// profile's own if they are given. Refusals: NotFound (template), Invalid (locale, or a
// template of another channel), Country where the operator enables none of the
// profile's, and SpendLimit where it can no longer be kept.
func (d *Directory) Rules(ctx context.Context, p Profile, ch verify.Channel, template verify.ID, locale string) (verify.Profile, error) {
	s := p.Effective(ch)
	if template != (verify.ID{}) {
		s.Template = template
	}
	if err := language(verify.FieldLocale, locale); err != nil {
		return verify.Profile{}, err
	}
	locale, _ = message.Match(cmp.Or(locale, p.Language))
	text, err := d.message(ctx, p, s, ch, locale)
	if err != nil {
		return verify.Profile{}, err
	}
	countries, err := d.countries(p, s)
	if err != nil {
		return verify.Profile{}, err
	}
	quotas, err := d.spend(p)
	if err != nil {
		return verify.Profile{}, err
	}
	out := verify.Profile{
		ID: p.ID, Tenant: p.Tenant, Name: p.Name, AppName: s.AppName, Template: text,
		Code: p.Code, Validity: s.Validity, Retention: p.Retention, Countries: countries,
		Quotas: quotas, Events: p.WebhookURL != "" || p.WebhookFailoverURL != "", Locale: locale,
		Domain: p.Domain, Payments: p.Payments, Joint: !p.Fixed,
	}
	if s.CodeLength != 0 {
		out.Code.Length = s.CodeLength
	}
	if out.Validity == 0 {
		out.Validity = d.operator().Base.Validity
	}
	if out.Validity == 0 {
		out.Validity = verify.MaxValidity
	}
	if out.AppName == "" && strings.Contains(text, "{{app_name}}") && AppName(p.Name) == nil {
		out.AppName = p.Name
	}
	return out, nil
}

// message is the template's text: the one named, or the operator's, or that of the
// locale.
func (d *Directory) message(ctx context.Context, p Profile, s Settings, ch verify.Channel, locale string) (string, error) {
	text := cmp.Or(p.Text, message.Default(locale, s.AppName != ""))
	if s.Template != (verify.ID{}) {
		t, err := d.Template(ctx, p.Tenant, s.Template)
		if err != nil {
			return "", err
		}
		if len(t.Channel) > 0 && !slices.Contains(t.Channel, ch) {
			return "", invalid(verify.FieldTemplate, "is not a template for %s", ch)
		}
		text = t.Text
	}
	if p.DoNotShareWarning && !strings.Contains(strings.ToLower(text), "do not share") {
		text = message.Warned(text, locale)
	}
	return text, nil
}

// countries are those of the profile that the operator enables. None at all would mean
// every country, so that it is a refusal.
func (d *Directory) countries(p Profile, s Settings) ([]string, error) {
	enabled := d.operator().Base.Countries
	if p.Fixed || len(enabled) == 0 {
		return s.Countries, nil
	}
	if s.Countries == nil {
		return enabled, nil
	}
	both := slices.DeleteFunc(slices.Clone(s.Countries), func(c string) bool { return !slices.Contains(enabled, c) })
	if len(both) == 0 {
		err := fmt.Errorf("the profile's countries are none of those that the operator enables")
		return nil, &verify.Error{Kind: verify.Country, Field: verify.FieldAddress, Err: err}
	}
	return both, nil
}

// spend is the spend limit as so many messages of a UTC day. What cannot be counted is
// refused: a limit that is not kept is worse than one that is too strict.
func (d *Directory) spend(p Profile) ([]verify.Quota, error) {
	const (
		day  = 24 * time.Hour
		most = 50_000_000 // limit.State counts in the milliseconds of the next day
	)
	if !p.SpendLimited {
		return nil, nil
	}
	if d.config.Price <= 0 || p.SpendLimit < d.config.Price {
		now := d.config.Now().UTC()
		err := fmt.Errorf("price_per_message has changed since the limit was set: it cannot be kept")
		return nil, &verify.Error{Kind: verify.SpendLimit, Wait: now.Truncate(day).Add(day).Sub(now), Err: err}
	}
	count := min(p.SpendLimit/d.config.Price, most)
	return []verify.Quota{{
		Name: "spend " + p.ID.String(), Kind: verify.SpendLimit,
		Rule: limit.Rule{Count: int(count), Per: day, Fixed: true},
	}}, nil
}

// Quotas are the rate limits of a profile that a caller names with the value that is to
// be limited, such as {"end_user_ip": "192.0.2.1"}. Refusals: NotFound (a name that the
// profile has not), Invalid.
func (d *Directory) Quotas(ctx context.Context, p Profile, values map[string]string) ([]verify.Quota, error) {
	var out []verify.Quota
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		if n := utf8.RuneCountInString(value); n < 1 || n > MaxValue {
			return nil, invalid(verify.FieldQuotas, "must have values of 1 to %d characters", MaxValue)
		}
		l, err := d.RateLimits.Named(ctx, p.Tenant, p.ID, name)
		if verify.KindOf(err) == verify.NotFound {
			return nil, &verify.Error{Kind: verify.NotFound, Field: verify.FieldQuotas, Err: fmt.Errorf("the profile has no such rate limit")}
		}
		if err != nil {
			return nil, err
		}
		buckets, err := d.store.children(ctx, Buckets, p.Tenant, l.ID)
		if err != nil {
			return nil, unavailable(err)
		}
		for _, r := range buckets {
			b, err := open[Bucket](r)
			if err != nil {
				return nil, err
			}
			out = append(out, verify.Quota{
				Name: "limit " + l.ID.String() + " " + b.ID.String() + " " + value,
				Rule: b.Rule(), Kind: verify.QuotaSpent,
			})
		}
	}
	return out, nil
}

// Template reads one of the tenant's, or of the six stock templates that are everybody's.
// Refusals: NotFound.
func (d *Directory) Template(ctx context.Context, tenant string, id verify.ID) (Template, error) {
	for _, t := range Stock() {
		if t.ID == id {
			return t, nil
		}
	}
	return d.Templates.Find(ctx, tenant, id)
}

// Stock are the stock templates, under the ids and with the words that Telnyx gives
// them (its guide "Verify quickstart", section "Select a message template"): clients
// name them by their ids. Where its texts say {{default_verification_timeout_secs}},
// which is printed as minutes, these say {{minutes}}.
func Stock() []Template {
	const (
		your    = "Your {{app_name}} verification code is: {{code}}."
		is      = "{{code}} is your verification code for {{app_name}}."
		expires = " This code will expire in {{minutes}} minutes."
		share   = " Do not share this code with anyone; our employees will never ask for the code."
	)
	stock := func(id, name, text string) Template {
		return Template{Meta: Meta{ID: uuid.MustParse(id), Version: 1}, Name: name, Text: text, Stock: true}
	}
	return []Template{
		stock("0abb5b4f-459f-445a-bfcd-488998b7572d", "your code", your),
		stock("2ca3f1da-5621-4aa6-ae56-df21caff79e0", "code first", is),
		stock("33dfb056-6c1b-40bd-920e-4243e01248a5", "your code, with a warning", your+share),
		stock("46acd63c-be57-4993-ae8d-0e4067ad1d57", "your code, with its time", your+expires),
		stock("723ead5e-ada6-4c29-a962-349170866187", "code first, with its time", is+expires),
		stock("88d0781f-f4c7-4b78-8d0a-1f3e4de78b5e", "your code, with its time and a warning", your+expires+share),
	}
}
