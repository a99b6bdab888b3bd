package verify

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"countersign/internal/limit"
	"countersign/internal/secret"
)

// Command is one change of state with an answer of type A. Needs and Decide are
// pure: equal arguments give equal results, Env's Random apart.
type Command[A any] interface {
	// Needs names the rows that Decide looks at. The error is a refusal.
	Needs(*Env) (Needs, error)
	// Decide returns what changes and what to answer. With an error nothing
	// changes; the error is a refusal (*Error) or else a fault of ours.
	Decide(*Env, Rows, time.Time) (Changes, A, error)
}

// Env is what commands know besides rows: the keys, the operator's limits, and
// who is asking. It does not change while a node runs.
type Env struct {
	Keys     *secret.Ring
	Random   io.Reader // crypto/rand; a simulator gives a seeded one
	Node     string    // names this process in leases
	Limits   Limits
	Channels []Channel // those that have a carrier
}

// Limits are the operator's bounds on messages. Zero rules allow everything.
type Limits struct {
	Hour    limit.Rule // sends to one number
	Day     limit.Rule // sends to one number
	Network limit.Rule // sends asked for by one network, of the pages' visitors
	Backlog int        // deliveries waiting to be sent; 0 means no bound
}

// BucketKey finds a bucket: a keyed hash of what is limited.
type BucketKey [16]byte

// ReplayKey finds a replay: a keyed hash of tenant, operation and Idempotency-Key.
type ReplayKey [16]byte

// DeliveryKey finds a delivery: the verification's first, second, … message.
type DeliveryKey struct {
	Verification ID
	Number       int
}

// String is the stable name of the message, the same over all attempts.
func (k DeliveryKey) String() string { return k.Verification.String() + "-" + strconv.Itoa(k.Number) }

// Compare orders keys, so that stores lock rows in one order.
func (k DeliveryKey) Compare(o DeliveryKey) int {
	return cmp.Or(bytes.Compare(k.Verification[:], o.Verification[:]), cmp.Compare(k.Number, o.Number))
}

// Needs names rows. A zero field names nothing. Whoever names a subject gets its
// live verification with it, and whoever names a verification its subject, which
// is the row that is locked: the verification belongs to it.
type Needs struct {
	Subject      SubjectKey
	Verification ID
	Delivery     DeliveryKey
	Bucket       BucketKey
	Replay       ReplayKey
}

// Bucket is the memory of one limit.
type Bucket struct {
	Key   BucketKey
	State limit.State
}

// Replay is the remembered answer to a request with an Idempotency-Key.
type Replay struct {
	Key          ReplayKey
	Fingerprint  [16]byte // keyed hash of the request, so that another one under the same key shows
	Verification ID
	Outcome      Outcome // of a check; empty for a start
	CreatedAt    time.Time
}

// Rows are copies of what Needs named. Pointers are nil where there is no row.
type Rows struct {
	Needs        Needs // what was asked for
	Subject      *Subject
	Verification *Verification // the one named, else the subject's live one
	Delivery     *Delivery
	Bucket       Bucket
	Replay       *Replay
	Replayed     *Verification // the one the replay is about
}

// Changes are the rows to write. A row that was not there is added. Jobs are to
// be done by this node once the rows are durable, and not a moment before.
type Changes struct {
	Jobs          []Job
	Subject       *Subject
	Verifications []Verification
	Deliveries    []Delivery
	Bucket        *Bucket
	Replay        *Replay
}

// Snapshot is the rows of one batch in memory: a Store puts in what it has
// locked, commands change it in turn, and the Store writes what is dirty.
type Snapshot struct {
	subjects      table[SubjectKey, Subject]
	verifications table[ID, Verification]
	deliveries    table[DeliveryKey, Delivery]
	buckets       table[BucketKey, Bucket]
	replays       table[ReplayKey, Replay]
}

type table[K comparable, R any] map[K]*entry[R]

type entry[R any] struct {
	row    R
	stored bool // the database has a row of this key
	dirty  bool
}

func (t table[K, R]) copyOf(key K) *R {
	e := t[key]
	if e == nil {
		return nil
	}
	row := e.row
	return &row
}

func (t table[K, R]) set(key K, row R) {
	if e := t[key]; e != nil {
		e.row, e.dirty = row, true
		return
	}
	t[key] = &entry[R]{row: row, dirty: true}
}

func (t table[K, R]) load(key K, row R) { t[key] = &entry[R]{row: row, stored: true} }

// Dirty is one row to write.
type Dirty[R any] struct {
	Row R
	New bool // add it; else change the one that is there
}

// dirty returns the rows to write in key order, so that every node writes in
// the same order and equal histories give equal files.
func dirty[K comparable, R any](t table[K, R], compare func(a, b K) int) []Dirty[R] {
	keys := slices.SortedFunc(maps.Keys(t), compare)
	out := make([]Dirty[R], 0, len(keys))
	for _, k := range keys {
		if e := t[k]; e.dirty {
			out = append(out, Dirty[R]{e.row, !e.stored})
		}
	}
	return out
}

// NewSnapshot returns an empty snapshot.
func NewSnapshot() *Snapshot {
	return &Snapshot{
		subjects:      table[SubjectKey, Subject]{},
		verifications: table[ID, Verification]{},
		deliveries:    table[DeliveryKey, Delivery]{},
		buckets:       table[BucketKey, Bucket]{},
		replays:       table[ReplayKey, Replay]{},
	}
}

// The Load methods put in a row that the database has.

// LoadSubject puts in a subject.
func (s *Snapshot) LoadSubject(r Subject) { s.subjects.load(r.Key, r) }

// LoadVerification puts in a verification.
func (s *Snapshot) LoadVerification(r Verification) { s.verifications.load(r.ID, r) }

// LoadDelivery puts in a delivery.
func (s *Snapshot) LoadDelivery(r Delivery) { s.deliveries.load(r.Key, r) }

// LoadBucket puts in a bucket.
func (s *Snapshot) LoadBucket(r Bucket) { s.buckets.load(r.Key, r) }

// LoadReplay puts in a replay.
func (s *Snapshot) LoadReplay(r Replay) { s.replays.load(r.Key, r) }

// HasSubject says whether the subject is in: batches name one more than once.
func (s *Snapshot) HasSubject(key SubjectKey) bool { return s.subjects[key] != nil }

// Subject returns a copy of a subject that is in, or nil.
func (s *Snapshot) Subject(key SubjectKey) *Subject { return s.subjects.copyOf(key) }

// Verification returns a copy of a verification that is in, or nil.
func (s *Snapshot) Verification(id ID) *Verification { return s.verifications.copyOf(id) }

// Replay returns a copy of a replay that is in, or nil.
func (s *Snapshot) Replay(key ReplayKey) *Replay { return s.replays.copyOf(key) }

// Rows returns copies of what n names, as earlier commands of the batch left it.
func (s *Snapshot) Rows(n Needs) Rows {
	r := Rows{
		Needs:    n,
		Delivery: s.deliveries.copyOf(n.Delivery),
		Bucket:   Bucket{Key: n.Bucket},
		Replay:   s.replays.copyOf(n.Replay),
	}
	if b := s.buckets.copyOf(n.Bucket); b != nil {
		r.Bucket = *b
	}
	if r.Replay != nil {
		r.Replayed = s.verifications.copyOf(r.Replay.Verification)
	}
	if n.Verification != (ID{}) {
		r.Verification = s.verifications.copyOf(n.Verification)
		if r.Verification != nil {
			r.Subject = s.subjects.copyOf(r.Verification.Subject)
		}
		return r
	}
	r.Subject = s.subjects.copyOf(n.Subject)
	if r.Subject != nil {
		r.Verification = s.verifications.copyOf(r.Subject.Live)
	}
	return r
}

// Apply takes a command's changes in.
func (s *Snapshot) Apply(c Changes) {
	if c.Subject != nil {
		s.subjects.set(c.Subject.Key, *c.Subject)
	}
	for _, v := range c.Verifications {
		s.verifications.set(v.ID, v)
	}
	for _, d := range c.Deliveries {
		s.deliveries.set(d.Key, d)
	}
	if c.Bucket != nil {
		s.buckets.set(c.Bucket.Key, *c.Bucket)
	}
	if c.Replay != nil {
		s.replays.set(c.Replay.Key, *c.Replay)
	}
}

// DirtySubjects are the subjects to write, in key order.
func (s *Snapshot) DirtySubjects() []Dirty[Subject] {
	return dirty(s.subjects, func(a, b SubjectKey) int { return bytes.Compare(a[:], b[:]) })
}

// DirtyVerifications are the verifications to write, in key order.
func (s *Snapshot) DirtyVerifications() []Dirty[Verification] {
	return dirty(s.verifications, func(a, b ID) int { return bytes.Compare(a[:], b[:]) })
}

// DirtyDeliveries are the deliveries to write, in key order.
func (s *Snapshot) DirtyDeliveries() []Dirty[Delivery] {
	return dirty(s.deliveries, DeliveryKey.Compare)
}

// DirtyBuckets are the buckets to write, in key order.
func (s *Snapshot) DirtyBuckets() []Dirty[Bucket] {
	return dirty(s.buckets, func(a, b BucketKey) int { return bytes.Compare(a[:], b[:]) })
}

// DirtyReplays are the replays to write, in key order.
func (s *Snapshot) DirtyReplays() []Dirty[Replay] {
	return dirty(s.replays, func(a, b ReplayKey) int { return bytes.Compare(a[:], b[:]) })
}

// hash16 is a keyed hash cut to 128 bits, under the current key.
func (e *Env) hash16(parts ...string) ([16]byte, error) {
	sum, err := e.Keys.Sum(e.Keys.Current(), secret.Address, parts...)
	if err != nil {
		return [16]byte{}, err
	}
	return [16]byte(sum[:16]), nil
}

func (k SubjectKey) String() string { return hex.EncodeToString(k[:]) }
