package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"countersign/internal/store"
	"countersign/internal/store/pgtest"
	"countersign/internal/verify"
)

// A server that is killed in the middle of commits may lose those it was not done
// with, and none that anybody was told of.
func TestAServerThatIsKilledLosesNothingThatWasPromised(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.Database(t)
	load := drive(t, openPostgres(t, url), openPostgres(t, url))
	for range *kills {
		load.await()
		server.Kill(t)
		server.Restart(t)
	}
	load.await() // by itself
	load.settle(openPostgres(t, url))
}

func TestWhileTheServerIsAwayCallersAreToldAndThenServedAgain(t *testing.T) {
	server := pgtest.Start(t)
	s := openPostgres(t, server.Database(t))
	if err := bump(t.Context(), s, 1); err != nil {
		t.Fatal(err)
	}
	server.Kill(t)
	for range 20 { // the first of them waits, the others are told at once
		if err := bump(t.Context(), s, 1); err == nil || errors.Is(err, verify.ErrOutcomeUnknown) {
			t.Fatalf("told %v by a server that is not there", err)
		}
	}
	server.Restart(t)
	for bump(t.Context(), s, 1) != nil {
		if t.Context().Err() != nil {
			t.Fatal("it did not recover")
		}
	}
	if n := streak(t, s, 1); n != 2 {
		t.Errorf("%d of 2 are stored", n)
	}
}

// The connection goes between the reading and the writing: nothing was written
// and the batch is decided again, on a connection of the store's own making.
func TestAConnectionThatIsLostWhileDecidingIsNoSuccess(t *testing.T) {
	url := pgtest.URL(t)
	s := openPostgres(t, url)
	need := verify.Needs{Bucket: verify.BucketKey{1}}
	err := s.Commit(t.Context(), []verify.Needs{need}, func(snap *verify.Snapshot) error {
		run(t, url, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`)
		snap.Apply(verify.Changes{Bucket: &verify.Bucket{Key: need.Bucket, State: 9}})
		return nil
	})
	if err == nil {
		t.Error("a batch succeeded whose transaction was ended")
	}
	err = s.Commit(t.Context(), []verify.Needs{need}, func(snap *verify.Snapshot) error {
		if n := snap.Rows(need).Bucket.State; n != 0 {
			t.Errorf("%d was stored", n)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestADatabaseThatBecomesReadOnlyIsNoSuccess(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Database(t)
	s := openPostgres(t, url)
	for _, mode := range []string{"on", "off"} {
		run(t, url+"&default_transaction_read_only=off", "ALTER SYSTEM SET default_transaction_read_only = "+mode)
		run(t, url, "SELECT pg_reload_conf()")
		for want := mode == "on"; (bump(t.Context(), s, 1) != nil) != want; {
			if t.Context().Err() != nil {
				t.Fatal("it did not notice")
			}
		}
	}
}

func TestDecideMayPanic(t *testing.T) {
	s := openPostgres(t, pgtest.URL(t))
	func() {
		defer func() { _ = recover() }()
		_ = s.Commit(t.Context(), []verify.Needs{{Bucket: verify.BucketKey{1}}}, func(*verify.Snapshot) error { panic("no") })
	}()
	if err := bump(t.Context(), s, 1); err != nil {
		t.Error(err)
	}
}

func TestWhoWaitsForItsTurnMayLeave(t *testing.T) {
	s := openPostgres(t, pgtest.URL(t))
	var hold func(connections int) error
	hold = func(connections int) error {
		return s.Commit(t.Context(), nil, func(*verify.Snapshot) error {
			if connections > 1 {
				return hold(connections - 1)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if err := bump(ctx, s, 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("it got its turn: %v", err)
			}
			return nil
		})
	}
	if err := hold(store.Writers); err != nil {
		t.Error(err)
	}
}

func TestAStoreThatIsClosedRefuses(t *testing.T) {
	s := openPostgres(t, pgtest.URL(t))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := bump(t.Context(), s, 1); err == nil {
		t.Error("it stored something")
	}
}
