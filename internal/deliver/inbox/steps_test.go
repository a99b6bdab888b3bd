package inbox_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"countersign/internal/code"
	"countersign/internal/deliver/inbox"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

// changed is what a page is told.
type changed struct {
	Next string
	Data []struct {
		seen
		MessageID string `json:"message_id"`
		Arrived   bool
		Steps     []struct{ Step, Label, At, Note string }
	}
}

// line writes a time line as one text.
func (c changed) line(i int) string {
	var out []string
	for _, s := range c.Data[i].Steps {
		out = append(out, strings.TrimSpace(s.Label+" "+s.At[17:23]+" "+s.Note))
	}
	return strings.Join(out, ", ")
}

func changes(t *testing.T, b *inbox.Inbox, query string) changed {
	t.Helper()
	var out changed
	w := get(t.Context(), b, "/dev/messages/changes"+query)
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	read(t, w, &out)
	return out
}

func letter(t *testing.T, id, to, text string) verify.Message {
	t.Helper()
	c, err := code.Custom(text)
	if err != nil {
		t.Fatal(err)
	}
	return verify.Message{
		ID: id, Channel: verify.SMS, To: verify.Phone(phone.Trusted(to)), Code: c, Text: message.Render(message.Plain, message.Values{Code: c}),
	}
}

func after(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }

func TestEachStepOfAMessageIsShownInItsTime(t *testing.T) {
	b := newInbox()
	b.Record("a", verify.StepQueued, after(0), "")
	b.Record("b", verify.StepQueued, after(1), "")
	send(t, b, "a", alice, "111111")
	b.Record("a", verify.Step(verify.Accepted), after(9000), "")
	b.Record("a", verify.StepDelivered, after(500), "says the carrier")
	b.Record("a", verify.StepSubmitted, after(3), "by <box>")
	b.Record("a", "pigeon", after(9001), "")
	b.Record("", verify.StepSubmitted, after(0), "of no message")
	b.Record("a", verify.StepDelivered, after(500), "says the carrier") // once more
	got := changes(t, b, "")
	if len(got.Data) != 1 || got.line(0) != "Queued 00.007, Submitted 00.010 by <box>, Delivered 00.507 says the carrier, Verified 09.007, Pigeon 09.008" {
		t.Errorf("%+v", got.Data)
	}
	page := get(t.Context(), b, "/dev/").Body.String()
	at := 0
	for _, want := range []string{
		`<ol class="steps" aria-label="What happened" aria-live="off">`, `<li class="step queued"><span class="label">Queued</span> <time datetime="2026-03-01T11:00:00.007Z">`,
		"Submitted", "by &lt;box&gt;", "Delivered", `class="step accepted"`, "Verified", `class="step pigeon"`, "Pigeon",
	} {
		next := strings.Index(page[at:], want)
		if next < 0 {
			t.Fatalf("the page lacks %q in its place:\n%s", want, page)
		}
		at += next
	}
	if strings.Contains(page, "<box>") {
		t.Error("a note is read as HTML")
	}
}

func TestAMessageOfAnotherCarrierIsThePhonesOnceItHasArrived(t *testing.T) {
	b := newInbox()
	b.Show("sim", letter(t, "late", bob, "222222"), false)
	first := changes(t, b, "")
	if len(first.Data) != 1 || first.Data[0].Arrived || first.Data[0].Carrier != "sim" || first.Data[0].Code != "222222" || first.Data[0].MessageID != "late" {
		t.Errorf("%+v", first)
	}
	if len(list(t, b, "")) != 0 {
		t.Error("the phone has what has not arrived")
	}
	if w := get(t.Context(), b, "/dev/messages/wait?timeout=0"); w.Code != http.StatusNoContent {
		t.Errorf("who waits gets what has not arrived: %s", w.Body)
	}
	page := get(t.Context(), b, "/dev/").Body.String()
	if !strings.Contains(page, `class="message sms away"`) || !strings.Contains(page, `<p class="unseen">Not arrived</p>`) {
		t.Errorf("the page does not say that it has not arrived:\n%s", page)
	}

	newer := send(t, b, "newer", bob, "333333")
	b.Show("other", letter(t, "late", bob, "222222"), true)
	var next seen
	read(t, get(t.Context(), b, "/dev/messages/wait?after="+newer), &next)
	if next.Code != "222222" || next.Carrier != "other" {
		t.Errorf("who waits for the next message gets %+v", next)
	}
	if all := list(t, b, ""); len(all) != 2 || all[1].Code != "222222" {
		t.Errorf("it is not the newest: %+v", all)
	}
	if page := get(t.Context(), b, "/dev/").Body.String(); strings.Contains(page, "away") || !strings.Contains(page, `<p class="unseen" hidden>`) {
		t.Errorf("the page says that it has not arrived:\n%s", page)
	}
	before := list(t, b, "")
	b.Show("sim", letter(t, "late", bob, "222222"), true)
	b.Show("sim", letter(t, "late", bob, "222222"), false)
	if got := list(t, b, ""); len(got) != 2 || got[1] != before[1] {
		t.Errorf("what has arrived changed: %+v", got)
	}
}

func TestTheInboxTakesOverWhatAnotherCarrierRefused(t *testing.T) {
	b := newInbox()
	b.Show("sim", letter(t, "a", bob, "222222"), false)
	id := send(t, b, "a", bob, "222222")
	if all := list(t, b, ""); len(all) != 1 || all[0].Carrier != "box" || all[0].ID != id {
		t.Errorf("%+v", all)
	}
	if again := send(t, b, "a", bob, "222222"); again != id || len(list(t, b, "")) != 1 {
		t.Errorf("a second attempt is called %s and not %s", again, id)
	}
}

func TestAChangeWakesWhoeverFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newInbox()
		first := changesOf(t, b, func() { b.Show("sim", letter(t, "a", alice, "111111"), false) }, "")
		second := changesOf(t, b, func() { b.Record("a", verify.StepSubmitted, after(1), "") }, "?after="+first.Next)
		third := changesOf(t, b, func() { b.Show("sim", letter(t, "a", alice, "111111"), true) }, "?after="+second.Next+"&to="+alice)
		if first.Data[0].Arrived || second.line(0) != "Submitted 00.008" || !third.Data[0].Arrived || third.line(0) != second.line(0) {
			t.Errorf("%+v\n%+v\n%+v", first, second, third)
		}
		for _, query := range []string{"?timeout=1&after=" + third.Next, "?timeout=1&to=" + bob} {
			if w := get(t.Context(), b, "/dev/messages/changes"+query); w.Code != http.StatusNoContent {
				t.Errorf("%s: %d %s", query, w.Code, w.Body)
			}
		}
		w := make(chan int)
		go func() { w <- get(t.Context(), b, "/dev/messages/changes?after="+third.Next).Code }()
		synctest.Wait()
		b.Close()
		if status := <-w; status != http.StatusNoContent {
			t.Errorf("after Close: %d", status)
		}
	})
}

// changesOf asks first and changes then.
func changesOf(t *testing.T, b *inbox.Inbox, change func(), query string) changed {
	t.Helper()
	answered := make(chan changed)
	go func() { answered <- changes(t, b, query) }()
	synctest.Wait()
	change()
	return <-answered
}

func TestAQuestionAboutChangesThatMakesNoSenseIsRefused(t *testing.T) {
	b := newInbox()
	for _, query := range []string{"?to=x", "?after=x", "?timeout=x"} {
		if w := get(t.Context(), b, "/dev/messages/changes"+query); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", query, w.Code)
		}
	}
}

func TestTimeLinesTakeNoMoreThanTheirRoom(t *testing.T) {
	b := newInbox()
	for i := range 60 {
		b.Record("many", verify.StepSubmitted, after(i*1000), fmt.Sprint(i))
	}
	for i := range 1000 {
		b.Record(fmt.Sprint("never sent ", i), verify.StepQueued, after(i), "")
	}
	send(t, b, "many", alice, "111111")
	send(t, b, "never sent 999", alice, "222222")
	got := changes(t, b, "")
	if len(got.Data) != 2 || len(got.Data[0].Steps) != 0 || len(got.Data[1].Steps) != 1 {
		t.Errorf("the oldest time line was not forgotten: %+v", got)
	}
	for i := range 60 {
		b.Record("many", verify.StepSubmitted, after(i*1000), fmt.Sprint(i))
	}
	if steps := changes(t, b, "").Data[0].Steps; len(steps) != 50 || steps[0].Note != "10" {
		t.Errorf("%d steps, from %q", len(steps), steps[0].Note)
	}
}

func TestManyShowRecordAndFollowAtOnce(t *testing.T) {
	b := newInbox()
	var all sync.WaitGroup
	for i := range 20 {
		m := letter(t, fmt.Sprint(i), alice, "111111")
		all.Go(func() { b.Show("sim", m, false); b.Show("sim", m, true) })
		all.Go(func() { b.Record(fmt.Sprint(i), verify.StepSubmitted, after(i), "") })
		all.Go(func() { get(t.Context(), b, "/dev/messages/changes?timeout=0") })
		all.Go(func() { get(context.WithoutCancel(t.Context()), b, "/dev/") })
	}
	all.Wait()
	got := changes(t, b, "")
	for i, m := range got.Data {
		if !m.Arrived || len(m.Steps) != 1 {
			t.Errorf("%d: %+v", i, m)
		}
	}
	if len(got.Data) != 20 {
		t.Errorf("%d messages", len(got.Data))
	}
}

func TestWhatTheCoreKnowsOfAVerificationStandsWithItsMessages(t *testing.T) {
	b := newInbox()
	id := verify.ID{6: 0x70, 15: 1}
	first, second := verify.DeliveryKey{Verification: id, Number: 1}.String(), verify.DeliveryKey{Verification: id, Number: 2}.String()
	send(t, b, first, alice, "111111")
	send(t, b, second, alice, "111111")
	moments := []verify.Moment{
		{At: after(0), Step: verify.StepStarted},
		{At: after(0), Step: verify.StepQueued, Message: 1},
		{At: after(1), Step: verify.StepRefused, Message: 1, Carrier: "sim-a", Class: verify.Throttled, Why: "answered 429"},
		{At: after(2), Step: verify.StepWaiting, Message: 1},
		{At: after(1000), Step: verify.StepQueued, Message: 2},
		{At: after(1001), Step: verify.StepUnconfirmed, Message: 2, Carrier: "sim-b"},
	}
	b.Tell(id, moments)
	got := changes(t, b, "")
	if got.line(0) != "Queued 00.007, Refused 00.008 sim-a: throttled: answered 429, Waiting 00.009" || got.line(1) != "Queued 01.007, No answer 01.008 sim-b" {
		t.Errorf("%+v", got.Data)
	}
	b.Tell(id, moments) // nothing new
	if w := get(t.Context(), b, "/dev/messages/changes?timeout=0&after="+got.Next); w.Code != http.StatusNoContent {
		t.Errorf("the same once more is news: %s", w.Body)
	}
	moments[3] = verify.Moment{At: after(2000), Step: verify.StepGivenUp, Message: 1}
	b.Tell(id, append(moments, verify.Moment{At: after(3000), Step: verify.Step(verify.Accepted), Why: "after 1 guess"}))
	got = changes(t, b, "")
	if got.line(0) != "Queued 00.007, Refused 00.008 sim-a: throttled: answered 429, Given up 02.007" ||
		got.line(1) != "Queued 01.007, No answer 01.008 sim-b, Verified 03.007 after 1 guess" || got.Data[0].Steps[2].Step != "given-up" {
		t.Errorf("%+v", got.Data)
	}
}
