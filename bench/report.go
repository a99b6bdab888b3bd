package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// The names of the figures.
const (
	nameBareFloor = "floor: bare"
	namePostFloor = "floor: POST"
	nameStarts    = "starts"
	nameChecks    = "checks"
	nameCycles    = "full cycles"
	namePages     = "pages"
	nameLinks     = "sessions"
)

// figure is what one kind of request did at one number of callers. Over several
// rounds, counts are sums and the rest are medians.
type figure struct {
	Name         string  `json:"name"`
	Database     string  `json:"database,omitempty"`
	Callers      int     `json:"callers"`
	Rounds       int     `json:"rounds"`
	PerSecond    float64 `json:"per_second"`
	P50          float64 `json:"p50_ms"`
	P95          float64 `json:"p95_ms"`
	P99          float64 `json:"p99_ms"`
	ServerCPU    float64 `json:"server_cpu_us"`    // per request or cycle; of the floors' process for a floor
	DatabaseCPU  float64 `json:"database_cpu_us"`  // likewise, of the database's own server
	GeneratorCPU float64 `json:"generator_cpu_us"` // likewise, with the carrier it plays
	Others       float64 `json:"others_percent"`   // of the machine's CPU, taken by other programs
	Done         int     `json:"done"`
	Refused      int     `json:"refused"` // the server said it was busy
	Errors       int     `json:"errors"`
	Behind       int     `json:"texts_behind,omitempty"`  // accepted, not yet sent at the end
	Settled      float64 `json:"settled_s,omitempty"`     // how long sending those took
	Lost         int     `json:"texts_missing,omitempty"` // not sent even then
	firstError   error
}

type machine struct {
	Platform string  `json:"platform"`
	Cores    int     `json:"cores"`
	Go       string  `json:"go"`
	Sync     float64 `json:"fsync_ms"` // median of a 4 KiB write and fsync where the database lies
}

type goal struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit,omitempty"`
	Target  string  `json:"target"`
	Reached bool    `json:"reached"`
	Note    string  `json:"note,omitempty"`
}

// whole is what a database showed over all levels, or in a part of its own.
type whole struct {
	Name       string    `json:"name"`
	StartUps   []float64 `json:"start_up_ms"`
	Restart    float64   `json:"restart_ms"` // on the database that the run filled
	PeakMemory float64   `json:"peak_memory_mib"`
	Begun      int64     `json:"verifications"`
	Ratios     []float64 `json:"cycles_to_post_floor"` // one a round
	Pages      []float64 `json:"pages_to_bare_floor"`  // likewise

	// Processor time of a cycle, in requests of the POST floor: of the service, and
	// of the database's own server.
	CPU         float64 `json:"cpu_of_a_cycle"`
	DatabaseCPU float64 `json:"cpu_of_a_cycle_database"`

	Rows     int       `json:"rows,omitempty"`
	Many     []float64 `json:"cycles_with_rows_to_few,omitempty"` // one a round
	Live     int       `json:"live,omitempty"`
	LivePeak float64   `json:"live_peak_memory_mib,omitempty"`
}

type report struct {
	Machine   machine  `json:"machine"`
	Figures   []figure `json:"figures"`
	Databases []*whole `json:"databases"`
	Goals     []goal   `json:"goals"`
	Took      string   `json:"took"`
}

// add takes the rounds of one level in, each of which holds the same figures.
func (r *report) add(rounds [][]figure) {
	type key struct{ name, database string }
	same := map[key][]figure{}
	var order []key
	for _, round := range rounds {
		for _, f := range round {
			k := key{f.Name, f.Database}
			if same[k] == nil {
				order = append(order, k)
			}
			same[k] = append(same[k], f)
		}
	}
	for _, k := range order {
		r.Figures = append(r.Figures, merge(same[k]))
	}
}

// find is the figure of a name on a database at a number of callers; zero if it
// was not measured.
func (r *report) find(name, database string, callers int) figure {
	for _, f := range r.Figures {
		if f.Name == name && f.Database == database && f.Callers == callers {
			return f
		}
	}
	return figure{}
}

func merge(rounds []figure) figure {
	m := figure{Name: rounds[0].Name, Database: rounds[0].Database, Callers: rounds[0].Callers, Rounds: len(rounds)}
	medianOf := func(value func(figure) float64) float64 {
		var all []float64
		for _, f := range rounds {
			all = append(all, value(f))
		}
		return median(all)
	}
	m.PerSecond = medianOf(func(f figure) float64 { return f.PerSecond })
	m.P50 = medianOf(func(f figure) float64 { return f.P50 })
	m.P95 = medianOf(func(f figure) float64 { return f.P95 })
	m.P99 = medianOf(func(f figure) float64 { return f.P99 })
	m.ServerCPU = medianOf(func(f figure) float64 { return f.ServerCPU })
	m.DatabaseCPU = medianOf(func(f figure) float64 { return f.DatabaseCPU })
	m.GeneratorCPU = medianOf(func(f figure) float64 { return f.GeneratorCPU })
	m.Others = medianOf(func(f figure) float64 { return f.Others })
	m.Settled = medianOf(func(f figure) float64 { return f.Settled })
	m.Behind = int(medianOf(func(f figure) float64 { return float64(f.Behind) }))
	for _, f := range rounds {
		m.Done += f.Done
		m.Refused += f.Refused
		m.Errors += f.Errors
		m.Lost += f.Lost
	}
	return m
}

// throughputGoals are of full cycles at 64 callers, as parts of the POST floor.
var throughputGoals = map[string]float64{nameSQLite: 0.29, namePostgres: 0.25}

// judge holds the figures against the promises.
func (r *report) judge() {
	for _, d := range r.Databases {
		if floor := r.find(namePostFloor, "", pivot).ServerCPU; floor > 0 {
			f := r.find(nameCycles, d.Name, pivot)
			d.CPU, d.DatabaseCPU = f.ServerCPU/floor, f.DatabaseCPU/floor
		}
		r.atLeast(d.Name+": full cycles / POST floor, 64 callers", d.Ratios, throughputGoals[d.Name], "")
		r.below(d.Name+": peak memory", d.PeakMemory, "MiB", 100, fmt.Sprintf("after %d verifications", d.Begun))
		r.below(d.Name+": start-up, empty database", median(d.StartUps), "ms", 200, fmt.Sprintf("restart on the filled one %.0f ms", d.Restart))
		if d.Name == nameSQLite {
			r.below(d.Name+": one caller's start, median", r.find(nameStarts, d.Name, 1).P50, "ms", 2, "")
		}
		if len(d.Pages) > 0 {
			r.atLeast(d.Name+": first pages / bare floor, 64 callers", d.Pages, 0.1, "")
			r.below(d.Name+": one caller's first page, median", r.find(namePages, d.Name, 1).P50, "ms", 1, fmt.Sprintf("%.0f a second at 64 callers", r.find(namePages, d.Name, pivot).PerSecond))
		}
		if d.Rows > 0 {
			r.atLeast(fmt.Sprintf("%s: full cycles at %d stored / at %d", d.Name, d.Rows, few), d.Many, 0.9, "")
		}
		if d.Live > 0 {
			r.below(fmt.Sprintf("%s: peak memory with %d live", d.Name, d.Live), d.LivePeak, "MiB", 150, "")
		}
	}
}

// atLeast judges the median of ratios, one a round.
func (r *report) atLeast(name string, ratios []float64, want float64, unit string) {
	got := median(ratios)
	low, high := bounds(ratios)
	r.Goals = append(r.Goals, goal{
		name, got, unit, fmt.Sprintf("≥ %.2f", want), got >= want, fmt.Sprintf("rounds %.3f to %.3f", low, high),
	})
}

func (r *report) below(name string, got float64, unit string, bound float64, note string) {
	r.Goals = append(r.Goals, goal{name, got, unit, fmt.Sprintf("< %.0f", bound), got < bound, note})
}

func bounds(values []float64) (low, high float64) {
	for i, v := range values {
		if i == 0 || v < low {
			low = v
		}
		high = max(high, v)
	}
	return low, high
}

func (r *report) errors() (n int) {
	for _, f := range r.Figures {
		n += f.Errors
	}
	return n
}

// print writes the report for people.
func (r *report) print(out io.Writer) error {
	m := r.Machine
	var text strings.Builder
	fmt.Fprintf(&text, "countersign bench: %s, %d cores, %s; fsync of 4 KiB %.2f ms; took %s\n", m.Platform, m.Cores, m.Go, m.Sync, r.Took)
	fmt.Fprintf(&text, "Over loopback; the carrier answers at once; generator and server share the cores.\n\n")

	r.printFigures(&text)
	fmt.Fprintf(&text, "\nserver, database, generator µs: CPU time per request or cycle, of the serving process, of PostgreSQL, and of this one\nwith the carrier in it.\n")
	fmt.Fprintf(&text, "others %%: of the machine's CPU, taken by other programs; above a few, measure again on a quiet machine.\n")
	fmt.Fprintf(&text, "texts behind: accepted but not yet with the carrier when the starts stopped (and how long that took after).\n\n")

	for _, d := range r.Databases {
		fmt.Fprintf(&text, "%s: a cycle takes the processor time of %.1f requests of the POST floor in the service", d.Name, d.CPU)
		if d.DatabaseCPU > 0 {
			fmt.Fprintf(&text, ", %.1f with the database's server", d.CPU+d.DatabaseCPU)
		}
		fmt.Fprintf(&text, ".\n")
	}
	fmt.Fprintf(&text, "\n")
	if err := r.printGoals(&text); err != nil {
		return err
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func (r *report) printFigures(out io.Writer) {
	fmt.Fprintf(out, "%7s  %-11s %-10s %10s %8s %8s %8s %9s %11s %12s %8s %8s %7s %6s  %-16s %6s\n", "callers", "what", "database", "per second",
		"p50 ms", "p95 ms", "p99 ms", "server µs", "database µs", "generator µs", "others %", "done", "refused", "errors", "texts behind", "rounds")
	last := 0
	for _, f := range r.Figures {
		if f.Callers != last {
			fmt.Fprintln(out)
		}
		last = f.Callers
		behind := ""
		if f.Name == nameStarts {
			behind = fmt.Sprintf("%d (%.1f s)", f.Behind, f.Settled)
		}
		fmt.Fprintf(out, "%7d  %-11s %-10s %10.0f %8.2f %8.2f %8.2f %9.0f %11.0f %12.0f %8.0f %8d %7d %6d  %-16s %6d\n", f.Callers, f.Name, f.Database,
			f.PerSecond, f.P50, f.P95, f.P99, f.ServerCPU, f.DatabaseCPU, f.GeneratorCPU, f.Others, f.Done, f.Refused, f.Errors, behind, f.Rounds)
	}
}

func (r *report) printGoals(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, g := range r.Goals {
		verdict := "missed"
		if g.Reached {
			verdict = "reached"
		}
		fmt.Fprintf(t, "%s\t%.4g %s\tgoal %s\t%s\t%s\n", g.Name, g.Value, g.Unit, g.Target, verdict, g.Note)
	}
	return t.Flush()
}
