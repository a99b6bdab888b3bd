package telnyxapi_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"countersign/internal/verify"
)

// The errors of docs/telnyx.md are what is answered, kind by kind.
func TestTheDocumentedErrorsAreTheAnswers(t *testing.T) {
	doc, err := os.ReadFile("../../docs/telnyx.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range verify.Kinds() {
		rec := refuse(t, &verify.Error{Kind: kind, Wait: time.Second, Err: errors.New("because")}, io.Discard)
		last := ""
		if rec.Header().Get("X-Should-Retry") == "false" {
			last = "yes "
		}
		row := fmt.Sprintf("| `%s` | %d | %s | %s|", kind, rec.Code, read(t, rec).Errors[0].Code, last)
		if !strings.Contains(string(doc), "\n"+row) {
			t.Errorf("docs/telnyx.md has no row %s", row)
		}
	}
}
