package store_test

import (
	"errors"
	"strings"
	"testing"

	"countersign/internal/store"
	"countersign/internal/store/pgtest"
	"countersign/internal/verify"
)

// openPair makes a database on a pair that was just started.
func openPair(t *testing.T) (p *pgtest.Pair, url string) {
	t.Helper()
	p = pgtest.StartPair(t)
	run(t, p.Primary.URL("postgres"), "CREATE DATABASE countersign")
	return p, p.URL("countersign") + "&connect_timeout=1"
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
		load.await(5)
		pair.Primary.Kill(t)
		pair.Promote(t)
		load.await(5)
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
		load.await(5)
		pair.Primary.Hang(t)
		pair.Promote(t)
		load.await(5)
		pair.Standby.Resume(t)
		load.await(5)
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

// endWait ends the wait of every commit that waits for the standby, once one does.
func endWait(t *testing.T, p *pgtest.Pair, how string) {
	t.Helper()
	const waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
	if err := p.Primary.Await(t.Context(), "SELECT EXISTS (SELECT "+waiting+")"); err != nil {
		t.Fatal(err)
	}
	run(t, p.Primary.URL("postgres"), "SELECT "+how+"(pid) "+waiting)
}

// A commit that was told to wait for its standby no longer is stored on the
// primary, for all to see there, and a failover would lose it.
func TestWhatTheStandbyLacksIsNotPromised(t *testing.T) {
	t.Parallel()
	pair, url := openPair(t)
	one, two := openPostgres(t, url), openPostgres(t, url)
	if _, err := store.OpenPostgres(t.Context(), pair.Standby.URL("countersign")); err == nil || !strings.Contains(err.Error(), "is read-only, a standby perhaps") {
		t.Errorf("of the standby alone the operator is told %v", err)
	}
	pair.Standby.Hang(t)
	for _, how := range []string{"pg_cancel_backend", "pg_terminate_backend"} {
		t.Run(how, func(t *testing.T) {
			told := make(chan error, 1)
			go func() { told <- bump(t.Context(), one, 1) }()
			endWait(t, pair, how)
			if err := <-told; !errors.Is(err, verify.ErrOutcomeUnknown) {
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
	pair.Standby.Kill(t)
	told := make(chan error, 1)
	go func() { told <- bump(t.Context(), writer, 1) }()
	endWait(t, pair, "pg_cancel_backend")
	<-told
	need := verify.Needs{Subject: verify.SubjectKey{1}}
	seen := false
	go func() {
		told <- reader.Commit(t.Context(), []verify.Needs{need}, func(snap *verify.Snapshot) error {
			seen = snap.HasSubject(need.Subject)
			return nil
		})
	}()
	endWait(t, pair, "pg_cancel_backend")
	if err := <-told; err == nil || !seen {
		t.Errorf("it saw the change: %v, and was told %v", seen, err)
	}
	pair.Primary.Kill(t)
	pair.Standby.Restart(t)
	pair.Promote(t)
	recovers(t, func() error { return bump(t.Context(), reader, 2) })
	if n := streak(t, reader, 1); n != 0 {
		t.Errorf("the standby had it all the same: %d", n) // then this test shows nothing
	}
}
