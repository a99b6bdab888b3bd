package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"

	"countersign/internal/app"
)

type dbCmd struct {
	Status  dbStatusCmd  `cmd:"" help:"Say what is in the database. The service may be running; nothing is changed."`
	Migrate dbMigrateCmd `cmd:"" help:"Bring the schema up to date, which serve also does at its start. Exits with 0 if it is already."`
	Copy    dbCopyCmd    `cmd:"" help:"Move a SQLite database to PostgreSQL, or back, and check it row by row. Stop the service first."`
}

// configured are the flags that name the database of a command.
type configured struct {
	Config   string `help:"Configuration file (YAML or JSON); the environment (COUNTERSIGN_…) comes on top." type:"existingfile" placeholder:"FILE"`
	Database string `help:"Database, instead of the configured one." placeholder:"sqlite:PATH|postgres://…"`
	JSON     bool   `name:"json" help:"Print one JSON line, for scripts."`
}

func (c configured) load() (app.Config, error) {
	return (&serveCmd{Config: c.Config, Database: c.Database}).load()
}

type dbStatusCmd struct {
	configured `embed:""`
}

// Run looks and prints.
func (c *dbStatusCmd) Run(ctx context.Context, s streams) error {
	conf, err := c.load()
	if err != nil {
		return err
	}
	st, err := app.StatusOfDatabase(ctx, conf)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, st)
	}
	printStatus(s.out, st)
	return nil
}

type dbMigrateCmd struct {
	configured `embed:""`
}

// Run migrates and says what it did.
func (c *dbMigrateCmd) Run(ctx context.Context, s streams) error {
	conf, err := c.load()
	if err != nil {
		return err
	}
	m, err := app.MigrateDatabase(ctx, conf)
	if err != nil {
		return err
	}
	switch {
	case c.JSON:
		return printJSON(s.out, m)
	case m.From == m.To:
		fmt.Fprintf(s.out, "%s is already up to date (schema %d).\n", m.Database, m.To)
	default:
		fmt.Fprintf(s.out, "%s was brought from schema %d to %d.\n", m.Database, m.From, m.To)
	}
	return nil
}

type dbCopyCmd struct {
	Config string `help:"Configuration file. Of --from and --to, the one that is left out is its database." type:"existingfile" placeholder:"FILE"`
	From   string `help:"Database to copy. No service may be using it." placeholder:"sqlite:PATH"`
	To     string `help:"Database to fill. It must have no rows." placeholder:"postgres://USER@HOST/NAME"`
	Check  bool   `help:"Copy nothing: compare a copy that was made before, row by row. Only before a service has run on it."`
	JSON   bool   `name:"json" help:"Print the report as one JSON line, for scripts."`
}

// Run copies, checks and reports. A difference is an error.
func (c *dbCopyCmd) Run(ctx context.Context, s streams) error {
	if c.From == "" && c.To == "" {
		return errors.New("say where to with --to, or where from with --from; the other one is the configured database")
	}
	conf, err := (&serveCmd{Config: c.Config}).load()
	if err != nil {
		return err
	}
	job := app.DBCopy{From: app.NewSecret(c.From), To: app.NewSecret(c.To), CheckOnly: c.Check}
	if c.From == "" {
		job.From = app.NewSecret(conf.Database)
	}
	if c.To == "" {
		job.To = app.NewSecret(conf.Database)
	}
	stop := func() {}
	if !c.JSON {
		p := &progress{to: s.err}
		job.Tell, stop = p.tell, p.start()
	}
	report, err := job.Run(ctx)
	stop()
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(s.out, report)
	} else {
		printReport(s.out, report)
	}
	if !report.Same {
		return errors.Join(err, errors.New("the two databases are not the same. If a service has run on the copy already, that is as it should be: "+
			"keep the copy, and start nothing on the old database. If none has, do not start a service on the copy: make its database anew and copy again"))
	}
	return err
}

func printJSON(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n", line)
	}
	return err
}

// progress writes a line now and then while a copy runs.
type progress struct {
	to   io.Writer
	mu   sync.Mutex
	last app.DBProgress
	told bool
}

func (p *progress) tell(at app.DBProgress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.told = at, true
}

// start begins to write, every second where a person looks on. What it returns
// ends that.
func (p *progress) start() (stop func()) {
	every := 30 * time.Second
	if f, ok := p.to.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			every = time.Second
		}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.write()
			case <-end:
				return
			}
		}
	}()
	return func() { close(end); <-ended }
}

func (p *progress) write() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.told {
		return
	}
	doing := "copying"
	if p.last.Checking {
		doing = "checking"
	}
	fmt.Fprintf(p.to, "%s %s: %s of %s rows (%d %%)\n", doing, p.last.Table, thousands(p.last.Rows), thousands(p.last.Total),
		100*p.last.Rows/max(1, p.last.Total))
}

func printStatus(w io.Writer, st app.DBStatus) {
	schema := fmt.Sprintf("%d, up to date", st.Schema)
	if !st.UpToDate {
		schema = fmt.Sprintf("%d; this release has %d: serve brings it up to date at its start, or «countersign db migrate»", st.Schema, st.Latest)
	}
	queued := thousands(st.Queued) + " messages"
	if st.OldestDue != nil {
		queued += ", the oldest due at " + st.OldestDue.Format(time.RFC3339)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "Database\t%s\n%s\t%s\nSchema\t%s\nSize\t%s\n", st.Database, st.Kind, st.Version, schema, size(st.Bytes))
	fmt.Fprintf(t, "Pending\t%s verifications\nQueued\t%s\n", thousands(st.Pending), queued)
	for _, k := range st.Keys {
		note := ""
		if k.InRing != nil && !*k.InRing {
			note = ": NOT made with a key of the key ring, so they cannot be read"
		}
		fmt.Fprintf(t, "Key %s\t%s rows%s\n", k.ID, thousands(k.Rows), note)
	}
	fmt.Fprintln(t)
	for _, table := range st.Tables {
		fmt.Fprintf(t, "%s\t%s rows\n", table.Table, thousands(table.Rows))
	}
	_ = t.Flush() // a writer that fails has nobody to tell
}

func printReport(w io.Writer, r *app.DBReport) {
	did := "Compared"
	if r.Copied {
		did = "Copied and compared"
	}
	fmt.Fprintf(w, "%s %s rows of\n  %s\nand\n  %s\n\n", did, thousands(r.Rows), r.From, r.To)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "table\trows\tequal\tdifferent\tmissing\textra\t")
	for _, x := range r.Tables {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t\n", x.Table, thousands(x.Rows), thousands(x.Equal), thousands(x.Different), thousands(x.Missing), thousands(x.Extra))
	}
	_ = t.Flush() // likewise
	if !r.Same {
		fmt.Fprintln(w, "\nThe first rows of each table that are not the same:")
		for _, d := range r.Differences {
			fmt.Fprintf(w, "  %s %s: %s %v\n", d.Table, d.Key, d.What, d.Columns)
		}
		return
	}
	fmt.Fprintf(w, "\nEvery column of every row is the same on both sides.\n")
	if r.Copied {
		fmt.Fprintf(w, `
Next:
  1. Set «database» to the copy (with its password, if it has one) in the configuration of every node.
  2. Give every node the same key file as before: without it no code and no number in the copy can be read.
  3. Start the service.
  4. Keep the old database until the new one has a backup, and start no service on it again:
     it does not know which codes have been used since.
`)
	}
}

// thousands writes a number so that its size is seen.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
}
