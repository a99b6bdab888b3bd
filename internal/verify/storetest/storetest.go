// Package storetest says what every verify.Store must do. A Store passes if Run
// does: it writes what decide made dirty and nothing else, gives every row back
// as it was, keeps batches apart, and answers its queries. It tests no rule.
package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/code"
	"countersign/internal/verify"
)

// Open returns a Store on one database of the test's own: the same database at
// each call, so that a test can close it and look again.
type Open func(t *testing.T) verify.Store

// Run runs the suite; fresh makes an Open for each test.
func Run(t *testing.T, fresh func(t *testing.T) Open) {
	for _, tt := range []struct {
		name string
		test func(*testing.T, Open)
	}{
		{"every row comes back as it was written, also after reopening", roundTrip},
		{"a changed row keeps what was not changed", change},
		{"every column that can change does", changeRest},
		{"naming a verification brings its subject, and a subject its live verification", related},
		{"an error of decide writes nothing", discard},
		{"commits of many callers do not lose each other's changes", concurrent},
		{"a caller whose context has ended does not undo a commit", canceled},
		{"deliveries are due by their time, and only while queued", due},
		{"what another carrier is to be asked for is due, and found by a carrier's name for it", onward},
		{"lapsed verifications are found by range and time", lapsed},
		{"old replays are forgotten and young ones are not", forget},
		{"a profile's id is made once", profiles},
		{"what is gone is deleted, a verification with its deliveries, and nothing else", deleted},
		{"a row that goes and comes back in one batch is there", comesBack},
		{"what stands under the other key is found", otherKey},
		{"a verification goes to another key whole", rekeyed},
		{"verifications whose time to go has come are found in order", outlived},
		{"verifications are read in order, also those of other keys only", inOrder},
		{"idle buckets are forgotten and others are not", forgetBuckets},
		{"attempts are found by what is asked for", attempts},
		{"keys are listed, added once, and dropped", keys},
		{"events come back as they were written and changed, also after reopening", eventRows},
		{"events are due by their time, and only while queued", dueEvents},
		{"events that are gone are deleted, named or not, and no others", goneEvents},
		{"changes of one event do not lose each other", lockedEvents},
		{"sessions come back as they were written, also after reopening", sessionRows},
		{"what can change of a session does, and nothing else", changedSessions},
		{"two commands of one batch change one session", sharedSession},
		{"sessions that are gone are deleted, and no others", goneSessions},
		{"sessions that are over are found in order", oldSessions},
		{"a session and its verification change together or not at all", sessionTogether},
		{"changes of sessions do not lose each other, whatever their order", lockedSessions},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, fresh(t)) })
	}
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func id(n byte) verify.ID { return verify.ID{15: n} }

func subject(n byte) verify.Subject {
	return verify.Subject{Key: verify.SubjectKey{n}, KeyID: "k1", Live: id(n), Streak: 3, Hour: 17, Day: 1 << 45}
}

func verification(n byte) verify.Verification {
	return verify.Verification{
		ID: id(n), Tenant: "tenant ✓", Profile: id(200), Subject: verify.SubjectKey{n}, Purpose: "login", Channel: verify.SMS,
		Address: []byte{0, 1, 255, n}, KeyID: "k1", Code: code.Spec{Alphabet: code.Hex, Length: 8}, CustomCode: []byte{9, 0},
		Template: "{{code}}'; DROP TABLE verifications; --", AppName: "Ünïcode 🦊", Status: verify.Pending, Guesses: 2, Sends: 1,
		SentAt: noon, CreatedAt: noon.Add(-time.Millisecond), ExpiresAt: noon.Add(time.Minute), PurgeAt: noon.Add(time.Hour + time.Duration(n)*time.Second), UpdatedAt: noon,
		Previous: id(n + 100), Details: verify.Details{Locale: "de", Payee: "Bäcker «Ö»", Amount: "1 €", Tags: map[string]string{"a": "b"}, Events: true},
	}
}

func delivery(n byte, number int) verify.Delivery {
	return verify.Delivery{
		Key: verify.DeliveryKey{Verification: id(n), Number: number}, Channel: verify.SMS, State: verify.Queued, Attempt: 1,
		Node: "n1", DueAt: noon.Add(time.Duration(n) * time.Second), CreatedAt: noon, UpdatedAt: noon,
	}
}

func everything(n byte) verify.Changes {
	s := subject(n)
	return verify.Changes{
		Subject: &s, Verifications: []verify.Verification{verification(n)}, Deliveries: []verify.Delivery{delivery(n, 1)},
		Bucket: &verify.Bucket{Key: verify.BucketKey{n}, State: 99},
		Quotas: []verify.Bucket{{Key: verify.BucketKey{n, 1}, State: 7}, {Key: verify.BucketKey{n, 2}, State: 8}},
		Replay: &verify.Replay{
			Key: verify.ReplayKey{n}, Fingerprint: [16]byte{1, 2}, Verification: id(n), Outcome: verify.OutcomeWrong, CreatedAt: noon,
		},
	}
}

func needs(n byte) verify.Needs {
	return verify.Needs{
		Subject: verify.SubjectKey{n}, Delivery: verify.DeliveryKey{Verification: id(n), Number: 1},
		Bucket: verify.BucketKey{n}, Replay: verify.ReplayKey{n},
		Quotas: []verify.QuotaKeys{{Key: verify.BucketKey{n, 1}}, {Key: verify.BucketKey{n, 9}, Other: verify.BucketKey{n, 2}}},
	}
}

// commit runs one batch of one need and returns the rows it saw.
func commit(t *testing.T, s verify.Store, n verify.Needs, change func(verify.Rows) verify.Changes) verify.Rows {
	t.Helper()
	var saw verify.Rows
	err := s.Commit(t.Context(), []verify.Needs{n}, func(snap *verify.Snapshot) error {
		saw = snap.Rows(n)
		if change != nil {
			snap.Apply(change(saw))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return saw
}

func add(t *testing.T, s verify.Store, n byte) {
	t.Helper()
	commit(t, s, needs(n), func(verify.Rows) verify.Changes { return everything(n) })
}

func wantRows(t *testing.T, n byte, got verify.Rows) {
	t.Helper()
	all := everything(n)
	v := all.Verifications[0]
	want := verify.Rows{
		Needs: needs(n), Subject: all.Subject, Verification: &v, Delivery: &all.Deliveries[0], Bucket: *all.Bucket, Replay: all.Replay, Replayed: &v,
		// The second stands under the other key, and is to be written under the current.
		Quotas: []verify.Bucket{all.Quotas[0], {Key: verify.BucketKey{n, 9}, State: 8}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func roundTrip(t *testing.T, open Open) {
	s := open(t)
	if saw := commit(t, s, needs(1), nil); saw.Subject != nil || saw.Verification != nil || saw.Delivery != nil || saw.Replay != nil {
		t.Fatalf("an empty database has rows: %+v", saw)
	}
	add(t, s, 1)
	wantRows(t, 1, commit(t, s, needs(1), nil))
	plain := verification(2)
	plain.CustomCode = nil
	commit(t, s, verify.Needs{Verification: plain.ID}, func(verify.Rows) verify.Changes {
		return verify.Changes{Verifications: []verify.Verification{plain}}
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t)
	wantRows(t, 1, commit(t, s, needs(1), nil))
	got, err := s.Verification(t.Context(), plain.ID)
	if err != nil || got == nil || got.CustomCode != nil {
		t.Errorf("no custom code came back as one: %+v %v", got, err)
	}
	if none, err := s.Verification(t.Context(), id(99)); none != nil || err != nil {
		t.Errorf("a verification that is not there: %v %v", none, err)
	}
}

func change(t *testing.T, open Open) {
	s := open(t)
	add(t, s, 1)
	add(t, s, 2)
	commit(t, s, needs(1), func(r verify.Rows) verify.Changes {
		r.Subject.Streak, r.Subject.Live = 50, id(7)
		r.Verification.Status, r.Verification.Guesses, r.Verification.Channel = verify.Accepted, 5, verify.Call
		r.Verification.Sends, r.Verification.SentAt, r.Verification.UpdatedAt = 3, noon.Add(time.Hour), noon.Add(2*time.Hour)
		r.Delivery.State, r.Delivery.Attempt, r.Delivery.Node, r.Delivery.DueAt = verify.Sent, 4, "n2", noon.Add(time.Minute)
		r.Delivery.Carrier, r.Delivery.CarrierID, r.Delivery.Class = "c", "id", verify.Throttled
		r.Delivery.Onward, r.Delivery.Handovers = true, handovers()
		r.Bucket.State = 100
		r.Replay.Fingerprint, r.Replay.CreatedAt = [16]byte{5}, noon.Add(time.Hour)
		return verify.Changes{
			Subject: r.Subject, Verifications: []verify.Verification{*r.Verification}, Deliveries: []verify.Delivery{*r.Delivery},
			Bucket: &r.Bucket, Replay: r.Replay,
		}
	})
	got := commit(t, s, needs(1), nil)
	want := everything(1)
	want.Subject.Streak, want.Subject.Live = 50, id(7)
	if d := cmp.Diff(want.Subject, got.Subject); d != "" {
		t.Error(d)
	}
	v := verification(1)
	v.Status, v.Guesses, v.Channel, v.Sends = verify.Accepted, 5, verify.Call, 3
	v.SentAt, v.UpdatedAt = noon.Add(time.Hour), noon.Add(2*time.Hour)
	if d := cmp.Diff(&v, got.Replayed); d != "" {
		t.Error(d)
	}
	dl := delivery(1, 1)
	dl.State, dl.Attempt, dl.Node, dl.DueAt = verify.Sent, 4, "n2", noon.Add(time.Minute)
	dl.Carrier, dl.CarrierID, dl.Class = "c", "id", verify.Throttled
	dl.Onward, dl.Handovers = true, handovers()
	if d := cmp.Diff(&dl, got.Delivery); d != "" {
		t.Error(d)
	}
	if got.Bucket.State != 100 || got.Replay.Fingerprint != [16]byte{5} || !got.Replay.CreatedAt.Equal(noon.Add(time.Hour)) {
		t.Errorf("bucket %v, replay %v", got.Bucket, got.Replay)
	}
	wantRows(t, 2, commit(t, s, needs(2), nil))
}

// changeRest changes what change leaves alone.
func changeRest(t *testing.T, open Open) {
	s := open(t)
	add(t, s, 1)
	add(t, s, 2)
	commit(t, s, needs(1), func(r verify.Rows) verify.Changes {
		r.Subject.Hour, r.Subject.Day = 18, 1<<46
		r.Replay.Outcome, r.Replay.Verification = verify.OutcomeAccepted, id(2)
		return verify.Changes{Subject: r.Subject, Replay: r.Replay}
	})
	got := commit(t, s, needs(1), nil)
	if got.Subject.Hour != 18 || got.Subject.Day != 1<<46 {
		t.Errorf("the limits are %d and %d", got.Subject.Hour, got.Subject.Day)
	}
	if got.Replay.Outcome != verify.OutcomeAccepted || got.Replay.Verification != id(2) {
		t.Errorf("the replay is %+v", got.Replay)
	}
	if got.Replayed == nil || got.Replayed.ID != id(2) {
		t.Errorf("the replay brings %v", got.Replayed)
	}
}

func related(t *testing.T, open Open) {
	s := open(t)
	add(t, s, 1)
	got := commit(t, s, verify.Needs{Verification: id(1)}, nil)
	if got.Subject == nil || got.Subject.Key != (verify.SubjectKey{1}) || got.Verification == nil {
		t.Errorf("by verification: %+v", got)
	}
	got = commit(t, s, verify.Needs{Subject: verify.SubjectKey{1}}, nil)
	if got.Subject == nil || got.Verification == nil || got.Verification.ID != id(1) {
		t.Errorf("by subject: %+v", got)
	}
	live, err := s.Live(t.Context(), verify.SubjectKey{1})
	if err != nil || live == nil || live.ID != id(1) {
		t.Errorf("live: %v %v", live, err)
	}
	if none, err := s.Live(t.Context(), verify.SubjectKey{9}); none != nil || err != nil {
		t.Errorf("live of nobody: %v %v", none, err)
	}
}

func discard(t *testing.T, open Open) {
	s := open(t)
	no := errors.New("no")
	err := s.Commit(t.Context(), []verify.Needs{needs(1)}, func(snap *verify.Snapshot) error {
		snap.Apply(everything(1))
		return no
	})
	if !errors.Is(err, no) {
		t.Fatal(err)
	}
	if got := commit(t, s, needs(1), nil); got.Subject != nil || got.Replay != nil {
		t.Errorf("written all the same: %+v", got)
	}
	add(t, s, 1) // and the store still works
}

func concurrent(t *testing.T, open Open) {
	s := open(t)
	add(t, s, 1)
	const callers, rounds = 8, 25
	var all sync.WaitGroup
	errs := make(chan error, callers*rounds)
	for range callers {
		all.Go(func() {
			for range rounds {
				errs <- s.Commit(t.Context(), []verify.Needs{needs(1), {Verification: id(1)}}, func(snap *verify.Snapshot) error {
					r := snap.Rows(needs(1))
					r.Subject.Streak++
					r.Verification.Guesses++
					snap.Apply(verify.Changes{Subject: r.Subject, Verifications: []verify.Verification{*r.Verification}})
					return nil
				})
			}
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	got := commit(t, s, needs(1), nil)
	if got.Subject.Streak != 3+callers*rounds || got.Verification.Guesses != 2+callers*rounds {
		t.Errorf("streak %d, guesses %d after %d increments", got.Subject.Streak-3, got.Verification.Guesses-2, callers*rounds)
	}
}

func canceled(t *testing.T, open Open) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Commit(ctx, []verify.Needs{needs(1)}, func(snap *verify.Snapshot) error {
		snap.Apply(everything(1))
		cancel()
		return nil
	})
	got := commit(t, s, needs(1), nil)
	if (err == nil) != (got.Subject != nil) {
		t.Errorf("told %v, but written: %v", err, got.Subject != nil)
	}
}

func due(t *testing.T, open Open) {
	s := open(t)
	for n := byte(1); n <= 5; n++ {
		add(t, s, n)
	}
	commit(t, s, needs(2), func(r verify.Rows) verify.Changes {
		r.Delivery.State = verify.Sent
		return verify.Changes{Deliveries: []verify.Delivery{*r.Delivery}}
	})
	find := func(now time.Time, all bool, limit int) (out []byte) {
		t.Helper()
		rows, err := s.Due(t.Context(), now, all, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			out = append(out, r.Key.Verification[15])
		}
		return out
	}
	for _, tt := range []struct {
		now   time.Time
		all   bool
		limit int
		want  []byte
	}{
		{noon, false, 10, nil},
		{noon.Add(3 * time.Second), false, 10, []byte{1, 3}},
		{noon.Add(3*time.Second - time.Millisecond), false, 10, []byte{1}},
		{noon, true, 10, []byte{1, 3, 4, 5}},
		{noon.Add(time.Hour), false, 2, []byte{1, 3}},
	} {
		if got := find(tt.now, tt.all, tt.limit); !slices.Equal(got, tt.want) {
			t.Errorf("due at +%s, all %v: %v, want %v", tt.now.Sub(noon), tt.all, got, tt.want)
		}
	}
	if n, err := s.Queued(t.Context()); n != 4 || err != nil {
		t.Errorf("%d queued, %v", n, err)
	}
	commit(t, s, needs(1), func(verify.Rows) verify.Changes {
		return verify.Changes{Deliveries: []verify.Delivery{delivery(1, 3), delivery(1, 2)}}
	})
	rows, err := s.Deliveries(t.Context(), id(1))
	if err != nil || len(rows) != 3 || rows[0].Key.Number != 1 || rows[2].Key.Number != 3 {
		t.Errorf("deliveries of one verification: %v %v", rows, err)
	}
}

func lapsed(t *testing.T, open Open) {
	s := open(t)
	for n := byte(1); n <= 5; n++ {
		add(t, s, n)
	}
	commit(t, s, needs(2), func(r verify.Rows) verify.Changes {
		r.Verification.Status = verify.Accepted
		return verify.Changes{Verifications: []verify.Verification{*r.Verification}}
	})
	over := noon.Add(time.Minute)
	for _, tt := range []struct {
		from, to byte
		now      time.Time
		limit    int
		want     []verify.ID
	}{
		{0, 99, over, 10, []verify.ID{id(1), id(3), id(4), id(5)}},
		{0, 99, over.Add(-time.Millisecond), 10, nil},
		{3, 5, over, 10, []verify.ID{id(3), id(4)}},
		{0, 99, over, 2, []verify.ID{id(1), id(3)}},
	} {
		got, err := s.Lapsed(t.Context(), id(tt.from), id(tt.to), tt.now, tt.limit)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("from %d to %d: %v, %v", tt.from, tt.to, got, err)
		}
	}
}

func forget(t *testing.T, open Open) {
	s := open(t)
	add(t, s, 1)
	commit(t, s, needs(2), func(verify.Rows) verify.Changes {
		all := everything(2)
		all.Replay.CreatedAt = noon.Add(time.Hour)
		return all
	})
	if err := s.Forget(t.Context(), noon.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if commit(t, s, needs(1), nil).Replay != nil {
		t.Error("the old one is still there")
	}
	if commit(t, s, needs(2), nil).Replay == nil {
		t.Error("the young one is gone")
	}
}

func profiles(t *testing.T, open Open) {
	s := open(t)
	for _, tt := range []struct {
		tenant, name string
		offer, want  verify.ID
	}{
		{"a", "default", id(1), id(1)},
		{"a", "default", id(2), id(1)},
		{"a", "other", id(3), id(3)},
		{"b", "default", id(4), id(4)},
	} {
		if got, err := s.Profile(t.Context(), tt.tenant, tt.name, tt.offer); got != tt.want || err != nil {
			t.Errorf("%s/%s: %v %v", tt.tenant, tt.name, got, err)
		}
	}
}
