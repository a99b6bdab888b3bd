//go:build unix

package process

import "sync"

// moment is something that a test sees happen and can act on at once.
type moment int

// The moments of one verification, in their order.
const (
	asked    moment = iota // a request has been written and not been answered
	answered               // the first byte of an answer has come
	started                // a start was acknowledged
	carried                // a carrier has a message and has not answered
	taken                  // a carrier has answered that it took a message
	counted                // a wrong guess was acknowledged
	accepted               // a right guess was acknowledged
	moments
)

func (m moment) String() string {
	return [...]string{
		"a request has been written", "an answer begins", "a start was acknowledged", "a carrier has a message and is silent",
		"a carrier took a message", "a wrong guess was acknowledged", "a right guess was acknowledged",
	}[m]
}

// watch lets a test act at a moment, in the goroutine that sees it, so that what
// it does is as near to the moment as can be.
type watch struct {
	mu      sync.Mutex
	waiters [moments][]*waiter
}

type waiter struct {
	act  func(*node) bool
	done chan struct{}
}

// when calls act at each moment m until it returns true, and then closes the
// channel. The node is the one that the moment happens at.
func (w *watch) when(m moment, act func(*node) bool) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := &waiter{act, make(chan struct{})}
	w.waiters[m] = append(w.waiters[m], one)
	return one.done
}

// see says that a moment has come.
func (w *watch) see(m moment, n *node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var left []*waiter
	for _, one := range w.waiters[m] {
		if one.act(n) {
			close(one.done)
		} else {
			left = append(left, one)
		}
	}
	w.waiters[m] = left
}
