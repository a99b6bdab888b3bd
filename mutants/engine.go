package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// mutant is one seeded fault.
type mutant struct {
	name string // the fault in words
	file string // from the module's root
	find string // occurs exactly once in file
	with string // stands in its place
	and  []edit // more edits of the same file, where one cannot make the fault
	kill string // packages whose tests must notice, from the root, space-separated
	run  string // -run pattern; empty: all tests of those packages
}

// edit is one change of a file.
type edit struct{ find, with string }

// result is what became of a mutant.
type result struct {
	Name     string  `json:"mutant"`
	File     string  `json:"file"`
	KilledBy string  `json:"killedBy,omitzero"` // the test that noticed; empty: survived, unless Err
	Err      string  `json:"error,omitzero"`    // the list's fault: nothing was tried
	Seconds  float64 `json:"seconds"`
}

func (r result) verdict() string {
	switch {
	case r.Err != "":
		return "ERROR " + r.Err
	case r.KilledBy == "":
		return "SURVIVED"
	}
	return r.KilledBy
}

// apply makes the changed text. Each find must stand there exactly once: not at
// all means that the code has moved on, twice that it is unclear what is meant.
func (m mutant) apply(text string) (string, error) {
	for _, e := range append([]edit{{m.find, m.with}}, m.and...) {
		if n := strings.Count(text, e.find); e.find == "" || n != 1 {
			return "", fmt.Errorf("%s: %s: the text to find occurs %d times, want 1:\n%s", m.name, m.file, n, e.find)
		}
		text = strings.Replace(text, e.find, e.with, 1)
	}
	return text, nil
}

// findAll applies every mutant to nothing but memory, and tells all that fail.
func findAll(root string, mutants []mutant) error {
	var errs []error
	names := map[string]bool{}
	for _, m := range mutants {
		text, err := os.ReadFile(filepath.Join(root, m.file))
		if err == nil {
			_, err = m.apply(string(text))
		}
		if names[m.name] {
			errs = append(errs, fmt.Errorf("%s: two faults of one name", m.name))
		}
		names[m.name] = true
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// run tries one mutant. The error is of this machine, not of the mutant.
func run(ctx context.Context, root, temp string, m mutant) (result, error) {
	begun := time.Now()
	r := result{Name: m.name, File: m.file}
	overlay, err := m.overlay(root, temp)
	if err != nil {
		return r, err
	}
	v, err := goTest(ctx, root, m, "-overlay", overlay)
	if err != nil {
		return r, err
	}
	r.KilledBy, r.Seconds = v.killedBy, time.Since(begun).Seconds()
	if v.killedBy == "" {
		r.Err = v.problem
	}
	return r, nil
}

// overlay writes the changed file, and the file that tells the compiler of it.
func (m mutant) overlay(root, temp string) (string, error) {
	original := filepath.Join(root, m.file)
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	changed, err := m.apply(string(text)) // again: others may be at work on the file
	if err != nil {
		return "", err
	}
	replacement := filepath.Join(temp, filepath.Base(m.file))
	if err := os.WriteFile(replacement, []byte(changed), 0o600); err != nil {
		return "", err
	}
	table, err := json.Marshal(map[string]map[string]string{"Replace": {original: replacement}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(temp, "overlay.json")
	return path, os.WriteFile(path, table, 0o600)
}

// goTest runs the mutant's tests and says what came of it. Vet is off, for a
// finding of it would look like a build that failed.
func goTest(ctx context.Context, root string, m mutant, flags ...string) (verdict, error) {
	args := append([]string{"test", "-json", "-vet=off", "-count=1", "-failfast", "-timeout=60s"}, flags...)
	if m.run != "" {
		args = append(args, "-run", m.run)
	}
	for _, p := range strings.Fields(m.kill) {
		args = append(args, "./"+p)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	if ctx.Err() != nil {
		return verdict{}, ctx.Err()
	}
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		return verdict{}, err
	}
	return judge(out.Bytes(), complaint.String(), err == nil), nil
}

// verdict is what a run of go test tells.
type verdict struct {
	killedBy string // the first test that failed
	problem  string // why the run says nothing
}

// event is one line of go test -json (see go doc test2json).
type event struct {
	Action      string
	Package     string
	Test        string
	Output      string
	FailedBuild string
}

// judge reads what go test -json printed. Only a test that failed, hung or took
// the process down has killed a mutant: a build that failed, or a run without
// tests, says nothing.
func judge(out []byte, complaint string, success bool) verdict {
	var failed, running []string
	var build, output strings.Builder
	tests, ended, built := 0, "", true
	for line := range bytes.Lines(out) {
		var e event
		if json.Unmarshal(line, &e) != nil {
			continue // a program under test wrote past the framework
		}
		switch {
		case e.Action == "build-output":
			build.WriteString(e.Output)
		case e.Action == "build-fail" || e.FailedBuild != "":
			built = false
		case e.Action == "run":
			tests++
			running = append(running, e.Test)
		case e.Action == "fail" && e.Test != "":
			failed = append(failed, e.Test)
		case e.Action == "output":
			ended = cmp.Or(ended, endOf(e.Output))
			output.WriteString(e.Output)
		}
		if e.Action == "pass" || e.Action == "fail" || e.Action == "skip" {
			running = slices.DeleteFunc(running, func(test string) bool { return test == e.Test })
		}
	}
	if ended != "" && len(failed) == 0 {
		// A goroutine of nobody's took the process down: the test it was in is told.
		failed = append(running, "a test")
	}
	switch {
	case !built:
		return verdict{problem: "does not compile: " + oneLine(build.String())}
	case tests == 0:
		return verdict{problem: "no test ran: " + oneLine(complaint+output.String())}
	case len(failed) > 0 && !success:
		return verdict{killedBy: failed[0] + ended}
	case !success:
		return verdict{problem: "go test failed without a test that failed: " + oneLine(complaint+output.String())}
	}
	return verdict{}
}

// endOf says how a line of output ended the process, if it did.
func endOf(line string) string {
	switch {
	case strings.HasPrefix(line, "panic: test timed out"):
		return " (time-out)"
	case strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "):
		return " (panic)"
	}
	return ""
}

// oneLine keeps enough of a tool's words to know what is wrong.
func oneLine(text string) string {
	joined := strings.Join(strings.Fields(text), " ")
	if letters := []rune(joined); len(letters) > 300 {
		return string(letters[:300]) + " …"
	}
	return joined
}

// baseline runs the same tests on the code as it is: a test that fails anyway
// kills nothing.
func baseline(ctx context.Context, root string, mutants []mutant, progress io.Writer) error {
	patterns := patternsOf(mutants)
	for _, p := range slices.Sorted(maps.Keys(patterns)) {
		fmt.Fprintf(progress, "first without a fault: %s %s\n", p, patterns[p])
		v, err := goTest(ctx, root, mutant{kill: p, run: patterns[p]})
		if err != nil {
			return err
		}
		if v != (verdict{}) {
			return fmt.Errorf("%s: the tests fail without any fault: %s%s", p, v.killedBy, v.problem)
		}
	}
	return nil
}

// patternsOf joins the -run patterns of each package; empty means all its tests.
func patternsOf(mutants []mutant) map[string]string {
	patterns := map[string]string{}
	for _, m := range mutants {
		for _, p := range strings.Fields(m.kill) {
			before, known := patterns[p]
			switch {
			case !known:
				patterns[p] = m.run
			case before == "" || m.run == "":
				patterns[p] = ""
			case !slices.Contains(strings.Split(before, "|"), m.run):
				patterns[p] = before + "|" + m.run
			}
		}
	}
	return patterns
}
