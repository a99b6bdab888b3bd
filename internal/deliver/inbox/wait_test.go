package inbox_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"countersign/internal/deliver/inbox"
)

func TestWhoWaitsGetsTheFirstMessageAfterTheOneSeen(t *testing.T) {
	b := newInbox()
	first := send(t, b, "a", alice, "111111")
	send(t, b, "b", bob, "222222")
	send(t, b, "c", alice, "333333")
	send(t, b, "d", alice, "444444")
	for query, want := range map[string]string{
		"?to=" + alice:                     "444444",
		"?to=" + alice + "&after=" + first: "333333",
		"?to=" + alice + "&after=0":        "111111",
		"?to=" + bob:                       "222222",
		"?after=" + first:                  "222222",
		"":                                 "444444",
		"?timeout=0":                       "444444",
	} {
		var m seen
		w := get(t.Context(), b, "/dev/messages/wait"+query)
		read(t, w, &m)
		if w.Code != http.StatusOK || m.Code != want {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}

func TestAMessageWakesThoseWhoWaitForItAndNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := inbox.New("box", time.Now)
		var mu sync.Mutex
		got := map[string]int{}
		wait := func(who, query string) {
			go func() {
				w := get(t.Context(), b, "/dev/messages/wait"+query)
				mu.Lock()
				defer mu.Unlock()
				got[who] = w.Code
			}()
		}
		codes := func() string {
			mu.Lock()
			defer mu.Unlock()
			return fmt.Sprint(got)
		}
		wait("alice", "?to="+alice)
		wait("alice too", "?to="+alice+"&after=0")
		wait("anyone", "")
		wait("bob", "?to="+bob)
		synctest.Wait()
		send(t, b, "a", alice, "111111")
		synctest.Wait()
		if got, want := codes(), "map[alice:200 alice too:200 anyone:200]"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		time.Sleep(time.Minute) // of the bubble's clock
		synctest.Wait()
		if got, want := codes(), "map[alice:200 alice too:200 anyone:200 bob:204]"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

func TestWaitingEndsAtItsTime(t *testing.T) {
	for query, want := range map[string]time.Duration{
		"": 30 * time.Second, "?timeout=5s": 5 * time.Second, "?timeout=5": 5 * time.Second, "?timeout=250ms": 250 * time.Millisecond,
		"?timeout=0": 0, "?timeout=60s": time.Minute, "?timeout=1h": time.Minute, "?timeout=9999999999": time.Minute,
	} {
		synctest.Test(t, func(t *testing.T) {
			b := inbox.New("box", time.Now)
			began := time.Now()
			w := get(t.Context(), b, "/dev/messages/wait"+query)
			if w.Code != http.StatusNoContent || w.Body.Len() != 0 || time.Since(began) != want {
				t.Errorf("%q: %d after %s", query, w.Code, time.Since(began))
			}
		})
	}
}

func TestAWaiterWhoseRequestEndsGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := inbox.New("box", time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			get(ctx, b, "/dev/messages/wait")
		}()
		synctest.Wait()
		cancel()
		<-done
		if time.Since(began) != 0 {
			t.Error("it stayed")
		}
	})
}

func TestClosingSendsAwayWhoeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := inbox.New("box", time.Now)
		began := time.Now()
		done := make(chan int)
		go func() { done <- get(t.Context(), b, "/dev/messages/wait").Code }()
		synctest.Wait()
		b.Close()
		b.Close()
		if status := <-done; status != http.StatusNoContent || time.Since(began) != 0 {
			t.Errorf("%d after %s", status, time.Since(began))
		}
		send(t, b, "a", alice, "111111")
		if n := len(list(t, b, "")); n != 1 {
			t.Errorf("%d kept", n)
		}
	})
}

func TestAWaitOutlastsTheServersDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := inbox.New("box", time.Now)
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		b.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/dev/messages/wait", nil))
		if w.lifted != "rw" {
			t.Errorf("lifted: %q", w.lifted)
		}
	})
}

type deadlines struct {
	*httptest.ResponseRecorder
	lifted string
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	if at.IsZero() {
		d.lifted += "r"
	}
	return nil
}

func (d *deadlines) SetWriteDeadline(at time.Time) error {
	if at.IsZero() {
		d.lifted += "w"
	}
	return nil
}
