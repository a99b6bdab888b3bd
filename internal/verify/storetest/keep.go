package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/verify"
)

func deleted(t *testing.T, open Open) {
	s := open(t)
	add(t, s, 1)
	add(t, s, 2)
	commit(t, s, needs(1), func(verify.Rows) verify.Changes {
		return verify.Changes{Deliveries: []verify.Delivery{delivery(1, 2)}}
	})
	got := commit(t, s, needs(1), func(r verify.Rows) verify.Changes {
		return verify.Changes{GoneSubjects: []verify.SubjectKey{r.Subject.Key}, GoneVerifications: []verify.ID{r.Verification.ID}}
	})
	if got.Subject == nil || got.Verification == nil {
		t.Fatal("there was nothing to delete")
	}
	got = commit(t, s, needs(1), nil)
	if got.Subject != nil || got.Verification != nil || got.Delivery != nil || got.Replayed != nil {
		t.Errorf("still there: %+v", got)
	}
	if got.Replay == nil || got.Bucket.State != 99 {
		t.Errorf("gone as well: the replay %v, the bucket %v", got.Replay, got.Bucket)
	}
	if rows, err := s.Deliveries(t.Context(), id(1)); len(rows) != 0 || err != nil {
		t.Errorf("deliveries are left: %v %v", rows, err)
	}
	wantRows(t, 2, commit(t, s, needs(2), nil))
	// One without deliveries, and one that never was there.
	plain := verification(3)
	commit(t, s, verify.Needs{Verification: plain.ID}, func(verify.Rows) verify.Changes {
		return verify.Changes{Verifications: []verify.Verification{plain}}
	})
	commit(t, s, verify.Needs{Verification: plain.ID}, func(verify.Rows) verify.Changes {
		return verify.Changes{GoneVerifications: []verify.ID{plain.ID, id(77)}, GoneSubjects: []verify.SubjectKey{{77}}}
	})
	if v, err := s.Verification(t.Context(), plain.ID); v != nil || err != nil {
		t.Errorf("left: %v %v", v, err)
	}
}

func comesBack(t *testing.T, open Open) {
	s := open(t)
	add(t, s, 1)
	err := s.Commit(t.Context(), []verify.Needs{needs(1)}, func(snap *verify.Snapshot) error {
		r := snap.Rows(needs(1))
		snap.Apply(verify.Changes{GoneSubjects: []verify.SubjectKey{r.Subject.Key}})
		if snap.Rows(needs(1)).Subject != nil {
			t.Error("the next command of the batch sees it")
		}
		again := subject(1)
		again.Streak = 0
		snap.Apply(verify.Changes{Subject: &again})
		// And one that comes and goes.
		snap.Apply(everything(2))
		snap.Apply(verify.Changes{GoneSubjects: []verify.SubjectKey{{2}}, GoneVerifications: []verify.ID{id(2)}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := commit(t, s, needs(1), nil).Subject; got == nil || got.Streak != 0 {
		t.Errorf("it is %+v", got)
	}
	if got := commit(t, s, needs(2), nil); got.Subject != nil || got.Verification != nil || got.Delivery != nil {
		t.Errorf("what came and went is %+v", got)
	}
}

func otherKey(t *testing.T, open Open) {
	s := open(t)
	add(t, s, 1)
	n := verify.Needs{
		Subject: verify.SubjectKey{9}, OtherSubject: verify.SubjectKey{1}, Bucket: verify.BucketKey{9}, OtherBucket: verify.BucketKey{1},
		Replay: verify.ReplayKey{9}, OtherReplay: verify.ReplayKey{1},
	}
	got := commit(t, s, n, func(r verify.Rows) verify.Changes {
		moved := *r.Subject
		moved.Key, moved.KeyID = n.Subject, "k2"
		return verify.Changes{Subject: &moved, Bucket: &r.Bucket, GoneSubjects: []verify.SubjectKey{n.OtherSubject}}
	})
	want := subject(1)
	if d := cmp.Diff(&want, got.Subject); d != "" || got.Verification == nil || got.Replayed == nil || got.Bucket != (verify.Bucket{Key: n.Bucket, State: 99}) {
		t.Errorf("found %+v\n%s", got, d)
	}
	got = commit(t, s, n, nil)
	if got.Subject == nil || got.Subject.Key != n.Subject || got.Subject.KeyID != "k2" || got.Other != nil {
		t.Errorf("moved: %+v, other %+v", got.Subject, got.Other)
	}
	// Both, by accident: what was spent under either is spent.
	add(t, s, 1)
	commit(t, s, n, func(r verify.Rows) verify.Changes {
		r.Other.Streak, r.Other.Live = 80, id(8)
		return verify.Changes{Subject: r.Other, Bucket: &verify.Bucket{Key: n.OtherBucket, State: 120}}
	})
	got = commit(t, s, n, nil)
	if got.Other == nil || got.Subject.Key != n.Subject || got.Subject.Streak != 80 || got.Subject.Live != id(8) || got.Bucket.State != 120 {
		t.Errorf("both: %+v, other %+v, bucket %v", got.Subject, got.Other, got.Bucket)
	}
	got = commit(t, s, verify.Needs{Verification: id(1), Subject: n.Subject, OtherSubject: n.OtherSubject}, nil)
	if got.Subject == nil || got.Subject.Key != n.OtherSubject || got.Other == nil || got.Other.Key != n.Subject {
		t.Errorf("by verification: %+v, other %+v", got.Subject, got.Other)
	}
}

func rekeyed(t *testing.T, open Open) {
	s := open(t)
	add(t, s, 1)
	want := verification(1)
	want.Subject, want.KeyID, want.Address, want.CustomCode = verify.SubjectKey{9}, "k2", []byte{7}, nil
	commit(t, s, verify.Needs{Verification: want.ID}, func(verify.Rows) verify.Changes {
		return verify.Changes{Verifications: []verify.Verification{want}}
	})
	got, err := s.Verification(t.Context(), want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&want, got); d != "" {
		t.Error(d)
	}
}

func outlived(t *testing.T, open Open) {
	s := open(t)
	for n := byte(1); n <= 5; n++ {
		add(t, s, n)
	}
	forever := verification(6)
	forever.PurgeAt = time.Time{}
	commit(t, s, verify.Needs{Verification: forever.ID}, func(verify.Rows) verify.Changes {
		return verify.Changes{Verifications: []verify.Verification{forever}}
	})
	for _, tt := range []struct {
		after byte
		at    time.Duration
		limit int
		want  []verify.ID
	}{
		{0, time.Hour, 10, nil},
		{0, time.Hour + 3*time.Second, 10, []verify.ID{id(1), id(2), id(3)}},
		{1, time.Hour + 3*time.Second - time.Millisecond, 10, []verify.ID{id(2)}},
		{0, 100 * time.Hour, 2, []verify.ID{id(1), id(2)}},
		{4, 100 * time.Hour, 10, []verify.ID{id(5)}},
	} {
		got, err := s.Outlived(t.Context(), id(tt.after), noon.Add(tt.at), tt.limit)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("after %d at +%s: %v, %v", tt.after, tt.at, got, err)
		}
	}
}

func inOrder(t *testing.T, open Open) {
	s := open(t)
	for n := byte(1); n <= 4; n++ {
		v := verification(n)
		v.KeyID = []string{"k1", "k2"}[n%2]
		commit(t, s, verify.Needs{Verification: v.ID}, func(verify.Rows) verify.Changes {
			return verify.Changes{Verifications: []verify.Verification{v}}
		})
	}
	for _, tt := range []struct {
		after  byte
		except string
		limit  int
		want   []verify.ID
	}{
		{0, "", 10, []verify.ID{id(1), id(2), id(3), id(4)}},
		{2, "", 10, []verify.ID{id(3), id(4)}},
		{0, "", 3, []verify.ID{id(1), id(2), id(3)}},
		{0, "k2", 10, []verify.ID{id(2), id(4)}},
		{2, "k2", 10, []verify.ID{id(4)}},
	} {
		rows, err := s.Verifications(t.Context(), id(tt.after), tt.except, tt.limit)
		var got []verify.ID
		for _, v := range rows {
			got = append(got, v.ID)
		}
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("after %d, but %q: %v, %v", tt.after, tt.except, got, err)
		}
	}
	rows, err := s.Verifications(t.Context(), id(0), "", 1)
	want := verification(1)
	want.KeyID = "k2"
	if err != nil || cmp.Diff(want, rows[0]) != "" {
		t.Errorf("%+v, %v", rows, err)
	}
}

func forgetBuckets(t *testing.T, open Open) {
	s := open(t)
	add(t, s, 1)
	commit(t, s, needs(2), func(verify.Rows) verify.Changes {
		return verify.Changes{Bucket: &verify.Bucket{Key: verify.BucketKey{2}, State: 100}}
	})
	if err := s.ForgetBuckets(t.Context(), 99); err != nil {
		t.Fatal(err)
	}
	one, two := commit(t, s, needs(1), nil).Bucket.State, commit(t, s, needs(2), nil).Bucket.State
	if one != 0 || two != 100 {
		t.Errorf("the idle one is %d and the other %d", one, two)
	}
}

func keys(t *testing.T, open Open) {
	s := open(t)
	want := []verify.KeyMark{{ID: "k1", Mark: [16]byte{1}}, {ID: "k2", Mark: [16]byte{2}}}
	for _, k := range []verify.KeyMark{want[1], want[0], {ID: "k1", Mark: [16]byte{99}}} {
		if err := s.AddKey(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Keys(t.Context())
	if err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("%v, %v", got, err)
	}
	if err := s.DropKey(t.Context(), "k1"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Keys(t.Context()); err != nil || cmp.Diff(want[1:], got) != "" {
		t.Errorf("after dropping one: %v, %v", got, err)
	}
}
