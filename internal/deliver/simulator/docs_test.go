package simulator_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"countersign/internal/deliver/simulator"
)

func TestTheDocsHaveTheTable(t *testing.T) {
	text, err := os.ReadFile("../../../docs/carriers/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	written := regexp.MustCompile(`(?m)^\| [0-9]+ \| .*$`).FindAllString(string(text), -1)
	var want []string
	for _, b := range simulator.Behaviours() {
		want = append(want, fmt.Sprintf("| %s | `%s` | %s |", b.Number, b.Name, b.Does))
	}
	if !slices.Equal(written, want) {
		t.Errorf("docs/carriers/simulator.md has\n%s\nand the table has\n%s", strings.Join(written, "\n"), strings.Join(want, "\n"))
	}
}

func TestNoTwoRowsHaveOneNumberOrOneName(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range simulator.Behaviours() {
		if seen[b.Number] || seen[b.Name] || len(b.Number) != 2 || b.Does == "" || b.Name != strings.ToLower(b.Name) {
			t.Errorf("%+v", b)
		}
		seen[b.Number], seen[b.Name] = true, true
	}
}
