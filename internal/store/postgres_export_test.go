package store

import (
	"context"
	"errors"
	"time"
)

// CheckVersion is checkVersion.
var CheckVersion = checkVersion

// PostgresSetting reads a setting of the connection that commits.
func PostgresSetting(ctx context.Context, p *Postgres, name string) (value string) {
	c, err := p.link.take(ctx)
	if err != nil {
		return err.Error()
	}
	defer p.link.give(c)
	if err := c.QueryRow(ctx, "SELECT current_setting($1)", name).Scan(&value); err != nil {
		return err.Error()
	}
	return value
}

// PostgresStat reads a counter of the database.
func PostgresStat(ctx context.Context, p *Postgres, column string) (n int) {
	if err := p.read.QueryRow(ctx, "SELECT "+column+" FROM pg_stat_database WHERE datname = current_database()").Scan(&n); err != nil {
		return -1
	}
	return n
}

// AwaitLockWait returns when a session of this database waits for a lock.
func AwaitLockWait(ctx context.Context, p *Postgres) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for n := 0; n == 0; {
		const text = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
		if err := p.read.QueryRow(ctx, text).Scan(&n); err != nil {
			panic(errors.Join(errors.New("nobody waits"), err))
		}
		<-tick.C
	}
}
