package app

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"countersign/internal/code"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// profile is what the configuration says of the default profile, or all that is
// wrong with it.
func (c *Config) profile() (verify.Profile, error) {
	p := verify.Profile{
		Tenant: tenant.Default, Name: "default", AppName: c.AppName, Template: c.Template,
		Code: code.Spec{Alphabet: code.Alphabet(c.Code.Alphabet), Length: c.Code.Length},
	}
	var errs []error
	var err error
	// What was written is not shown: it may be a secret that slipped a line.
	if p.Validity, err = time.ParseDuration(string(c.Code.Validity)); err != nil {
		errs = append(errs, errors.New("code.validity: not a duration such as 10m"))
	} else if p.Validity < verify.MinValidity || p.Validity > verify.MaxValidity {
		errs = append(errs, fmt.Errorf("code.validity: %s is not between %s and %s", p.Validity, verify.MinValidity, verify.MaxValidity))
	}
	if p.Retention, err = days(string(c.Retention)); err != nil {
		errs = append(errs, errors.New("retention: not a duration such as 30d or 12h"))
	} else if p.Retention < verify.MinRetention || p.Retention > verify.MaxRetention {
		errs = append(errs, fmt.Errorf("retention: must be between %s and %d days", verify.MinRetention, int(verify.MaxRetention.Hours()/24)))
	}
	if err := p.Code.Check(); err != nil {
		errs = append(errs, err)
	} else if p.Code.Weak() {
		c.warn("codes of %s have %.1f bits, fewer than six digits: they are easier to guess", p.Code, p.Code.Bits())
	}
	if len(c.AppName) > 32 || strings.ContainsAny(c.AppName, "\r\n{}<>/\\") || strings.Contains(c.AppName, "://") {
		errs = append(errs, errors.New("app_name: at most 32 bytes of plain text, without line breaks, brackets or slashes"))
	}
	switch {
	case p.Template == "" && p.AppName == "":
		p.Template = message.Plain
	case p.Template == "":
		p.Template = message.Branded
	}
	if err := message.Check(p.Template); err != nil {
		errs = append(errs, fmt.Errorf("template: %w", err))
	}
	for _, text := range c.Countries {
		region, err := phone.Region(text)
		if err != nil || region != strings.ToUpper(strings.TrimSpace(text)) {
			errs = append(errs, fmt.Errorf("countries: %q is not a country's two letters, such as US", text))
			continue
		}
		p.Countries = append(p.Countries, region)
	}
	if c.Domain != "" {
		if p.Domain, err = message.Host(c.Domain); err != nil {
			errs = append(errs, fmt.Errorf("domain: %w", err))
		}
	}
	if err := tenant.ReturnURLs(c.ReturnURLs); err != nil {
		errs = append(errs, fmt.Errorf("return_urls: %w", errors.Unwrap(err)))
	}
	if c.ProfileID != "" {
		id, err := uuid.Parse(c.ProfileID)
		if err != nil {
			errs = append(errs, errors.New("profile_id: not a UUID"))
		}
		p.ID = id
	}
	return p, errors.Join(errs...)
}

// days reads a duration that may also be a whole number of days.
func days(text string) (time.Duration, error) {
	if number, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(number, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}

// fixed is the default profile as tenants see it: one that they cannot change. text is
// the configured template; without one the text depends on the language.
func fixed(p verify.Profile, text string, returns []string) tenant.Profile {
	return tenant.Profile{
		Meta: tenant.Meta{ID: p.ID, Tenant: p.Tenant, Version: 1},
		Name: p.Name,
		Base: tenant.Settings{
			AppName: p.AppName, CodeLength: p.Code.Length, Validity: p.Validity, Countries: p.Countries,
		},
		CustomCodes: true,
		Fixed:       true,
		Code:        p.Code,
		Retention:   p.Retention,
		Text:        text,
		Domain:      p.Domain,
		ReturnURLs:  returns,
	}
}

// maxPrice is more than a message to anywhere costs: past it a dot is missing.
const maxPrice = 10 * tenant.Dollar

// price reads what one message costs, in US dollars as they are written: 0.0075.
func price(text string) (tenant.Money, error) {
	whole, part, dotted := strings.Cut(text, ".")
	const decimals = 6
	digits := func(s string) bool { return strings.Trim(s, "0123456789") == "" && s != "" && len(s) <= decimals }
	if !digits(whole) || dotted && !digits(part) {
		return 0, errors.New("not an amount in US dollars with at most six decimals, such as 0.0075")
	}
	n, err := strconv.ParseInt(whole+part+strings.Repeat("0", decimals-len(part)), 10, 64)
	if err != nil {
		return 0, err
	}
	if m := tenant.Money(n); m == 0 || m > maxPrice {
		return 0, fmt.Errorf("not between 0.000001 and %d US dollars; leave it out if it is not known", maxPrice/tenant.Dollar)
	}
	return tenant.Money(n), nil
}
