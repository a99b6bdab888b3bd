package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"sync"

	"modernc.org/sqlite"
)

// conn is the one connection that writes. It speaks to the driver directly: one
// user and statements that live as long as it need neither the pool nor the
// bookkeeping of database/sql, which cost as much as the statements themselves
// (docs/performance.md has the figures). Whoever uses it holds mu.
type conn struct {
	mu sync.Mutex
	c  driver.Conn
}

// The driver's parts that this package relies on.
type (
	preparer interface {
		driver.Conn
		driver.ConnPrepareContext
		driver.ExecerContext
	}
	prepared interface {
		driver.Stmt
		driver.StmtExecContext
		driver.StmtQueryContext
	}
)

func (c *conn) dial(dsn string) error {
	d, err := new(sqlite.Driver).Open(dsn)
	if err != nil {
		return err
	}
	if _, ok := d.(preparer); !ok {
		return errors.Join(errors.New("the driver lacks what this package relies on"), d.Close())
	}
	c.c = d
	return nil
}

func (c *conn) close() error {
	if c.c == nil {
		return nil
	}
	err := c.c.Close()
	c.c = nil
	return err
}

// run runs a script of any number of statements.
func (c *conn) run(ctx context.Context, script string) error {
	if c.c == nil {
		return errAway
	}
	_, err := c.c.(preparer).ExecContext(ctx, script, nil) //nolint:forcetypeassert // dial has looked
	return err
}

// stmt is a prepared statement of the connection, with room for its arguments. It
// has no s once it is closed, and then refuses.
type stmt struct {
	s    prepared
	args []driver.NamedValue
	row  []driver.Value
}

func (c *conn) prepare(ctx context.Context, text string) (*stmt, error) {
	s, err := c.c.(preparer).PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	p, ok := s.(prepared)
	if !ok {
		return nil, errors.Join(errors.New("the driver lacks what this package relies on"), s.Close())
	}
	return &stmt{s: p}, nil
}

func (s *stmt) bind(args []driver.Value) []driver.NamedValue {
	s.args = s.args[:0]
	for i, a := range args {
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return s.args
}

// exec runs the statement. Arguments are int64, string, []byte or nil.
func (s *stmt) exec(ctx context.Context, args ...driver.Value) (changed int64, err error) {
	if s.s == nil {
		return 0, errAway
	}
	done, err := s.s.ExecContext(ctx, s.bind(args))
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}

// first reads the first row into scan's result, or returns sql.ErrNoRows.
func first[R any](ctx context.Context, s *stmt, scan func(scanner) (R, error), args ...driver.Value) (r R, err error) {
	if s.s == nil {
		return r, errAway
	}
	rows, err := s.s.QueryContext(ctx, s.bind(args))
	if err != nil {
		return r, err
	}
	if s.row == nil {
		s.row = make([]driver.Value, len(rows.Columns()))
	}
	switch err = rows.Next(s.row); {
	case errors.Is(err, io.EOF):
		err = sql.ErrNoRows
	case err == nil:
		r, err = scan(values(s.row))
	}
	return r, errors.Join(err, rows.Close())
}

// values is a row as the driver gives it.
type values []driver.Value

// Scan puts the row into variables of the types that this package's columns have.
func (v values) Scan(to ...any) error {
	if len(to) != len(v) {
		return fmt.Errorf("%d columns where %d belong", len(v), len(to))
	}
	for i := range to {
		ok := false
		switch p := to[i].(type) {
		case *string:
			*p, ok = v[i].(string)
		case *int64:
			*p, ok = v[i].(int64)
		case *int:
			var n int64
			n, ok = v[i].(int64)
			*p = int(n)
		case *[]byte:
			*p, ok = v[i].([]byte)
			ok = ok || v[i] == nil
		}
		if !ok {
			return fmt.Errorf("column %d is %T, which does not go into %T", i, v[i], to[i])
		}
	}
	return nil
}
