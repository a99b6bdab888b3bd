package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"countersign/internal/verify"
)

// oldestPostgres is the oldest major version of the server that is tested.
const oldestPostgres = 15

// checkVersion refuses a server that is too old, by what it says of itself, such
// as "15.8 (Debian 15.8-1)" or "18beta2".
func checkVersion(text string) error {
	digits := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if digits < 0 {
		digits = len(text)
	}
	major, err := strconv.Atoi(text[:digits])
	if err != nil {
		return fmt.Errorf("store: the database server says that its version is %q; countersign needs PostgreSQL %d or newer", text, oldestPostgres)
	}
	if major < oldestPostgres {
		return fmt.Errorf("store: the database server is PostgreSQL %s; countersign needs %d or newer", text, oldestPostgres)
	}
	return nil
}

// sentence tells an operator why a database cannot be used. It never quotes the
// URL, which holds the password.
func sentence(err error, c *pgx.ConnConfig) error {
	server := servers(c)
	var pg *pgconn.PgError
	var op *net.OpError
	switch {
	case errors.Is(err, ErrNewer):
		return err
	case errors.Is(err, pgconn.ErrReadOnlyConnection):
		return fmt.Errorf("store: the database server at %s is read-only, a standby perhaps; give the address of the primary: %w", server, err)
	case errors.Is(err, errNoStandby):
		return fmt.Errorf("store: the database server at %s does not commit; is its synchronous standby there? %w", server, err)
	case errors.As(err, &pg):
		return fmt.Errorf("store: %s: %w", advice(pg, server, c), pg)
	case errors.As(err, &op):
		return fmt.Errorf("store: the database server at %s cannot be reached: %w", server, op)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("store: the database server at %s does not answer: %w", server, context.DeadlineExceeded)
	case strings.HasPrefix(err.Error(), "store: "):
		return err
	}
	return fmt.Errorf("store: the database server at %s cannot be used: %w", server, err)
}

// servers names the hosts that were tried.
func servers(c *pgx.ConnConfig) string {
	var names []string
	for _, f := range append([]*pgconn.FallbackConfig{{Host: c.Host, Port: c.Port}}, c.Fallbacks...) {
		name := net.JoinHostPort(f.Host, strconv.Itoa(int(f.Port)))
		if strings.HasPrefix(f.Host, "/") {
			name = f.Host // the folder of a Unix socket
		}
		if !slices.Contains(names, name) { // with and without TLS it is one
			names = append(names, name)
		}
	}
	return strings.Join(names, " or ")
}

func advice(err *pgconn.PgError, server string, c *pgx.ConnConfig) string {
	switch err.Code {
	case "28P01", "28000":
		return fmt.Sprintf("the database server at %s does not let user %s in; look at the name and the password in the URL", server, c.User)
	case "3D000":
		return fmt.Sprintf("the database server at %s has no database %s; make it with createdb", server, c.Database)
	case "42501":
		return fmt.Sprintf("user %s lacks a right in database %s; make it the owner", c.User, c.Database)
	case "53300":
		return fmt.Sprintf("the database server at %s has no connection to spare; raise max_connections", server)
	case "57P03":
		return fmt.Sprintf("the database server at %s is starting or stopping; try again", server)
	}
	return fmt.Sprintf("the database server at %s refuses", server)
}

// errNoStandby says that a server did not commit in time while it was looked at.
var errNoStandby = errors.New("the server does not commit")

// Inner errors of a batch that did not commit.
var (
	// errLost says that the connection went before anything was to be kept.
	errLost = errors.New("the connection to the database was lost")
	// errChanged says that a row came or went that was thought to be locked.
	errChanged = errors.New("a row changed meanwhile")
)

// again says whether a batch that was not stored may succeed at another try.
func again(err error) bool {
	if errors.Is(err, verify.ErrOutcomeUnknown) {
		return false
	}
	if errors.Is(err, errLost) || errors.Is(err, errChanged) {
		return true
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	// Serialization failure, deadlock, and a row that somebody else has added
	// without the lock: a person with psql, or a copy under way.
	return pg.Code == "40001" || pg.Code == "40P01" || pg.Code == "23505"
}

// refused says whether the server answered with an error that undid the
// transaction and left the connection in use.
func refused(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.SeverityUnlocalized == "ERROR" && pg.Code != "40003" && !strings.HasPrefix(pg.Code, "08")
}

// misplaced says whether the connection leads to the wrong place: a server that
// has become read-only, or one that has forgotten our statements.
func misplaced(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "25006" || pg.Code == "26000")
}
