package verify

import (
	"bytes"
	"maps"
	"slices"
)

// Snapshot is the rows of one batch in memory: a Store puts in what it has
// locked, commands change it in turn, and the Store writes what is dirty.
type Snapshot struct {
	subjects      table[SubjectKey, Subject]
	verifications table[ID, Verification]
	deliveries    table[DeliveryKey, Delivery]
	events        table[EventKey, Event]
	sessions      table[ID, Session]
	buckets       table[BucketKey, Bucket]
	replays       table[ReplayKey, Replay]
}

type table[K comparable, R any] map[K]*entry[R]

type entry[R any] struct {
	row     R
	stored  bool // the database has a row of this key
	dirty   bool
	gone    bool
	rekeyed bool
}

func (t table[K, R]) copyOf(key K) *R {
	e := t[key]
	if e == nil || e.gone {
		return nil
	}
	row := e.row
	return &row
}

func (t table[K, R]) set(key K, row R) {
	if e := t[key]; e != nil {
		e.row, e.dirty, e.gone = row, true, false
		return
	}
	t[key] = &entry[R]{row: row, dirty: true}
}

// remove marks a row as gone. One that was never stored leaves no trace.
func (t table[K, R]) remove(key K) {
	if e := t[key]; e != nil {
		e.dirty, e.gone = e.stored, true
	}
}

func (t table[K, R]) load(key K, row R) { t[key] = &entry[R]{row: row, stored: true} }

// Dirty is one row to write.
type Dirty[R any] struct {
	Row     R
	New     bool // add it; else change the one that is there
	Rekeyed bool // what else never changes did, since another key protects it
}

// dirty returns the rows to write in key order, so that every node writes in
// the same order and equal histories give equal files.
func dirty[K comparable, R any](t table[K, R], compare func(a, b K) int) []Dirty[R] {
	keys := slices.SortedFunc(maps.Keys(t), compare)
	out := make([]Dirty[R], 0, len(keys))
	for _, k := range keys {
		if e := t[k]; e.dirty && !e.gone {
			out = append(out, Dirty[R]{e.row, !e.stored, e.rekeyed})
		}
	}
	return out
}

// gone returns the keys of the rows to delete, in order.
func gone[K comparable, R any](t table[K, R], compare func(a, b K) int) []K {
	var out []K
	for k, e := range t {
		if e.dirty && e.gone {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, compare)
	return out
}

// NewSnapshot returns an empty snapshot.
func NewSnapshot() *Snapshot {
	return &Snapshot{
		subjects:      table[SubjectKey, Subject]{},
		verifications: table[ID, Verification]{},
		deliveries:    table[DeliveryKey, Delivery]{},
		events:        table[EventKey, Event]{},
		sessions:      table[ID, Session]{},
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

// LoadEvent puts in an event.
func (s *Snapshot) LoadEvent(r Event) { s.events.load(r.Key, r) }

// LoadSession puts in a session.
func (s *Snapshot) LoadSession(r Session) { s.sessions.load(r.ID, r) }

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
		Event:    s.events.copyOf(n.Event),
		Session:  s.sessions.copyOf(n.Session),
		Bucket:   s.bucket(n.Bucket, n.OtherBucket),
		Replay:   s.replays.copyOf(n.Replay),
	}
	for _, q := range n.Quotas {
		r.Quotas = append(r.Quotas, s.bucket(q.Key, q.Other))
	}
	// Of two answers the later one holds: the other may be too old to be given.
	if o := s.replays.copyOf(n.OtherReplay); o != nil && (r.Replay == nil || o.CreatedAt.After(r.Replay.CreatedAt)) {
		r.Replay = o
	}
	if r.Replay != nil {
		r.Replayed = s.verifications.copyOf(r.Replay.Verification)
	}
	if n.Verification != (ID{}) {
		r.Verification = s.verifications.copyOf(n.Verification)
		if r.Verification != nil {
			r.Subject = s.subjects.copyOf(r.Verification.Subject)
			if n.Subject != r.Verification.Subject {
				r.Other = s.subjects.copyOf(n.Subject)
			}
		}
		return r
	}
	r.Subject, r.Other = s.subjects.copyOf(n.Subject), s.subjects.copyOf(n.OtherSubject)
	if r.Subject == nil {
		r.Subject, r.Other = r.Other, nil
	}
	if r.Subject != nil {
		if r.Other != nil {
			r.Subject.merge(*r.Other)
		}
		r.Verification = s.verifications.copyOf(r.Subject.Live)
	}
	return r
}

// bucket returns the memory of a limit, whichever key it stands under: what was spent
// under the other one is spent, so of two states the later one holds.
func (s *Snapshot) bucket(now, other BucketKey) Bucket {
	out := Bucket{Key: now}
	for _, key := range [...]BucketKey{now, other} {
		if b := s.buckets.copyOf(key); b != nil {
			out.State = max(out.State, b.State)
		}
	}
	return out
}

// merge takes in what is known of the same subject under another key.
func (s *Subject) merge(o Subject) {
	s.Streak, s.Hour, s.Day = max(s.Streak, o.Streak), max(s.Hour, o.Hour), max(s.Day, o.Day)
	if bytes.Compare(o.Live[:], s.Live[:]) > 0 { // ids begin with their time
		s.Live = o.Live
	}
}

// Apply takes a command's changes in.
func (s *Snapshot) Apply(c Changes) {
	for _, key := range c.GoneSubjects {
		s.subjects.remove(key)
	}
	for _, id := range c.GoneVerifications {
		s.verifications.remove(id)
		for key := range s.deliveries {
			if key.Verification == id {
				s.deliveries.remove(key)
			}
		}
	}
	for _, id := range c.GoneSessions {
		s.sessions.remove(id)
	}
	for _, key := range c.GoneEvents {
		s.events[key] = &entry[Event]{stored: true, dirty: true, gone: true}
	}
	if c.Subject != nil {
		s.subjects.set(c.Subject.Key, *c.Subject)
	}
	for _, v := range c.Verifications {
		if had := s.verifications[v.ID]; had != nil && had.row.KeyID != v.KeyID {
			had.rekeyed = true
		}
		s.verifications.set(v.ID, v)
	}
	for _, d := range c.Deliveries {
		s.deliveries.set(d.Key, d)
	}
	for _, e := range c.Events {
		s.events.set(e.Key, e)
	}
	if c.Session != nil {
		s.sessions.set(c.Session.ID, *c.Session)
	}
	if c.Bucket != nil {
		s.buckets.set(c.Bucket.Key, *c.Bucket)
	}
	for _, b := range c.Quotas {
		s.buckets.set(b.Key, b)
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

// DirtyEvents are the events to write, in key order.
func (s *Snapshot) DirtyEvents() []Dirty[Event] { return dirty(s.events, EventKey.Compare) }

// GoneEvents are the events to delete, those that were never there included, in key
// order.
func (s *Snapshot) GoneEvents() []EventKey { return gone(s.events, EventKey.Compare) }

// DirtySessions are the sessions to write, in key order.
func (s *Snapshot) DirtySessions() []Dirty[Session] {
	return dirty(s.sessions, func(a, b ID) int { return bytes.Compare(a[:], b[:]) })
}

// GoneSessions are the sessions to delete, in key order.
func (s *Snapshot) GoneSessions() []ID {
	return gone(s.sessions, func(a, b ID) int { return bytes.Compare(a[:], b[:]) })
}

// DirtyBuckets are the buckets to write, in key order.
func (s *Snapshot) DirtyBuckets() []Dirty[Bucket] {
	return dirty(s.buckets, func(a, b BucketKey) int { return bytes.Compare(a[:], b[:]) })
}

// DirtyReplays are the replays to write, in key order.
func (s *Snapshot) DirtyReplays() []Dirty[Replay] {
	return dirty(s.replays, func(a, b ReplayKey) int { return bytes.Compare(a[:], b[:]) })
}

// GoneSubjects are the subjects to delete, in key order.
func (s *Snapshot) GoneSubjects() []SubjectKey {
	return gone(s.subjects, func(a, b SubjectKey) int { return bytes.Compare(a[:], b[:]) })
}

// GoneVerifications are the verifications to delete with their deliveries, in key
// order.
func (s *Snapshot) GoneVerifications() []ID {
	return gone(s.verifications, func(a, b ID) int { return bytes.Compare(a[:], b[:]) })
}
