package app

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"countersign/internal/deliver/route"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

// RouteConfig says which carriers a message may take.
type RouteConfig struct {
	Channel    string         `yaml:"channel"`
	Countries  []string       `yaml:"countries"` // two letters each; none means every country
	Prefixes   []string       `yaml:"prefixes"`  // of numbers: "+4477"
	Carriers   []ChoiceConfig `yaml:"carriers"`
	HedgeAfter scalar         `yaml:"hedge_after"` // a duration; empty: never
	Validity   scalar         `yaml:"validity"`    // a duration; empty: as long as the code is good
}

// ChoiceConfig is a carrier of a route: its name alone, or {name, weight, sender}.
type ChoiceConfig struct {
	Name   string `yaml:"name"`
	Weight int    `yaml:"weight"`
	Sender scalar `yaml:"sender"`
}

// UnmarshalYAML takes either form.
func (c *ChoiceConfig) UnmarshalYAML(raw []byte) error {
	if yaml.Unmarshal(raw, &c.Name) == nil {
		return nil
	}
	type plain ChoiceConfig
	return yaml.UnmarshalWithOptions(raw, (*plain)(c), yaml.Strict())
}

// table makes the rules of the configured routes.
func (c *Config) table() (*route.Table, error) {
	var all []route.Carrier
	for _, k := range c.Carriers {
		all = append(all, route.Carrier{Name: k.Name, Channels: k.channels()})
	}
	var rules []route.Rule
	var errs []error
	for i, r := range c.Routes {
		rule := route.Rule{Channel: verify.Channel(r.Channel), Countries: r.Countries, Prefixes: r.Prefixes}
		for _, k := range r.Carriers {
			rule.Carriers = append(rule.Carriers, route.Choice{Name: k.Name, Weight: k.Weight, Sender: string(k.Sender)})
		}
		for _, d := range []struct {
			name string
			text scalar
			to   *time.Duration
		}{{"hedge_after", r.HedgeAfter, &rule.HedgeAfter}, {"validity", r.Validity, &rule.Validity}} {
			var err error
			if *d.to, err = duration(d.text); err != nil {
				errs = append(errs, fmt.Errorf("routes[%d].%s: not a duration such as 20s", i, d.name))
			}
		}
		rules = append(rules, rule)
	}
	t, err := route.NewTable(all, rules)
	return t, errors.Join(append(errs, err)...)
}

// duration reads a duration; empty is none.
func duration(text scalar) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	return time.ParseDuration(string(text))
}

// pace is how fast the carriers may be given messages.
func (c *Config) pace() (*route.Pace, error) {
	rates := map[string]route.Rate{}
	var errs []error
	for i, k := range c.Carriers {
		if k.Pace == "" {
			continue
		}
		perSecond, err := strconv.ParseFloat(string(k.Pace), 64)
		if err != nil {
			errs = append(errs, fmt.Errorf("carriers[%d].pace: not a number of messages a second, such as 10", i))
			continue
		}
		rates[k.Name] = route.Rate{PerSecond: perSecond, Burst: k.Burst}
	}
	p, err := route.NewPace(rates)
	return p, errors.Join(append(errs, err)...)
}

// receiptURL is where a carrier posts its receipts; empty for nowhere. They are asked
// for where there is an address to post them to, unless they are switched off; where
// they are switched on it must be there.
func (c *Config) receiptURL(k CarrierConfig) (string, error) {
	switch k.Receipts {
	case "", "on":
		if c.PublicURL == "" {
			if k.Receipts == "on" {
				return "", errors.New("receipts: they are posted to the service, so public_url must be set")
			}
			return "", nil
		}
		if k.Receipts == "" && !k.verifiable() {
			return "", nil
		}
		return strings.TrimRight(c.PublicURL, "/") + "/receipts/" + k.Name, nil
	case "off":
		return "", nil
	}
	return "", fmt.Errorf("receipts: %q is neither on nor off", k.Receipts)
}

// verifiable says whether there is a key to verify the carrier's receipts with. Without
// one none are asked for; where they are switched on the carrier says what is missing.
func (k CarrierConfig) verifiable() bool {
	switch k.Type {
	case "telnyx":
		return k.PublicKey != ""
	case "twilio":
		return k.AuthToken.Reveal() != ""
	case "vonage":
		return k.SignatureSecret.Reveal() != ""
	case "whatsapp":
		return k.AppSecret.Reveal() != ""
	case "webhook":
		return true // its secret is needed to send, too
	}
	return false
}

// checkPrices looks at what a message costs by country, in US dollars; "*" is every
// other one.
func (k CarrierConfig) checkPrices() error {
	var errs []error
	for country, text := range k.Prices {
		if region, err := phone.Region(country); country != "*" && (err != nil || region != country) {
			errs = append(errs, fmt.Errorf("%q is neither a country's two letters, such as GB, nor *", country))
		}
		if _, err := price(string(text)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", country, err))
		}
	}
	return errors.Join(errs...)
}

// priceFor is what a message to a country costs, as it is written; empty if it is not.
func (k CarrierConfig) priceFor(country string) string {
	return string(cmp.Or(k.Prices[country], k.Prices["*"]))
}
