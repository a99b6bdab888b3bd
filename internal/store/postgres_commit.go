package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"countersign/internal/verify"
)

// tries bounds how often a batch is begun anew.
const tries = 5

// Commit runs a batch in one transaction: see verify.Store. It costs two round
// trips: one locks and reads, the other writes and commits.
func (p *Postgres) Commit(ctx context.Context, needs []verify.Needs, decide func(*verify.Snapshot) error) (err error) {
	keys := gather(needs)
	for range tries {
		if err = p.try(ctx, keys, decide); !again(err) {
			break
		}
	}
	return wrap(err)
}

func (p *Postgres) try(ctx context.Context, keys *pgKeys, decide func(*verify.Snapshot) error) error {
	conn, err := p.link.take(ctx)
	if err != nil {
		return err
	}
	defer p.link.give(conn)
	// A batch that has begun is finished: its caller's leaving undoes nothing. A
	// server that hangs must not hold it for ever, though.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchTime)
	defer cancel()
	defer undo(ctx, conn) // also if decide panics
	snap := verify.NewSnapshot()
	if err := keys.load(ctx, conn, snap); err != nil {
		return before(ctx, conn, err)
	}
	if err := decide(snap); err != nil {
		return err
	}
	return save(ctx, conn, snap)
}

// undo ends a transaction that was left open.
func undo(ctx context.Context, conn *pgConn) {
	if conn.IsClosed() || conn.PgConn().TxStatus() == 'I' {
		return
	}
	if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
		_ = conn.close(ctx) // the server undoes what a lost connection left
	}
}

// before sorts an error that came while nothing was written yet.
func before(ctx context.Context, conn *pgConn, err error) error {
	if misplaced(err) {
		_ = conn.close(ctx) // the next one is made to the right place
	}
	if conn.IsClosed() && ctx.Err() == nil { // who was waited for in vain is not asked again
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return err
}

// save writes what is dirty, subjects first and each table in key order, and
// commits, all in one round trip.
func save(ctx context.Context, conn *pgConn, snap *verify.Snapshot) error {
	var batch pgx.Batch
	writes := queueDirty(&batch, snap)
	if batch.Len() == 0 {
		batch.Queue(pgReplicated)
		writes = append(writes, 0)
	}
	batch.Queue(pgCommit)
	told := conn.PgConn().CustomData()
	delete(told, warning)
	results := conn.SendBatch(ctx, &batch)
	missed, err := finish(results, writes)
	// The first error tells how far the batch came; that of closing may be that of
	// a connection known to be gone, which says nothing about it.
	if cerr := results.Close(); err == nil {
		err = cerr
	}
	switch {
	case err == nil && told[warning] != nil:
		// A failover may lose what is stored here. The next connection is not used before
		// a commit on it comes back.
		_ = conn.close(ctx)
		return fmt.Errorf("%w: the server warns: %s", verify.ErrOutcomeUnknown, told[warning])
	case err == nil && missed > 0:
		return fmt.Errorf("%w: %d rows were deleted under their locks", verify.ErrOutcomeUnknown, missed)
	case err == nil:
		return nil
	case refused(err) || pgconn.SafeToRetry(err):
		return before(ctx, conn, err)
	}
	_ = conn.close(ctx) // whatever it would say now is not an answer to this batch
	return fmt.Errorf("%w: %w", verify.ErrOutcomeUnknown, err)
}

// finish reads the answers to a batch of writes and its commit. It counts the
// rows that were not found.
func finish(results pgx.BatchResults, writes []int) (missed int, err error) {
	for _, rows := range writes {
		done, err := results.Exec()
		if err != nil {
			return 0, err
		}
		if !done.Select() {
			missed += rows - int(done.RowsAffected())
		}
	}
	done, err := results.Exec()
	if err == nil && done.String() != "COMMIT" {
		err = fmt.Errorf("the server answered %s to a commit", done)
	}
	return missed, err
}
