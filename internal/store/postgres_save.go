package store

import (
	"github.com/jackc/pgx/v5"

	"countersign/internal/verify"
)

// The new rows of a table go to the server in one statement, and so do the changed
// ones: a column is an array, which the server takes apart. A statement for each
// row would cost the server more than the row.

// queueDirty queues what is gone, and then what is dirty, subjects first and each
// table in key order, and returns how many rows each of the queued statements
// writes.
func queueDirty(b *pgx.Batch, snap *verify.Snapshot) []int {
	w := &writes{batch: b}
	for _, key := range snap.GoneSubjects() {
		w.one(pgDropSubject, key[:])
	}
	for _, id := range snap.GoneVerifications() {
		w.one(pgDropVerification, id[:])
	}
	queueGoneEvents(w, snap)
	for _, id := range snap.GoneSessions() {
		w.one(pgDropSession, id[:])
	}
	queue(w, snap.DirtySubjects(), pgAddSubject, pgChangeSubject, subjectArgs)
	verifications := snap.DirtyVerifications()
	for i := range verifications {
		if r := &verifications[i].Row; verifications[i].Rekeyed && !verifications[i].New {
			w.one(pgRekeyVerification, r.ID[:], r.Subject[:], r.Address, r.KeyID, r.CustomCode)
		}
	}
	queue(w, verifications, pgAddVerification, pgChangeVerification, verificationArgs)
	queue(w, snap.DirtyDeliveries(), pgAddDelivery, pgChangeDelivery, deliveryArgs)
	queue(w, snap.DirtyEvents(), pgAddEvent, pgChangeEvent, eventArgs)
	queue(w, snap.DirtySessions(), pgAddSession, pgChangeSession, sessionArgs)
	queue(w, snap.DirtyBuckets(), pgAddBucket, pgChangeBucket, bucketArgs)
	queue(w, snap.DirtyReplays(), pgAddReplay, pgChangeReplay, replayArgs)
	return w.rows
}

type writes struct {
	batch *pgx.Batch
	rows  []int // of each statement
}

// one queues a statement of one row: what is rare needs no arrays.
func (w *writes) one(text string, args ...any) {
	w.batch.Queue(text, args...)
	w.rows = append(w.rows, 1)
}

// queue queues the rows of one table: those to add, and those to change.
func queue[R any](w *writes, dirty []verify.Dirty[R], add, change string, args func(verify.Dirty[R]) []any) {
	for _, part := range []struct {
		text string
		new  bool
	}{{add, true}, {change, false}} {
		var rows [][]any
		for i := range dirty {
			if dirty[i].New == part.new {
				rows = append(rows, args(dirty[i]))
			}
		}
		if len(rows) > 0 {
			w.batch.Queue(part.text, columns(rows)...)
			w.rows = append(w.rows, len(rows))
		}
	}
}

// columns turns rows of int64, string and []byte into arrays, one a column.
func columns(rows [][]any) []any {
	out := make([]any, len(rows[0]))
	for c := range out {
		switch rows[0][c].(type) {
		case int64:
			out[c] = array[int64](rows, c)
		case string:
			out[c] = array[string](rows, c)
		default:
			out[c] = array[[]byte](rows, c)
		}
	}
	return out
}

func array[T any](rows [][]any, c int) []T {
	out := make([]T, len(rows))
	for i, row := range rows {
		out[i], _ = row[c].(T) // as the first row has it
	}
	return out
}

func subjectArgs(d verify.Dirty[verify.Subject]) []any {
	r := &d.Row
	if d.New {
		return []any{r.Key[:], r.KeyID, r.Live[:], int64(r.Streak), int64(r.Hour), int64(r.Day)}
	}
	return []any{r.Key[:], r.Live[:], int64(r.Streak), int64(r.Hour), int64(r.Day)}
}

func verificationArgs(d verify.Dirty[verify.Verification]) []any {
	r := &d.Row
	if d.New {
		return []any{
			r.ID[:], r.Tenant, r.Profile[:], r.Subject[:], r.Purpose, string(r.Channel),
			r.Address, r.KeyID, string(r.Code.Alphabet), int64(r.Code.Length), r.CustomCode, r.Template, r.AppName, string(r.Status),
			int64(r.Guesses), int64(r.Sends), millis(r.SentAt), millis(r.CreatedAt), millis(r.ExpiresAt), millis(r.PurgeAt), millis(r.UpdatedAt),
			r.Previous[:], detailsText(r.Details),
		}
	}
	return []any{
		r.ID[:], string(r.Channel), string(r.Status), int64(r.Guesses), int64(r.Sends), millis(r.SentAt), millis(r.UpdatedAt),
	}
}

func deliveryArgs(d verify.Dirty[verify.Delivery]) []any {
	r := &d.Row
	if d.New {
		return []any{
			r.Key.Verification[:], int64(r.Key.Number), string(r.Channel), string(r.State), int64(r.Attempt),
			r.Node, millis(r.DueAt), r.Carrier, r.CarrierID, string(r.Class), millis(r.CreatedAt), millis(r.UpdatedAt),
			handoversText(r.Handovers), flag(r.Onward), r.FoundBy(),
		}
	}
	return []any{
		r.Key.Verification[:], int64(r.Key.Number), string(r.State), int64(r.Attempt), r.Node,
		millis(r.DueAt), r.Carrier, r.CarrierID, string(r.Class), millis(r.UpdatedAt),
		handoversText(r.Handovers), flag(r.Onward), r.FoundBy(),
	}
}

func bucketArgs(d verify.Dirty[verify.Bucket]) []any {
	return []any{d.Row.Key[:], int64(d.Row.State)}
}

func replayArgs(d verify.Dirty[verify.Replay]) []any {
	r := &d.Row
	return []any{r.Key[:], r.Fingerprint[:], r.Verification[:], string(r.Outcome), millis(r.CreatedAt)}
}
