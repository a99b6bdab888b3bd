package route

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Input is what the order of one message's carriers depends on.
type Input struct {
	Match Match
	// Avoid are carriers that must not get this message, each with the reason.
	Avoid map[string]string
	// Behind are carriers that get it only after all others, each with the reason, as
	// when a person asks for the code again.
	Behind map[string]string
	// LastGood is the carrier whose message the person at this number last answered.
	LastGood string
	Breakers *Breakers // may be nil
	Scores   *Scores   // may be nil
	// Random stands for chance. The same number gives the same order, so it is to be
	// derived from the message's id.
	Random uint64
	Now    time.Time
}

// Step is a carrier of the plan.
type Step struct {
	Carrier string `json:"carrier"`
	Sender  string `json:"sender,omitempty"`
	// Skipped: not to be tried now.
	Skipped bool `json:"skipped,omitempty"`
	// RetryAfter is when to ask again for a carrier that was skipped; 0 for never with this
	// message.
	RetryAfter time.Duration `json:"-"`
	// Why says why it stands where it stands or was skipped, and holds no number.
	Why string `json:"why"`
}

// Plan puts the carriers of a message's rule in order: first those to try, then those to
// leave out. Every carrier of the rule is there once.
//
// The rule's own order, or chance by weight, is what it begins with. A carrier that
// clearly loses more messages than the next one changes places with it, the one that
// last served the number comes first, and those of Behind come last.
func Plan(in Input) []Step {
	tried, skipped := in.sift()
	if in.Match.Rule.weighted() {
		draw(tried)
	} else {
		demote(tried)
	}
	in.remember(tried)
	in.setBehind(tried)
	steps := make([]Step, 0, len(tried)+len(skipped))
	for _, p := range tried {
		steps = append(steps, p.Step)
	}
	return append(steps, skipped...)
}

// placed is a carrier that may be tried, at its place in the order.
type placed struct {
	Step
	weight     int
	chance     float64 // uniform, above 0 and at most 1
	conversion Conversion
}

// sift parts the carriers that may be tried from those that may not, in listed order.
func (in Input) sift() (tried []placed, skipped []Step) {
	// Each has its own chance whether it is skipped or not: then one that fails leaves
	// the others as they were.
	chances := rand.New(rand.NewPCG(in.Random, 0))
	for i, c := range in.Match.Rule.Carriers {
		chance := 1 - chances.Float64()
		s := Step{Carrier: c.Name, Sender: c.Sender, Why: ordinal(i+1) + " of " + in.Match.name()}
		reason, avoided := in.Avoid[c.Name]
		if !avoided {
			reason, s.RetryAfter = in.Breakers.Aside(c.Name, in.Match.Country, in.Now)
		}
		if avoided || reason != "" {
			s.Skipped, s.Why = true, "skipped: "+reason
			skipped = append(skipped, s)
			continue
		}
		tried = append(tried, placed{s, c.Weight, chance, in.Scores.Conversion(c.Name, in.Match.Country, in.Now)})
	}
	return tried, skipped
}

// demote lets a carrier change places with the next one while it is clearly worse. That
// ends, since of two carriers whose bounds do not meet only one is the worse.
func demote(order []placed) {
	for range order {
		for i := 1; i < len(order); i++ {
			a, b := &order[i-1], &order[i]
			if a.conversion.Worse(b.conversion) {
				place, _, _ := strings.Cut(a.Why, ",")
				a.Why = fmt.Sprintf("%s, behind %s: of its codes %.0f %% are typed in, of %s's %.0f %%",
					place, b.Carrier, 100*a.conversion.Rate, b.Carrier, 100*b.conversion.Rate)
				*a, *b = *b, *a
			}
		}
	}
}

// leastWorth is what is left of the weight of a carrier that loses nearly everything: it
// is tried now and then, or nobody would learn that it is well again.
const leastWorth = 0.05

// draw orders by chance, in proportion to weight and what becomes of a carrier's messages.
// Those without a weight keep their order, behind the others.
//
// To sort by -ln(u)/weight, u being uniform, is to draw one by weight, then one of the
// rest, and so on: Efraimidis and Spirakis, Weighted random sampling, 2006.
func draw(order []placed) {
	best, total := 0.0, 0
	for _, p := range order {
		total += p.weight
		if p.conversion.Known() && p.weight > 0 {
			best = max(best, p.conversion.Low)
		}
	}
	keys := map[string]float64{}
	for i := range order {
		p := &order[i]
		if p.weight == 0 {
			keys[p.Carrier] = math.Inf(1)
			p.Why += ", standing by without a weight"
			continue
		}
		p.Why = fmt.Sprintf("drawn by its weight, %d of %d", p.weight, total)
		// Only what is certain takes weight away.
		worth := 1.0
		if c := p.conversion; c.Known() && c.High < best {
			worth = max(c.High/best, leastWorth)
			p.Why += fmt.Sprintf(", cut to %.0f %% of it: of its codes only %.0f %% are typed in", 100*worth, 100*c.Rate)
		}
		keys[p.Carrier] = -math.Log(p.chance) / (float64(p.weight) * worth)
	}
	slices.SortStableFunc(order, func(a, b placed) int { return cmp.Compare(keys[a.Carrier], keys[b.Carrier]) })
}

// remember puts the carrier that last served the number first, unless it clearly loses
// more than another one.
func (in Input) remember(order []placed) {
	at := slices.IndexFunc(order, func(p placed) bool { return p.Carrier == in.LastGood })
	if at < 0 || slices.ContainsFunc(order, func(p placed) bool { return order[at].conversion.Worse(p.conversion) }) {
		return
	}
	first := order[at]
	first.Why = "the last code that was typed in for this number came by it"
	copy(order[1:], order[:at])
	order[0] = first
}

// setBehind puts those of Behind last, in the order that they have.
func (in Input) setBehind(order []placed) {
	for i := range order {
		if why, ok := in.Behind[order[i].Carrier]; ok {
			order[i].Why = "after all others: " + why
		}
	}
	slices.SortStableFunc(order, func(a, b placed) int {
		_, x := in.Behind[a.Carrier]
		_, y := in.Behind[b.Carrier]
		switch {
		case x == y:
			return 0
		case x:
			return 1
		}
		return -1
	})
}
