package twilioapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/internal/verify"
)

func TestEveryKindOfRefusalHasACodeAStatusAndWords(t *testing.T) {
	statuses := map[verify.Kind]int{
		verify.Invalid: 400, verify.NotFound: 404, verify.Settled: 404, verify.Cooldown: 429, verify.TooManySends: 429,
		verify.TooManyStarts: 429, verify.WorkNeeded: 429, verify.QuotaSpent: 429, verify.SpendLimit: 429, verify.Locked: 403, verify.NumberType: 403,
		verify.Country: 403, verify.NoChannel: 400, verify.KeyReused: 409, verify.Taken: 400, verify.Full: 400,
		verify.Forbidden: 403, verify.Busy: 503, verify.Unavailable: 503,
	}
	for _, kind := range verify.Kinds() {
		e := translate(fmt.Errorf("wrapped: %w", &verify.Error{Kind: kind, Wait: time.Second, Err: errors.New("reason")}))
		if want, ok := statuses[kind]; !ok || statusOf(e.code) != want || e.wait != time.Second {
			t.Errorf("%s: %d with status %d, wait %s", kind, e.code, statusOf(e.code), e.wait)
		}
		if len(e.message) < 10 || !strings.HasSuffix(e.message, ".") {
			t.Errorf("%s: %q", kind, e.message)
		}
	}
}

func TestEveryCodeOfARefusalIsExplained(t *testing.T) {
	known := map[int]bool{}
	for _, p := range problems() {
		if known[p.code] {
			t.Errorf("%d is explained twice", p.code)
		}
		known[p.code] = true
		for _, text := range []string{p.title, p.meaning, p.cause, p.remedy} {
			if text == "" {
				t.Errorf("%d: a text is missing", p.code)
			}
		}
		if p.status < 400 || http.StatusText(p.status) == "" {
			t.Errorf("%d has status %d", p.code, p.status)
		}
	}
	for kind, row := range refusals {
		if !known[row.code] {
			t.Errorf("%s: %d is explained nowhere", kind, row.code)
		}
	}
}

func TestWhatFailsOnOurSideIsNotTold(t *testing.T) {
	e := translate(errors.New("disk sda1 is on fire"))
	if e.code != codeInternal || strings.Contains(e.message, "disk") {
		t.Errorf("%d %s", e.code, e.message)
	}
	if e := translate(context.Canceled); e.code != codeUnavailable || e.wait == 0 {
		t.Errorf("a caller that hung up: %d %s", e.code, e.message)
	}
}
