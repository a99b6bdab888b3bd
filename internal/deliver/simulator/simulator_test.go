package simulator_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"countersign/internal/deliver/simulator"
	"countersign/internal/verify"
)

// happens is what comes of each row of the table: what the call returns and then all
// that is told, each after its seconds.
var happens = map[string][]string{
	"delivered":       {"0.0 taken", "0.0 seen", "0.1 here", "0.1 delivered ours, mobile"},
	"late":            {"0.0 taken", "0.0 seen", "30.0 here", "30.0 delivered ours, mobile"},
	"twice":           {"0.0 taken", "0.0 seen", "0.1 here", "0.1 delivered ours, mobile", "1.1 here", "1.1 delivered ours, mobile"},
	"disordered":      {"0.0 taken", "0.0 seen", "0.1 here", "0.1 delivered ours, mobile", "1.1 sent ours"},
	"early":           {"0.0 taken", "0.0 seen", "0.0 here", "0.0 delivered ours, mobile"},
	"silent":          {"0.0 taken", "0.0 seen", "0.1 here"},
	"slow":            {"5.0 taken", "0.0 seen", "5.1 here", "5.1 delivered ours, mobile"},
	"unanswered":      {"2.0 temporary, ambiguous", "0.0 seen", "3.0 here", "3.0 delivered ours, mobile"},
	"unanswered-lost": {"2.0 temporary, ambiguous", "0.0 seen"},
	"unnamed":         {"0.0 taken, unnamed", "0.0 seen", "0.1 here", "0.1 delivered theirs, mobile"},
	"contradicted":    {"0.0 taken", "0.0 seen", "0.1 failed ours, temporary", "1.1 here", "1.1 delivered ours, mobile"},
	"voip":            {"0.0 taken", "0.0 seen", "0.1 here", "0.1 delivered ours, voip"},
	"lost":            {"0.0 taken", "0.0 seen"},

	"refused-not-a-mobile":          {"0.0 not a mobile", "0.0 seen"},
	"refused-invalid-number":        {"0.0 invalid number", "0.0 seen"},
	"refused-opted-out":             {"0.0 opted out", "0.0 seen"},
	"refused-content-filtered":      {"0.0 content filtered", "0.0 seen"},
	"refused-temporary":             {"0.0 temporary", "0.0 seen"},
	"refused-throttled":             {"0.0 throttled, wait 2s", "0.0 seen"},
	"refused-pumping-suspected":     {"0.0 pumping suspected", "0.0 seen"},
	"refused-sender-not-registered": {"0.0 sender not registered", "0.0 seen"},
	"refused-region-not-enabled":    {"0.0 region not enabled", "0.0 seen"},
	"refused-no-money":              {"0.0 no money", "0.0 seen"},
	"refused-credentials-refused":   {"0.0 credentials refused", "0.0 seen"},
	"refused-unknown":               {"0.0 unknown", "0.0 seen"},

	"failed-not-a-mobile":          {"0.0 taken", "0.0 seen", "1.0 failed ours, not a mobile, landline"},
	"failed-invalid-number":        {"0.0 taken", "0.0 seen", "1.0 failed ours, invalid number"},
	"failed-opted-out":             {"0.0 taken", "0.0 seen", "1.0 failed ours, opted out"},
	"failed-content-filtered":      {"0.0 taken", "0.0 seen", "1.0 failed ours, content filtered"},
	"failed-temporary":             {"0.0 taken", "0.0 seen", "1.0 failed ours, temporary"},
	"failed-throttled":             {"0.0 taken", "0.0 seen", "1.0 failed ours, throttled"},
	"failed-pumping-suspected":     {"0.0 taken", "0.0 seen", "1.0 failed ours, pumping suspected"},
	"failed-sender-not-registered": {"0.0 taken", "0.0 seen", "1.0 failed ours, sender not registered"},
	"failed-region-not-enabled":    {"0.0 taken", "0.0 seen", "1.0 failed ours, region not enabled"},
	"failed-no-money":              {"0.0 taken", "0.0 seen", "1.0 failed ours, no money"},
	"failed-credentials-refused":   {"0.0 taken", "0.0 seen", "1.0 failed ours, credentials refused"},
	"failed-unknown":               {"0.0 taken", "0.0 seen", "1.0 failed ours, unknown"},
}

func TestEachNumberAndEachMailboxDoesWhatItsRowSays(t *testing.T) {
	for _, b := range simulator.Behaviours() {
		want, ok := happens[b.Name]
		if !ok {
			t.Errorf("no test says what comes of %s", b.Name)
		}
		for _, address := range []string{
			"+120155501" + b.Number, "+141655501" + b.Number, "+467017406" + b.Number,
			b.Name + "@example.com", b.Name + "+second@shop.example",
		} {
			want := want
			if strings.Contains(address, "@") { // a mailbox is on no line
				want = slices.Clone(want)
				for i := range want {
					for _, line := range []string{", mobile", ", landline", ", voip"} {
						want[i] = strings.TrimSuffix(want[i], line)
					}
				}
			}
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				got := w.send(t.Context(), to(t, address))
				time.Sleep(time.Minute)
				synctest.Wait()
				if all := append([]string{got}, w.notes()...); !slices.Equal(all, want) {
					t.Errorf("%s:\n got %q\nwant %q", address, all, want)
				}
			})
		}
	}
	if len(happens) != len(simulator.Behaviours()) {
		t.Errorf("%d rows, %d in the test", len(simulator.Behaviours()), len(happens))
	}
}

func TestEveryClassIsRefusedBeforeAndFailsAfter(t *testing.T) {
	for _, class := range verify.Classes() {
		name := strings.ReplaceAll(string(class), " ", "-")
		for _, prefix := range []string{"refused-", "failed-"} {
			if _, ok := happens[prefix+name]; !ok {
				t.Errorf("nothing is like %s%s", prefix, name)
			}
		}
	}
}

func TestWhateverIsNotMagicIsDeliveredAtOnce(t *testing.T) {
	for _, address := range []string{
		"+447400123456", "+12015550123", "+12015550199", "+12015551130", "+46701740604", "+46701740700",
		"ada@example.com", "lost@gmail.com", "lost@example.com.evil.org", "silently@example.com", "lost@notexample.com", "30@example.com",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, nil)
			got := w.send(t.Context(), to(t, address))
			time.Sleep(time.Minute)
			synctest.Wait()
			all := append([]string{got}, w.notes()...)
			if len(all) != 4 || all[0] != "0.0 taken" || !strings.HasPrefix(all[3], "0.1 delivered ours") {
				t.Errorf("%s: %q", address, all)
			}
		})
	}
}

func TestAnOutageBeginsAndEndsAsItIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *simulator.Config) {
			c.Receipts, c.Show = nil, nil
			c.Outages = []simulator.Outage{
				{After: 30 * time.Second, For: time.Minute},
				{After: 60 * time.Second, For: time.Minute, Like: "refused-throttled"},
				{After: 10 * time.Minute, For: time.Second, Like: "lost"},
			}
		})
		for _, tt := range []struct {
			at   time.Duration
			want string
		}{
			{0, "0.0 taken"}, {30*time.Second - 1, "30.0 taken"},
			{30 * time.Second, "30.0 temporary"}, {60 * time.Second, "60.0 temporary"}, {90*time.Second - 1, "90.0 temporary"},
			{90 * time.Second, "90.0 throttled, wait 2s"}, {120*time.Second - 1, "120.0 throttled, wait 2s"},
			{120 * time.Second, "120.0 taken"}, {601 * time.Second, "601.0 taken"},
		} {
			time.Sleep(tt.at - time.Since(w.start))
			if got := w.send(t.Context(), to(t, "+12015550110")); got != tt.want {
				t.Errorf("after %s: %s, want %s", tt.at, got, tt.want)
			}
		}
	})
}

func TestProductionTakesListedNumbersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *simulator.Config) {
			c.Production, c.Numbers = true, []string{"+1 201 555 0110", "+447400123456", "Lost@Example.com"}
		})
		for address, want := range map[string]string{
			"+12015550110": "0.0 taken", "+447400123456": "0.0 taken", "lost@example.com": "0.0 taken",
			"+12015550111": "0.0 invalid number", "+447400123457": "0.0 invalid number", "lost@example.org": "0.0 invalid number",
		} {
			if got := w.send(t.Context(), to(t, address)); got != want {
				t.Errorf("%s: %s, want %s", address, got, want)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(w.notes()); n != 2 { // receipts of the first two; nothing is shown in production
			t.Errorf("told: %q", w.notes())
		}
		_, err := w.carrier.Send(t.Context(), mail(t, to(t, "+12015550111")))
		if err == nil || !strings.Contains(err.Error(), "not a number of the simulator") {
			t.Error(err)
		}
	})
}

func TestAConfigurationThatMakesNoSenseIsRefusedByItsField(t *testing.T) {
	for want, c := range map[string]simulator.Config{
		"numbers: ":                {Production: true},
		"numbers[1]: characters":   {Numbers: []string{"+12015550110", "CANARY"}},
		"numbers[0]: no country":   {Numbers: []string{"2015550110"}},
		"numbers[0]: not name@":    {Production: true, Numbers: []string{"CANARY@@"}},
		"outages[0].after: ":       {Outages: []simulator.Outage{{After: -1, For: 1}}},
		"outages[0].for: ":         {Outages: []simulator.Outage{{After: 1}}},
		"outages[1].like: \"bad\"": {Outages: []simulator.Outage{{For: 1}, {For: 1, Like: "bad"}}},
	} {
		_, err := simulator.New(c)
		if err == nil || !strings.HasPrefix(err.Error(), "simulator: "+want) || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestACallThatIsGivenUpIsOfUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got := w.send(ctx, to(t, "slow@example.com")); got != "1.0 temporary, ambiguous" {
			t.Error(got)
		}
		if got := w.send(ctx, to(t, "+12015550110")); got != "1.0 temporary" { // nothing was begun
			t.Error(got)
		}
	})
}

func TestAfterCloseNothingIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, told := make(chan struct{}), make(chan struct{})
		w := newWorld(t, func(c *simulator.Config) {
			c.Show = nil
			c.Receipts = func(verify.Receipt) { close(asked); <-told } // a second one would panic
		})
		w.send(t.Context(), to(t, "+12015550112"))
		<-asked
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.carrier.Close(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it did not wait for the receipt that is being told: %v", err)
		}
		close(told)
		if err := w.carrier.Close(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
	})
}

func TestNothingThatIsSaidHoldsANumberOrACode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		for _, b := range simulator.Behaviours() {
			number := "+120255501" + b.Number
			if _, err := w.carrier.Send(t.Context(), mail(t, to(t, number))); err != nil && strings.Contains(err.Error(), number[2:]) {
				t.Errorf("the error shows the number: %v", err)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if log := w.log.String(); strings.Contains(log, "20255501") || strings.Contains(log, canary) || strings.Count(log, "like=") != len(happens) {
			t.Errorf("the log: %s", log)
		}
	})
}

func TestEveryMagicNumberIsOneThatTheCoreTakes(t *testing.T) {
	for _, b := range simulator.Behaviours() {
		for _, number := range []string{"+120155501" + b.Number, "+467017406" + b.Number} {
			if n, _ := to(t, number).Number(); n.Type() != "mobile" && n.Type() != "mobile or fixed line" {
				t.Errorf("%s is of type %q", number, n.Type())
			}
		}
	}
}
