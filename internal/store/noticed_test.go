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
