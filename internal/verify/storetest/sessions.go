package storetest

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/verify"
)

// session has something in every field.
func session(n byte) verify.Session {
	return verify.Session{
		ID: id(n), Tenant: "tenant ✓", Profile: id(200), KeyID: "k1",
		Details: verify.SessionDetails{
			Channels: []verify.Channel{verify.WhatsApp, verify.SMS}, ReturnURL: "https://shop.example/back?a=1&b='; DROP TABLE sessions; --",
			State: "Ünïcode 🦊 <&>\u2028", Locale: "de", Purpose: "login", Reveal: verify.RevealFull, Share: true, Popup: true, Given: true,
		},
		Progress: verify.SessionProgress{Used: []verify.Channel{verify.WhatsApp, verify.SMS}, Starts: 3, Sends: 2},
		Status:   verify.SessionVerified, Address: []byte{0, 1, 255, n}, Browser: verify.BrowserKey{0, n, 255}, Verification: id(n + 100),
		CreatedAt: noon.Add(-time.Millisecond), ExpiresAt: noon.Add(time.Duration(n) * time.Minute),
		VerifiedAt: noon.Add(time.Second), RedeemedAt: noon.Add(2 * time.Second), UpdatedAt: noon.Add(3 * time.Second),
	}
}

// bareSession has nothing in the fields that may have nothing.
func bareSession(n byte) verify.Session {
	return verify.Session{
		ID: id(n), Tenant: "t", Profile: id(200), KeyID: "k1", Status: verify.SessionOpen,
		Details:   verify.SessionDetails{Channels: []verify.Channel{verify.SMS}, ReturnURL: "https://shop.example/", Reveal: verify.RevealMasked},
		CreatedAt: noon, ExpiresAt: noon.Add(time.Hour), UpdatedAt: noon,
	}
}

func putSession(t *testing.T, s verify.Store, row verify.Session) {
	t.Helper()
	commit(t, s, verify.Needs{Session: row.ID}, func(verify.Rows) verify.Changes { return verify.Changes{Session: &row} })
}

// wantSession looks under the lock and without.
func wantSession(t *testing.T, s verify.Store, want verify.Session) {
	t.Helper()
	if d := cmp.Diff(&want, commit(t, s, verify.Needs{Session: want.ID}, nil).Session); d != "" {
		t.Errorf("under the lock: %s", d)
	}
	got, err := s.Session(t.Context(), want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&want, got); d != "" {
		t.Errorf("without the lock: %s", d)
	}
}

func noSession(t *testing.T, s verify.Store, id verify.ID) {
	t.Helper()
	if got := commit(t, s, verify.Needs{Session: id}, nil).Session; got != nil {
		t.Errorf("there is a session: %+v", got)
	}
	if got, err := s.Session(t.Context(), id); got != nil || err != nil {
		t.Errorf("a session that is not there is read: %+v, %v", got, err)
	}
}

func sessionRows(t *testing.T, open Open) {
	s := open(t)
	noSession(t, s, id(1))
	putSession(t, s, session(1))
	putSession(t, s, bareSession(2))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t)
	wantSession(t, s, session(1))
	wantSession(t, s, bareSession(2))
}

// changedSessions goes from nothing to something in every column that changes, and back.
func changedSessions(t *testing.T, open Open) {
	s := open(t)
	bare, full := bareSession(1), session(1)
	putSession(t, s, bare)
	putSession(t, s, session(2))
	progressed := bare
	progressed.Progress, progressed.Status, progressed.Address, progressed.Browser = full.Progress, full.Status, full.Address, full.Browser
	progressed.Verification, progressed.VerifiedAt = full.Verification, full.VerifiedAt
	progressed.RedeemedAt, progressed.UpdatedAt = full.RedeemedAt, full.UpdatedAt
	putSession(t, s, progressed)
	wantSession(t, s, progressed)
	putSession(t, s, bare)
	wantSession(t, s, bare)
	wantSession(t, s, session(2))
}

// sharedSession has two commands of one batch change one session, the second one on what
// the first one left, and a third one make another.
func sharedSession(t *testing.T, open Open) {
	s := open(t)
	putSession(t, s, session(1))
	need := verify.Needs{Session: id(1)}
	err := s.Commit(t.Context(), []verify.Needs{need, {Session: id(2)}, need}, func(snap *verify.Snapshot) error {
		for range 2 {
			r := snap.Rows(need).Session
			r.Progress.Starts++
			snap.Apply(verify.Changes{Session: r})
		}
		other := bareSession(2)
		snap.Apply(verify.Changes{Session: &other})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := session(1)
	want.Progress.Starts += 2
	wantSession(t, s, want)
	wantSession(t, s, bareSession(2))
}

func goneSessions(t *testing.T, open Open) {
	s := open(t)
	for n := byte(1); n <= 3; n++ {
		putSession(t, s, session(n))
	}
	commit(t, s, verify.Needs{Session: id(2)}, func(verify.Rows) verify.Changes {
		return verify.Changes{GoneSessions: []verify.ID{id(2)}}
	})
	noSession(t, s, id(2))
	wantSession(t, s, session(1))
	wantSession(t, s, session(3))
	putSession(t, s, session(2)) // and it can come again
	wantSession(t, s, session(2))
}

func oldSessions(t *testing.T, open Open) {
	s := open(t)
	for _, n := range []byte{4, 1, 5, 3} { // session n is over n minutes after noon
		putSession(t, s, session(n))
	}
	for _, tt := range []struct {
		before time.Time
		limit  int
		want   []verify.ID
	}{
		{noon.Add(time.Minute - time.Millisecond), 10, nil},
		{noon.Add(time.Minute), 10, []verify.ID{id(1)}},
		{noon.Add(4 * time.Minute), 10, []verify.ID{id(1), id(3), id(4)}},
		{noon.Add(time.Hour), 2, []verify.ID{id(1), id(3)}},
		{noon.Add(time.Hour), 10, []verify.ID{id(1), id(3), id(4), id(5)}},
	} {
		got, err := s.OldSessions(t.Context(), tt.before, tt.limit)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("over by +%s, at most %d: %v, %v, want %v", tt.before.Sub(noon), tt.limit, got, err, tt.want)
		}
	}
	var all []verify.ID
	for after := (verify.ID{}); ; {
		page, err := s.Sessions(t.Context(), after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			all = append(all, r.ID)
		}
		if len(page) < 2 {
			break
		}
		after = page[1].ID
	}
	if len(all) < 4 || !slices.IsSortedFunc(all, func(a, b verify.ID) int { return bytes.Compare(a[:], b[:]) }) {
		t.Errorf("in the order of their ids: %v", all)
	}
}

// sessionTogether changes a session and its verification in one commit, or neither.
func sessionTogether(t *testing.T, open Open) {
	s := open(t)
	add(t, s, 1)
	putSession(t, s, bareSession(9))
	need := verify.Needs{Verification: id(1), Session: id(9)}
	accept := func(snap *verify.Snapshot) {
		r := snap.Rows(need)
		r.Verification.Status, r.Session.Status = verify.Accepted, verify.SessionVerified
		snap.Apply(verify.Changes{Verifications: []verify.Verification{*r.Verification}, Session: r.Session})
	}
	no := errors.New("no")
	err := s.Commit(t.Context(), []verify.Needs{need}, func(snap *verify.Snapshot) error {
		accept(snap)
		fresh := session(3)
		snap.Apply(verify.Changes{Session: &fresh})
		return no
	})
	if !errors.Is(err, no) {
		t.Fatal(err)
	}
	wantSession(t, s, bareSession(9))
	noSession(t, s, id(3))
	if got := commit(t, s, need, nil).Verification; got.Status != verify.Pending {
		t.Errorf("the verification is %s", got.Status)
	}
	if err := s.Commit(t.Context(), []verify.Needs{need}, func(snap *verify.Snapshot) error { accept(snap); return nil }); err != nil {
		t.Fatal(err)
	}
	got := commit(t, s, need, nil)
	if got.Session.Status != verify.SessionVerified || got.Verification.Status != verify.Accepted {
		t.Errorf("the session is %s and the verification %s", got.Session.Status, got.Verification.Status)
	}
}

func lockedSessions(t *testing.T, open Open) {
	s := open(t)
	// Ids of one millisecond: what tells their locks apart is their second half.
	one, two := session(1), session(2)
	putSession(t, s, one)
	putSession(t, s, two)
	const callers, rounds = 4, 10
	var all sync.WaitGroup
	for n := range callers {
		all.Go(func() {
			for range rounds {
				needs := []verify.Needs{{Session: one.ID}, {Session: two.ID}}
				if n%2 == 0 { // in another order, which must not make two callers wait for each other
					slices.Reverse(needs)
				}
				err := s.Commit(t.Context(), needs, func(snap *verify.Snapshot) error {
					for _, need := range needs {
						r := snap.Rows(need).Session
						r.Progress.Starts++
						snap.Apply(verify.Changes{Session: r})
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for _, want := range []verify.Session{one, two} {
		want.Progress.Starts += callers * rounds
		wantSession(t, s, want)
	}
}
