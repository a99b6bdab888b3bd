package app

import (
	"context"
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"countersign/internal/code"
	"countersign/internal/ledger"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/secret"
	"countersign/internal/store"
	"countersign/internal/verify"
)

func TestTheKeeperWritesDownWhatHasExpired(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "c.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var mu sync.Mutex
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	env := &verify.Env{Keys: secret.Generate(), Random: rand.Reader, Node: "n", Channels: []verify.Channel{verify.SMS}}
	l := ledger.New(ledger.Config{Store: s, Env: env, Now: clock})
	t.Cleanup(l.Close)
	begin := func(n, validity string) verify.ID {
		d, err := time.ParseDuration(validity)
		if err != nil {
			t.Fatal(err)
		}
		started, err := ledger.Do(t.Context(), l, verify.Start{
			Profile: verify.Profile{Tenant: "t", Template: message.Plain, Code: code.Default, Validity: d},
			Channel: verify.SMS, Address: verify.Phone(phone.Trusted("+44740012345" + n)),
		})
		if err != nil {
			t.Fatal(err)
		}
		return started.Verification.ID
	}
	short, long := begin("1", "30s"), begin("2", "10m")
	status := func(id verify.ID) verify.Status {
		v, err := s.Verification(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		return v.Status
	}
	k := &keeper{store: s, ledger: l, keys: env.Keys, now: clock, log: slog.New(slog.DiscardHandler), seen: now.Add(-time.Hour)}
	for _, tt := range []struct {
		pass        time.Duration
		short, long verify.Status
	}{
		{0, verify.Pending, verify.Pending},
		{time.Minute, verify.Expired, verify.Pending},
		{10 * time.Minute, verify.Expired, verify.Expired},
	} {
		mu.Lock()
		now = now.Add(tt.pass)
		mu.Unlock()
		if err := k.round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a, b := status(short), status(long); a != tt.short || b != tt.long {
			t.Errorf("after %s: %s and %s", tt.pass, a, b)
		}
	}
}

func TestTheKeeperKeepsTheAnswerToAnIdempotencyKeyForADay(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "c.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now } // moved only while nobody is asking
	env := &verify.Env{Keys: secret.Generate(), Random: rand.Reader, Node: "n", Channels: []verify.Channel{verify.SMS}}
	l := ledger.New(ledger.Config{Store: s, Env: env, Now: clock})
	t.Cleanup(l.Close)
	begin := func() verify.ID {
		started, err := ledger.Do(t.Context(), l, verify.Start{
			Profile: verify.Profile{Tenant: "t", Template: message.Plain, Code: code.Default, Validity: time.Minute},
			Channel: verify.SMS, Address: verify.Phone(phone.Trusted("+447400123451")), Once: &verify.Once{Key: "k"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return started.Verification.ID
	}
	first := begin()
	k := &keeper{store: s, ledger: l, keys: env.Keys, now: clock, log: slog.New(slog.DiscardHandler), seen: now}
	for _, tt := range []struct {
		pass time.Duration
		same bool
	}{
		{0, true}, {23 * time.Hour, true}, {2 * time.Hour, false},
	} {
		now = now.Add(tt.pass)
		if err := k.round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if same := begin() == first; same != tt.same {
			t.Errorf("after %s more the answer is the same: %v", tt.pass, same)
		}
	}
}

func TestTheKeeperDeletesSessionsAnHourAfterTheirEnd(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "c.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now } // moved only while nobody is asking
	env := &verify.Env{Keys: secret.Generate(), Random: rand.Reader, Node: "n", Channels: []verify.Channel{verify.SMS}}
	l := ledger.New(ledger.Config{Store: s, Env: env, Now: clock})
	t.Cleanup(l.Close)
	open := func() verify.ID {
		const back = "https://shop.example/back"
		row, err := ledger.Do(t.Context(), l, verify.OpenSession{
			Profile: verify.Profile{Tenant: "t"}, Returns: []string{back}, Details: verify.SessionDetails{ReturnURL: back},
		})
		if err != nil {
			t.Fatal(err)
		}
		return row.ID
	}
	old := make([]verify.ID, keepLimit+1) // more than are looked at in one go
	for i := range old {
		old[i] = open()
	}
	ends := now.Add(verify.SessionValidity + verify.SessionKept)
	now = now.Add(time.Minute)
	young := open()
	k := &keeper{store: s, ledger: l, keys: env.Keys, now: clock, log: slog.New(slog.DiscardHandler), seen: now}
	there := func(ids ...verify.ID) (n int) {
		for _, id := range ids {
			row, err := s.Session(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if row != nil {
				n++
			}
		}
		return n
	}
	for _, tt := range []struct {
		at         time.Time
		old, young int
	}{
		{ends.Add(-time.Millisecond), len(old), 1},
		{ends, 0, 1},
		{ends.Add(time.Minute - time.Millisecond), 0, 1},
		{ends.Add(time.Minute), 0, 0},
	} {
		now, k.purged = tt.at, time.Time{}
		if err := k.round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a, b := there(old...), there(young); a != tt.old || b != tt.young {
			t.Errorf("%s after their end %d of the old ones and %d of the young ones are left", tt.at.Sub(ends), a, b)
		}
	}
}
