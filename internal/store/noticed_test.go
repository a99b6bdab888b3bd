package store_test

import (
	"errors"
	"path/filepath"
	"testing"

	"countersign/internal/verify"
)

func TestACommitThatFailsInTheDatabaseIsNeverASuccess(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "c.db"))
	t.Cleanup(func() { _ = s.Close() })
	if err := s.BreakCommit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds no transaction left open
		err := s.Commit(t.Context(), nil, func(snap *verify.Snapshot) error {
			snap.Apply(verify.Changes{Verifications: []verify.Verification{{ID: verify.ID{1}, Status: verify.Pending, Address: []byte{1}}}})
			return nil
		})
		if !errors.Is(err, verify.ErrOutcomeUnknown) {
			t.Errorf("told %v", err)
		}
	}
	if v, err := s.Verification(t.Context(), verify.ID{1}); v != nil || err != nil {
		t.Errorf("written all the same: %v %v", v, err)
	}
}

func TestAfterACommitOfUnknownOutcomeTheFileIsAsked(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "c.db"))
	t.Cleanup(func() { _ = s.Close() })
	id := verify.ID{1}
	guess := func() error {
		return s.Commit(t.Context(), []verify.Needs{{Verification: id}}, func(snap *verify.Snapshot) error {
			v := verify.Verification{ID: id, Status: verify.Pending, Address: []byte{1}}
			if known := snap.Verification(id); known != nil {
				v = *known
			}
			v.Guesses++
			snap.Apply(verify.Changes{Verifications: []verify.Verification{v}})
			return nil
		})
	}
	if err := guess(); err != nil {
		t.Fatal(err)
	}
	if err := s.BreakAfterCommit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := guess(); !errors.Is(err, verify.ErrOutcomeUnknown) {
		t.Errorf("told %v", err)
	}
	if err := s.MendCommit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := guess(); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Verification(t.Context(), id); err != nil || v.Guesses != 3 {
		t.Errorf("three guesses are %v, %v", v, err)
	}
}
