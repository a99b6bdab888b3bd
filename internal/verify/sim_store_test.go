package verify_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"countersign/internal/verify"
)

// simStore is a database in memory with the semantics that package storetest
// demands: a batch sees only the rows that it named, what it changes becomes
// visible as a whole or not at all, and an answer can be lost either way.
type simStore struct {
	subjects      map[verify.SubjectKey]verify.Subject
	verifications map[verify.ID]verify.Verification
	deliveries    map[verify.DeliveryKey]verify.Delivery
	events        map[verify.EventKey]verify.Event
	buckets       map[verify.BucketKey]verify.Bucket
	replays       map[verify.ReplayKey]verify.Replay
	fault         simFault // what happens to the next commit
	died          bool     // the last commit was that of a process that died
}

// simFault is what goes wrong with one commit.
type simFault int

const (
	noFault       simFault = iota
	failsAtOnce            // before anything is decided
	failsLate              // decided, not stored, and the database says so
	decidesTwice           // a conflict: thrown away, loaded anew, decided again
	poisoned               // a batch of several fails late; one by one they pass
	answerLost             // stored, but nobody is told
	neverStored            // not stored, and nobody is told
	diesStored             // the process dies once it is stored
	diesBefore             // the process dies before
	simFaultCount          // how many there are
)

var errSimDatabase = errors.New("sim: the database failed")

func newSimStore() *simStore {
	return &simStore{
		subjects:      map[verify.SubjectKey]verify.Subject{},
		verifications: map[verify.ID]verify.Verification{},
		deliveries:    map[verify.DeliveryKey]verify.Delivery{},
		events:        map[verify.EventKey]verify.Event{},
		buckets:       map[verify.BucketKey]verify.Bucket{},
		replays:       map[verify.ReplayKey]verify.Replay{},
	}
}

// Commit is that of verify.Store, with the fault that was set.
func (s *simStore) Commit(_ context.Context, needs []verify.Needs, decide func(*verify.Snapshot) error) error {
	fault := s.fault
	if fault != poisoned {
		s.fault = noFault
	}
	if fault == failsAtOnce {
		return errSimDatabase
	}
	snap := s.load(needs)
	if err := decide(snap); err != nil {
		return err
	}
	if fault == decidesTwice {
		snap = s.load(needs)
		if err := decide(snap); err != nil {
			return err
		}
	}
	switch {
	case fault == failsLate, fault == poisoned && len(needs) > 1:
		return errSimDatabase
	case fault == neverStored:
		return verify.ErrOutcomeUnknown
	case fault == diesBefore:
		s.died = true
		return verify.ErrOutcomeUnknown
	}
	s.fault = noFault
	if err := s.save(snap); err != nil {
		return err
	}
	if fault == answerLost || fault == diesStored {
		s.died = fault == diesStored
		return verify.ErrOutcomeUnknown
	}
	return nil
}

func (s *simStore) load(needs []verify.Needs) *verify.Snapshot {
	snap := verify.NewSnapshot()
	for _, n := range needs {
		for _, key := range []verify.ReplayKey{n.Replay, n.OtherReplay} {
			if r, ok := s.replays[key]; ok {
				snap.LoadReplay(r)
				s.loadVerification(snap, r.Verification)
			}
		}
		for _, key := range []verify.BucketKey{n.Bucket, n.OtherBucket} {
			if r, ok := s.buckets[key]; ok {
				snap.LoadBucket(r)
			}
		}
		if r, ok := s.deliveries[n.Delivery]; ok {
			snap.LoadDelivery(r)
		}
		if r, ok := s.events[n.Event]; ok {
			snap.LoadEvent(r)
		}
		s.loadVerification(snap, n.Verification)
		for _, key := range []verify.SubjectKey{n.Subject, n.OtherSubject, s.verifications[n.Verification].Subject} {
			if r, ok := s.subjects[key]; ok {
				snap.LoadSubject(r)
				s.loadVerification(snap, r.Live)
			}
		}
	}
	return snap
}

func (s *simStore) loadVerification(snap *verify.Snapshot, id verify.ID) {
	if v, ok := s.verifications[id]; ok {
		v.Address, v.CustomCode = slices.Clone(v.Address), slices.Clone(v.CustomCode)
		snap.LoadVerification(v)
	}
}

func (s *simStore) save(snap *verify.Snapshot) error {
	for _, key := range snap.GoneSubjects() {
		delete(s.subjects, key)
	}
	for _, id := range snap.GoneVerifications() {
		delete(s.verifications, id)
		maps.DeleteFunc(s.deliveries, func(k verify.DeliveryKey, _ verify.Delivery) bool { return k.Verification == id })
	}
	for _, key := range snap.GoneEvents() {
		delete(s.events, key)
	}
	return errors.Join(
		write(s.subjects, snap.DirtySubjects(), func(r verify.Subject) verify.SubjectKey { return r.Key }),
		write(s.verifications, snap.DirtyVerifications(), func(r verify.Verification) verify.ID { return r.ID }),
		write(s.deliveries, snap.DirtyDeliveries(), func(r verify.Delivery) verify.DeliveryKey { return r.Key }),
		write(s.events, snap.DirtyEvents(), func(r verify.Event) verify.EventKey { return r.Key }),
		write(s.buckets, snap.DirtyBuckets(), func(r verify.Bucket) verify.BucketKey { return r.Key }),
		write(s.replays, snap.DirtyReplays(), func(r verify.Replay) verify.ReplayKey { return r.Key }),
		s.told(snap),
	)
}

// told demands that whatever has become of a delivery that somebody wants to be told of
// is an event of the same commit, and that there is no other.
func (s *simStore) told(snap *verify.Snapshot) error {
	for _, d := range snap.DirtyDeliveries() {
		v, there := s.verifications[d.Row.Key.Verification]
		if !there {
			continue
		}
		for typ, state := range map[verify.EventType]verify.DeliveryState{verify.EventSent: verify.Sent, verify.EventFailed: verify.Failed} {
			_, has := s.events[verify.EventKey{Delivery: d.Row.Key, Type: typ}]
			if want := v.Details.Events && d.Row.State == state; has != want {
				return fmt.Errorf("sim: a delivery is %s, of a verification with events %v, and has one of type %s: %v", d.Row.State, v.Details.Events, typ, has)
			}
		}
	}
	return nil
}

// write does what INSERT and UPDATE do: the one fails where a row is, the other
// where none is.
func write[K comparable, R any](table map[K]R, rows []verify.Dirty[R], key func(R) K) error {
	for _, d := range rows {
		k := key(d.Row)
		if _, there := table[k]; there == d.New {
			return fmt.Errorf("sim: a row of %T is written with new=%v and is there=%v", d.Row, d.New, there)
		}
		table[k] = d.Row
	}
	return nil
}

// due lists what Store.Due lists.
func (s *simStore) due(now time.Time, all bool) []verify.DeliveryKey {
	var rows []verify.Delivery
	for _, d := range s.deliveries {
		if d.Open() && (all || !now.Before(d.DueAt)) {
			rows = append(rows, d)
		}
	}
	slices.SortFunc(rows, func(a, b verify.Delivery) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), a.Key.Compare(b.Key))
	})
	keys := make([]verify.DeliveryKey, len(rows))
	for i, d := range rows {
		keys[i] = d.Key
	}
	return keys
}

func (s *simStore) queued() int {
	n := 0
	for _, d := range s.deliveries {
		if d.State == verify.Queued {
			n++
		}
	}
	return n
}

// forget does what Store.Forget does.
func (s *simStore) forget(before time.Time) {
	for k, r := range s.replays {
		if r.CreatedAt.Before(before) {
			delete(s.replays, k)
		}
	}
}
