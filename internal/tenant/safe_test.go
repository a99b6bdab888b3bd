package tenant_test

import (
	"bytes"
	"strings"
	"testing"

	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

const number = "+13035551234"

// rotate puts a new key into the world's ring; the old one stays beside it.
func (w *world) rotate() (without *secret.Ring) {
	w.t.Helper()
	both, err := w.ring.Rotate(w.now)
	w.must(err)
	both = both.At(w.now.Add(1e9))
	alone, err := both.Without(both.Other())
	w.must(err)
	w.ring.Replace(both)
	return alone
}

func TestANumberIsOnTheSafeListOnceAndNowhereInTheClear(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	_, err := d.Safe(t.Context(), "t", number)
	refused(t, err, verify.NotFound, "")
	refused(t, d.DropSafe(t.Context(), "t", number), verify.NotFound, "")
	n, err := d.AddSafe(t.Context(), "t", number)
	w.must(err)
	_, err = d.AddSafe(t.Context(), "t", number)
	refused(t, err, verify.Taken, verify.FieldAddress)
	got, err := d.Safe(t.Context(), "t", number)
	if err != nil || got.ID != n.ID {
		t.Error(got.ID, err)
	}
	u, err := d.AddSafe(t.Context(), "u", number)
	if err != nil || u.Hash == n.Hash {
		t.Errorf("two tenants' hashes of one number are equal, %v", err)
	}
	for _, r := range w.store.rows {
		if bytes.Contains(r.Body, []byte("5551234")) || strings.Contains(r.Name, "5551234") {
			t.Errorf("stored in the clear: %s %s", r.Name, r.Body)
		}
	}
	w.must(d.DropSafe(t.Context(), "t", number))
	_, err = d.Safe(t.Context(), "t", number)
	refused(t, err, verify.NotFound, "")
	_, err = d.Safe(t.Context(), "u", number)
	w.must(err)
}

func TestTheSafeListOutlivesARotation(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	n, err := d.AddSafe(t.Context(), "t", number)
	w.must(err)
	_, err = d.AddSafe(t.Context(), "u", "+4915112345678")
	w.must(err)
	alone := w.rotate()
	_, err = d.Safe(t.Context(), "t", number)
	w.must(err)
	_, err = d.AddSafe(t.Context(), "t", number)
	refused(t, err, verify.Taken, "")
	for range 2 { // the second finds all done
		w.must(d.Rekey(t.Context()))
	}
	w.ring.Replace(alone)
	got, err := d.Safe(t.Context(), "t", number)
	if err != nil || got.ID != n.ID || got.Version != 2 {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := d.Safe(t.Context(), "u", "+4915112345678"); err != nil {
		t.Error(err)
	}
	w.must(d.Rekey(t.Context())) // what is sealed opens with the new key alone
}

// Two nodes that disagree on the current key for a moment may add a number twice.
func TestANumberThatStandsUnderBothKeysIsOneNumber(t *testing.T) {
	for _, drop := range []bool{false, true} {
		w := newWorld(t)
		d := w.node()
		_, err := d.AddSafe(t.Context(), "t", number)
		w.must(err)
		old := map[string]tenant.Record{}
		for key, r := range w.store.rows {
			old[key] = r
		}
		clear(w.store.rows)
		w.rotate()
		d = w.node()
		_, err = d.AddSafe(t.Context(), "t", number)
		w.must(err)
		for key, r := range old {
			w.store.rows[key] = r
		}
		if drop {
			w.must(d.DropSafe(t.Context(), "t", number))
			if n := w.store.count(); n != 0 {
				t.Errorf("%d are left", n)
			}
			continue
		}
		w.must(d.Rekey(t.Context()))
		if n := w.store.count(); n != 1 {
			t.Errorf("%d rows of one number", n)
		}
	}
}
