package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/internal/store"
	"countersign/internal/store/pgtest"
	"countersign/internal/verify"
)

// endSessions ends every other session of a database, as an administrator or a
// restart does, and returns when they are gone.
const endSessions = `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
	WHERE datname = current_database() AND pid <> pg_backend_pid()`

// readAtOnce makes the store open several connections for reads.
func readAtOnce(t *testing.T, s *store.Postgres) {
	t.Helper()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := s.Verification(t.Context(), verify.ID{1}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestNobodySuffersForAConnectionThatWasEndedWhileIdle(t *testing.T) {
	url := pgtest.URL(t)
	s := openPostgres(t, url)
	for i := range 3 {
		readAtOnce(t, s)
		run(t, url, endSessions)
		readAtOnce(t, s)
		run(t, url, endSessions)
		if err := bump(t.Context(), s, 1); err != nil {
			t.Error(err)
		}
		if n := streak(t, s, 1); n != i+1 {
			t.Errorf("%d of %d are stored", n, i+1)
		}
	}
}

// A read that waits for a server that froze comes back with an error, and so does
// who opens a store on it.
func TestAServerThatHangsHoldsNobodyForEver(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.Database(t)
	s := openPostgres(t, url)
	readAtOnce(t, s)
	server.Hang(t)
	if _, err := store.OpenPostgres(t.Context(), url+"&connect_timeout=1"); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("the operator is told %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := s.Queued(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("of a server that hangs a reader is told %v, and its patience %v", err, ctx.Err())
	}
	server.Resume(t)
	recovers(t, func() error { return bump(t.Context(), s, 1) })
	readAtOnce(t, s)
}

// A disk that is full refuses the statement that needs a new page. A trigger refuses
// here, with the same code and in the same place.
func TestADiskThatIsFullIsNoSuccess(t *testing.T) {
	url := pgtest.URL(t)
	s := openPostgres(t, url)
	if err := bump(t.Context(), s, 1); err != nil {
		t.Fatal(err)
	}
	run(t, url, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
		$$BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END$$`)
	run(t, url, "CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON buckets FOR EACH ROW EXECUTE FUNCTION full_disk()")
	for range 3 {
		if err := bump(t.Context(), s, 1); err == nil || errors.Is(err, verify.ErrOutcomeUnknown) {
			t.Errorf("told %v", err)
		}
	}
	if n := streak(t, s, 1); n != 1 {
		t.Errorf("the streak is %d, not 1: half a batch was stored", n)
	}
	run(t, url, "DROP TRIGGER full_disk ON buckets")
	if err := bump(t.Context(), s, 1); err != nil || streak(t, s, 1) != 2 {
		t.Errorf("with space again: %v", err)
	}
}

// Others have taken every connection that the server has.
func TestAServerWithoutAConnectionToSpareIsWaitedFor(t *testing.T) {
	server := pgtest.Start(t, "max_connections=8", "superuser_reserved_connections=0", "max_wal_senders=0")
	url := server.Database(t)
	s := openPostgres(t, url)
	keeper, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer keeper.Close(t.Context())
	// The store's connection goes, and the place is taken.
	if _, err := keeper.Exec(t.Context(), endSessions); err != nil {
		t.Fatal(err)
	}
	var others []*pgx.Conn
	for {
		c, err := pgx.Connect(t.Context(), url)
		if err != nil {
			break
		}
		others = append(others, c)
	}
	if _, err := store.OpenPostgres(t.Context(), url); err == nil || !strings.Contains(err.Error(), "no connection to spare") {
		t.Errorf("the operator is told %v", err)
	}
	if err := bump(t.Context(), s, 1); err == nil || errors.Is(err, verify.ErrOutcomeUnknown) {
		t.Errorf("told %v", err)
	}
	for _, c := range others {
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	recovers(t, func() error { return bump(t.Context(), s, 1) })
	if n := streak(t, s, 1); n != 1 {
		t.Errorf("%d of 1 are stored", n)
	}
}
