//go:build unix

package process

import (
	"context"
	"math/rand/v2"
	"testing"
)

func TestAServerThatIsKilledUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	l := newLoad(onSQLite(t), false)
	l.run(t.Context(), 48)
	killAgainAndAgain(t, l, 2**kills) // each is over in a moment
}

// While one of two nodes is dead the other goes on, and sends what was the dead
// one's to send.
func TestANodeThatIsKilledUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	l := newLoad(onPostgres(t, 2), false)
	l.run(t.Context(), 96)
	killAgainAndAgain(t, l, *kills)
}

// killAgainAndAgain kills whichever process a moment happens at, each moment in
// turn, so near to it as can be: what was acknowledged in that instant counts.
func killAgainAndAgain(t *testing.T, l *load, times int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(*seed, 0))
	for k := range times {
		if !killAt(t, l, moment(k%int(moments)), 1+rng.IntN(60)) {
			break
		}
		l.audit(t.Context(), 64)
	}
	l.finish(t.Context(), t)
}

// killAt kills at the n-th moment m from now, and starts the process again on its
// data. It says whether all is well.
func killAt(t *testing.T, l *load, m moment, n int) bool {
	t.Helper()
	var victim *node
	done := l.watch.when(m, func(at *node) bool {
		if at.killed.Load() {
			return false // what it said before it died comes in late
		}
		if n--; n > 0 {
			return false
		}
		victim = at
		l.kill(at)
		return true
	})
	if !await(t, l, done, m.String()) {
		return false
	}
	l.lost(victim)
	if len(l.slots) > 1 {
		left := 20
		goesOn := l.watch.when(started, func(at *node) bool {
			if at != victim {
				left--
			}
			return left <= 0
		})
		if !await(t, l, goesOn, "the other node goes on") {
			return false
		}
	}
	l.start(victim.slot)
	return true
}

// await waits for what must come, unless something has gone wrong already.
func await(t *testing.T, l *load, done <-chan struct{}, what string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case <-done:
		return true
	case <-l.book.failed:
	case <-ctx.Done():
		t.Errorf("not within %s: %s", patience, what)
	}
	return false
}
