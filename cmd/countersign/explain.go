package main

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/app"
)

type explainCmd struct {
	configured `embed:""`
	Address    string `arg:"" name:"number" help:"Phone number, with + and the country code; or an e-mail address."`
	Last       int    `help:"How many verifications to tell of." default:"3"`
}

// Run prints the time lines of the number's last verifications.
func (c *explainCmd) Run(ctx context.Context, s streams) error {
	if c.Last < 1 || c.Last > 100 {
		return fmt.Errorf("--last: %d is not from 1 to 100", c.Last)
	}
	conf, err := c.load()
	if err != nil {
		return err
	}
	list, err := app.Explain(ctx, conf, c.Address, c.Last)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, map[string][]app.Explained{"verifications": append([]app.Explained{}, list...)})
	}
	if len(list) == 0 {
		fmt.Fprintln(s.out, "Nothing is stored of it: no verification was begun here, or it has left with its retention.")
	}
	for i, v := range list {
		if i > 0 {
			fmt.Fprintln(s.out)
		}
		fmt.Fprintf(s.out, "%s by %s for %s: %s\n", v.ID, v.Channel, v.Profile, v.Status)
		for _, m := range v.Timeline {
			fmt.Fprintln(s.out, "  "+moment(m))
		}
	}
	return nil
}

// moment is one line of a time line.
func moment(m app.Moment) string {
	line := m.At.Format("2006-01-02 15:04:05.000") + "  "
	if m.Message > 0 {
		line += fmt.Sprintf("message %d %s", m.Message, m.Step)
	} else {
		line += m.Step
	}
	if m.Carrier != "" {
		line += " " + by(m.Step) + m.Carrier
	}
	if m.TookMS > 0 {
		line += " in " + (time.Duration(m.TookMS) * time.Millisecond).String()
	}
	if m.Class != "" {
		line += " (" + m.Class + ")"
	}
	if m.Why != "" {
		line += ": " + m.Why
	}
	return line
}

// by is what stands between a step and its carrier.
func by(step string) string {
	switch step {
	case "submitted":
		return "to "
	case "passed over":
		return ""
	}
	return "by "
}

type routeCmd struct {
	Explain routeExplainCmd `cmd:"" help:"Say which carriers a message to a number would be handed to, and why. Nothing is sent."`
}

type routeExplainCmd struct {
	configured `embed:""`
	Address    string `arg:"" name:"number" help:"Phone number, with + and the country code; or an e-mail address."`
	Channel    string `help:"sms, call, whatsapp, flashcall or email (sms for a number, email for a mailbox)." placeholder:"CHANNEL"`
}

// Run prints the route.
func (c *routeExplainCmd) Run(ctx context.Context, s streams) error {
	conf, err := c.load()
	if err != nil {
		return err
	}
	e, err := app.ExplainRoute(ctx, conf, c.Address, c.Channel)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, e)
	}
	fmt.Fprintf(s.out, "%s", e.Text())
	for _, step := range e.Steps {
		if p := e.Prices[step.Carrier]; p != "" {
			fmt.Fprintf(s.out, "a message by %s costs %s US dollars\n", step.Carrier, p)
		}
	}
	if !e.Live {
		fmt.Fprintln(s.out, "By the configuration alone: no running service on this database was there to ask what it has learned of its carriers.")
	}
	return nil
}
