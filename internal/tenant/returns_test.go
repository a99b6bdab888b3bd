package tenant_test

import (
	"strings"
	"testing"

	"countersign/internal/tenant"
)

// Which addresses will do is held against a corpus, in package telnyxapi.
func TestABadReturnURLIsNamedByItsPlaceAndNotShown(t *testing.T) {
	err := tenant.ReturnURLs([]string{"https://app.example.com/back", "https://ada:secret@app.example.com/back"})
	if err == nil || !strings.Contains(err.Error(), "number 2 of the list") || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}
