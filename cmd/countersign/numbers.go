package main

import (
	"context"
	"fmt"

	"countersign/internal/app"
)

type unlockCmd struct {
	Number string `arg:"" help:"Phone number, with + and the country code."`
	Config string `help:"Configuration file (YAML or JSON)." type:"existingfile" placeholder:"FILE"`
}

// Run forgets the number's streak.
func (c *unlockCmd) Run(ctx context.Context, s streams) error {
	conf, err := (&serveCmd{Config: c.Config}).load()
	if err != nil {
		return err
	}
	found, err := app.Unlock(ctx, conf, c.Number)
	if err != nil {
		return err
	}
	if !found {
		fmt.Fprintln(s.out, "The number had no wrong codes in a row: nothing to unlock.")
		return nil
	}
	fmt.Fprintln(s.out, "Unlocked.")
	return nil
}

type eraseCmd struct {
	Number string `arg:"" help:"Phone number, with + and the country code."`
	Config string `help:"Configuration file (YAML or JSON)." type:"existingfile" placeholder:"FILE"`
}

// Run deletes what is stored of the number.
func (c *eraseCmd) Run(ctx context.Context, s streams) error {
	conf, err := (&serveCmd{Config: c.Config}).load()
	if err != nil {
		return err
	}
	n, err := app.Erase(ctx, conf, c.Number)
	if err != nil {
		return err
	}
	switch n {
	case 0:
		fmt.Fprintln(s.out, "Nothing is stored of this number.")
	case 1:
		fmt.Fprintln(s.out, "Erased one verification, and what was known of the number.")
	default:
		fmt.Fprintf(s.out, "Erased %d verifications, and what was known of the number.\n", n)
	}
	return nil
}
