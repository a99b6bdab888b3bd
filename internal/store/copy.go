package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"countersign/internal/verify"
)

// Progress says how far a copy is.
type Progress struct {
	Checking bool // else copying
	Table    string
	Rows     int64 // over all tables
	Total    int64
}

// Report says what a copy, or a check of one, found.
type Report struct {
	From   string        `json:"from"`
	To     string        `json:"to"`
	Copied bool          `json:"copied"` // false if there was only a check
	Same   bool          `json:"same"`
	Rows   int64         `json:"rows"`
	Tables []TableReport `json:"tables"`
	// Differences are the first ones of each table.
	Differences []Difference `json:"differences,omitempty"`
}

// TableReport counts a table's rows: those that are equal in every column, those
// that are not, and those that only one side has.
type TableReport struct {
	Table     string `json:"table"`
	Rows      int64  `json:"rows"` // of the source
	Equal     int64  `json:"equal"`
	Different int64  `json:"different"`
	Missing   int64  `json:"missing"` // in the target
	Extra     int64  `json:"extra"`   // in the target
}

// Difference names a row that is not the same on both sides, and shows nothing of
// what is in it.
type Difference struct {
	Table   string   `json:"table"`
	Key     string   `json:"key"`
	What    string   `json:"what"` // different, missing or extra
	Columns []string `json:"columns,omitempty"`
}

// maxDifferences of a table are named; all are counted.
const maxDifferences = 20

// Copy moves all rows of one database to another of the other kind, which must
// have none, in one transaction; then it reads both and compares every column of
// every row. The source is not changed. Where the report's Same is false, the
// copy is not to be used. With an error nothing was kept, except
// verify.ErrOutcomeUnknown. Tell is called now and then.
func Copy(ctx context.Context, from, to Database, tell func(Progress)) (report *Report, err error) {
	tables, err := plan(ctx, from, to)
	if err != nil {
		return nil, err
	}
	s, err := from.source(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	t, err := to.target(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close(ctx)) }()
	if err := errors.Join(holds(ctx, s, tables), holds(ctx, t, tables)); err != nil {
		return nil, err
	}
	c := &comparison{ctx: ctx, from: s, to: t, count: counter{tell: tell}}
	if err := c.count.total(ctx, s, tables); err != nil {
		return nil, err
	}
	err = t.fill(ctx, tables, func(r relation) (cursor, error) {
		c.count.at.Table = r.name
		rows, err := s.rows(ctx, r)
		return &counted{rows, &c.count}, err
	})
	if errors.Is(err, verify.ErrOutcomeUnknown) {
		return nil, fmt.Errorf("store: the connection was lost while the copy was made final, so it is there as a whole or not at all: "+
			"look with «countersign db copy --check» or copy again: %w", err)
	}
	if ctx.Err() != nil {
		err = errors.New("store: the copy was interrupted")
	}
	if err != nil {
		return nil, fmt.Errorf("%w\nNothing was kept: %s has no row of the copy", err, t.name())
	}
	report, err = c.run(tables)
	if err != nil {
		return nil, fmt.Errorf("%w\nThe rows were copied, but not checked: do it with «countersign db copy --check»", err)
	}
	report.Copied = true
	return report, nil
}

// Compare checks a copy that was made before, as Copy does at its end.
func Compare(ctx context.Context, from, to Database, tell func(Progress)) (report *Report, err error) {
	tables, err := plan(ctx, from, to)
	if err != nil {
		return nil, err
	}
	s, err := from.source(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	t, err := to.look(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close(ctx)) }()
	if err := upToDate(ctx, t); err != nil {
		return nil, err
	}
	if err := errors.Join(holds(ctx, s, tables), holds(ctx, t, tables)); err != nil {
		return nil, err
	}
	c := &comparison{ctx: ctx, from: s, to: t, count: counter{tell: tell}}
	if err := c.count.total(ctx, s, tables); err != nil {
		return nil, err
	}
	return c.run(tables)
}

// plan lists what is to be copied, and refuses what other programs do better.
func plan(ctx context.Context, from, to Database) ([]relation, error) {
	_, fileA := from.(file)
	_, fileB := to.(file)
	switch {
	case fileA && fileB:
		return nil, errors.New("store: both are SQLite files: stop the service and copy the file, with the one ending in -wal if there is one")
	case !fileA && !fileB:
		return nil, errors.New("store: both are PostgreSQL databases: use pg_dump and pg_restore")
	}
	return release(ctx)
}

// mustBeEmpty refuses a target that has rows in any of these tables, in words
// with what to do.
func mustBeEmpty(ctx context.Context, s side, advice string, tables ...relation) error {
	for _, r := range tables {
		n, err := ask[int64](ctx, s, "SELECT count(*) FROM (SELECT 1 FROM "+quote(r.name)+" LIMIT 1) AS first")
		if err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("store: table %s of %s has rows, and a copy needs a database without any; %s", r.name, s.name(), advice)
		}
	}
	return nil
}

// mustHaveNone is mustBeEmpty for a target of any release, before it is brought up
// to date: one that is refused is not to be changed.
func mustHaveNone(ctx context.Context, s side, advice string) error {
	ours, err := release(ctx)
	if err != nil {
		return err
	}
	have, err := catalog(ctx, s)
	if err != nil {
		return err
	}
	have = slices.DeleteFunc(have, func(h relation) bool {
		return !slices.ContainsFunc(ours, func(o relation) bool { return o.name == h.name })
	})
	return mustBeEmpty(ctx, s, advice, have...)
}

// counter tells how far a copy is.
type counter struct {
	tell func(Progress)
	at   Progress
}

func (c *counter) total(ctx context.Context, s side, tables []relation) error {
	for _, r := range tables {
		n, err := ask[int64](ctx, s, "SELECT count(*) FROM "+quote(r.name))
		if err != nil {
			return err
		}
		c.at.Total += n
	}
	return nil
}

func (c *counter) row() {
	if c.at.Rows++; c.at.Rows%500 == 0 && c.tell != nil {
		c.tell(c.at)
	}
}

// counted counts the rows of a cursor.
type counted struct {
	cursor
	count *counter
}

func (c *counted) next() ([]any, error) {
	row, err := c.cursor.next()
	if err == nil {
		c.count.row()
	}
	return row, err
}
