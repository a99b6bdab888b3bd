package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
)

//go:embed migrations/postgres/*.sql
var postgresMigrations embed.FS

// migrationLock is the advisory lock of whoever changes the schema: "countsgn".
const migrationLock int64 = 0x636f756e7473676e

// migratePostgres applies the migrations that the database lacks, in order and all
// in one transaction, which PostgreSQL undoes as a whole. Of several nodes that
// start at once one does it and the others wait.
func migratePostgres(ctx context.Context, c *pgx.Conn) error {
	names, err := fs.Glob(postgresMigrations, "migrations/postgres/*.sql")
	if err != nil {
		return err
	}
	// A database that is up to date is not written to, so that the right to make
	// tables is needed on the day of an upgrade only.
	var there bool
	if err := c.QueryRow(ctx, "SELECT to_regclass('schema_migrations') IS NOT NULL").Scan(&there); err != nil {
		return err
	}
	if there {
		if n, err := postgresVersion(ctx, c); err != nil || n >= len(names) {
			return newer(n, len(names), err)
		}
	}
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		// Others may take longer over their migration than a commit may wait.
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = 0"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", migrationLock); err != nil {
			return err
		}
		const table = "CREATE TABLE IF NOT EXISTS schema_migrations (version integer PRIMARY KEY, name text NOT NULL)"
		if _, err := tx.Exec(ctx, table); err != nil {
			return err
		}
		n, err := postgresVersion(ctx, c)
		if err != nil || n > len(names) {
			return newer(n, len(names), err)
		}
		return applyPostgres(ctx, tx, names, n)
	})
}

func newer(have, known int, err error) error {
	if err == nil && have > known {
		return ErrNewer
	}
	return err
}

// postgresVersion counts the migrations that the database has.
func postgresVersion(ctx context.Context, c *pgx.Conn) (n int, err error) {
	err = c.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM schema_migrations").Scan(&n)
	return n, err
}

func applyPostgres(ctx context.Context, tx pgx.Tx, names []string, from int) error {
	for i := from; i < len(names); i++ {
		text, err := postgresMigrations.ReadFile(names[i])
		if err != nil {
			return err
		}
		// Without arguments the text may hold any number of statements.
		if _, err := tx.Conn().PgConn().Exec(ctx, string(text)).ReadAll(); err != nil {
			return fmt.Errorf("migration %s: %w", names[i], err)
		}
		if _, err := tx.Exec(ctx, "INSERT INTO schema_migrations (version, name) VALUES ($1, $2)", i+1, names[i]); err != nil {
			return err
		}
	}
	return nil
}
