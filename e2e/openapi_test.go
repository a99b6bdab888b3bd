package e2e_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"countersign/internal/openapi"
)

// description is an OpenAPI document that answers are held against.
type description struct {
	doc    *openapi3.T
	router routers.Router
}

func describe(t *testing.T, text []byte) *description {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.DisableExamplesValidation()); err != nil {
		t.Fatalf("the document itself: %v", err)
	}
	doc.Servers = openapi3.Servers{{URL: "/"}} // wherever the test's server is
	for _, p := range doc.Paths.Map() {
		p.Servers = nil
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &description{doc, router}
}

// errUndescribed is that the document does not speak of what was asked.
var errUndescribed = errors.New("the document has no such route")

// check holds one answer against the document. Requests are not looked at: many are
// wrong on purpose.
func (d *description) check(ctx context.Context, e exchange) (operation string, err error) {
	req := e.request.Clone(ctx)
	route, params, err := d.router.FindRoute(req)
	if err != nil {
		return "", errors.Join(errUndescribed, err)
	}
	page := strings.HasPrefix(e.header.Get("Content-Type"), "text/html") // the package reads data only
	if described := route.Operation.Responses.Status(e.status); page && (described == nil || described.Value.Content.Get("text/html") == nil) {
		return route.Operation.OperationID, errors.New("the document speaks of no page")
	}
	return route.Operation.OperationID, openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
		Status:                 e.status,
		Header:                 e.header,
		Body:                   io.NopCloser(bytes.NewReader(e.body)),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: page},
	})
}

// twilioDocument is Twilio's own, which the npm package @twilio/cli-core carries (MIT).
const (
	twilioDocument = "sdk/twilio-openapi/package/src/services/twilio-api/twilio_verify_v2.json"
	twilioSHA256   = "edee5fae15fc95147c0039e9954aad537ce4556d730c9d0aefd2b39d5b88dc14"
)

func readTwilioDocument(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(twilioDocument)
	if err != nil {
		t.Fatalf("%v: run make test, which fetches it (or sh scripts/tools.sh)", err)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != twilioSHA256 {
		t.Fatalf("%s is not the one that was read when this test was written", twilioDocument)
	}
	return text
}

// asDocumented holds all answers against our document, and those of the Twilio
// dialect that are no refusals against Twilio's too. It returns which of our
// operations were seen.
func asDocumented(t *testing.T, all []exchange) map[string]bool {
	t.Helper()
	ours, theirs := describe(t, openapi.Document()), describe(t, readTwilioDocument(t))
	seen, held := map[string]bool{}, 0
	for _, e := range all {
		operation, err := ours.check(t.Context(), e)
		if errors.Is(err, errUndescribed) && e.status == http.StatusNotFound {
			continue // neither has it
		}
		if err != nil {
			t.Errorf("%s: %d against our document: %v\n%s", e.question, e.status, err, e.body[:min(len(e.body), 400)])
		}
		seen[operation] = true
		if e.status >= http.StatusMultipleChoices { // Twilio's document describes no refusal but one
			continue
		}
		if _, err := theirs.check(t.Context(), e); errors.Is(err, errUndescribed) {
			if twilioPath(e.request.URL.Path) {
				t.Errorf("%s is not in Twilio's document", e.question)
			}
		} else if err != nil {
			t.Errorf("%s: %d against Twilio's document: %v\n%s", e.question, e.status, err, e.body[:min(len(e.body), 400)])
		} else {
			held++
		}
	}
	t.Logf("%d answers were held against our document, %d against Twilio's", len(all), held)
	return seen
}

func twilioPath(path string) bool {
	for _, p := range []string{"/v2/Services", "/v2/Attempts", "/v2/Templates", "/v2/SafeList"} {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}

// TestAWrongAnswerIsSeen shows that the checks above can fail.
func TestAWrongAnswerIsSeen(t *testing.T) {
	const path = "/v2/Services/VA00000000000000000000000000000001/RateLimits/RK00000000000000000000000000000001"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		document *description
		name     string
		status   int
		body     string
	}{
		{describe(t, openapi.Document()), "ours, a text for a number", 404, `{"code":"20404","message":"m","more_info":"https://x/docs/errors/20404","status":404}`},
		{describe(t, openapi.Document()), "ours, a field short", 200, `{"sid":"RK00000000000000000000000000000001"}`},
		{describe(t, readTwilioDocument(t)), "Twilio's, a number for a text", 200, `{"sid":7}`},
		{describe(t, readTwilioDocument(t)), "Twilio's, another status", 202, `{}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := exchange{request: req, status: tt.status, header: http.Header{"Content-Type": {"application/json"}}, body: []byte(tt.body)}
			if _, err := tt.document.check(t.Context(), e); err == nil || errors.Is(err, errUndescribed) {
				t.Errorf("got %v, want a complaint about the answer", err)
			}
		})
	}
}
