package store

import (
	"context"
	"errors"
)

// Table is a table as the copy sees it.
type Table struct {
	Name, Text string
	Columns    []string
	Kinds      []string // text, bytes, integer
	Null       []bool
	Key        []int
}

func tables(all []relation) (out []Table) {
	for _, r := range all {
		t := Table{Name: r.name, Text: r.describe(), Key: r.key}
		for _, c := range r.columns {
			t.Columns, t.Kinds, t.Null = append(t.Columns, c.name), append(t.Kinds, string(c.kind)), append(t.Null, c.null)
		}
		out = append(out, t)
	}
	return out
}

// Release is the schema of this release.
func Release(ctx context.Context) ([]Table, error) {
	all, err := release(ctx)
	return tables(all), err
}

// Catalog reads the tables of a database.
func Catalog(ctx context.Context, d Database) (out []Table, err error) {
	s, err := d.look(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	all, err := catalog(ctx, s)
	return tables(all), err
}
