//go:build unix

// Package pgtest runs a real PostgreSQL for tests, from the installed binaries.
//
// The one idea is that a test gets a database of its own on a server that all
// tests of the binary share, or a server of its own if it means to kill it. The
// server writes to a temporary folder, listens on a Unix socket there, is run by a
// user that is not root, and goes when the test binary does. It is not a mock and
// syncs its disk like any other.
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// shared is the server of this test binary, begun when the first test asks.
var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Main runs the tests and ends the shared server, also when they fail. Call it in
// TestMain: os.Exit(pgtest.Main(m)).
func Main(m *testing.M) int {
	defer func() {
		if shared.server != nil {
			shared.server.stop()
		}
	}()
	return m.Run()
}

// URL returns the address of a new and empty database, which goes with the test.
func URL(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = begin(nil) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server.Database(t)
}

// Start runs a server of the test's own, with settings such as "wal_level=logical".
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	s, err := begin(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	return s
}

// Database makes an empty database and returns its address. It is dropped with
// the test if the server still runs then.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := "t_" + strings.ToLower(rand.Text()[:12])
	if err := s.exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.Running() {
			_ = s.exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)") // else it goes with the server
		}
	})
	return s.URL(name)
}

func (s *Server) exec(ctx context.Context, text string) error {
	c, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, text); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	return nil
}
