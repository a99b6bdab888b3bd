package route

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/internal/verify"
)

// Explanation is what would happen to a message, for people and as JSON. It holds no
// number.
type Explanation struct {
	Channel verify.Channel `json:"channel"`
	To      string         `json:"to"` // masked
	Country string         `json:"country,omitempty"`
	Route   int            `json:"route"` // its index in routes; -1 for the default
	Why     string         `json:"why"`   // this route
	Steps   []Step         `json:"steps"`
	// Drawn: weights decide between carriers, anew for each message, and Steps are one
	// draw of that. The next message may go another way.
	Drawn bool `json:"drawn,omitzero"`
	// HedgeAfter and Validity are in seconds, 0 for none.
	HedgeAfter float64 `json:"hedge_after,omitempty"`
	Validity   float64 `json:"validity,omitempty"`
}

// Explain says what Plan says of a message to an address, with what led there. The
// carriers are not asked, and no probe is used up by it.
func Explain(in Input, to verify.Address) Explanation {
	r, steps := in.Match.Rule, Plan(in)
	return Explanation{
		Channel: r.Channel, To: to.String(), Country: in.Match.Country, Route: in.Match.Index, Why: in.Match.Why,
		Steps: steps, Drawn: drawn(r, steps), HedgeAfter: r.HedgeAfter.Seconds(), Validity: r.Validity.Seconds(),
	}
}

// drawn says whether chance had a choice: it takes two with a weight that may be tried.
func drawn(r Rule, steps []Step) bool {
	n := 0
	for _, c := range r.Carriers {
		if c.Weight > 0 && slices.ContainsFunc(steps, func(s Step) bool { return s.Carrier == c.Name && !s.Skipped }) {
			n++
		}
	}
	return n > 1
}

// Text is the explanation as lines for a terminal.
func (e Explanation) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s to %s", e.Channel, e.To)
	if e.Country != "" {
		fmt.Fprintf(&b, " (%s)", e.Country)
	}
	fmt.Fprintf(&b, "\n%s\n", e.Why)
	turn := 0
	for _, s := range e.Steps {
		mark := "–"
		if !s.Skipped {
			turn++
			mark = fmt.Sprint(turn)
		}
		fmt.Fprintf(&b, "  %s. %s", mark, s.Carrier)
		if s.Sender != "" {
			fmt.Fprintf(&b, " from %s", s.Sender)
		}
		fmt.Fprintf(&b, ": %s\n", s.Why)
	}
	if e.Drawn {
		b.WriteString("chance decides by weight for each message: this is one draw\n")
	}
	switch {
	case len(e.Steps) == 0:
		b.WriteString("nobody takes it: add a carrier for this channel\n")
	case turn == 0:
		b.WriteString("nobody can be tried now: it waits\n")
	}
	if e.HedgeAfter > 0 {
		fmt.Fprintf(&b, "without a receipt or a check after %s the next one gets it too\n", seconds(e.HedgeAfter))
	}
	if e.Validity > 0 {
		fmt.Fprintf(&b, "carriers are told to give up after %s\n", seconds(e.Validity))
	}
	return b.String()
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
