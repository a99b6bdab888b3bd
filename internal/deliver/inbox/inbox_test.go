package inbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/code"
	"countersign/internal/deliver/inbox"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

const (
	alice = "+447400123456"
	bob   = "+12015550123"
)

// seen is a message as a program reads it.
type seen struct {
	ID        string `json:"id"`
	To        string `json:"to"`
	Subject   string `json:"subject"`
	Text      string `json:"text"`
	Code      string `json:"code"`
	Channel   string `json:"channel"`
	Carrier   string `json:"carrier"`
	CreatedAt string `json:"created_at"`
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 7e6, time.FixedZone("", 3600))

func newInbox() *inbox.Inbox { return inbox.New("box", func() time.Time { return noon }) }

// send puts a message in, whose code is text.
func send(t *testing.T, b *inbox.Inbox, id, to, text string) string {
	t.Helper()
	c, err := code.Custom(text)
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.Send(t.Context(), verify.Message{
		ID: id, Channel: verify.SMS, To: verify.Phone(phone.Trusted(to)), Code: c, Text: message.Render(message.Branded, message.Values{Code: c, AppName: "Acme"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s.CarrierID
}

func get(ctx context.Context, b *inbox.Inbox, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil))
	return w
}

func read(t *testing.T, w *httptest.ResponseRecorder, into any) {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("content type %q", got)
	}
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
}

func list(t *testing.T, b *inbox.Inbox, query string) []seen {
	t.Helper()
	var out struct{ Data []seen }
	w := get(t.Context(), b, "/dev/messages"+query)
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	read(t, w, &out)
	return out.Data
}

func TestMessagesAreListedNewestLastWithTheirCodes(t *testing.T) {
	b := newInbox()
	if w := get(t.Context(), b, "/dev/messages"); w.Body.String() != "{\"data\":[]}\n" {
		t.Errorf("empty: %s", w.Body)
	}
	first, second := send(t, b, "a", alice, "111111"), send(t, b, "b", bob, "222222")
	all := list(t, b, "")
	want := seen{
		ID: first, To: alice, Text: "Your Acme verification code is: 111111.", Code: "111111", Channel: "sms", Carrier: "box",
		CreatedAt: "2026-03-01T11:00:00.007Z",
	}
	if len(all) != 2 || all[0] != want || all[1].ID != second {
		t.Errorf("%+v", all)
	}
	one, _ := strconv.ParseInt(first, 10, 64)
	two, _ := strconv.ParseInt(second, 10, 64)
	if one < 1 || two <= one {
		t.Errorf("ids %s, %s do not increase", first, second)
	}
}

func TestANumberMayBeAskedForInManyForms(t *testing.T) {
	b := newInbox()
	send(t, b, "a", alice, "111111")
	send(t, b, "b", bob, "222222")
	for _, to := range []string{
		"%2B447400123456", "+447400123456", "447400123456", "%2B44%207400%20123456", "00447400123456", "+44-7400-123456", "%20447400123456",
	} {
		if all := list(t, b, "?to="+to); len(all) != 1 || all[0].To != alice {
			t.Errorf("%s: %+v", to, all)
		}
	}
	if all := list(t, b, "?to="); len(all) != 2 {
		t.Errorf("%+v", all)
	}
	if all := list(t, b, "?to=447400123457"); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

func TestAQuestionThatMakesNoSenseIsRefusedWithTheReason(t *testing.T) {
	b := newInbox()
	for path, says := range map[string]string{
		"/dev/messages?to=07400123456":       "to: ",
		"/dev/messages?to=x":                 "to: characters that no number has",
		"/dev/messages/wait?to=12":           "to: ",
		"/dev/messages/wait?after=x":         "after: ",
		"/dev/messages/wait?after=-1":        "after: ",
		"/dev/messages/wait?timeout=x":       "timeout: ",
		"/dev/messages/wait?timeout=-1":      "timeout: ",
		"/dev/messages/wait?timeout=-1s":     "timeout: ",
		"/dev/messages/wait?to=%00&after=%f": "to: ",
	} {
		w := get(t.Context(), b, path)
		var out struct{ Error string }
		read(t, w, &out)
		if w.Code != http.StatusBadRequest || !strings.HasPrefix(out.Error, says) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestAnAttemptAtTheSameMessageIsKeptOnce(t *testing.T) {
	b := newInbox()
	first := send(t, b, "a", alice, "111111")
	if again := send(t, b, "a", alice, "111111"); again != first || len(list(t, b, "")) != 1 {
		t.Errorf("%s and %s, %d kept", first, again, len(list(t, b, "")))
	}
	send(t, b, "", alice, "111111")
	send(t, b, "", alice, "111111")
	if n := len(list(t, b, "")); n != 3 {
		t.Errorf("%d kept", n)
	}
}

func TestOnlyTheLastThousandAreKept(t *testing.T) {
	b := newInbox()
	for i := range 1005 {
		send(t, b, strconv.Itoa(i), alice, fmt.Sprintf("%06d", i))
	}
	all := list(t, b, "")
	if len(all) != 1000 || all[0].Code != "000005" || all[999].Code != "001004" {
		t.Errorf("%d kept, from %+v", len(all), all[0])
	}
	send(t, b, "0", alice, "000000") // forgotten, so it is new
	if all := list(t, b, ""); all[999].Code != "000000" {
		t.Errorf("%+v", all[999])
	}
}

func TestSendFailsOnlyIfItsContextHasEnded(t *testing.T) {
	b := newInbox()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.Send(ctx, verify.Message{ID: "a", To: verify.Phone(phone.Trusted(alice))})
	refused, ok := errors.AsType[*verify.SendError](err)
	if !ok || refused.Ambiguous || !refused.Later() || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if len(list(t, b, "")) != 0 {
		t.Error("it was kept")
	}
	if _, err := b.Send(t.Context(), verify.Message{}); err != nil {
		t.Errorf("an empty message: %v", err)
	}
}

func TestManySendAndWaitAtOnce(t *testing.T) {
	b := newInbox()
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() { send(t, b, strconv.Itoa(i), alice, "111111") })
		all.Go(func() { get(t.Context(), b, "/dev/messages/wait?to="+alice) })
	}
	all.Wait()
	if n := len(list(t, b, "")); n != 50 {
		t.Errorf("%d kept", n)
	}
}
