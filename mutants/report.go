package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

func printList(out io.Writer, mutants []mutant) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, m := range mutants {
		fmt.Fprintf(table, "%s\t%s\t%s\n", m.name, m.file, strings.TrimSpace(m.kill+" "+m.run))
	}
	fmt.Fprintf(table, "%d mutants\n", len(mutants))
	return table.Flush()
}

func printTable(out io.Writer, results []result) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\nMUTANT\tFILE\tKILLED BY\n")
	for _, r := range results {
		fmt.Fprintf(table, "%s\t%s\t%s\n", r.Name, strings.TrimPrefix(r.File, "internal/"), r.verdict())
	}
	fmt.Fprintf(table, "\n%s\n", summary(results))
	return table.Flush()
}

func printJSON(out io.Writer, results []result) error {
	text, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	_, err = out.Write(append(text, '\n'))
	return err
}

func counts(results []result) (killed, survived, wrong int, seconds float64) {
	for _, r := range results {
		switch {
		case r.Err != "":
			wrong++
		case r.KilledBy == "":
			survived++
		default:
			killed++
		}
		seconds += r.Seconds
	}
	return killed, survived, wrong, seconds
}

func summary(results []result) string {
	killed, survived, wrong, seconds := counts(results)
	return fmt.Sprintf("%d mutants: %d killed, %d survived, %d errors of the list; %.0f s",
		len(results), killed, survived, wrong, seconds)
}

// passed says that every fault was tried and noticed.
func passed(results []result) bool {
	_, survived, wrong, _ := counts(results)
	return survived == 0 && wrong == 0
}
