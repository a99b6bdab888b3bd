package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"countersign/internal/app"
	"countersign/internal/secret"
)

// keysCmd holds both kinds of keys, and its help keeps them apart.
type keysCmd struct {
	Create   keysCreateCmd   `cmd:"" group:"API keys, with which applications ask:" help:"Make an API key. It is shown this once."`
	List     keysListCmd     `cmd:"" group:"API keys, with which applications ask:" help:"List the API keys, with their last use."`
	Revoke   keysRevokeCmd   `cmd:"" group:"API keys, with which applications ask:" help:"End an API key."`
	Generate keysGenerateCmd `cmd:"" group:"The encryption key, which protects the database:" help:"Write a new key file. It never overwrites one."`
	Rotate   keysRotateCmd   `cmd:"" group:"The encryption key, which protects the database:" help:"Add a new key to the key file, which takes over from the old one while the service runs."`
	Retire   keysRetireCmd   `cmd:"" group:"The encryption key, which protects the database:" help:"Take the old key out of the key file, once nothing stands under it."`
}

type keysGenerateCmd struct {
	Path string `arg:"" help:"File to write, readable by its owner alone." type:"path"`
}

// Run writes the file.
func (c *keysGenerateCmd) Run(_ context.Context, s streams) error {
	if err := app.WriteKeyFile(c.Path, secret.Generate()); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Wrote %s. Set key_file to it, and keep a copy apart from the database:\nwithout it no code and no number in the database can be read.\n", c.Path)
	return nil
}

type keysRotateCmd struct {
	Config string        `help:"Configuration file (YAML or JSON)." type:"existingfile" placeholder:"FILE"`
	In     time.Duration `help:"When the new key takes over; every node must have the file by then (${default})." default:"1m" placeholder:"DURATION"`
	JSON   bool          `name:"json" help:"Print the new key's id and its time as one JSON line."`
}

// Run adds the key and says what comes next.
func (c *keysRotateCmd) Run(_ context.Context, s streams) error {
	conf, err := (&serveCmd{Config: c.Config}).load()
	if err != nil {
		return err
	}
	done, err := app.RotateKey(conf, time.Now(), c.In)
	if err != nil {
		return err
	}
	if c.JSON {
		line, _ := json.Marshal(done) // texts and an instant cannot fail
		fmt.Fprintf(s.out, "%s\n", line)
		return nil
	}
	fmt.Fprintf(s.out, `Key %s is in %s and takes over from %s at %s.
 1. If nodes have copies of the file, bring them the new one before that. A running node reads it by itself.
 2. Keep a copy of it apart from the database.
 3. The service puts what is stored under the new key. A day after it has taken over, «countersign keys retire»
    takes the old one out of the file.
`, done.Key, conf.KeyFile, done.Old, done.From.Format(time.RFC3339))
	return nil
}

type keysRetireCmd struct {
	Config string `help:"Configuration file (YAML or JSON)." type:"existingfile" placeholder:"FILE"`
}

// Run takes the key out if nothing needs it.
func (c *keysRetireCmd) Run(ctx context.Context, s streams) error {
	conf, err := (&serveCmd{Config: c.Config}).load()
	if err != nil {
		return err
	}
	old, err := app.RetireKey(ctx, conf, time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Key %s is out of %s. Copies of the database from before need it: destroy both together.\n", old, conf.KeyFile)
	return nil
}
