package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"countersign/internal/code"
	"countersign/internal/limit"
	"countersign/internal/verify"
)

// Both databases have the same tables and columns, so what turns a row of theirs
// into one of the core's is written once.

const verificationColumns = `id, tenant, profile, subject, purpose, channel, address, key_id, alphabet, length,
	custom_code, template, app_name, status, guesses, sends, sent_at, created_at, expires_at, purge_at, updated_at,
	previous, details`

const deliveryColumns = `verification, number, channel, state, attempt, node, due_at, carrier, carrier_id, class,
	created_at, updated_at, handovers, onward, found_by`

// inOutbox is the condition of the index on deliveries to be sent, to the letter: else
// SQLite does not know that it may use it.
const inOutbox = "(state = 'queued' OR onward = 1)"

type scanner interface{ Scan(...any) error }

func scanSubject(row scanner) (r verify.Subject, err error) {
	var key, live []byte
	var hour, day int64
	if err = row.Scan(&key, &r.KeyID, &live, &r.Streak, &hour, &day); err == nil {
		r.Hour, r.Day = limit.State(hour), limit.State(day)
		err = errors.Join(fill(r.Key[:], key), fill(r.Live[:], live))
	}
	return r, err
}

func scanVerification(row scanner) (r verify.Verification, err error) {
	var id, profile, subject, previous []byte
	var channel, alphabet, status, details string
	var sent, created, expires, purge, updated int64
	err = row.Scan(&id, &r.Tenant, &profile, &subject, &r.Purpose, &channel, &r.Address, &r.KeyID, &alphabet, &r.Code.Length,
		&r.CustomCode, &r.Template, &r.AppName, &status, &r.Guesses, &r.Sends, &sent, &created, &expires, &purge, &updated,
		&previous, &details)
	if err == nil {
		r.Channel, r.Code.Alphabet, r.Status = verify.Channel(channel), code.Alphabet(alphabet), verify.Status(status)
		r.SentAt, r.CreatedAt, r.UpdatedAt = instant(sent), instant(created), instant(updated)
		r.ExpiresAt, r.PurgeAt = instant(expires), instant(purge)
		err = errors.Join(fill(r.ID[:], id), fill(r.Profile[:], profile), fill(r.Subject[:], subject),
			fill(r.Previous[:], previous), parseDetails(&r.Details, details))
	}
	return r, err
}

// detailsText is what a message says besides its code, as it is stored: most say
// nothing.
func detailsText(d verify.Details) string {
	if d.IsZero() {
		return ""
	}
	text, err := json.Marshal(d, json.Deterministic(true))
	if err != nil { // strings and a map of strings, which the core has checked
		panic(err)
	}
	return string(text)
}

func parseDetails(to *verify.Details, text string) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), to)
}

func scanDelivery(row scanner) (r verify.Delivery, err error) {
	var id []byte
	var channel, state, class, handovers, foundBy string
	var due, created, updated, onward int64
	err = row.Scan(&id, &r.Key.Number, &channel, &state, &r.Attempt, &r.Node, &due, &r.Carrier, &r.CarrierID, &class,
		&created, &updated, &handovers, &onward, &foundBy)
	if err == nil {
		r.Onward = onward == 1
		r.Handovers, err = parseHandovers(handovers)
	}
	if err == nil {
		r.Channel, r.State, r.Class = verify.Channel(channel), verify.DeliveryState(state), verify.Class(class)
		r.DueAt, r.CreatedAt, r.UpdatedAt = instant(due), instant(created), instant(updated)
		err = fill(r.Key.Verification[:], id)
	}
	return r, err
}

func scanBucket(row scanner) (r verify.Bucket, err error) {
	var key []byte
	var state int64
	if err = row.Scan(&key, &state); err == nil {
		r.State = limit.State(state)
		err = fill(r.Key[:], key)
	}
	return r, err
}

func scanReplay(row scanner) (r verify.Replay, err error) {
	var key, fingerprint, id []byte
	var outcome string
	var created int64
	if err = row.Scan(&key, &fingerprint, &id, &outcome, &created); err == nil {
		r.Outcome, r.CreatedAt = verify.Outcome(outcome), instant(created)
		err = errors.Join(fill(r.Key[:], key), fill(r.Fingerprint[:], fingerprint), fill(r.Verification[:], id))
	}
	return r, err
}

func scanID(row scanner) (id verify.ID, err error) {
	var raw []byte
	if err = row.Scan(&raw); err == nil {
		err = fill(id[:], raw)
	}
	return id, err
}

func scanKey(row scanner) (r verify.KeyMark, err error) {
	var mark []byte
	if err = row.Scan(&r.ID, &mark); err == nil {
		err = fill(r.Mark[:], mark)
	}
	return r, err
}

func scanNumber(row scanner) (n int, err error) {
	err = row.Scan(&n)
	return n, err
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("store: %w", explain(err))
	if away(err) {
		return awayError{err}
	}
	return err
}

// fill copies a stored key of fixed length.
func fill(to, from []byte) error {
	if len(to) != len(from) {
		return fmt.Errorf("a key of %d bytes where %d belong", len(from), len(to))
	}
	copy(to, from)
	return nil
}

// Instants are Unix milliseconds; zero is no instant.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
