package store

import (
	"context"
	"errors"
	"net"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	sqlite3 "modernc.org/sqlite/lib"

	"countersign/internal/verify"
)

// awayError is an error of a database that is away, in the words of its cause.
type awayError struct{ error }

func (e awayError) Unwrap() error { return e.error }

// Is says that it is verify.ErrAway.
func (e awayError) Is(target error) bool { return target == verify.ErrAway }

// away says whether an error would meet any other batch alike.
func away(err error) bool {
	if errors.Is(err, errAway) || errors.Is(err, errLost) || errors.Is(err, errClosed) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		if pg.Code == "53200" { // no room for the locks of so many: fewer may find it
			return false
		}
		return slices.Contains(awayClasses, pg.Code[:min(2, len(pg.Code))]) || pg.Code == "25006" || pg.Code == "55P03"
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	return slices.Contains(awayCodes, resultCode(err)&0xff)
}

// awayClasses are those of PostgreSQL's errors: connections, resources, an
// operator's hand, the system. Beside them stand a server that has become read-only
// and a lock that was waited for in vain.
var awayClasses = []string{"08", "53", "57", "58"}

// awayCodes are those of SQLite.
var awayCodes = []int{
	sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY,
	sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT,
}
