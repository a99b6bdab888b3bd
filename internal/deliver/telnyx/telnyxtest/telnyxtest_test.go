package telnyxtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"countersign/internal/deliver/telnyx/telnyxtest"
)

const to = "+12025550147"

func TestAMessageIsTakenAndAnsweredInFull(t *testing.T) {
	api := telnyxtest.New("KEY")
	status, body := post(t, api, `{"to":"`+to+`","from":"+15551234567","text":"Hello"}`)
	if status != 200 {
		t.Fatalf("answered %d: %s", status, body)
	}
	var got struct {
		Data struct {
			ID         string
			RecordType string `json:"record_type"`
			To         []struct {
				Number string `json:"phone_number"`
				Status string
			}
			Parts  int
			Errors []any
		}
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	m, err := api.Wait(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	d := got.Data
	if d.ID != m.ID || len(d.ID) != 36 || d.RecordType != "message" || d.Parts != 1 || d.Errors == nil ||
		len(d.To) != 1 || d.To[0].Number != to || d.To[0].Status != "queued" {
		t.Errorf("answered %s", body)
	}
	if m.To != to || m.From != "+15551234567" || m.Text != "Hello" || !strings.HasPrefix(string(m.Raw), "{") {
		t.Errorf("kept %+v", m)
	}
}

func TestRequestsThatTelnyxRefusesAreRefused(t *testing.T) {
	const good = `{"to":"+12025550147","from":"+15551234567","text":"Hello"}`
	for _, row := range []struct {
		method, path, key, kind, body string
		status                        int
		code                          string
	}{
		{"POST", "/v2/messages", "other", "application/json", good, 401, "10009"},
		{"POST", "/v2/messages", "", "application/json", good, 401, "10009"},
		{"GET", "/v2/messages", "KEY", "application/json", "", 405, "10015"},
		{"POST", "/messages", "KEY", "application/json", good, 404, "10005"},
		{"POST", "/v2/messages", "KEY", "text/plain", good, 415, "10014"},
		{"POST", "/v2/messages", "KEY", "application/json", "{", 422, "10015"},
		{"POST", "/v2/messages", "KEY", "application/json", `{"from":"x","text":"Hello"}`, 422, "10004"},
		{"POST", "/v2/messages", "KEY", "application/json", `{"to":"x","text":"Hello"}`, 422, "10004"},
		{"POST", "/v2/messages", "KEY", "application/json", `{"to":"x","from":"x"}`, 422, "10004"},
	} {
		api := telnyxtest.New("KEY")
		r := httptest.NewRequest(row.method, row.path, strings.NewReader(row.body))
		r.Header.Set("Authorization", "Bearer "+row.key)
		r.Header.Set("Content-Type", row.kind)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code != row.status || !strings.Contains(w.Body.String(), `"code":"`+row.code+`"`) {
			t.Errorf("%+v: %d %s", row, w.Code, w.Body)
		}
		if len(api.Messages()) != 0 || api.Requests() != 1 {
			t.Errorf("%+v: %d messages, %d requests", row, len(api.Messages()), api.Requests())
		}
	}
}

func TestFailuresAreScriptedByNumberAndByCount(t *testing.T) {
	api := telnyxtest.New("KEY")
	expect := func(number string, status int, part string) {
		t.Helper()
		got, body := post(t, api, `{"to":"`+number+`","from":"x","text":"Hello"}`)
		if got != status || !strings.Contains(string(body), part) {
			t.Errorf("%s: answered %d %s", number, got, body)
		}
	}
	api.Fail(to, 400, "40310")
	expect(to, 400, `"code":"40310"`)
	expect("+1", 200, "queued")
	api.Fail(to, 200, "40300")
	expect(to, 200, `"status":"sending_failed"`)
	api.FailNext(2, 503, "")
	expect("+1", 503, `"errors":[]`)
	expect("+1", 503, `"errors":[]`)
	expect("+1", 200, "queued")
	api.Mend(to)
	expect(to, 200, "queued")
	if got := len(api.Messages()); got != 3 || api.Requests() != 7 {
		t.Errorf("%d messages of %d requests", got, api.Requests())
	}
}

func TestWaitReturnsEachMessageOnceAndInOrder(t *testing.T) {
	api := telnyxtest.New("KEY")
	const count = 50
	var posting sync.WaitGroup
	posting.Go(func() {
		for i := range count {
			post(t, api, fmt.Sprintf(`{"to":"%s","from":"x","text":"%d"}`, to, i))
			post(t, api, `{"to":"+1","from":"x","text":"another"}`)
		}
	})
	for i := range count {
		m, err := api.Wait(t.Context(), to)
		if err != nil || m.Text != fmt.Sprint(i) {
			t.Fatalf("message %d is %q, %v", i, m.Text, err)
		}
	}
	posting.Wait()
	api.Forget()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := api.Wait(ctx, "+1"); !errors.Is(err, context.Canceled) {
		t.Errorf("what was forgotten is waited for with %v", err)
	}
	if len(api.Messages()) != 0 {
		t.Error("messages are kept after Forget")
	}
}

func TestALongTextHasParts(t *testing.T) {
	for text, want := range map[string]string{
		strings.Repeat("a", 160): `"parts":1`,
		strings.Repeat("a", 161): `"parts":2`,
		strings.Repeat("ж", 70):  `"parts":1`,
		strings.Repeat("ж", 71):  `"parts":2`,
	} {
		if _, body := post(t, telnyxtest.New("KEY"), `{"to":"x","from":"x","text":"`+text+`"}`); !strings.Contains(string(body), want) {
			t.Errorf("%.5s…: %s", text, body)
		}
	}
}

func post(t *testing.T, h http.Handler, body string) (int, []byte) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/v2/messages", strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer KEY")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}
