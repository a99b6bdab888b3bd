package main

import (
	"context"
	"fmt"

	"countersign/internal/app"
)

type unlockCmd struct {
	Address string `arg:"" name:"number" help:"Phone number, with + and the country code; or an e-mail address."`
	Profile string `help:"Unlock it for this profile (or Twilio service, VA…) alone; for all if left out." placeholder:"ID"`
	Config  string `help:"Configuration file (YAML or JSON)." type:"existingfile" placeholder:"FILE"`
}

// Run forgets the number's streak.
func (c *unlockCmd) Run(ctx context.Context, s streams) error {
	conf, err := (&serveCmd{Config: c.Config}).load()
	if err != nil {
		return err
	}
	found, err := app.Unlock(ctx, conf, c.Address, c.Profile)
	if err != nil {
		return err
	}
	if !found {
		fmt.Fprintln(s.out, "It had no wrong codes in a row: nothing to unlock.")
		return nil
	}
	fmt.Fprintln(s.out, "Unlocked.")
	return nil
}

type eraseCmd struct {
	Address string `arg:"" name:"number" help:"Phone number, with + and the country code; or an e-mail address."`
	Config  string `help:"Configuration file (YAML or JSON)." type:"existingfile" placeholder:"FILE"`
}

// Run deletes what is stored of the number.
func (c *eraseCmd) Run(ctx context.Context, s streams) error {
	conf, err := (&serveCmd{Config: c.Config}).load()
	if err != nil {
		return err
	}
	gone, err := app.Erase(ctx, conf, c.Address)
	if err != nil {
		return err
	}
	switch n := gone.Verifications; {
	case n == 1:
		fmt.Fprintln(s.out, "Erased one verification, and what was known of it.")
	case n > 1:
		fmt.Fprintf(s.out, "Erased %d verifications, and what was known of it.\n", n)
	case gone.SafeLists+gone.Sessions == 0:
		fmt.Fprintln(s.out, "Nothing is stored of it.")
	}
	if gone.Sessions > 0 {
		fmt.Fprintf(s.out, "Erased %d session(s) of the pages.\n", gone.Sessions)
	}
	if gone.SafeLists > 0 {
		fmt.Fprintf(s.out, "Took it off the safe list of %d account(s).\n", gone.SafeLists)
	}
	return nil
}
