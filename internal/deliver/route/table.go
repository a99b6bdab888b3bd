package route

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"countersign/internal/phone"
	"countersign/internal/verify"
)

// Bounds of what can be set.
const (
	minHedge  = time.Second // sooner, nearly every message would go out twice
	maxWeight = 1_000_000
	maxSender = 320 // characters: the longest is a mailbox
	maxDigits = 15  // of a number: E.164
)

// NewTable makes the table of the rules, carriers being all that there are, in the order
// of the file. The error names every fault as routes[i].field, with what to mend.
func NewTable(carriers []Carrier, rules []Rule) (*Table, error) {
	t := &Table{defaults: map[verify.Channel]Rule{}}
	for _, k := range carriers {
		for _, channel := range k.Channels {
			r := t.defaults[channel]
			r.Channel, r.Carriers = channel, append(r.Carriers, Choice{Name: k.Name})
			t.defaults[channel] = r
		}
	}
	c := checker{carriers: carriers}
	for i, r := range rules {
		r.Countries, r.Prefixes, r.Carriers = slices.Clone(r.Countries), slices.Clone(r.Prefixes), slices.Clone(r.Carriers)
		c.check(i, &r)
		t.rules = append(t.rules, r)
	}
	if len(c.errs) == 0 { // what is wrong in itself would only confuse this
		c.checkReached(t.rules)
	}
	if len(c.errs) > 0 {
		return nil, errors.Join(c.errs...)
	}
	return t, nil
}

// checker gathers what is wrong with rules.
type checker struct {
	carriers []Carrier
	errs     []error
}

func (c *checker) fail(i int, field, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("routes[%d].%s: %s", i, field, fmt.Sprintf(format, args...)))
}

// check looks at one rule, and writes its countries in capitals.
func (c *checker) check(i int, r *Rule) {
	if !slices.Contains(verify.Channels(), r.Channel) {
		c.fail(i, "channel", "%q is not a channel; it must be one of %v", r.Channel, verify.Channels())
	}
	c.checkPlaces(i, r)
	c.checkCarriers(i, r)
	switch {
	case r.HedgeAfter == 0:
	case r.HedgeAfter < minHedge || r.HedgeAfter > verify.MaxValidity:
		c.fail(i, "hedge_after", "%s is not from %s to %s, for which a code is good at most; leave it out for no second message",
			r.HedgeAfter, minHedge, verify.MaxValidity)
	case len(r.Carriers) == 1:
		c.fail(i, "hedge_after", "the route has one carrier, and the second message goes to another one: add a carrier, or leave it out")
	}
	if r.Validity != 0 && (r.Validity < time.Second || r.Validity > verify.MaxValidity) {
		c.fail(i, "validity", "%s is not from 1s to %s; leave it out for as long as the code is good", r.Validity, verify.MaxValidity)
	}
}

func (c *checker) checkPlaces(i int, r *Rule) {
	if r.Channel == verify.Email && len(r.Countries) > 0 {
		c.fail(i, "countries", "an e-mail address has no country; leave them out")
	}
	if r.Channel == verify.Email && len(r.Prefixes) > 0 {
		c.fail(i, "prefixes", "an e-mail address has no prefix; leave them out")
	}
	for j, country := range r.Countries {
		region, err := phone.Region(country)
		if err != nil || country == "" || !strings.EqualFold(region, country) {
			c.fail(i, "countries", "%q is no country; write its two letters of ISO 3166, such as GB", country)
			continue
		}
		if slices.Contains(r.Countries[:j], region) {
			c.fail(i, "countries", "%q is there twice; take one away", region)
		}
		r.Countries[j] = region
	}
	for j, p := range r.Prefixes {
		digits, plus := strings.CutPrefix(p, "+")
		switch {
		case !plus || digits == "" || len(digits) > maxDigits || strings.Trim(digits, "0123456789") != "" || digits[0] == '0':
			c.fail(i, "prefixes", "%q is no prefix; write + and the first digits of the international number, such as \"+4477\"", p)
		case slices.Contains(r.Prefixes[:j], p):
			c.fail(i, "prefixes", "%q is there twice; take one away", p)
		}
	}
}

func (c *checker) checkCarriers(i int, r *Rule) {
	if len(r.Carriers) == 0 {
		c.fail(i, "carriers", "name at least one")
	}
	for j, choice := range r.Carriers {
		at := slices.IndexFunc(c.carriers, func(k Carrier) bool { return k.Name == choice.Name })
		switch {
		case at < 0:
			c.fail(i, "carriers", "no carrier is called %q; it must be one of %s", choice.Name, c.names())
		case !slices.Contains(c.carriers[at].Channels, r.Channel):
			c.fail(i, "carriers", "%q takes %v as it is set up, and not %s", choice.Name, c.carriers[at].Channels, r.Channel)
		case slices.ContainsFunc(r.Carriers[:j], func(k Choice) bool { return k.Name == choice.Name }):
			c.fail(i, "carriers", "%q is there twice; take one away", choice.Name)
		}
		if choice.Weight < 0 || choice.Weight > maxWeight {
			c.fail(i, "carriers", "the weight of %q is %d and must be from 0 to %d; leave it out to have %[1]q stand by", choice.Name, choice.Weight, maxWeight)
		}
		if s := choice.Sender; len(s) > maxSender || s != strings.TrimSpace(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
			c.fail(i, "carriers", "the sender of %q must be one line of at most %d characters, without spaces round it", choice.Name, maxSender)
		}
	}
}

func (c *checker) names() string {
	var names []string
	for _, k := range c.carriers {
		names = append(names, k.Name)
	}
	return strings.Join(names, ", ")
}

// key is one of the things that a rule is for. A rule has a key for each of its prefixes
// in each of its countries.
type key struct {
	channel         verify.Channel
	prefix, country string // each may be empty
}

func (r Rule) keys() []key {
	countries, prefixes := r.Countries, r.Prefixes
	if len(countries) == 0 {
		countries = []string{""}
	}
	if len(prefixes) == 0 {
		prefixes = []string{""}
	}
	var out []key
	for _, country := range countries {
		for _, prefix := range prefixes {
			out = append(out, key{r.Channel, prefix, country})
		}
	}
	return out
}

// begins is how every number of k begins; ok is false if there is no such number, since
// the prefix is of another country.
func (k key) begins() (prefix string, ok bool) {
	if k.country == "" {
		return k.prefix, true
	}
	calling := phone.CallingCode(k.country)
	if strings.HasPrefix(k.prefix, calling) {
		return k.prefix, true
	}
	return calling, strings.HasPrefix(calling, k.prefix)
}

// String is what k is for, as an operator would say it.
func (k key) String() string {
	switch {
	case k.prefix != "" && k.country != "":
		return fmt.Sprintf("%q in %s", k.prefix, k.country)
	case k.prefix != "":
		return fmt.Sprintf("%q", k.prefix)
	case k.country != "":
		return fmt.Sprintf("%q", k.country)
	}
	return "a route for all of " + string(k.channel)
}

// field is the one that k comes from.
func (k key) field() string {
	switch {
	case k.prefix != "":
		return "prefixes"
	case k.country != "":
		return "countries"
	}
	return "channel"
}

// checkReached finds what no message can ever go by.
func (c *checker) checkReached(rules []Rule) {
	seen := map[key]int{}
	for i, r := range rules {
		c.checkMeeting(i, r)
		for _, k := range r.keys() {
			if first, ok := seen[k]; ok {
				c.fail(i, k.field(), "%s is never used, since routes[%d] has it too and comes first; take it out of one of them", k, first)
				continue
			}
			seen[k] = i
		}
	}
	for i, r := range rules {
		for _, k := range r.keys() {
			if by, j, ok := covered(rules, k); ok {
				c.fail(i, k.field(), "%s is never used, since all its numbers begin with %q, and routes[%d] has those: the longest prefix comes first. "+
					"Give this route that prefix beside its country, or take it away", k, by, j)
			}
		}
	}
}

// checkMeeting finds countries and prefixes of one rule that have no number in common.
func (c *checker) checkMeeting(i int, r Rule) {
	if len(r.Countries) == 0 || len(r.Prefixes) == 0 {
		return
	}
	meets := map[string]bool{}
	for _, k := range r.keys() {
		_, ok := k.begins()
		meets[k.prefix] = meets[k.prefix] || ok
		meets[k.country] = meets[k.country] || ok
	}
	const both = "a number must fit both: mend it, or make two routes of it"
	for _, p := range r.Prefixes {
		if !meets[p] {
			c.fail(i, "prefixes", "no number of %s begins with %q; %s", strings.Join(r.Countries, ", "), p, both)
		}
	}
	for _, country := range r.Countries {
		if !meets[country] {
			c.fail(i, "countries", "no number of %s begins with %s; %s", country, strings.Join(r.Prefixes, ", "), both)
		}
	}
}

// covered finds a prefix of another rule that is longer than k's own, and with which all
// of k's numbers begin.
func covered(rules []Rule, k key) (by string, index int, ok bool) {
	begins, ok := k.begins()
	if !ok {
		return "", 0, false
	}
	for i, r := range rules {
		for _, o := range r.keys() {
			if o.channel == k.channel && (o.country == "" || o.country == k.country) &&
				len(o.prefix) > len(k.prefix) && strings.HasPrefix(begins, o.prefix) {
				return o.prefix, i, true
			}
		}
	}
	return "", 0, false
}
