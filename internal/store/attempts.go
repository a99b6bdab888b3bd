package store

import (
	"context"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"countersign/internal/verify"
)

// attempts are the two questions of which the answers together are attempts: the
// deliveries in order, and their verifications. A row of both at once would be read by
// code that knows the columns a second time.
type attempts struct {
	deliveries, verifications string
	args                      []any
}

func attemptsOf(q verify.AttemptQuery) attempts {
	a := attempts{}
	var where []string
	// value is the name of a value. None stands in the text, which is prepared once.
	value := func(value any) string {
		a.args = append(a.args, value)
		return "$" + strconv.Itoa(len(a.args))
	}
	// add puts a condition on a value, and returns the value's name.
	add := func(condition string, v any) string {
		name := value(v)
		where = append(where, strings.ReplaceAll(condition, "?", name))
		return name
	}
	// What bounds the ids is said of the verifications, which an index by tenant finds:
	// said of the deliveries, it would have everybody's read.
	add("v.tenant = ?", q.Tenant)
	if q.Profile != (verify.ID{}) {
		add("v.profile = ?", q.Profile[:])
	}
	if q.Verification != (verify.ID{}) {
		add("v.id = ?", q.Verification[:])
	}
	if q.Channel != "" {
		add("d.channel = ?", string(q.Channel))
	}
	// Ids begin with the time, so that what is too old or too new is not even read. A
	// delivery is never older than its verification, and younger by its life at most.
	if !q.After.IsZero() {
		oldest := idAt(q.After.Add(-verify.MaxValidity - verify.ClockSlack))
		add("v.id >= ?", oldest[:])
		add("d.created_at >= ?", millis(q.After))
	}
	if !q.Before.IsZero() {
		newest := idAt(q.Before.Add(verify.ClockSlack))
		add("v.id < ?", newest[:])
		add("d.created_at <= ?", millis(q.Before))
	}
	if q.Below != (verify.DeliveryKey{}) {
		last := add("v.id <= ?", q.Below.Verification[:])
		add("(v.id <> "+last+" OR d.number < ?)", int64(q.Below.Number))
	}
	from := " FROM verifications AS v JOIN deliveries AS d ON d.verification = v.id WHERE " + strings.Join(where, " AND ") +
		" ORDER BY v.id DESC, d.number DESC LIMIT " + value(max(0, q.Limit)) + " OFFSET " + value(max(0, q.Offset))
	a.deliveries = "SELECT " + columnsOf("d", deliveryColumns) + from
	a.verifications = "SELECT " + verificationColumns + " FROM verifications WHERE id IN (SELECT id FROM (SELECT v.id" + from + ") AS page)"
	return a
}

// columnsOf puts a table's short name before its columns.
func columnsOf(table, columns string) string {
	names := strings.Split(columns, ",")
	for i, n := range names {
		names[i] = table + "." + strings.TrimSpace(n)
	}
	return strings.Join(names, ", ")
}

// idAt is below all ids that are made at t or later, and above all earlier ones.
func idAt(t time.Time) (id verify.ID) {
	ms := uint64(max(0, t.UnixMilli()))
	binary.BigEndian.PutUint32(id[0:], uint32(ms>>16))
	binary.BigEndian.PutUint16(id[4:], uint16(ms))
	return id
}

// together joins them. A verification that has gone between the two questions has gone.
func together(deliveries []verify.Delivery, verifications []verify.Verification) []verify.Job {
	byID := make(map[verify.ID]verify.Verification, len(verifications))
	for _, v := range verifications {
		byID[v.ID] = v
	}
	var out []verify.Job
	for _, d := range deliveries {
		if v, ok := byID[d.Key.Verification]; ok {
			out = append(out, verify.Job{Delivery: d, Verification: v})
		}
	}
	return out
}

// Attempts reads deliveries with their verifications: see verify.Store.
func (s *SQLite) Attempts(ctx context.Context, q verify.AttemptQuery) ([]verify.Job, error) {
	a := attemptsOf(q)
	deliveries, err := many(ctx, &s.read, scanDelivery, a.deliveries, a.args...)
	if err != nil {
		return nil, err
	}
	verifications, err := many(ctx, &s.read, scanVerification, a.verifications, a.args...)
	return together(deliveries, verifications), err
}

// Attempts reads deliveries with their verifications: see verify.Store.
func (p *Postgres) Attempts(ctx context.Context, q verify.AttemptQuery) ([]verify.Job, error) {
	a := attemptsOf(q)
	deliveries, err := pgWalk(ctx, p, scanDelivery, a.deliveries, a.args...)
	if err != nil {
		return nil, err
	}
	verifications, err := pgWalk(ctx, p, scanVerification, a.verifications, a.args...)
	return together(deliveries, verifications), err
}
