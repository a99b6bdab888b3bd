package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"countersign/internal/store"
	"countersign/internal/store/pgtest"
	"countersign/internal/verify"
)

// openPair makes a database on a pair that was just started.
func openPair(t *testing.T) (p *pgtest.Pair, url string) {
	t.Helper()
	p = pgtest.StartPair(t)
	const user = "clerk" // has no more rights than countersign needs
	run(t, p.Primary.URL("postgres"), "CREATE ROLE "+user+" LOGIN PASSWORD '"+pgtest.Password+"'")
	run(t, p.Primary.URL("postgres"), "CREATE DATABASE countersign OWNER "+user)
	return p, strings.Replace(p.URL("countersign"), pgtest.User+":", user+":", 1) + "&connect_timeout=1"
}

// The standby has all that was acknowledged, and clients find it by themselves.
func TestAPrimaryThatIsKilledAndReplacedLosesNothingThatWasPromised(t *testing.T) {
	t.Parallel()
	pair, url := openPair(t)
	load := drive(t, openPostgres(t, url), openPostgres(t, url))
	for i := range *failovers {
		if i > 0 {
			pair.Rebuild(t)
		}
		load.await()
		pair.Primary.Kill(t)
		pair.Promote(t)
		load.await()
	}
	load.settle(openPostgres(t, pair.Primary.URL("countersign")))
}

// A primary that froze does not know that it was replaced. When it wakes it still
// takes connections and writes, but no commit of its comes back.
func TestAPrimaryThatHangsAndIsReplacedLosesNothingThatWasPromised(t *testing.T) {
	t.Parallel()
	pair, url := openPair(t)
	load := drive(t, openPostgres(t, url), openPostgres(t, url))
	for i := range *failovers {
		if i > 0 {
			pair.Standby.Kill(t)
			pair.Rebuild(t)
		}
		load.await()
		pair.Primary.Hang(t)
		pair.Promote(t)
		load.await()
		pair.Standby.Resume(t)
		load.await()
	}
	load.settle(openPostgres(t, pair.Primary.URL("countersign")))
}

// A node that starts comes to the old primary first if its URL says so.
func TestAPrimaryThatWasReplacedWithoutKnowingTakesNoNode(t *testing.T) {
	t.Parallel()
	pair, url := openPair(t)
	if err := openPostgres(t, url).Close(); err != nil {
		t.Fatal(err)
	}
	old := pair.Primary
	pair.Promote(t)
	if err := bump(t.Context(), openPostgres(t, url), 1); err != nil {
		t.Fatal(err)
	}
	if n := streak(t, openPostgres(t, pair.Primary.URL("countersign")), 1); n != 1 {
		t.Errorf("the new primary has %d of 1", n)
	}
	_, err := store.OpenPostgres(t.Context(), old.URL("countersign")+"&connect_timeout=1")
	if err == nil || !strings.Contains(err.Error(), "is its synchronous standby there?") {
		t.Errorf("of the old one alone the operator is told %v", err)
	}
}

// endWait ends whatever waits for the standby, as an administrator may, until
// somebody is told something.
func endWait(t *testing.T, p *pgtest.Pair, how string, told <-chan error) error {
	t.Helper()
	for {
		run(t, p.Primary.URL("postgres"), "SELECT "+how+"(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
		select {
		case err := <-told:
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// A commit that was told to wait for its standby no longer is stored on the
// primary, for all to see there, and a failover would lose it.
func TestWhatTheStandbyLacksIsNotPromised(t *testing.T) {
	t.Parallel()
	pair, url := openPair(t)
	one, two := openPostgres(t, url), openPostgres(t, url)
	if _, err := store.OpenPostgres(t.Context(), pair.Standby.URL("postgres")); err == nil || !strings.Contains(err.Error(), "is read-only, a standby perhaps") {
		t.Errorf("of the standby alone the operator is told %v", err)
	}
	pair.Standby.Hang(t)
	for _, how := range []string{"pg_cancel_backend", "pg_terminate_backend"} {
		t.Run(how, func(t *testing.T) {
			told := make(chan error, 1)
			go func() { told <- bump(t.Context(), one, 1) }()
			if err := endWait(t, pair, how, told); !errors.Is(err, verify.ErrOutcomeUnknown) {
				t.Errorf("who wrote is told %v", err)
			}
			one, two = two, one // it has no connection now that takes commits
		})
	}
	pair.Standby.Resume(t)
	recovers(t, func() error { return bump(t.Context(), one, 1) })
}

// The other node reads the change of unknown outcome, and writes nothing itself:
// its answer would be a promise as well.
func TestWhatTheStandbyLacksIsNotAnsweredFrom(t *testing.T) {
	t.Parallel()
	pair, url := openPair(t)
	writer, reader := openPostgres(t, url), openPostgres(t, url)
	readAtOnce(t, reader) // a new connection would be refused at once
	pair.Standby.Kill(t)
	v := verify.Verification{ID: verify.ID{15: 1}, Subject: verify.SubjectKey{1}, Address: []byte{1}}
	subject := verify.Subject{Key: v.Subject, Live: v.ID}
	needs := []verify.Needs{{Subject: v.Subject}}
	told := make(chan error, 1)
	go func() {
		told <- writer.Commit(t.Context(), needs, func(snap *verify.Snapshot) error {
			snap.Apply(verify.Changes{Subject: &subject, Verifications: []verify.Verification{v}})
			return nil
		})
	}()
	if err := endWait(t, pair, "pg_cancel_backend", told); !errors.Is(err, verify.ErrOutcomeUnknown) {
		t.Fatalf("who wrote is told %v", err)
	}
	for name, read := range map[string]func() error{
		"a batch": func() error {
			return reader.Commit(t.Context(), needs, func(snap *verify.Snapshot) error {
				if !snap.HasSubject(v.Subject) {
					t.Error("it did not see the change, so this shows nothing")
				}
				return nil
			})
		},
		"a look by id":     func() error { _, err := reader.Verification(t.Context(), v.ID); return err },
		"a look by number": func() error { _, err := reader.Live(t.Context(), v.Subject); return err },
	} {
		go func() { told <- read() }()
		if err := endWait(t, pair, "pg_cancel_backend", told); err == nil {
			t.Errorf("%s was answered", name)
		}
	}
	pair.Primary.Kill(t)
	pair.Standby.Restart(t)
	pair.Promote(t)
	recovers(t, func() error { return bump(t.Context(), reader, 2) })
	if got, err := reader.Verification(t.Context(), v.ID); got != nil || err != nil {
		t.Errorf("the standby had it all the same: %v %v", got, err) // then this shows nothing
	}
}
