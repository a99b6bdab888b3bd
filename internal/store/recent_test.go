package store

import (
	"testing"

	"countersign/internal/verify"
)

func TestTheNewestRowsAreKeptAndNotMoreThanTwoGenerations(t *testing.T) {
	var g generations[int, verify.Subject]
	for i := range 5 * generation / 2 {
		g.put(i, verify.Subject{Streak: i})
		g.put(0, verify.Subject{Streak: i}) // one that is written again and again
		if got := g.get(0); got == nil || got.Streak != i {
			t.Fatalf("after %d rows the newest of a key is %v", i, got)
		}
		for _, back := range []int{0, 1, generation / 2} {
			if key := i - back; key > 0 && g.get(key) == nil {
				t.Fatalf("after %d rows, one of %d rows ago is forgotten", i, back)
			}
		}
		if n := len(g.young) + len(g.old); n > 2*generation {
			t.Fatalf("%d rows are kept", n)
		}
	}
	g.drop(0)
	if got := g.get(0); got != nil {
		t.Errorf("a row that is gone is still there: %v", got)
	}
}
