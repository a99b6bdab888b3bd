package store_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"countersign/internal/store"
	"countersign/internal/store/faultfs"
	"countersign/internal/verify"
)

var faultStride = flag.Int("stride", 37, "of the calls that can fail, try one in so many")

// history is what a caller was told of its batches. Batch n writes the subjects
// n and 100+n, or neither.
type history struct {
	store    *store.SQLite
	next     byte
	promised map[byte]bool
	unknown  map[byte]bool
}

func (h *history) batch(ctx context.Context) error {
	h.next++
	n := h.next
	needs := []verify.Needs{{Subject: verify.SubjectKey{n}}, {Subject: verify.SubjectKey{100 + n}}, {Subject: verify.SubjectKey{255}}}
	err := h.store.Commit(ctx, needs, func(snap *verify.Snapshot) error {
		for i, need := range needs {
			s := snap.Rows(need).Subject
			if s == nil {
				s = &verify.Subject{Key: need.Subject, KeyID: fmt.Sprintf("%0*d", 6000, i)} // pages that nobody else writes to
			}
			s.Streak++
			snap.Apply(verify.Changes{Subject: s})
		}
		return nil
	})
	switch {
	case err == nil:
		h.promised[n] = true
	case errors.Is(err, verify.ErrOutcomeUnknown):
		h.unknown[n] = true
	}
	return err
}

// stored reads which batches are there, and says if one is there by half.
func (h *history) stored(t *testing.T, s *store.SQLite) (there map[byte]bool) {
	t.Helper()
	needs := []verify.Needs{{Subject: verify.SubjectKey{255}}}
	for n := byte(1); n <= h.next; n++ {
		needs = append(needs, verify.Needs{Subject: verify.SubjectKey{n}}, verify.Needs{Subject: verify.SubjectKey{100 + n}})
	}
	there = map[byte]bool{}
	err := s.Commit(t.Context(), needs, func(snap *verify.Snapshot) error {
		for n := byte(1); n <= h.next; n++ {
			one, two := snap.Subject(verify.SubjectKey{n}) != nil, snap.Subject(verify.SubjectKey{100 + n}) != nil
			if one != two {
				t.Errorf("batch %d is there by half", n)
			}
			if one {
				there[n] = true
			}
		}
		if all := snap.Subject(verify.SubjectKey{255}); all != nil && all.Streak != len(there) {
			t.Errorf("%d batches are there and %d were counted", len(there), all.Streak)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return there
}

// honest checks what is stored against what the caller was told.
func (h *history) honest(t *testing.T, where string, there map[byte]bool) {
	t.Helper()
	for n := byte(1); n <= h.next; n++ {
		if h.promised[n] && !there[n] {
			t.Errorf("%s: batch %d was promised and is lost", where, n)
		}
		if there[n] && !h.promised[n] && !h.unknown[n] {
			t.Errorf("%s: batch %d was refused and is there", where, n)
		}
	}
}

// faults are the ways in which a call fails.
var faults = []struct {
	name   string
	stride int // of the short form; 0 for the flag's
	faultfs.Fault
}{
	{"an error", 0, faultfs.Fault{}},
	{"a sync fails, and what it should have kept is dropped", 1, faultfs.Fault{Drop: true, Only: faultfs.Sync}},
	{"half a write", 0, faultfs.Fault{Torn: true}},
	{"the disk is full", 0, faultfs.Fault{Full: true, Torn: true, Lasting: true}},
	{"the disk is gone for a while", 0, faultfs.Fault{Lasting: true, Drop: true}},
}

// At each write, sync and truncation of a history, one after the other, the disk
// fails. Nobody is told of a success that does not last, the store goes on by
// itself, and a power cut brings to light nothing else.
func TestWhereverTheDiskFailsNothingPromisedIsLost(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			tried := 0
			for n := 1; ; n += cmp.Or(f.stride, *faultStride) {
				tried++
				if !playFault(t, n, f.Fault) || t.Failed() {
					break
				}
			}
			t.Logf("failed at %d places", tried)
		})
	}
}

// playFault plays the history with a fault at the n-th call, and says if there
// was one.
func playFault(t *testing.T, n int, f faultfs.Fault) bool {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "c.db")
	disk := faultfs.Under(t, dir)
	h := &history{store: open(t, path), promised: map[byte]bool{}, unknown: map[byte]bool{}}
	defer h.store.Close()
	h.store.Still()
	for range 3 {
		if err := h.batch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	disk.Fail(n, f)
	refused := h.play(t)
	cut := t.TempDir()
	disk.Copy(t, cut)
	_, failed := disk.Heal()
	if failed == 0 {
		if refused {
			t.Error("refused with a disk that does what it is asked")
		}
		return false
	}
	afterCut(t, h, cut, "after a power cut while the disk failed")
	afterKill(t, h, disk)

	_ = h.store.MoveLog(t.Context()) // as it does each second
	h.honest(t, "in the running process", h.stored(t, h.store))
	if err := h.batch(t.Context()); err != nil {
		t.Errorf("call %d: the disk is well again and the store refuses: %v", n, err)
	}
	_ = h.store.MoveLog(t.Context())
	live := h.stored(t, h.store)
	h.honest(t, "in the running process, later", live)
	cut = t.TempDir()
	disk.Copy(t, cut)
	same(t, "after a power cut later", live, afterCut(t, h, cut, "after a power cut later"))
	if err := h.store.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
	cut = t.TempDir()
	disk.Copy(t, cut)
	same(t, "after closing and a power cut", live, afterCut(t, h, cut, "after closing and a power cut"))
	if t.Failed() {
		t.Logf("call %d failed: %+v", n, f)
	}
	return true
}

// play runs batches, and moves the log at times, in part where somebody reads.
func (h *history) play(t *testing.T) (refused bool) {
	t.Helper()
	for i := range 9 {
		one := func() { refused = h.batch(t.Context()) != nil || refused }
		switch i % 4 {
		case 0:
			_ = h.store.MoveLogWhileSomebodyReads(t.Context(), one) // its error is the store's affair
		case 1, 2:
			one()
			_ = h.store.MoveLog(t.Context())
		default:
			one()
		}
	}
	return refused
}

// afterKill opens what the process leaves if it is killed now, which the system
// shows whether or not the disk has it, and stores more behind it.
func afterKill(t *testing.T, killed *history, disk *faultfs.Disk) {
	t.Helper()
	const where = "after a kill"
	dir := t.TempDir()
	heir := disk.Kill(t, dir)
	h := &history{store: open(t, filepath.Join(dir, "c.db")), next: killed.next, promised: maps.Clone(killed.promised), unknown: killed.unknown}
	defer h.store.Close()
	h.store.Still()
	h.honest(t, where, h.stored(t, h.store))
	if err := h.batch(t.Context()); err != nil {
		t.Errorf("%s: %v", where, err)
	}
	cut := t.TempDir()
	heir.Copy(t, cut)
	same(t, "after a kill and a power cut", h.stored(t, h.store), afterCut(t, h, cut, "after a kill and a power cut"))
}

func same(t *testing.T, where string, want, got map[byte]bool) {
	t.Helper()
	if fmt.Sprint(want) != fmt.Sprint(got) {
		t.Errorf("%s: %v are there, and the process had said %v", where, got, want)
	}
}

// afterCut opens what a power cut left.
func afterCut(t *testing.T, h *history, dir, where string) map[byte]bool {
	t.Helper()
	s := open(t, filepath.Join(dir, "c.db"))
	if verdict := s.Pragma(t.Context(), "integrity_check"); verdict != "ok" {
		t.Errorf("%s the database is damaged: %s", where, verdict)
	}
	there := h.stored(t, s)
	if err := s.Close(); err != nil {
		t.Errorf("%s: %v", where, err)
	}
	h.honest(t, where, there)
	_ = os.RemoveAll(dir)
	return there
}
