package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// relation is a table as a copy sees it. None is named in this package's copying,
// checking or counting: they take what the release's own schema has.
type relation struct {
	name    string
	columns []column
	key     []int // the columns of the primary key, in its order
}

type column struct {
	name string
	kind kind
	null bool // may be NULL
}

// kind is what both databases can hold in a column.
type kind string

const (
	text    kind = "text"
	octets  kind = "bytes"
	integer kind = "integer"
)

// kinds are the names of the kinds in the two databases.
var kinds = map[string]kind{
	"TEXT": text, "BLOB": octets, "INTEGER": integer,
	"text": text, "bytea": octets, "bigint": integer,
}

// release is the schema of this release, from its migrations.
func release(ctx context.Context) (all []relation, err error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, wrap(err)
	}
	db.SetMaxOpenConns(1) // another connection would be another database
	s := &fileSide{db: db}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, wrap(err)
	}
	for _, name := range names {
		script, err := migrations.ReadFile(name)
		if err != nil {
			return nil, wrap(err)
		}
		if _, err := db.ExecContext(ctx, string(script)); err != nil {
			return nil, fmt.Errorf("store: %s: %w", name, err)
		}
	}
	return catalog(ctx, s)
}

// catalog reads which tables a database has.
func catalog(ctx context.Context, s side) (all []relation, err error) {
	type keyed struct{ at, place int }
	keys := map[string][]keyed{}
	err = each(ctx, s, s.catalog(), func(row []any) error {
		table, name, typ := row[0].(string), row[1].(string), row[2].(string) //nolint:forcetypeassert // the query says so
		strict, place := row[3].(int64) != 0, int(row[4].(int64))             //nolint:forcetypeassert // likewise
		if len(all) == 0 || all[len(all)-1].name != table {
			all = append(all, relation{name: table})
		}
		r := &all[len(all)-1]
		if place > 0 {
			keys[table] = append(keys[table], keyed{len(r.columns), place})
		}
		k, known := kinds[typ]
		if !known {
			k = kind(typ) // of another program, or a mistake that holds will show
		}
		r.columns = append(r.columns, column{name, k, !strict})
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		r := &all[i]
		places := keys[r.name]
		slices.SortFunc(places, func(a, b keyed) int { return a.place - b.place })
		for _, k := range places {
			r.key = append(r.key, k.at)
		}
	}
	return all, nil
}

// holds says whether a database has the tables want, each with its columns and key.
func holds(ctx context.Context, s side, want []relation) error {
	have, err := catalog(ctx, s)
	if err != nil {
		return err
	}
	for _, w := range want {
		i := slices.IndexFunc(have, func(h relation) bool { return h.name == w.name })
		if i < 0 {
			return fmt.Errorf("store: %s has no table %s, although its schema is of this release: somebody has changed it", s.name(), w.name)
		}
		if a, b := w.describe(), have[i].describe(); a != b {
			return fmt.Errorf("store: table %s of %s is (%s), and (%s) in this release: somebody has changed it", w.name, s.name(), b, a)
		}
	}
	return nil
}

// describe says what a table is, whatever the order of its columns.
func (r relation) describe() string {
	var parts []string
	for i, c := range r.columns {
		part := c.name + " " + string(c.kind)
		if !c.null {
			part += " not null"
		}
		if k := slices.Index(r.key, i); k >= 0 {
			part += fmt.Sprintf(" key %d", k+1)
		}
		parts = append(parts, part)
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// names are the columns, for a statement.
func (r relation) names() []string {
	var out []string
	for _, c := range r.columns {
		out = append(out, quote(c.name))
	}
	return out
}

// inOrder is the query of all rows by key; texts in the order of their bytes,
// which is the same in both databases under the collation that each calls so.
func (r relation) inOrder(collation string) string {
	var by []string
	for _, k := range r.key {
		term := quote(r.columns[k].name)
		if r.columns[k].kind == text {
			term += " COLLATE " + collation
		}
		by = append(by, term)
	}
	return "SELECT " + strings.Join(r.names(), ", ") + " FROM " + quote(r.name) + " ORDER BY " + strings.Join(by, ", ")
}

// keyOf names a row, for people.
func (r relation) keyOf(row []any) string {
	var parts []string
	for _, k := range r.key {
		switch v := row[k].(type) {
		case []byte:
			parts = append(parts, hex.EncodeToString(v))
		default:
			parts = append(parts, fmt.Sprintf("%q", fmt.Sprint(v)))
		}
	}
	return strings.Join(parts, "/")
}

func quote(name string) string { return `"` + name + `"` }
