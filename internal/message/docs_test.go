package message_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"countersign/internal/message"
)

func TestTheDocsSayWhatIsDeclared(t *testing.T) {
	text, err := os.ReadFile("../../docs/templates.md")
	if err != nil {
		t.Fatal(err)
	}
	for kind, row := range declared {
		g, u := row[message.GSM7], row[message.UCS2]
		if want := fmt.Sprintf(" | %d | %d | %d | %d |", g[0], u[0], g[1], u[1]); !strings.Contains(line(string(text), fmt.Sprintf("| `%s` |", kind)), want) {
			t.Errorf("docs/templates.md does not say of %s: %s", kind, want)
		}
	}
	if want := fmt.Sprintf("of %d that are shipped", len(message.Locales())); !strings.Contains(string(text), want) {
		t.Errorf("docs/templates.md does not say %q", want)
	}
}

func line(text, prefix string) string {
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, prefix) {
			return l
		}
	}
	return ""
}
