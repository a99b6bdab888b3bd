package events

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/verify"
)

func TestAReceiverIsToldWhatTelnyxTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var told heard
		d := w.dispatcher("n1", urls{1: {"https://a.example/hook?token=1", ""}})
		d.client.Transport = receivers(func(r *http.Request) (int, error) {
			told.add(t, r)
			return 204, nil
		})
		start(t, d)
		job := w.sent(t, 1)
		d.Offer(job)
		synctest.Wait()
		all := told.all()
		if len(all) != 1 {
			t.Fatalf("told %d times", len(all))
		}
		g, v := all[0], job.Verification
		want := envelope{
			Data: event{
				EventType: "verify.sent", ID: job.Event.Key.ID().String(), OccurredAt: "2000-01-01T00:00:00.000+00:00", RecordType: "event",
				Payload: verification{
					ID: v.ID.String(), PhoneNumber: number, ProfileID: v.Profile.String(), Type: "sms", Status: "pending", DeliveryStatus: "sent",
					TimeoutSecs: 300, RecordType: "verification", CreatedAt: "2000-01-01T00:00:00.000000", UpdatedAt: "2000-01-01T00:00:00.000000",
				},
			},
			Meta: meta{Attempt: 1, DeliveredTo: "https://a.example/hook?token=1"},
		}
		if diff := cmp.Diff(want, g.said); diff != "" {
			t.Error(diff)
		}
		for _, name := range []string{`"custom_code":null`, `"extension":null`, `"mccmnc":null`} {
			if !strings.Contains(string(g.body), name) {
				t.Errorf("without %s: %s", name, g.body)
			}
		}
		if g.header.Get("Content-Type") != "application/json" {
			t.Errorf("%v", g.header)
		}
		wantSigned(t, d.Signer, g)
		if e := w.event(job.Event.Key); e.State != verify.EventDone {
			t.Errorf("it is %s", e.State)
		}
		w.wantSilent(t)
	})
}

func TestEveryTypeAndStatusHasATelnyxName(t *testing.T) {
	for _, typ := range verify.EventTypes() {
		if names[typ].event == "" || names[typ].delivery == "" {
			t.Errorf("%s has none", typ)
		}
	}
	for _, s := range []verify.Status{verify.Pending, verify.Accepted, verify.Canceled, verify.Exhausted, verify.Expired} {
		if statuses[s] == "" {
			t.Errorf("%s has none", s)
		}
	}
}

func TestTheStatusIsThatOfTheMoment(t *testing.T) {
	w := newWorld()
	job := w.sent(t, 1)
	for name, tt := range map[string]struct {
		change  func(*verify.EventJob)
		after   time.Duration
		status  string
		wrong   int
		typ     string
		keys    string
		becomes string
	}{
		"pending":   {func(*verify.EventJob) {}, 0, "pending", 0, "sms", "", "sent"},
		"expired":   {func(*verify.EventJob) {}, 5 * time.Minute, "expired", 0, "sms", "", "sent"},
		"accepted":  {func(j *verify.EventJob) { j.Verification.Status, j.Verification.Guesses = verify.Accepted, 3 }, 0, "accepted", 2, "sms", "", "sent"},
		"exhausted": {func(j *verify.EventJob) { j.Verification.Status, j.Verification.Guesses = verify.Exhausted, 5 }, 0, "invalid", 5, "sms", "", "sent"},
		"a failed call": {func(j *verify.EventJob) {
			j.Delivery.Channel, j.Verification.Details.Keys, j.Event.Key.Type = verify.Call, "1w2", verify.EventFailed
		}, 0, "pending", 0, "call", "1w2", "sending_failed"},
	} {
		j := job
		tt.change(&j)
		body, err := render(j, w.keys, "u", time.Now().Add(tt.after))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{
			fmt.Sprintf(`"status":%q`, tt.status), fmt.Sprintf(`"failed_attempts":%d`, tt.wrong), fmt.Sprintf(`"type":%q`, tt.typ),
			fmt.Sprintf(`"delivery_status":%q`, tt.becomes),
		} {
			if !strings.Contains(string(body), part) {
				t.Errorf("%s: without %s: %s", name, part, body)
			}
		}
		if strings.Contains(string(body), `"extension":"1w2"`) != (tt.keys != "") {
			t.Errorf("%s: %s", name, body)
		}
	}
}

func TestAReceiverThatFailsIsTriedThreeTimesAndThenTheFailover(t *testing.T) {
	for name, tt := range map[string]struct {
		fails int // attempts that fail
		want  []string
		state verify.EventState
	}{
		"the second takes it":     {1, []string{"a +0s", "a +15s"}, verify.EventDone},
		"the failover takes it":   {3, []string{"a +0s", "a +15s", "a +2m15s", "b +2m16s"}, verify.EventDone},
		"nobody ever does":        {99, []string{"a +0s", "a +15s", "a +2m15s", "b +2m16s", "b +2m31s", "b +4m31s"}, verify.EventGivenUp},
		"the failover's last try": {5, []string{"a +0s", "a +15s", "a +2m15s", "b +2m16s", "b +2m31s", "b +4m31s"}, verify.EventDone},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			var told heard
			d := w.dispatcher("n1", urls{1: {"https://a.example/", "https://b.example/"}})
			d.client.Transport = receivers(func(r *http.Request) (int, error) {
				switch n := told.add(t, r); {
				case n > tt.fails:
					return 200, nil
				case n%2 == 0:
					return 0, errors.New("connection reset by token")
				}
				return 500, nil
			})
			start(t, d)
			begun := time.Now()
			job := w.sent(t, 1)
			d.Offer(job)
			pass(10 * time.Minute)
			var have []string
			for i, g := range told.all() {
				have = append(have, fmt.Sprintf("%c +%s", g.url[len("https://")], g.at.Sub(begun).Round(time.Second)))
				if g.said.Data.ID != job.Event.Key.ID().String() || g.said.Meta.Attempt != i+1 || g.said.Meta.DeliveredTo != g.url {
					t.Errorf("%s: attempt %d is %+v, id %s", name, i+1, g.said.Meta, g.said.Data.ID)
				}
				wantSigned(t, d.Signer, g)
			}
			if !slices.Equal(have, tt.want) {
				t.Errorf("%s: %v, want %v", name, have, tt.want)
			}
			if e := w.event(job.Event.Key); e.State != tt.state {
				t.Errorf("%s: it is %s", name, e.State)
			}
		})
	}
}

func TestANodeThatDiesLeavesItsEventsToAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		job := w.sent(t, 1) // by n1, which is never seen again
		var told heard
		d := w.dispatcher("n2", urls{1: {"https://a.example/", ""}})
		d.client.Transport = receivers(func(r *http.Request) (int, error) {
			told.add(t, r)
			return 200, nil
		})
		begun := time.Now()
		start(t, d)
		pass(verify.EventLease - time.Second)
		if len(told.all()) != 0 {
			t.Fatal("told while another node had it")
		}
		pass(time.Minute)
		all := told.all()
		if len(all) != 1 || all[0].said.Data.ID != job.Event.Key.ID().String() || all[0].at.Sub(begun) > verify.EventLease+scanEvery {
			t.Errorf("%d times", len(all))
		}
	})
}

func TestAnEventWhoseOutcomeWasLostIsToldAgainUnderTheSameID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var told heard
		d := w.dispatcher("n1", urls{1: {"https://a.example/", ""}})
		d.client.Transport = receivers(func(r *http.Request) (int, error) {
			told.add(t, r)
			return 200, nil
		})
		start(t, d)
		w.away.Store(true)
		d.Offer(w.sent(t, 1))
		synctest.Wait()
		w.away.Store(false)
		pass(2 * time.Minute)
		all := told.all()
		if len(all) != 2 || all[0].said.Data.ID != all[1].said.Data.ID {
			t.Errorf("told as %+v", all)
		}
	})
}

func TestSlowReceiversDoNotHoldTheOthersUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var mu sync.Mutex
		now, most := map[string]int{}, map[string]int{}
		var took []time.Duration
		begun := time.Now()
		d := w.dispatcher("n1", urls{1: {"https://slow1.example/", ""}, 2: {"https://slow2.example/", ""}, 3: {"https://slow3.example/", ""}, 4: {"https://quick.example/", ""}})
		d.client.Transport = receivers(func(r *http.Request) (int, error) {
			enter := func(by int) {
				mu.Lock()
				defer mu.Unlock()
				for _, name := range []string{r.URL.Host, "all"} {
					now[name] += by
					most[name] = max(most[name], now[name])
				}
			}
			enter(1)
			defer enter(-1)
			if strings.HasPrefix(r.URL.Host, "slow") {
				<-r.Context().Done()
				return 0, r.Context().Err()
			}
			mu.Lock()
			took = append(took, time.Since(begun))
			mu.Unlock()
			return 200, nil
		})
		start(t, d)
		for range 40 {
			for profile := byte(1); profile <= 4; profile++ {
				d.Offer(w.sent(t, profile))
			}
		}
		pass(time.Second)
		mu.Lock()
		if len(took) != 40 {
			t.Errorf("of 40 quick ones %d were told within a second", len(took))
		}
		mu.Unlock()
		pass(20 * time.Minute)
		if most["slow1.example"] != d.PerReceiver || most["all"] > d.Workers {
			t.Errorf("at most %d at one and %d in all, want %d and %d", most["slow1.example"], most["all"], d.PerReceiver, d.Workers)
		}
		for _, key := range w.events {
			if e := w.event(key); e.State == verify.EventQueued {
				t.Fatalf("one is still queued: %+v", e)
			}
		}
		if held, _ := d.queue.room(); held != 0 || len(d.queue.busy) != 0 || len(d.queue.parked) != 0 {
			t.Errorf("%d are held, %v busy, %d parked", held, d.queue.busy, len(d.queue.parked))
		}
	})
}

// Names and ports cost nothing: whoever has many receivers that never answer, or whose
// receiver is another tenant's, must keep nobody else's from being told.
func TestATenantWithManyDeadReceiversHoldsNobodyElseUp(t *testing.T) {
	const dead, good = 40, 200
	for name, url := range map[string]string{
		"of many names":           "https://dead%d.example/",
		"of many ports":           "https://dead.example:%d/",
		"at the other's receiver": "https://good.example/?dead=%d",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, profiles := newWorld(), urls{good: {"https://good.example/", ""}}
				for i := range dead {
					profiles[byte(i)] = [2]string{fmt.Sprintf(url, 2000+i), ""}
				}
				var told, now, most atomic.Int64
				d := w.dispatcher("n1", profiles)
				d.client.Transport = receivers(func(r *http.Request) (int, error) {
					if !strings.Contains(r.URL.String(), "dead") {
						told.Add(1)
						return 200, nil
					}
					most.Store(max(most.Load(), now.Add(1)))
					defer now.Add(-1)
					<-r.Context().Done()
					return 0, r.Context().Err()
				})
				start(t, d)
				for i := range 1200 {
					d.Offer(w.sentBy(t, "bad", byte(i%dead)))
				}
				pass(time.Second)
				for range 100 {
					d.Offer(w.sentBy(t, "t", good))
				}
				pass(100 * time.Millisecond)
				if n := told.Load(); n != 100 {
					t.Errorf("of 100 events of the other tenant %d are told at once", n)
				}
				if held, _ := d.queue.room(); held > maxOfTenant {
					t.Errorf("%d events of one tenant are held, want at most %d", held, maxOfTenant)
				}
				want := int64(d.PerReceiver) // one receiver, whatever its ports
				if name == "of many names" {
					want = int64(d.Workers - d.PerReceiver/2)
				}
				if most.Load() != want {
					t.Errorf("the dead receivers had %d workers, want %d", most.Load(), want)
				}
			})
		})
	}
}

func TestMoreThanIsParkedForAReceiverIsPutOffAndComesThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var count atomic.Int64
		d := w.dispatcher("n1", urls{1: {"https://a.example/", ""}})
		d.client.Transport = receivers(func(r *http.Request) (int, error) {
			select {
			case <-time.After(100 * time.Millisecond):
			case <-r.Context().Done():
			}
			count.Add(1)
			return 200, nil
		})
		start(t, d)
		const events = maxParked + 100
		for range events {
			d.Offer(w.sent(t, 1))
		}
		pass(3 * time.Minute)
		if count.Load() != events {
			t.Errorf("%d of %d were told", count.Load(), events)
		}
	})
}

func TestWhoeverHasNobodyToTellGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		d := w.dispatcher("n1", urls{1: {"", ""}, 2: {"ftp://a.example/?token", ""}})
		d.client.Transport = receivers(func(*http.Request) (int, error) {
			t.Error("somebody was told")
			return 200, nil
		})
		start(t, d)
		for profile := byte(1); profile <= 3; profile++ {
			job := w.sent(t, profile)
			d.Offer(job)
			pass(5 * time.Minute)
			if e := w.event(job.Event.Key); e.State != verify.EventGivenUp {
				t.Errorf("profile %d: it is %s", profile, e.State)
			}
		}
		w.wantSilent(t)
	})
}

// sometimes fails until it is told not to.
type sometimes struct {
	urls
	fails atomic.Bool
}

func (s *sometimes) Profile(ctx context.Context, tenant string, id verify.ID) (webhook, failover string, err error) {
	if s.fails.Load() {
		return "", "", &verify.Error{Kind: verify.Unavailable}
	}
	return s.urls.Profile(ctx, tenant, id)
}

func TestAProfileThatCannotBeReadCostsNoAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		profiles := &sometimes{urls: urls{1: {"https://a.example/", ""}}}
		profiles.fails.Store(true)
		var told heard
		d := w.dispatcher("n1", profiles)
		d.client.Transport = receivers(func(r *http.Request) (int, error) {
			told.add(t, r)
			return 200, nil
		})
		start(t, d)
		d.Offer(w.sent(t, 1))
		pass(10 * time.Minute)
		profiles.fails.Store(false)
		pass(time.Minute)
		if all := told.all(); len(all) != 1 || all[0].said.Meta.Attempt != 1 {
			t.Errorf("told %+v", all)
		}
	})
}

func TestCloseLetsEndWhatHasBegunAndLeavesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		told := 0
		var mu sync.Mutex
		d := w.dispatcher("n1", urls{1: {"https://a.example/", ""}})
		d.client.Transport = receivers(func(*http.Request) (int, error) {
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			told++
			return 200, nil
		})
		if err := d.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 40 {
			d.Offer(w.sent(t, 1))
		}
		synctest.Wait()
		begun := time.Now()
		d.Close(t.Context())
		if took := time.Since(begun); took < beginFor || took > beginFor+attemptTime {
			t.Errorf("it took %s", took)
		}
		done := 0
		for _, key := range w.events {
			if w.event(key).State == verify.EventDone {
				done++
			}
		}
		if done != told || done < 4*d.PerReceiver-d.PerReceiver || done == 40 {
			t.Errorf("%d told, %d done", told, done)
		}
		d.Offer(w.sent(t, 1)) // and takes no more
	})
}
