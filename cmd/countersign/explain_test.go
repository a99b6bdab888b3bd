package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/internal/app"
	"countersign/internal/deliver/telnyx/telnyxtest"
	"countersign/internal/store/pgtest"
	"countersign/internal/verify"
)

func TestWhatBecameOfANumbersMessagesIsToldBesideARunningService(t *testing.T) {
	for name, database := range map[string]func(dir string) string{
		"SQLite":     func(dir string) string { return "sqlite:" + filepath.Join(dir, "c.db") },
		"PostgreSQL": func(string) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			api := telnyxtest.New(carrierKey)
			p := serveOn(t, dir, database(dir), carrierAt(t, nil, api))
			v := p.begin("+13035551201")
			m, err := api.Wait(t.Context(), "+13035551201")
			if err != nil {
				t.Fatal(err)
			}
			code := strings.Trim(m.Text[strings.LastIndex(m.Text, " "):], " .")
			p.check(v.ID, wrong(code))
			p.check(v.ID, code)
			explained(t, keeper{t, filepath.Join(dir, "config.yml")}, v.ID, code)
			routed(keeper{t, filepath.Join(dir, "config.yml")}, name == "SQLite")
		})
	}
}

func TestEachStepOfATimelineIsASentenceWithItsCarrier(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for step, want := range map[verify.Step]string{
		verify.StepPassedOver:  "message 1 passed over first in 2ms",
		verify.StepSubmitted:   "message 1 submitted to first in 2ms",
		verify.StepRefused:     "message 1 refused by first in 2ms",
		verify.StepUnconfirmed: "message 1 unconfirmed by first in 2ms",
		verify.StepConfirmed:   "message 1 confirmed by first in 2ms",
		verify.StepDelivered:   "message 1 delivered by first in 2ms",
		verify.StepFailed:      "message 1 failed by first in 2ms",
	} {
		if got := moment(app.Moment{At: at, Step: string(step), Message: 1, Carrier: "first", TookMS: 2}); got != "2026-03-01 12:00:00.000  "+want {
			t.Errorf("%s", got)
		}
	}
	if got := moment(app.Moment{At: at, Step: "accepted", Why: "after 1 guess"}); got != "2026-03-01 12:00:00.000  accepted: after 1 guess" {
		t.Errorf("%s", got)
	}
}

func explained(t *testing.T, k keeper, id, code string) {
	t.Helper()
	out := k.says(0, id, "explain", "+1 303 555 1201")
	at := 0
	for _, want := range []string{id + " by sms for default: accepted", "started", "message 1 queued", "message 1 submitted to telnyx", "accepted: after 2 guesses"} {
		i := strings.Index(out[at:], want)
		if i < 0 {
			t.Fatalf("%q is missing, or not in order:\n%s", want, out)
		}
		at += i
	}
	if strings.Contains(out, "3035551201") || strings.Contains(out, code) {
		t.Errorf("the number or the code is shown:\n%s", out)
	}
	var got struct{ Verifications []app.Explained }
	if err := json.Unmarshal([]byte(k.says(0, id, "explain", "+13035551201", "--json")), &got); err != nil {
		t.Fatal(err)
	}
	if list := got.Verifications; len(list) != 1 || list[0].ID != id || list[0].Status != "accepted" || len(list[0].Timeline) < 4 {
		t.Errorf("%+v", list)
	}
	k.says(0, "Nothing is stored of it", "explain", "+13035551202")
	k.says(0, `{"verifications":[]}`, "explain", "+13035551202", "--json")
	k.says(1, "characters that no number has", "explain", "nonsense")
	k.says(1, "--last: 0 is not from 1 to 100", "explain", "+13035551201", "--last", "0")
}

func routed(k keeper, live bool) {
	out := k.says(0, "1. telnyx: 1st of the carriers for sms", "route", "explain", "+13035551201")
	if alone := strings.Contains(out, "By the configuration alone"); alone == live || strings.Contains(out, "3035551201") {
		k.t.Errorf("%s", out)
	}
	k.says(0, "nobody takes it", "route", "explain", "a@example.com")
	k.says(0, `"carrier":"telnyx"`, "route", "explain", "+13035551201", "--json")
	k.says(1, "an e-mail goes to a mailbox", "route", "explain", "a@example.com", "--channel", "sms")
	k.says(1, `"pigeon" is not a channel`, "route", "explain", "+13035551201", "--channel", "pigeon")
}
