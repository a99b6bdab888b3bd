// Command mutants shows that the tests notice: it puts seeded faults into the
// code, one at a time, and runs the tests that must fail because of each.
//
//	go run ./mutants [-only TEXT] [-list] [-json]
//
// The one idea is that a fault never touches the working tree. The changed file
// stands in a temporary folder and the compiler is told of it (go test -overlay),
// so that an interrupted run leaves nothing behind and other work goes on beside.
//
// The lists of faults, list_*.go, must not rot. A text that is not found exactly
// once, a fault that does not compile, a pattern that runs no test, and tests
// that fail without any fault are errors of the list, and never count as killed.
//
// It ends with 1 if a fault survived or the list has an error.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ok, err := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
	}
	if err != nil || !ok {
		stop()
		os.Exit(1)
	}
}

// command runs the whole; ok says that every fault was killed.
func command(ctx context.Context, args []string, out, progress io.Writer) (ok bool, err error) {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	only := flags.String("only", "", "only faults with `TEXT` in their name or file")
	list := flags.Bool("list", false, "name the faults and run nothing")
	asJSON := flags.Bool("json", false, "print the results as JSON")
	if err := flags.Parse(args); err != nil {
		return false, err
	}
	chosen := choose(all(), *only)
	if len(chosen) == 0 {
		return false, fmt.Errorf("no fault has %q in its name or file", *only)
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return false, err
	}
	// All are looked up before any is run: whoever moved a line learns so at once.
	if err := findAll(root, all()); err != nil {
		return false, err
	}
	if *list {
		return true, printList(out, chosen)
	}
	if err := baseline(ctx, root, chosen, progress); err != nil {
		return false, err
	}
	results, err := runAll(ctx, root, chosen, progress)
	if err != nil {
		return false, err
	}
	if *asJSON {
		return passed(results), printJSON(out, results)
	}
	return passed(results), printTable(out, results)
}

func choose(mutants []mutant, text string) []mutant {
	return slices.DeleteFunc(slices.Clone(mutants), func(m mutant) bool {
		return !strings.Contains(strings.ToLower(m.name+" "+m.file), strings.ToLower(text))
	})
}

// moduleRoot lets the command run from any folder of the module.
func moduleRoot(ctx context.Context) (string, error) {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	root := filepath.Dir(strings.TrimSpace(string(mod)))
	if root == "." || root == "/dev" {
		return "", fmt.Errorf("run this within the module")
	}
	return root, nil
}

// runAll applies the faults one after the other.
func runAll(ctx context.Context, root string, mutants []mutant, progress io.Writer) ([]result, error) {
	temp, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	var results []result
	for i, m := range mutants {
		r, err := run(ctx, root, temp, m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		results = append(results, r)
		fmt.Fprintf(progress, "%3d/%d %5.1fs  %s: %s\n", i+1, len(mutants), r.Seconds, m.name, r.verdict())
	}
	return results, nil
}
