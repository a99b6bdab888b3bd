package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestThePageShowsEachClientAsItIs keeps docs/from-twilio.md and examples/clients one:
// what people copy is what was run.
func TestThePageShowsEachClientAsItIs(t *testing.T) {
	page, err := os.ReadFile("../docs/from-twilio.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../examples/clients/*")
	if err != nil || len(files) != 7 {
		t.Fatalf("got %d clients (%v), want one for each of seven languages", len(files), err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if lines := withoutHead(string(text)); !strings.Contains(string(page), "\n"+lines+"\n```") {
			t.Errorf("docs/from-twilio.md does not show %s as it is:\n%s", filepath.Base(path), lines)
		}
	}
}

// withoutHead is a file without what stands before its first line of code.
func withoutHead(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for len(lines) > 0 {
		l := lines[0]
		if l != "" && !strings.HasPrefix(l, "//") && !strings.HasPrefix(l, "#") && l != "<?php" && !strings.HasPrefix(l, "package ") {
			break
		}
		lines = lines[1:]
	}
	return strings.Join(lines, "\n")
}
