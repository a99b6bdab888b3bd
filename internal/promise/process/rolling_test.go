//go:build unix

package process

import (
	"strings"
	"testing"
)

// A release is rolled out: each node is told to stop, ends in order and is started
// again, while clients go on. A client meets nothing that it would not ask another
// node about: a refused connection, or one that is closed before the node took the
// request. What a node did take in hand it answers, and it leaves no message for
// others to find out about.
func TestARollingRestartFailsNoRequest(t *testing.T) {
	t.Parallel()
	c := onPostgres(t, 2)
	l := newLoad(c, true)
	l.run(t.Context(), 32)
	for range *rounds {
		for slot := range c.slots {
			if !restart(t, l, slot) {
				break
			}
		}
	}
	l.finish(t.Context(), t)
}

// restart stops a node under load and starts it again, and waits until both have
// had their share of the load.
func restart(t *testing.T, l *load, slot int) bool {
	t.Helper()
	old := l.node(slot)
	if !share(t, l, old) {
		return false
	}
	old.terminate(t)
	l.lost(old)
	if log := old.stderr.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("a node that was told to stop reports faults:\n%s", log)
	}
	return share(t, l, l.start(slot))
}

// share waits until a node has answered some requests.
func share(t *testing.T, l *load, n *node) bool {
	t.Helper()
	left := 25
	done := l.watch.when(accepted, func(at *node) bool {
		if at == n {
			left--
		}
		return left <= 0
	})
	return await(t, l, done, "a node gets its share of the load")
}
