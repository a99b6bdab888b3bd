package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"countersign/internal/verify"
)

// Locks are PostgreSQL's advisory locks, which end with the transaction, not row
// locks: a row that is not there yet can be locked like any other, no placeholder
// has to be written, committed and hidden from the core for each new number, and
// nothing of a lock goes to the log. They are numbers, so a key's lock is the
// first or most random 62 bits of the key and two bits for its table: two keys
// that share a lock wait for each other, and no harm is done.
//
// All locks of a batch are taken in one statement in the order of their numbers,
// and a batch waits for nothing after it, so two nodes cannot wait for each other.
// A verification is guarded by its subject's lock, a delivery by one of its own, which
// guards its events too.
const (
	subjectLock = iota
	deliveryLock
	bucketLock
	replayLock
)

func lockOf(table int64, half []byte) int64 {
	return int64(binary.BigEndian.Uint64(half))&^3 | table
}

// pgKeys are the rows that a batch names.
type pgKeys struct {
	locks           []int64
	subjects        [][]byte
	verifications   [][]byte
	deliveries      [][]byte // their verifications
	numbers         []int64  // and their numbers
	events          [][]byte // their ids
	sessions        [][]byte
	buckets         [][]byte
	replays         [][]byte
	named           map[verify.SubjectKey]bool
	anySubject      bool // subjects are named, directly or by a verification
	anyVerification bool // likewise
}

func gather(needs []verify.Needs) *pgKeys {
	k := &pgKeys{
		subjects: [][]byte{}, verifications: [][]byte{}, replays: [][]byte{}, // not null, in SQL
		named: map[verify.SubjectKey]bool{},
	}
	for i := range needs {
		n := &needs[i]
		for _, key := range [...]*verify.ReplayKey{&n.Replay, &n.OtherReplay} {
			if *key != (verify.ReplayKey{}) {
				k.replays = append(k.replays, key[:])
				k.locks = append(k.locks, lockOf(replayLock, key[:8]))
			}
		}
		k.bucket(&n.Bucket)
		k.bucket(&n.OtherBucket)
		for q := range n.Quotas {
			k.bucket(&n.Quotas[q].Key)
			k.bucket(&n.Quotas[q].Other)
		}
		if n.Delivery != (verify.DeliveryKey{}) {
			k.deliveries = append(k.deliveries, n.Delivery.Verification[:])
			k.numbers = append(k.numbers, int64(n.Delivery.Number))
			// The first half of an id is the time, which many share.
			k.locks = append(k.locks, lockOf(deliveryLock, n.Delivery.Verification[8:]))
		}
		k.event(n.Event)
		k.session(&n.Session)
		if n.Verification != (verify.ID{}) {
			k.verifications = append(k.verifications, n.Verification[:])
		}
		for _, key := range [...]*verify.SubjectKey{&n.Subject, &n.OtherSubject} {
			if *key != (verify.SubjectKey{}) && !k.named[*key] {
				k.named[*key] = true
				k.subjects = append(k.subjects, key[:])
				k.locks = append(k.locks, lockOf(subjectLock, key[:8]))
			}
		}
	}
	k.anySubject = len(k.subjects)+len(k.verifications) > 0
	k.anyVerification = k.anySubject || len(k.replays) > 0
	return k
}

func (k *pgKeys) bucket(key *verify.BucketKey) {
	if *key != (verify.BucketKey{}) {
		k.buckets = append(k.buckets, key[:])
		k.locks = append(k.locks, lockOf(bucketLock, key[:8]))
	}
}

// load begins a transaction, locks what the keys name and reads it, in one round
// trip. What it reads cannot change until the transaction ends: each statement
// sees what was committed when it began, and all locks are held by then.
func (k *pgKeys) load(ctx context.Context, conn *pgConn, snap *verify.Snapshot) error {
	var batch pgx.Batch
	locked := make(map[verify.SubjectKey]bool, len(k.named)+len(k.verifications))
	for key := range k.named {
		locked[key] = true
	}
	batch.Queue(pgBegin)
	batch.Queue(pgLock, k.locks, k.verifications, k.replays).Query(func(rows pgx.Rows) error {
		return eachRow(rows, scanLocked, func(key verify.SubjectKey) { locked[key] = true })
	})
	if k.anySubject {
		batch.Queue(pgSubjects, k.subjects, k.verifications).Query(func(rows pgx.Rows) error {
			return eachRow(rows, scanSubject, snap.LoadSubject)
		})
	}
	stray := false
	if k.anyVerification {
		batch.Queue(pgVerifications, k.subjects, k.verifications, k.replays).Query(func(rows pgx.Rows) error {
			return eachRow(rows, scanVerification, func(v verify.Verification) {
				stray = stray || !locked[v.Subject]
				snap.LoadVerification(v)
			})
		})
	}
	k.queueRest(&batch, snap)
	if err := conn.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}
	if stray {
		// It was committed while this batch waited for its locks, and so nobody knew
		// whose it is. At the next try it is known.
		return fmt.Errorf("%w: a verification appeared", errChanged)
	}
	return nil
}

func (k *pgKeys) queueRest(batch *pgx.Batch, snap *verify.Snapshot) {
	if len(k.deliveries) > 0 {
		batch.Queue(pgDeliveries, k.deliveries, k.numbers).Query(func(rows pgx.Rows) error {
			return eachRow(rows, scanDelivery, snap.LoadDelivery)
		})
	}
	k.queueEvents(batch, snap)
	k.queueSessions(batch, snap)
	if len(k.buckets) > 0 {
		batch.Queue(pgBuckets, k.buckets).Query(func(rows pgx.Rows) error {
			return eachRow(rows, scanBucket, snap.LoadBucket)
		})
	}
	if len(k.replays) > 0 {
		batch.Queue(pgReplays, k.replays).Query(func(rows pgx.Rows) error {
			return eachRow(rows, scanReplay, snap.LoadReplay)
		})
	}
}

// scanLocked reads the subject that was found through a verification; the lock
// itself is nothing to look at. Keys that were named directly give none.
func scanLocked(row scanner) (key verify.SubjectKey, err error) {
	var raw []byte
	if err = row.Scan(nil, &raw); err == nil && raw != nil {
		err = fill(key[:], raw)
	}
	return key, err
}

func eachRow[R any](rows pgx.Rows, scan func(scanner) (R, error), do func(R)) error {
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			rows.Close()
			return errors.Join(err, rows.Err())
		}
		do(r)
	}
	return rows.Err()
}
