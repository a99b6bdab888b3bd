package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"countersign/internal/limit"
	"countersign/internal/verify"
)

// Verification reads one verification, or nil: see verify.Store.
func (p *Postgres) Verification(ctx context.Context, id verify.ID) (*verify.Verification, error) {
	return pgOne(ctx, p, scanVerification, "SELECT "+verificationColumns+" FROM verifications WHERE id = $1", id[:])
}

// Live reads a subject's newest verification, or nil: see verify.Store.
func (p *Postgres) Live(ctx context.Context, key verify.SubjectKey) (*verify.Verification, error) {
	return pgOne(ctx, p, scanVerification, "SELECT "+verificationColumns+` FROM verifications
		WHERE id = (SELECT live FROM subjects WHERE key = $1)`, key[:])
}

// Deliveries reads a verification's deliveries: see verify.Store.
func (p *Postgres) Deliveries(ctx context.Context, id verify.ID) ([]verify.Delivery, error) {
	return pgMany(ctx, p, scanDelivery, "SELECT "+deliveryColumns+" FROM deliveries WHERE verification = $1 ORDER BY number", id[:])
}

// Due lists deliveries to send: see verify.Store.
func (p *Postgres) Due(ctx context.Context, now time.Time, all bool, limit int) ([]verify.Delivery, error) {
	until := millis(now)
	if all {
		until = math.MaxInt64
	}
	const text = "SELECT " + deliveryColumns + " FROM deliveries WHERE " + inOutbox + " AND due_at <= $1 ORDER BY due_at, verification, number LIMIT $2"
	return pgMany(ctx, p, scanDelivery, text, until, limit)
}

// Found finds a delivery by a carrier's name for it: see verify.Store.
func (p *Postgres) Found(ctx context.Context, by string) (*verify.DeliveryKey, error) {
	return pgOne(ctx, p, scanDeliveryKey, "SELECT verification, number FROM deliveries WHERE found_by = $1 AND found_by <> '' LIMIT 1", by)
}

// Queued counts deliveries not yet sent: see verify.Store.
func (p *Postgres) Queued(ctx context.Context) (n int, err error) {
	err = p.reading(ctx, func(ctx context.Context, c *pgx.Conn) error {
		return c.QueryRow(ctx, "SELECT count(*) FROM deliveries WHERE "+inOutbox+" AND state = 'queued'").Scan(&n)
	})
	return n, wrap(err)
}

// Lapsed lists pending verifications whose time is over: see verify.Store.
func (p *Postgres) Lapsed(ctx context.Context, from, to verify.ID, now time.Time, limit int) ([]verify.ID, error) {
	const text = "SELECT id FROM verifications WHERE id >= $1 AND id < $2 AND status = 'pending' AND expires_at <= $3 ORDER BY id LIMIT $4"
	return pgWalk(ctx, p, scanID, text, from[:], to[:], millis(now), limit)
}

// Outlived lists what may be deleted: see verify.Store.
func (p *Postgres) Outlived(ctx context.Context, after verify.ID, now time.Time, limit int) ([]verify.ID, error) {
	const text = "SELECT id FROM verifications WHERE id > $1 AND purge_at BETWEEN 1 AND $2 ORDER BY id LIMIT $3"
	return pgWalk(ctx, p, scanID, text, after[:], millis(now), limit)
}

// Verifications reads them in order: see verify.Store.
func (p *Postgres) Verifications(ctx context.Context, after verify.ID, except string, limit int) ([]verify.Verification, error) {
	const text = "SELECT " + verificationColumns + " FROM verifications WHERE id > $1 AND key_id <> $2 ORDER BY id LIMIT $3"
	return pgWalk(ctx, p, scanVerification, text, after[:], except, limit)
}

// Forget deletes old replays: see verify.Store.
func (p *Postgres) Forget(ctx context.Context, before time.Time) error {
	return p.bites(ctx, `DELETE FROM replays WHERE key = ANY(ARRAY(
		SELECT key FROM replays WHERE created_at < $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)) AND created_at < $1`,
		millis(before))
}

// ForgetBuckets deletes idle buckets: see verify.Store.
func (p *Postgres) ForgetBuckets(ctx context.Context, idle limit.State) error {
	return p.bites(ctx, `DELETE FROM buckets WHERE key = ANY(ARRAY(
		SELECT key FROM buckets WHERE state <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)) AND state <= $1`, int64(idle))
}

// bites runs a statement that deletes some rows until it finds no more, so that
// no single one writes a flood to the log. It leaves rows that another node is
// deleting.
func (p *Postgres) bites(ctx context.Context, text string, bound int64) error {
	const bite = 2000
	for {
		var done pgconn.CommandTag
		err := p.reading(ctx, func(ctx context.Context, c *pgx.Conn) (err error) {
			done, err = c.Exec(ctx, text, bound, bite)
			return err
		})
		if err != nil || done.RowsAffected() < bite {
			return wrap(err)
		}
	}
}

// Clock is the server's.
func (p *Postgres) Clock(ctx context.Context) (now time.Time, err error) {
	err = p.reading(ctx, func(ctx context.Context, c *pgx.Conn) error {
		return c.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now)
	})
	return now, wrap(err)
}

// Keys lists the keys in use: see verify.Store.
func (p *Postgres) Keys(ctx context.Context) ([]verify.KeyMark, error) {
	return pgMany(ctx, p, scanKey, "SELECT id, mark FROM keys ORDER BY id")
}

// AddKey adds a key: see verify.Store.
func (p *Postgres) AddKey(ctx context.Context, key verify.KeyMark) error {
	return p.run(ctx, "INSERT INTO keys (id, mark) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING", key.ID, key.Mark[:])
}

// DropKey takes a key out: see verify.Store.
func (p *Postgres) DropKey(ctx context.Context, id string) error {
	return p.run(ctx, "DELETE FROM keys WHERE id = $1", id)
}

func (p *Postgres) run(ctx context.Context, text string, args ...any) error {
	return wrap(p.reading(ctx, func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, text, args...)
		return err
	}))
}

// Profile returns the id of a profile, made if need be: see verify.Store.
func (p *Postgres) Profile(ctx context.Context, tenant, name string, want verify.ID) (id verify.ID, err error) {
	const add = "INSERT INTO profiles (tenant, name, id) VALUES ($1, $2, $3) ON CONFLICT (tenant, name) DO NOTHING"
	err = p.reading(ctx, func(ctx context.Context, c *pgx.Conn) (err error) {
		if _, err = c.Exec(ctx, add, tenant, name, want[:]); err == nil {
			id, err = scanID(c.QueryRow(ctx, "SELECT id FROM profiles WHERE tenant = $1 AND name = $2", tenant, name))
		}
		return err
	})
	return id, wrap(err)
}

// reading runs do on a connection for reads. What do asks for may be asked for
// twice: a connection that was idle while its server went away is found out by the
// first to use it, who is not to suffer for it.
func (p *Postgres) reading(ctx context.Context, do func(context.Context, *pgx.Conn) error) error {
	return p.readingFor(ctx, readTime, do)
}

func (p *Postgres) readingFor(ctx context.Context, most time.Duration, do func(context.Context, *pgx.Conn) error) error {
	within, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	lost, err := p.readOnce(within, do)
	if !lost || ctx.Err() != nil { // a connection ends with its caller
		return err
	}
	p.read.Reset() // the others lead to the same server
	if within.Err() == nil {
		_, err = p.readOnce(within, do)
	}
	return err
}

// readOnce says also whether the connection was lost.
func (p *Postgres) readOnce(ctx context.Context, do func(context.Context, *pgx.Conn) error) (lost bool, err error) {
	c, err := p.read.Acquire(ctx)
	if err != nil {
		return false, err
	}
	defer c.Release()
	err = do(ctx, c.Conn())
	return err != nil && c.Conn().IsClosed(), err
}

// pgOne reads a row that a caller is told of, or nil where there is none. It is on
// the standby as well: what a failover would lose is not shown.
func pgOne[R any](ctx context.Context, p *Postgres, scan func(scanner) (R, error), text string, args ...any) (one *R, err error) {
	err = p.reading(ctx, func(ctx context.Context, c *pgx.Conn) error {
		one = nil
		var batch pgx.Batch
		batch.Queue(text, args...).QueryRow(func(row pgx.Row) error {
			r, err := scan(row)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			one = &r
			return err
		})
		batch.Queue(pgReplicated)
		told := c.PgConn().CustomData()
		delete(told, warning)
		if err := c.SendBatch(ctx, &batch).Close(); err != nil {
			return err
		}
		if told[warning] != nil {
			return fmt.Errorf("the server warns: %s", told[warning])
		}
		return nil
	})
	if err != nil {
		return nil, wrap(err)
	}
	return one, nil
}

func pgMany[R any](ctx context.Context, p *Postgres, scan func(scanner) (R, error), text string, args ...any) (all []R, err error) {
	err = p.reading(ctx, collect(&all, scan, text, args))
	return all, wrap(err)
}

// pgWalk is pgMany for what may go through a whole table.
func pgWalk[R any](ctx context.Context, p *Postgres, scan func(scanner) (R, error), text string, args ...any) (all []R, err error) {
	err = p.readingFor(ctx, walkTime, collect(&all, scan, text, args))
	return all, wrap(err)
}

func collect[R any](all *[]R, scan func(scanner) (R, error), text string, args []any) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, c *pgx.Conn) error {
		rows, err := c.Query(ctx, text, args...)
		if err != nil {
			return err
		}
		*all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (R, error) { return scan(row) })
		return err
	}
}
