package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Database is a database as its operator sees it: something to look at, to bring
// up to date, and to move. It is not open.
type Database interface {
	// Name is where it is, without the password.
	Name() string
	// Status says what is in it. It changes nothing, and a service may be running.
	Status(ctx context.Context, now time.Time) (Status, error)
	// Migrate brings its schema up to date, and makes it where there is none. A
	// SQLite file must not be in use.
	Migrate(ctx context.Context) (Migrated, error)

	// source opens it for a copy, which reads it while nobody writes.
	source(ctx context.Context) (side, error)
	// target opens it for a copy, with the schema of this release.
	target(ctx context.Context) (target, error)
	// look opens it for reading, as it is at this moment.
	look(ctx context.Context) (side, error)
}

// side is an open database of which everything is asked in words that both
// databases know.
type side interface {
	name() string
	query(ctx context.Context, text string) (cursor, error)
	version(ctx context.Context) (have, known int, err error)
	rows(ctx context.Context, r relation) (cursor, error) // all, in the order of their keys
	catalog() string                                      // the query of tables, columns, types, whether NOT NULL, places in the key
	close(ctx context.Context) error
}

// target is a side that a copy can be written to.
type target interface {
	side
	// fill runs put for each table in one transaction, in which nobody else
	// writes, and commits it. With an error nothing is kept, unless the error is
	// verify.ErrOutcomeUnknown.
	fill(ctx context.Context, tables []relation, rows func(relation) (cursor, error)) error
}

// cursor gives rows of int64, string, []byte and nil. A row is good until the next.
type cursor interface {
	next() ([]any, error) // io.EOF after the last one
	close() error
}

// each calls f with each row of an answer.
func each(ctx context.Context, s side, text string, f func(row []any) error) (err error) {
	rows, err := s.query(ctx, text)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.close()) }()
	for {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(row); err != nil {
			return err
		}
	}
}

// ask reads a single value, such as a count; NULL is the zero value.
func ask[R any](ctx context.Context, s side, text string) (r R, err error) {
	err = each(ctx, s, text, func(row []any) error {
		v, ok := row[0].(R)
		if !ok && row[0] != nil {
			return fmt.Errorf("store: %s: the answer is %T", text, row[0])
		}
		r = v
		return nil
	})
	return r, err
}

// upToDate refuses a database that is not of this release.
func upToDate(ctx context.Context, s side) error {
	have, known, err := s.version(ctx)
	switch {
	case err != nil:
		return err
	case have > known:
		return ErrNewer
	case have < known:
		return fmt.Errorf("store: %s has schema %d, and this release needs %d; bring it up to date with «countersign db migrate»", s.name(), have, known)
	}
	return nil
}
