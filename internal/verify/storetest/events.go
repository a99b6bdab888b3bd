package storetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/verify"
)

func eventKey(n byte, typ verify.EventType) verify.EventKey {
	return verify.EventKey{Delivery: verify.DeliveryKey{Verification: id(n), Number: 1}, Type: typ}
}

func event(n byte, typ verify.EventType) verify.Event {
	return verify.Event{
		Key: eventKey(n, typ), Tenant: "tenant ✓", Profile: id(200), State: verify.EventQueued, Attempt: 1, Node: "n1",
		DueAt: noon.Add(time.Duration(n) * time.Second), CreatedAt: noon, UpdatedAt: noon.Add(time.Millisecond),
	}
}

func addEvents(t *testing.T, s verify.Store, events ...verify.Event) {
	t.Helper()
	commit(t, s, verify.Needs{Event: events[0].Key}, func(verify.Rows) verify.Changes { return verify.Changes{Events: events} })
}

// eventRows writes events, changes one, and looks at both after reopening.
func eventRows(t *testing.T, open Open) {
	s := open(t)
	sent, failed := event(1, verify.EventSent), event(1, verify.EventFailed)
	if saw := commit(t, s, verify.Needs{Event: sent.Key}, nil); saw.Event != nil {
		t.Fatalf("an empty database has an event: %+v", saw.Event)
	}
	addEvents(t, s, sent, failed)
	want := sent
	want.State, want.Attempt, want.Node = verify.EventDone, 4, "n2"
	want.DueAt, want.UpdatedAt = noon.Add(time.Hour), noon.Add(2*time.Hour)
	commit(t, s, verify.Needs{Event: sent.Key}, func(r verify.Rows) verify.Changes {
		if d := cmp.Diff(&sent, r.Event); d != "" {
			t.Error(d)
		}
		return verify.Changes{Events: []verify.Event{want}}
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t)
	for _, want := range []verify.Event{want, failed} {
		if d := cmp.Diff(&want, commit(t, s, verify.Needs{Event: want.Key}, nil).Event); d != "" {
			t.Errorf("%s: %s", want.Key.Type, d)
		}
	}
}

func dueEvents(t *testing.T, open Open) {
	s := open(t)
	done, gaveUp := event(2, verify.EventSent), event(3, verify.EventSent)
	done.State, gaveUp.State = verify.EventDone, verify.EventGivenUp
	addEvents(t, s, event(5, verify.EventSent), done, gaveUp, event(1, verify.EventSent), event(4, verify.EventFailed))
	for _, tt := range []struct {
		now   time.Time
		limit int
		want  []byte
	}{
		{noon, 10, nil},
		{noon.Add(time.Second), 10, []byte{1}},
		{noon.Add(4*time.Second - time.Millisecond), 10, []byte{1}},
		{noon.Add(time.Hour), 10, []byte{1, 4, 5}},
		{noon.Add(time.Hour), 2, []byte{1, 4}},
	} {
		rows, err := s.DueEvents(t.Context(), tt.now, tt.limit)
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		for _, r := range rows {
			got = append(got, r.Key.Delivery.Verification[15])
			if want := event(got[len(got)-1], r.Key.Type); r != want {
				t.Errorf("%s", cmp.Diff(want, r))
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("due at +%s: %v, want %v", tt.now.Sub(noon), got, tt.want)
		}
	}
}

func goneEvents(t *testing.T, open Open) {
	s := open(t)
	add(t, s, 1)
	mine, other := event(1, verify.EventSent), event(2, verify.EventSent)
	addEvents(t, s, mine, other)
	// None of them has been named, and one is not there.
	commit(t, s, verify.Needs{Verification: id(1), Delivery: mine.Key.Delivery}, func(verify.Rows) verify.Changes {
		return verify.Changes{GoneVerifications: []verify.ID{id(1)}, GoneEvents: []verify.EventKey{mine.Key, eventKey(1, verify.EventFailed)}}
	})
	if got := commit(t, s, verify.Needs{Event: mine.Key}, nil).Event; got != nil {
		t.Errorf("it is still there: %+v", got)
	}
	if got := commit(t, s, verify.Needs{Event: other.Key}, nil).Event; got == nil {
		t.Error("another one is gone too")
	}
}

func lockedEvents(t *testing.T, open Open) {
	s := open(t)
	key := eventKey(1, verify.EventSent)
	addEvents(t, s, event(1, verify.EventSent))
	const callers, rounds = 4, 10
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range rounds {
				err := s.Commit(t.Context(), []verify.Needs{{Event: key}}, func(snap *verify.Snapshot) error {
					e := snap.Rows(verify.Needs{Event: key}).Event
					e.Attempt++
					snap.Apply(verify.Changes{Events: []verify.Event{*e}})
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := commit(t, s, verify.Needs{Event: key}, nil).Event.Attempt; got != 1+callers*rounds {
		t.Errorf("%d of %d increments", got-1, callers*rounds)
	}
}
