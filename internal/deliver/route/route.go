// Package route says which carriers a message may take, in which order, and why.
//
// The one idea is that an order is a pure function with words: Plan is given the rule
// that fits, what is known of each carrier, an instant and a number that stands for
// chance, and returns every carrier of the rule with its place, or with the reason why
// it is left out. The same input gives the same order, in the words that an operator
// reads. Table finds the rule; Breakers, Scores and Pace hold what is learned of
// carriers, in memory and bounded, each behind one mutex.
//
// It sends nothing, reads no clock and waits for nobody: whoever does asks here first
// and says afterwards what came of it. What a refusal allows is the core's rule
// (verify.SendError), and is not decided again here.
package route

import (
	"slices"
	"strings"
	"time"

	"countersign/internal/verify"
)

// Carrier is a carrier as the configuration names it.
type Carrier struct {
	Name     string
	Channels []verify.Channel // that it takes, as it is set up
}

// Rule is one entry of routes: which messages it is for, and who may carry them. All
// that it names must fit: an empty list fits everything.
type Rule struct {
	Channel   verify.Channel
	Countries []string // ISO 3166, "GB"
	Prefixes  []string // of numbers: "+4477"
	Carriers  []Choice
	// HedgeAfter is how long a message may stay without a receipt or a check before
	// another carrier gets it too; 0 for never.
	HedgeAfter time.Duration
	// Validity is the longest that a carrier may keep trying; 0 for as long as the code
	// is good.
	Validity time.Duration
}

// Choice is a carrier of a rule.
type Choice struct {
	Name string
	// Weight is its share of the messages. Without any weights the listed order holds;
	// beside weights a carrier without one stands by, behind those with.
	Weight int
	Sender string // who its messages come from; empty for its own choice
}

// ValidFor is how long a carrier may keep trying when the code is good for left.
func (r Rule) ValidFor(left time.Duration) time.Duration {
	if r.Validity > 0 {
		return min(r.Validity, left)
	}
	return left
}

// weighted says whether chance has a part in the order.
func (r Rule) weighted() bool {
	return slices.ContainsFunc(r.Carriers, func(c Choice) bool { return c.Weight > 0 })
}

// Table finds the rule for a message. It does not change.
type Table struct {
	rules    []Rule
	defaults map[verify.Channel]Rule
}

// Match is the rule that a message goes by. It is not to be changed.
type Match struct {
	Rule    Rule
	Index   int    // of the rule in routes; -1 for the default
	Country string // of the number, ISO 3166; empty for an e-mail
	Why     string // in words that hold no number
}

// Match finds the rule that is most specific: the longest prefix, then a country, then
// a channel alone, then the default, which is every carrier of the channel in the order
// of the file. A channel that nobody takes has a rule without carriers.
func (t *Table) Match(channel verify.Channel, to verify.Address) Match {
	m := Match{Index: -1, Rule: t.defaults[channel], Why: "no route fits: every carrier that takes " + string(channel) + ", in the order of the file"}
	m.Rule.Channel = channel
	var e164 string
	if n, ok := to.Number(); ok {
		e164, m.Country = n.E164(), n.Region()
	}
	var best fit
	for i, r := range t.rules {
		if f := r.fits(channel, e164, m.Country); f.better(best) {
			best, m.Rule, m.Index, m.Why = f, r, i, f.words(i)
		}
	}
	return m
}

// fit is how closely a rule fits a message. The zero fit is none at all.
type fit struct {
	ok      bool
	prefix  string
	country string
}

func (r Rule) fits(channel verify.Channel, e164, country string) fit {
	f := fit{ok: r.Channel == channel}
	if len(r.Countries) > 0 {
		f.ok = f.ok && slices.Contains(r.Countries, country)
		f.country = country
	}
	for _, p := range r.Prefixes {
		if strings.HasPrefix(e164, p) && len(p) > len(f.prefix) {
			f.prefix = p
		}
	}
	f.ok = f.ok && (len(r.Prefixes) == 0 || f.prefix != "")
	return f
}

// better says whether f is closer than g; of equals the first one stays.
func (f fit) better(g fit) bool {
	switch {
	case !f.ok || !g.ok:
		return f.ok
	case len(f.prefix) != len(g.prefix):
		return len(f.prefix) > len(g.prefix)
	}
	return f.country != "" && g.country == ""
}
