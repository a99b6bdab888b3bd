// Command bench measures the real countersign binary over loopback, closed loop:
// each caller waits for its answer before it asks again.
//
//	go run ./bench [-quick] [-rows 0] [-live 0] [-json] [-duration 5s] [-binary FILE] [-dir FOLDER]
//
// The one idea is that a figure means nothing alone. Beside each figure stand two
// floors measured in the same run, by the same client, with as many callers: a
// bare net/http handler, and one that makes one POST to the same carrier. Rounds
// alternate between floor and service, so that a noisy machine is noisy for both,
// and ratios are taken within a round.
//
// What it does not do: it judges no machine and fails no build. It ends with 0
// even if a goal is missed, and with 1 only if something answered wrongly. The
// carrier it imitates answers at once, so the time that real carriers take is in
// no figure.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type options struct {
	binary   string
	dir      string
	duration time.Duration
	warmUp   time.Duration
	levels   []int // numbers of callers, one after the other
	rounds   int   // at pivot callers; other levels are measured once
	rows     int   // settled verifications in the database, of the long part; 0 leaves it out
	live     int   // pending ones, likewise
	only     string
	quick    bool
	json     bool
}

// pivot is the number of callers at which floors and service are compared.
const pivot = 64

func main() {
	log.SetFlags(log.Ltime)
	log.SetPrefix("bench: ")
	var o options
	flag.StringVar(&o.binary, "binary", "", "measure this `file` instead of building ./cmd/countersign")
	flag.StringVar(&o.dir, "dir", "", "`folder` for the database, whose disk decides much (default: the system's temporary folder)")
	flag.DurationVar(&o.duration, "duration", 0, "how long each figure is measured (5s; 1s with -quick)")
	flag.BoolVar(&o.quick, "quick", false, "short form: 1 s a figure, 1 and 64 callers")
	flag.IntVar(&o.rows, "rows", -1, "measure with this many stored verifications beside 10,000 (5,000,000; none with -quick)")
	flag.IntVar(&o.live, "live", -1, "measure memory with this many pending verifications (1,000,000; none with -quick)")
	flag.StringVar(&o.only, "only", "", "measure one `database`: sqlite or postgresql")
	flag.BoolVar(&o.json, "json", false, "print JSON instead of the table")
	role := flag.String("role", "", "used by bench itself: serve the floors")
	sinkAddr := flag.String("sink", "", "used by bench itself: where the carrier listens")
	flag.Parse()

	if *role == "floor" {
		if err := serveFloor(os.Stdin, os.Stdout, *sinkAddr); err != nil {
			log.Fatal(err)
		}
		return
	}
	if *role != "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if o.rows < 0 && !o.quick {
		o.rows = 5_000_000
	}
	if o.live < 0 && !o.quick {
		o.live = 1_000_000
	}
	o.levels, o.rounds, o.warmUp = []int{1, 16, pivot, 256}, 5, 500*time.Millisecond
	if o.quick {
		o.levels, o.rounds, o.warmUp = []int{1, pivot}, 3, 250*time.Millisecond
	}
	if o.duration == 0 {
		o.duration = 5 * time.Second
		if o.quick {
			o.duration = time.Second
		}
	}
	if o.duration < 100*time.Millisecond || o.duration > 5*time.Minute {
		log.Fatal("-duration must be between 100ms and 5m")
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o, os.Stdout)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// run measures everything in a temporary folder of its own and prints the report.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	if o.dir != "" {
		// PostgreSQL's folder stands beside ours: both databases are on one disk.
		if err := os.Setenv("TMPDIR", o.dir); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "countersign-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	begun := time.Now()
	b, err := newBench(ctx, o, dir)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.measureAll(ctx); err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		return err
	}
	b.report.Took = time.Since(begun).Round(time.Second).String()
	if o.json {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		err = enc.Encode(b.report)
	} else {
		err = b.report.print(out)
	}
	if err == nil && b.report.errors() > 0 {
		err = fmt.Errorf("%d requests were answered wrongly; the first: %w", b.report.errors(), b.firstError)
	}
	return err
}
