package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"countersign/internal/store"
	"countersign/internal/store/pgtest"
	"countersign/internal/verify"
	"countersign/internal/verify/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func openPostgres(t testing.TB, url string) *store.Postgres {
	t.Helper()
	s, err := store.OpenPostgres(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // a test may have closed it
	return s
}

// run runs a statement beside the store.
func run(t *testing.T, url, text string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if _, err := c.Exec(t.Context(), text); err != nil {
		t.Fatal(err)
	}
}

// ask asks for a number beside the store.
func ask(t *testing.T, url, text string) (n int) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Error(err)
		return -1
	}
	defer c.Close(t.Context())
	if err := c.QueryRow(t.Context(), text).Scan(&n); err != nil {
		t.Error(err)
	}
	return n
}

func TestPostgresIsAStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Open {
		url := pgtest.URL(t)
		return func(t *testing.T) verify.Store { return openPostgres(t, url) }
	})
}

func TestManyNodesMayStartAtOnce(t *testing.T) {
	url := pgtest.URL(t)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			s, err := store.OpenPostgres(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// bump adds a subject that is not there and counts in its streak.
func bump(ctx context.Context, s verify.Store, keys ...byte) error {
	var needs []verify.Needs
	for _, k := range keys {
		needs = append(needs, verify.Needs{Subject: verify.SubjectKey{k}, Bucket: verify.BucketKey{255 - k}, Replay: verify.ReplayKey{k}})
	}
	return s.Commit(ctx, needs, func(snap *verify.Snapshot) error {
		for _, n := range needs {
			rows := snap.Rows(n)
			if rows.Subject == nil {
				rows.Subject = &verify.Subject{Key: n.Subject}
			}
			if rows.Replay == nil {
				rows.Replay = &verify.Replay{Key: n.Replay}
			}
			rows.Subject.Streak++
			rows.Bucket.State++
			snap.Apply(verify.Changes{Subject: rows.Subject, Bucket: &rows.Bucket, Replay: rows.Replay})
		}
		return nil
	})
}

// streak reads a subject's count.
func streak(t *testing.T, s verify.Store, key byte) (n int) {
	t.Helper()
	need := verify.Needs{Subject: verify.SubjectKey{key}}
	err := s.Commit(t.Context(), []verify.Needs{need}, func(snap *verify.Snapshot) error {
		if r := snap.Rows(need); r.Subject != nil {
			n = r.Subject.Streak
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Both nodes begin with rows that are not there, and name them in opposite order.
func TestTwoNodesLoseNothingOfEachOtherAndNeverDeadlock(t *testing.T) {
	url := pgtest.URL(t)
	nodes := []*store.Postgres{openPostgres(t, url), openPostgres(t, url)}
	const callers, rounds = 4, 50
	var all sync.WaitGroup
	for i := range 2 * callers {
		all.Go(func() {
			keys := []byte{1, 2, 3, 4, 5}
			if i%2 == 1 {
				keys = []byte{5, 4, 3, 2, 1}
			}
			for range rounds {
				if err := bump(t.Context(), nodes[i%2], keys...); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	for key := byte(1); key <= 5; key++ {
		if n := streak(t, nodes[0], key); n != 2*callers*rounds {
			t.Errorf("subject %d counts %d of %d", key, n, 2*callers*rounds)
		}
	}
	if n := store.PostgresStat(t.Context(), nodes[0], "deadlocks"); n != 0 {
		t.Errorf("%d deadlocks", n)
	}
}

func TestARowThatIsNotThereIsLocked(t *testing.T) {
	url := pgtest.URL(t)
	first, second := openPostgres(t, url), openPostgres(t, url)
	need := verify.Needs{Subject: verify.SubjectKey{7}}
	told := make(chan error)
	err := first.Commit(t.Context(), []verify.Needs{need}, func(snap *verify.Snapshot) error {
		if snap.HasSubject(need.Subject) {
			t.Error("it is there already")
		}
		go func() { told <- bump(t.Context(), second, 7) }()
		store.AwaitLockWait(t.Context(), first)
		snap.Apply(verify.Changes{Subject: &verify.Subject{Key: need.Subject, Streak: 10}})
		return nil
	})
	if err := errors.Join(err, <-told); err != nil {
		t.Fatal(err)
	}
	if n := streak(t, first, 7); n != 11 {
		t.Errorf("the second saw a streak of %d, not 10", n-1)
	}
}

// A verification that is committed while a batch waits, by its id alone, is not
// shown to it without the lock of its subject.
func TestAVerificationThatAppearsIsLockedBeforeItIsShown(t *testing.T) {
	url := pgtest.URL(t)
	first, second := openPostgres(t, url), openPostgres(t, url)
	id, held := verify.ID{15: 1}, verify.BucketKey{9}
	told, tries := make(chan error), 0
	err := first.Commit(t.Context(), []verify.Needs{{Bucket: held}}, func(snap *verify.Snapshot) error {
		go func() {
			told <- second.Commit(t.Context(), []verify.Needs{{Verification: id, Bucket: held}}, func(snap *verify.Snapshot) error {
				tries++
				if r := snap.Rows(verify.Needs{Verification: id}); r.Verification == nil || r.Subject == nil {
					t.Errorf("it saw %v of %v", r.Verification, r.Subject)
				}
				// The lock's number is the first half of the subject's key.
				const held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = x'01000000'::int AND objid = 0"
				if n := ask(t, url, held); n != 1 {
					t.Errorf("%d hold the lock of its subject", n)
				}
				return nil
			})
		}()
		store.AwaitLockWait(t.Context(), first)
		subject := verify.Subject{Key: verify.SubjectKey{1}, Live: id}
		snap.Apply(verify.Changes{Subject: &subject, Verifications: []verify.Verification{{ID: id, Subject: subject.Key, Address: []byte{1}}}})
		return nil
	})
	if err := errors.Join(err, <-told); err != nil || tries != 1 {
		t.Errorf("%d decisions, %v", tries, err)
	}
}

func TestARowThatSomebodyAddsWithoutTheLockIsSeenAtTheNextTry(t *testing.T) {
	url := pgtest.URL(t)
	s := openPostgres(t, url)
	need := verify.Needs{Bucket: verify.BucketKey{1}}
	tries := 0
	err := s.Commit(t.Context(), []verify.Needs{need}, func(snap *verify.Snapshot) error {
		if tries++; tries == 1 {
			run(t, url, `INSERT INTO buckets VALUES (decode(rpad('01', 32, '0'), 'hex'), 41)`)
		}
		b := snap.Rows(need).Bucket
		b.State++
		snap.Apply(verify.Changes{Bucket: &b})
		return nil
	})
	if err != nil || tries != 2 {
		t.Errorf("%d tries, %v", tries, err)
	}
}

func TestWhatAnOperatorIsToldAtOpen(t *testing.T) {
	good := pgtest.URL(t)
	u, err := url.Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	newer, readOnly := pgtest.URL(t), pgtest.URL(t)
	if err := openPostgres(t, newer).Close(); err != nil {
		t.Fatal(err)
	}
	run(t, newer, "INSERT INTO schema_migrations VALUES (1000, 'later')")
	run(t, readOnly, "ALTER ROLE "+pgtest.User+" IN DATABASE "+readOnly[strings.Index(readOnly, "t_"):strings.Index(readOnly, "?")]+
		" SET default_transaction_read_only = on")
	for _, tt := range []struct{ name, url, want string }{
		{"no address", "postgres://u:" + pgtest.Password + "@host:port/x", "cannot be read"},
		{"another scheme", "mysql://u:" + pgtest.Password + "@host/x", "cannot be read"},
		{"a percent sign", "postgres://u:" + pgtest.Password + "%zz@host/x", "cannot be read"},
		{"nobody there", "postgres://u:" + pgtest.Password + "@127.0.0.1:1/x?sslmode=disable", "cannot be reached"},
		{"no such socket", "postgres://u:" + pgtest.Password + "@/x?host=/nowhere", "cannot be reached"},
		{"another password", strings.Replace(good, pgtest.Password, "wrong-horse", 1), "look at the name and the password"},
		{"another user", strings.Replace(good, pgtest.User+":", "somebody:", 1), "look at the name and the password"},
		{"no such database", strings.Replace(good, name, "nothing", 1), "has no database nothing"},
		{"newer", newer, store.ErrNewer.Error()},
		{"read-only", readOnly, "is read-only"},
		{"read-only, and asked for", readOnly + "&target_session_attrs=any", "is read-only"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := store.OpenPostgres(t.Context(), tt.url)
			if err == nil {
				_ = s.Close()
				t.Fatal("opened")
			}
			text := fmt.Sprintf("%v %+v", err, err)
			if !strings.Contains(text, tt.want) || !strings.HasPrefix(text, "store: ") {
				t.Errorf("told %q", err)
			}
			if strings.Contains(text, "horse") {
				t.Errorf("the password shows: %q", err)
			}
		})
	}
}

func TestCommitsWaitForTheDiskWhateverTheDatabaseSays(t *testing.T) {
	url := pgtest.URL(t)
	run(t, url, "ALTER ROLE "+pgtest.User+" IN DATABASE "+url[strings.Index(url, "t_"):strings.Index(url, "?")]+" SET synchronous_commit = off")
	s := openPostgres(t, url)
	if got := store.PostgresSetting(t.Context(), s, "synchronous_commit"); got != "on" {
		t.Errorf("synchronous_commit is %s", got)
	}
}

func TestAnOldServerIsRefused(t *testing.T) {
	for text, ok := range map[string]bool{
		"15.8 (Debian 15.8-0+deb12u1)": true, "18beta2": true, "17": true, "100.1": true,
		"14.19": false, "9.6.24": false, "": false, "EnterpriseDB": false,
	} {
		if err := store.CheckVersion(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
