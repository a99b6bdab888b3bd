package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/internal/deliver/route"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// Explained is a verification of a number, with every step of it.
type Explained struct {
	ID       string   `json:"id"`
	Profile  string   `json:"profile"`
	Channel  string   `json:"channel"`
	Status   string   `json:"status"`
	Timeline []Moment `json:"timeline"`
}

// Moment is a step of a verification. Times are UTC; TookMS is until a carrier's answer.
type Moment struct {
	At      time.Time `json:"at"`
	Step    string    `json:"step"`
	Message int       `json:"message,omitzero"`
	Channel string    `json:"channel,omitzero"`
	Carrier string    `json:"carrier,omitzero"`
	Class   string    `json:"class,omitzero"`
	Why     string    `json:"why,omitzero"`
	TookMS  int64     `json:"took_ms,omitzero"`
}

// Explain tells what became of the last verifications of a number or a mailbox, over all
// tenants and profiles, the newest first. Errors are sentences for the operator.
func Explain(ctx context.Context, c Config, address string, last int) ([]Explained, error) {
	if last < 1 {
		return nil, fmt.Errorf("the last %d verifications were asked for; ask for one at least", last)
	}
	r, err := c.operate(ctx, "explain", order{Address: address, Last: last})
	return r.Explained, err
}

func (o *operator) explain(ctx context.Context, what order) (report, error) {
	var r report
	to, err := address(what.Address, o.region)
	if err != nil {
		return r, err
	}
	e := &engine{store: o.store, keys: o.keys}
	names := map[verify.ID]string{}
	var all []verify.Verification
	err = o.profiles(ctx, func(p tenant.Profile) error {
		names[p.ID] = p.Name
		some, err := e.History(ctx, verify.Target{Tenant: p.Tenant, Profile: p.ID, Address: to}, what.Last)
		all = append(all, some...)
		return err
	})
	if err != nil {
		return r, err
	}
	slices.SortFunc(all, func(a, b verify.Verification) int { return strings.Compare(b.ID.String(), a.ID.String()) }) // ids begin with their time
	for _, v := range all[:min(len(all), what.Last)] {
		rows, err := e.Deliveries(ctx, v.ID)
		if err != nil {
			return r, err
		}
		x := Explained{ID: v.ID.String(), Profile: names[v.Profile], Channel: string(v.Channel), Status: string(v.StatusAt(o.now()))}
		for _, m := range verify.Timeline(v, rows, o.now()) {
			x.Timeline = append(x.Timeline, Moment{
				m.At.UTC(), string(m.Step), m.Message, string(m.Channel), m.Carrier, string(m.Class), m.Why, m.Took.Milliseconds(),
			})
		}
		r.Explained = append(r.Explained, x)
	}
	return r, nil
}

// RouteExplained is what would happen to a message to a number, and what it would cost.
type RouteExplained struct {
	route.Explanation
	// Prices are in US dollars a message, by carrier, where they are configured.
	Prices map[string]string `json:"prices,omitzero"`
	// Live says that a running service told what it has learned of its carriers: which
	// rest, and which are answered. Without one only the configuration speaks.
	Live bool `json:"live"`
}

// ExplainRoute says which carriers a message to a number or a mailbox would be handed to
// over a channel, in which order, and why. Nothing is sent. Errors are sentences.
func ExplainRoute(ctx context.Context, c Config, to, channel string) (RouteExplained, error) {
	var out RouteExplained
	s, err := c.checkData()
	if err != nil {
		return out, err
	}
	a, err := address(to, s.region)
	if err != nil {
		return out, err
	}
	ch, err := channelFor(channel, a)
	if err != nil {
		return out, err
	}
	// A service on a SQLite file can be asked what it has learned.
	r, served, err := s.database.ask(ctx, "route", order{Address: to, Channel: string(ch)})
	if served && err == nil && r.Route != nil {
		out.Explanation, out.Live = *r.Route, true
	} else {
		table, err := c.table()
		if err = errors.Join(err, c.checkCarriers()); err != nil {
			return out, err
		}
		out.Explanation = route.Explain(route.Input{Match: table.Match(ch, a), Now: time.Time{}}, a)
	}
	out.Prices = c.pricesFor(out.Explanation)
	return out, nil
}

// channelFor is the channel asked about, or the usual one for what is written.
func channelFor(text string, to verify.Address) (verify.Channel, error) {
	_, number := to.Number()
	switch {
	case text == "" && number:
		return verify.SMS, nil
	case text == "":
		return verify.Email, nil
	case !slices.Contains(verify.Channels(), verify.Channel(text)):
		return "", fmt.Errorf("%q is not a channel; it must be one of %v", text, verify.Channels())
	case number == (text == string(verify.Email)):
		return "", errors.New("an e-mail goes to a mailbox, and everything else to a number")
	}
	return verify.Channel(text), nil
}

// pricesFor are the configured prices of a message by the carriers of a route.
func (c *Config) pricesFor(e route.Explanation) map[string]string {
	out := map[string]string{}
	for _, k := range c.Carriers {
		p := k.priceFor(e.Country)
		if p != "" && slices.ContainsFunc(e.Steps, func(s route.Step) bool { return s.Carrier == k.Name }) {
			out[k.Name] = p
		}
	}
	return out
}

// explainRoute tells what the running service knows.
func (o *operator) explainRoute(_ context.Context, what order) (report, error) {
	to, err := address(what.Address, o.region)
	if err != nil || o.explainer == nil {
		return report{}, err
	}
	e := o.explainer(verify.Channel(what.Channel), to)
	return report{Route: &e}, nil
}
