package app

import (
	"context"
	"errors"
	"strings"

	"countersign/internal/store"
	"countersign/internal/verify"
)

// database says which store to open: a file, or a PostgreSQL server.
type database struct {
	path string // of a SQLite file
	url  Secret // of a PostgreSQL database: it may hold a password
}

func parseDatabase(text string) (database, error) {
	if path, ok := strings.CutPrefix(text, "sqlite:"); ok && path != "" && path[0] != ':' {
		return database{path: path}, nil
	}
	if strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://") {
		return database{url: NewSecret(text)}, nil
	}
	return database{}, errors.New("must be sqlite:PATH, such as sqlite:data/countersign.db, or postgres://USER:PASSWORD@HOST/NAME")
}

func (d database) open(ctx context.Context) (handle, error) {
	if d.path != "" {
		return store.Open(ctx, d.path)
	}
	return store.OpenPostgres(ctx, d.url.Reveal())
}

// writers is how many batches the database takes at a time.
func (d database) writers() int {
	if d.path != "" {
		return 1
	}
	return store.Writers
}

// keyMarks reads which keys the rows stand under, beside a service that may be
// running.
func (d database) keyMarks(ctx context.Context) (marks []verify.KeyMark, err error) {
	if d.path != "" {
		return store.KeysOf(ctx, d.path)
	}
	s, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.Keys(ctx)
}

// alone says that no other process can use the database: SQLite's file is locked.
func (d database) alone() bool { return d.path != "" }
