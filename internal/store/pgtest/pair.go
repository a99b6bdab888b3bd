//go:build unix

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Pair is a primary and a standby that streams from it. The primary answers a
// commit only when it is on the disks of both. Nobody watches them: who is primary
// changes by Promote, which a test calls where an operator would.
type Pair struct {
	Primary, Standby *Server
	hosts            string // in the order in which clients try them
}

// StartPair runs two servers of the test's own.
func StartPair(t testing.TB) *Pair {
	t.Helper()
	p := &Pair{Primary: Start(t)}
	var err error
	if p.Standby, err = beginWith(nil, p.copy); err != nil {
		t.Fatal(err)
	}
	p.hosts = p.Primary.Dir + "," + p.Standby.Dir
	t.Cleanup(func() { p.Standby.stop(); p.Primary.stop() }) // the one that waits for the other last
	if err := p.synchronize(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

// URL is the address of a database of the pair. It names both servers, first the
// one that was the primary at the start.
func (p *Pair) URL(database string) string { return address(p.hosts, database) }

// Promote makes the standby the primary, whatever became of the old one, and
// returns when it takes writes. It answers commits alone until Rebuild.
func (p *Pair) Promote(t testing.TB) {
	t.Helper()
	p.Primary, p.Standby = p.Standby, p.Primary
	if err := p.Primary.exec(t.Context(), "SELECT pg_promote(true, 60)"); err != nil {
		t.Fatal(err)
	}
	err := p.Primary.Await(t.Context(), "SELECT NOT pg_is_in_recovery()")
	if err != nil {
		t.Fatal(err)
	}
}

// Rebuild makes of a primary that was killed and replaced the new one's standby.
func (p *Pair) Rebuild(t testing.TB) {
	t.Helper()
	if p.Standby.Running() {
		t.Fatal("pgtest: the old primary runs")
	}
	err := os.RemoveAll(p.Standby.data())
	if err == nil {
		err = p.copy(p.Standby)
	}
	if err == nil {
		err = p.Standby.run()
	}
	if err == nil {
		err = p.synchronize(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// copy makes the data folder of a standby from the running primary.
func (p *Pair) copy(s *Server) error {
	err := s.tool("pg_basebackup", "-h", p.Primary.Dir, "-U", User, "-D", s.data(), "-X", "stream", "-c", "fast", "--no-sync")
	if err != nil {
		return err
	}
	// This replaces the primary's own, which says to wait for a standby.
	settings := fmt.Sprintf("primary_conninfo = 'host=%s user=%s password=%s'\nwal_retrieve_retry_interval = 100\n",
		p.Primary.Dir, User, Password)
	return errors.Join(s.write(filepath.Join(s.data(), "postgresql.auto.conf"), settings),
		s.write(filepath.Join(s.data(), "standby.signal"), ""))
}

// synchronize has the primary wait for its standby from now on.
func (p *Pair) synchronize(ctx context.Context) error {
	for _, text := range []string{"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"} {
		if err := p.Primary.exec(ctx, text); err != nil {
			return err
		}
	}
	return p.Primary.Await(ctx, "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming')")
}

// Await returns when a question about the server is answered with true.
func (s *Server) Await(ctx context.Context, question string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	c, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	defer c.Close(context.WithoutCancel(ctx))
	for {
		var yes bool
		if err := c.QueryRow(ctx, question).Scan(&yes); err != nil {
			return fmt.Errorf("pgtest: waiting for %q: %w", question, err)
		}
		if yes {
			return nil
		}
		<-time.After(10 * time.Millisecond)
	}
}
