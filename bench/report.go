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
)

// figure is what one kind of request did at one number of callers. Over several
// rounds, counts are sums and the rest are medians.
type figure struct {
	Name         string  `json:"name"`
	Callers      int     `json:"callers"`
	Rounds       int     `json:"rounds"`
	PerSecond    float64 `json:"per_second"`
	P50          float64 `json:"p50_ms"`
	P95          float64 `json:"p95_ms"`
	P99          float64 `json:"p99_ms"`
	ServerCPU    float64 `json:"server_cpu_us"`    // per request or cycle; of the floors' process for a floor
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

type report struct {
	Machine       machine   `json:"machine"`
	Figures       []figure  `json:"figures"`
	StartUps      []float64 `json:"start_up_ms"`
	Restart       float64   `json:"restart_ms"` // on the database that the run filled
	PeakMemory    float64   `json:"peak_memory_mib"`
	Verifications int64     `json:"verifications"`
	Ratios        []float64 `json:"cycles_to_post_floor"` // one a round
	Goals         []goal    `json:"goals"`
	Took          string    `json:"took"`
}

// add takes the rounds of one level in, each of which holds the same figures in
// the same order.
func (r *report) add(rounds [][]figure) {
	for i := range rounds[0] {
		same := make([]figure, 0, len(rounds))
		for _, round := range rounds {
			same = append(same, round[i])
		}
		r.Figures = append(r.Figures, merge(same))
	}
	if rounds[0][0].Callers != pivot {
		return
	}
	for _, round := range rounds {
		r.Ratios = append(r.Ratios, named(round, nameCycles).PerSecond/named(round, namePostFloor).PerSecond)
	}
}

func named(all []figure, name string) figure {
	for _, f := range all {
		if f.Name == name {
			return f
		}
	}
	return figure{}
}

func merge(rounds []figure) figure {
	m := figure{Name: rounds[0].Name, Callers: rounds[0].Callers, Rounds: len(rounds)}
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

// judge holds the figures against the promises.
func (r *report) judge() {
	ratio := median(r.Ratios)
	low, high := bounds(r.Ratios)
	startUp := median(r.StartUps)
	var first float64
	for _, f := range r.Figures {
		if f.Name == nameStarts && f.Callers == 1 {
			first = f.P50
		}
	}
	r.Goals = []goal{
		{"full cycles / POST floor, 64 callers", ratio, "", "≥ 0.25", ratio >= 0.25, fmt.Sprintf("rounds %.3f to %.3f", low, high)},
		{"peak memory", r.PeakMemory, "MiB", "< 100", r.PeakMemory < 100, fmt.Sprintf("after %d verifications", r.Verifications)},
		{"start-up, empty database", startUp, "ms", "< 200", startUp < 200, fmt.Sprintf("restart on the filled one %.0f ms", r.Restart)},
		{"one caller's start, median", first, "ms", "< 2", first < 2, ""},
	}
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

	fmt.Fprintf(&text, "%7s  %-11s %10s %8s %8s %8s %10s %13s %8s %8s %7s %6s  %-16s %6s\n", "callers", "what", "per second",
		"p50 ms", "p95 ms", "p99 ms", "server µs", "generator µs", "others %", "done", "refused", "errors", "texts behind", "rounds")
	last := 0
	for _, f := range r.Figures {
		if f.Callers != last {
			fmt.Fprintln(&text)
		}
		last = f.Callers
		behind := ""
		if f.Name == nameStarts {
			behind = fmt.Sprintf("%d (%.1f s)", f.Behind, f.Settled)
		}
		fmt.Fprintf(&text, "%7d  %-11s %10.0f %8.2f %8.2f %8.2f %10.0f %13.0f %8.0f %8d %7d %6d  %-16s %6d\n", f.Callers, f.Name,
			f.PerSecond, f.P50, f.P95, f.P99, f.ServerCPU, f.GeneratorCPU, f.Others, f.Done, f.Refused, f.Errors, behind, f.Rounds)
	}
	fmt.Fprintf(&text, "\nserver µs, generator µs: CPU time per request or cycle, of the serving process and of this one with the carrier in it.\n")
	fmt.Fprintf(&text, "others %%: of the machine's CPU, taken by other programs; above a few, measure again on a quiet machine.\n")
	fmt.Fprintf(&text, "texts behind: accepted but not yet with the carrier when the starts stopped (and how long that took after).\n\n")

	if err := r.printGoals(&text); err != nil {
		return err
	}
	_, err := io.WriteString(out, text.String())
	return err
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
