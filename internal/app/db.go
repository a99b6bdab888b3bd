package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"countersign/internal/secret"
	"countersign/internal/store"
)

// What the commands on a database tell.
type (
	// DBStatus is what is in a database.
	DBStatus = store.Status
	// DBMigrated says from which schema to which a database was brought.
	DBMigrated = store.Migrated
	// DBProgress says how far a copy is.
	DBProgress = store.Progress
	// DBReport says what a copy, or a check of one, found.
	DBReport = store.Report
)

// databaseAt is the database that a text names; the error begins with setting.
func databaseAt(setting, text string) (store.Database, error) {
	d, err := parseDatabase(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	if d.path != "" {
		return store.File(d.path), nil
	}
	return store.Server(d.url.Reveal())
}

// StatusOfDatabase looks at the configured database, also while a service uses it,
// and changes nothing. Where the key ring can be read it says which of the keys
// in use are in it.
func StatusOfDatabase(ctx context.Context, c Config) (DBStatus, error) {
	d, err := databaseAt("database", c.Database)
	if err != nil {
		return DBStatus{}, err
	}
	st, err := d.Status(ctx, time.Now().UTC())
	if err != nil {
		return st, err
	}
	ring, err := c.readKeys()
	if err != nil || ring == nil {
		return st, err
	}
	for i := range st.Keys {
		k := &st.Keys[i]
		mark, err := ring.Mark(k.ID)
		known := err == nil && (k.Mark == nil || bytes.Equal(mark[:], k.Mark))
		k.InRing = &known
	}
	return st, nil
}

// readKeys reads the key ring without making one; nil means that there is none.
func (c *Config) readKeys() (*secret.Ring, error) {
	if c.Key.Reveal() == "" {
		if _, err := os.Stat(c.KeyFile); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	return c.openKeys()
}

// MigrateDatabase brings the schema of the configured database up to date.
func MigrateDatabase(ctx context.Context, c Config) (DBMigrated, error) {
	d, err := databaseAt("database", c.Database)
	if err != nil {
		return DBMigrated{}, err
	}
	return d.Migrate(ctx)
}

// DBCopy is a move from one database to another.
type DBCopy struct {
	From, To  Secret // sqlite:PATH or postgres://…, which may hold a password
	CheckOnly bool   // compare what was copied before
	Tell      func(DBProgress)
}

// Run copies and checks, or only checks. Errors are sentences for the operator.
func (c DBCopy) Run(ctx context.Context) (*DBReport, error) {
	from, err := databaseAt("--from", c.From.Reveal())
	if err != nil {
		return nil, err
	}
	to, err := databaseAt("--to", c.To.Reveal())
	if err != nil {
		return nil, err
	}
	if c.CheckOnly {
		return store.Compare(ctx, from, to, c.Tell)
	}
	return store.Copy(ctx, from, to, c.Tell)
}
