package app

import (
	"fmt"
	"strings"

	"countersign/internal/message"
	"countersign/internal/tenant"
)

// LintOptions are what text messages are looked at for. All may be empty.
type LintOptions struct {
	Template string // of the operator; the configured one if empty
	Locale   string // the shipped texts of this one alone
	AppName  string // the configured one, or else the longest, if empty
	Domain   string // of the page that codes are typed into
	Allowed  int    // how many messages the operator's template may take; 1 if zero
}

// TemplateLint is what is to be known of a text message before one is sent.
type TemplateLint struct {
	Locale      string   `json:"locale,omitzero"`
	Text        string   `json:"text"` // plain, branded, warned, payment; own
	Encoding    string   `json:"encoding"`
	Forcing     []string `json:"forcing,omitzero"`
	Segments    int      `json:"segments"`
	Declared    int      `json:"declared"`
	Price       string   `json:"price,omitzero"` // in US dollars, of all segments
	Retrievable bool     `json:"retrievable"`    // by an app of Android
	Template    string   `json:"template"`
}

// LintTemplates looks at the operator's template if there is one and no locale is named,
// and at the shipped texts otherwise. The error is a sentence; ok is false if a text takes
// more messages than it may.
func LintTemplates(c Config, o LintOptions) (texts []TemplateLint, ok bool, err error) {
	each := tenant.Money(0)
	if c.Price != "" {
		if each, err = price(string(c.Price)); err != nil {
			return nil, false, fmt.Errorf("price_per_message: %w", err)
		}
	}
	found, err := o.lint(c)
	ok = err == nil
	for _, l := range found {
		ok = ok && l.Whole()
		t := TemplateLint{
			Locale: l.Locale, Text: string(l.Kind), Encoding: l.Encoding, Forcing: l.Forcing, Segments: l.Segments,
			Declared: l.Declared, Retrievable: l.Retrievable, Template: l.Template,
		}
		if each != 0 {
			t.Price = dollars(each * tenant.Money(l.Segments))
		}
		texts = append(texts, t)
	}
	return texts, ok, err
}

func (o LintOptions) lint(c Config) ([]message.Lint, error) {
	suppose := message.Options{AppName: o.AppName, Domain: o.Domain}
	if suppose.AppName == "" {
		suppose.AppName = c.AppName
	}
	if o.Domain != "" {
		host, err := message.Host(o.Domain)
		if err != nil {
			return nil, fmt.Errorf("--domain: %w", err)
		}
		suppose.Domain = host
	}
	locales := message.Locales()
	if o.Locale != "" {
		l, known := message.Match(o.Locale)
		if !known {
			return nil, fmt.Errorf("--locale: there are no words in %q; there are %s", o.Locale, strings.Join(locales, ", "))
		}
		locales = []string{l}
	}
	template := o.Template
	if template == "" && o.Locale == "" {
		template = c.Template
	}
	if template != "" {
		l, err := message.LintTemplate(template, o.Allowed, suppose)
		if err != nil {
			return nil, fmt.Errorf("template: %w", err)
		}
		return []message.Lint{l}, nil
	}
	var out []message.Lint
	for _, l := range locales {
		out = append(out, message.LintShipped(l, suppose)...)
	}
	return out, nil
}

// dollars writes an amount with the decimals that it has: 0.0075.
func dollars(m tenant.Money) string {
	text := fmt.Sprintf("%d.%06d", m/tenant.Dollar, m%tenant.Dollar)
	whole, part, _ := strings.Cut(text, ".")
	if part = strings.TrimRight(part, "0"); len(part) < 2 {
		part = (part + "00")[:2]
	}
	return whole + "." + part
}
