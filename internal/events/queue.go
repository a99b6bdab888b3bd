package events

import (
	"sync"

	"countersign/internal/verify"
)

const (
	// maxHeld is how many events are kept in memory, and maxParked how many of them for
	// one receiver that is busy: so many that a good receiver of a busy tenant is kept
	// busy, and so few that several bad ones leave room for the rest.
	maxHeld   = 4096
	maxParked = 512
)

// queue has the events that this node holds the lease of. Each is ready for a worker,
// with a worker, or parked until its receiver has less to do.
type queue struct {
	mu     sync.Mutex
	some   *sync.Cond // something is ready, or the queue is closed
	each   int        // attempts at one receiver at a time
	ready  []task
	parked map[string][]task
	busy   map[string]int // attempts at each receiver
	held   map[verify.EventKey]bool
	closed bool
}

// task is one event in hand.
type task struct {
	job   verify.EventJob
	host  string // at which it has a turn, if it is inside
	place place
}

// place is where a task stands before its receiver.
type place int

const (
	outside place = iota
	inside        // it has its turn
	waiting       // it is parked
	full          // too many are
)

func newQueue(each int) *queue {
	q := &queue{each: each, parked: map[string][]task{}, busy: map[string]int{}, held: map[verify.EventKey]bool{}}
	q.some = sync.NewCond(&q.mu)
	return q
}

// add takes an event in, unless it is in or there is no room.
func (q *queue) add(j verify.EventJob) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.held[j.Event.Key] || len(q.held) >= maxHeld {
		return
	}
	q.held[j.Event.Key] = true
	q.ready = append(q.ready, task{job: j})
	q.some.Signal()
}

// next waits for a task. After close it gives those that are left, and then none.
func (q *queue) next() (t task, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.ready) == 0 {
		if q.closed {
			return t, false // whoever is at a receiver brings those parked there
		}
		q.some.Wait()
	}
	t, q.ready = q.ready[0], q.ready[1:]
	return t, true
}

// enter asks for a turn at a receiver, and returns the task as it stands then.
func (q *queue) enter(t task, host string) task {
	q.mu.Lock()
	defer q.mu.Unlock()
	if t.place == inside && t.host == host {
		return t
	}
	q.leave(t) // it came for another receiver: the attempts at that one are used up
	t.host = host
	switch {
	case q.busy[host] < q.each:
		q.busy[host]++
		t.place = inside
	case len(q.parked[host]) < maxParked:
		t.place = waiting
		q.parked[host] = append(q.parked[host], t)
	default:
		t.place = full
	}
	return t
}

// done lets go of a task.
func (q *queue) done(t task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.held, t.job.Event.Key)
	q.leave(t)
}

// leave hands a task's turn to the next one that waits for it, which queues behind the
// others so that no receiver keeps all workers.
func (q *queue) leave(t task) {
	if t.place != inside {
		return
	}
	if line := q.parked[t.host]; len(line) > 0 {
		next := line[0]
		if next.place = inside; len(line) == 1 {
			delete(q.parked, t.host)
		} else {
			q.parked[t.host] = line[1:]
		}
		q.ready = append(q.ready, next)
		q.some.Signal()
		return
	}
	if q.busy[t.host]--; q.busy[t.host] == 0 {
		delete(q.busy, t.host)
	}
}

func (q *queue) holds(key verify.EventKey) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.held[key]
}

// room says how many events are in hand and how many more may be.
func (q *queue) room() (held, room int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.held), maxHeld - len(q.held)
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.some.Broadcast()
}
