// Command countersign is a verification and two-factor service in one binary.
//
// It only reads the command line; package app does the work. It exits with 0 when
// it was told to stop, 1 when it failed or refused to start, and 2 when the
// command line makes no sense.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/go-json-experiment/json"

	"countersign/internal/app"
)

// version is set by the release build.
var version = "0.1.0-dev"

type cli struct {
	Dev      devCmd      `cmd:"" help:"Try it: no configuration, a development inbox instead of a carrier, loopback only."`
	Serve    serveCmd    `cmd:"" help:"Serve with a configuration file."`
	Config   configCmd   `cmd:"" help:"Check a configuration."`
	Keys     keysCmd     `cmd:"" help:"API keys of applications (create, list, revoke), and the encryption key of the database (generate, rotate, retire)."`
	Accounts accountsCmd `cmd:"" help:"Make and list accounts: tenants that see nothing of each other."`
	Unlock   unlockCmd   `cmd:"" help:"Unlock a number or a mailbox that has had 100 wrong codes in a row."`
	Erase    eraseCmd    `cmd:"" help:"Delete all that is stored of a number or a mailbox."`
	Template templateCmd `cmd:"" help:"Look at the texts of messages before they are sent."`
	Explain  explainCmd  `cmd:"" help:"Tell what became of the messages to a number: every step, with its reason."`
	Route    routeCmd    `cmd:"" help:"Look at the routes to carriers (explain)."`
	DB       dbCmd       `cmd:"" name:"db" help:"Look at the database, bring it up to date, or move it to PostgreSQL."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
}

// streams are where a command prints: tests give it buffers.
type streams struct{ out, err io.Writer }

type devCmd struct {
	Listen string   `help:"Address to listen on (127.0.0.1:3000)." placeholder:"HOST:PORT"`
	Data   string   `help:"Folder for the database and its key (data)." type:"path" placeholder:"FOLDER"`
	Config string   `help:"File with carriers and settings to add." type:"existingfile" placeholder:"FILE"`
	Return []string `name:"return-url" help:"Where sessions may lead people back to, such as http://127.0.0.1:8080/second-factor; may be given several times." placeholder:"URL"`
	JSON   bool     `name:"json" help:"Print where the service is as one JSON line, for scripts."`
}

// Run serves until it is told to stop.
func (c *devCmd) Run(ctx context.Context, s streams) error {
	conf := app.Development("data")
	if err := read(&conf, c.Config); err != nil {
		return err
	}
	if c.Listen != "" {
		conf.Listen = c.Listen
	}
	if c.Data != "" {
		conf.KeepIn(c.Data)
	}
	conf.ReturnURLs = append(conf.ReturnURLs, c.Return...)
	conf.AddInbox()
	return serve(ctx, conf, s, func(d app.Started) {
		if c.JSON {
			line, _ := json.Marshal(d) // a struct of strings cannot fail
			fmt.Fprintf(s.out, "%s\n", line)
			return
		}
		welcome(s.out, d, conf)
	})
}

type serveCmd struct {
	Config   string `help:"Configuration file (YAML or JSON); the environment (COUNTERSIGN_…) comes on top." type:"existingfile" placeholder:"FILE"`
	Listen   string `help:"Address to listen on, instead of the configured one." placeholder:"HOST:PORT"`
	Database string `help:"Database, instead of the configured one." placeholder:"sqlite:PATH"`
	LogLevel string `help:"debug, info, warn or error, instead of the configured level." placeholder:"LEVEL"`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context, s streams) error {
	conf, err := c.load()
	if err != nil {
		return err
	}
	return serve(ctx, conf, s, func(d app.Started) {
		fmt.Fprintf(s.out, "Countersign %s is serving at %s (profile %s)\n", release(), d.URL, d.ProfileID)
		if d.InboxURL != "" {
			fmt.Fprintf(s.out, "Development inbox: %s\n", d.InboxURL)
		}
	})
}

func (c *serveCmd) load() (app.Config, error) {
	conf := app.Default()
	if err := read(&conf, c.Config); err != nil {
		return conf, err
	}
	for _, f := range []struct {
		flag string
		to   *string
	}{{c.Listen, &conf.Listen}, {c.Database, &conf.Database}, {c.LogLevel, &conf.Log.Level}} {
		if f.flag != "" {
			*f.to = f.flag
		}
	}
	return conf, nil
}

type configCmd struct {
	Check configCheckCmd `cmd:"" help:"Say what is wrong with a configuration, and start nothing."`
}

type configCheckCmd struct {
	Config string `help:"Configuration file (YAML or JSON)." type:"existingfile" placeholder:"FILE"`
	File   string `arg:"" optional:"" help:"The same, without --config." type:"existingfile"`
}

// Run checks without opening or making anything.
func (c *configCheckCmd) Run(_ context.Context, s streams) error {
	path := c.Config
	if path == "" {
		path = c.File
	}
	conf, err := (&serveCmd{Config: path}).load()
	if err != nil {
		return err
	}
	warnings, err := conf.Check()
	for _, w := range warnings {
		fmt.Fprintf(s.err, "warning: %s\n", w)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, "The configuration is good.")
	return nil
}

type versionCmd struct{}

// Run prints the version and the commit.
//
//nolint:unparam // kong calls it as it calls the others
func (versionCmd) Run(_ context.Context, s streams) error {
	fmt.Fprintln(s.out, "countersign", release())
	return nil
}

func release() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	for _, set := range info.Settings {
		if set.Key == "vcs.revision" && len(set.Value) >= 12 {
			return version + " (" + set.Value[:12] + ")"
		}
	}
	return version
}

// read reads the file, if one is named, and then the environment.
func read(conf *app.Config, path string) error {
	if path != "" {
		if err := conf.ReadFile(path); err != nil {
			return err
		}
	}
	return conf.ReadEnviron(os.Environ())
}

// serve opens the service, tells where it is, and runs it until ctx ends.
func serve(ctx context.Context, conf app.Config, s streams, tell func(app.Started)) error {
	a, err := app.Open(ctx, conf, app.Options{Log: conf.Logger(s.err)})
	if err != nil {
		return err
	}
	l, err := a.Listen(ctx)
	if err != nil {
		_ = a.Close() // the reason why there is no listener counts
		return err
	}
	tell(a.Describe(l))
	return a.Serve(ctx, l)
}

// tuneMemory lets the heap grow to a few times what is alive before it is swept:
// little is, and sweeping it at every doubling cost a seventh of the processor.
// The limit keeps the process below 100 MiB for as long as it can. Whoever sets
// GOGC or GOMEMLIMIT knows better.
func tuneMemory() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(64 << 20)
	}
}

func main() {
	tuneMemory()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdout, os.Stderr}))
}

func run(ctx context.Context, args []string, s streams) int {
	var c cli
	parser, err := kong.New(&c, kong.Name("countersign"),
		kong.Description("A self-hosted verification and two-factor service: it texts a one-time code over your own carrier account and checks what the person types, once."),
		kong.Writers(s.out, s.err), kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s))
	if err != nil {
		fmt.Fprintln(s.err, "countersign:", err)
		return 1
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(s.err, "countersign:", err)
		return 2
	}
	if err := command.Run(); err != nil {
		fmt.Fprintln(s.err, "countersign:", err)
		return 1
	}
	return 0
}
