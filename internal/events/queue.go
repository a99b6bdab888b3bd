package events

import (
	"slices"
	"sync"

	"countersign/internal/verify"
)

const (
	// maxHeld is how many events are kept in memory, and maxParked how many of them for
	// one receiver that is busy: so many that a good receiver of a busy tenant is kept
	// busy, and so few that several bad ones leave room for the rest.
	maxHeld   = 4096
	maxParked = 512
	// maxOfTenant is how many of them may be one tenant's: whoever has many receivers,
	// which costs nothing but names, must not fill the queue with those that never answer.
	maxOfTenant = maxHeld / 4
)

// queue has the events that this node holds the lease of. Each is ready for a worker,
// with a worker, or parked until its receiver has less to do. Tenants take turns, and
// none has all workers: bad receivers cost the one whose they are.
type queue struct {
	mu     sync.Mutex
	some   *sync.Cond // there may be a task for a worker, or the queue is closed
	each   int        // attempts at one receiver at a time
	share  int        // workers that one tenant may have
	ready  map[string][]task
	turns  []string       // the tenants that have something ready
	with   map[string]int // workers that each tenant has
	parked map[string][]task
	busy   map[string]int // attempts at each receiver
	held   map[verify.EventKey]bool
	of     map[string]int // of those held, each tenant's
	closed bool
}

// task is one event in hand.
type task struct {
	job   verify.EventJob
	host  string // at which it has a turn, if it is inside
	place place
}

func (t task) tenant() string { return t.job.Event.Tenant }

// place is where a task stands before its receiver.
type place int

const (
	outside place = iota
	inside        // it has its turn
	waiting       // it is parked
	full          // too many are
)

func newQueue(workers, each int) *queue {
	q := &queue{
		each: each, share: max(1, workers-max(1, each/2)), ready: map[string][]task{}, with: map[string]int{},
		parked: map[string][]task{}, busy: map[string]int{}, held: map[verify.EventKey]bool{}, of: map[string]int{},
	}
	q.some = sync.NewCond(&q.mu)
	return q
}

// add takes an event in, unless it is in or there is no room.
func (q *queue) add(j verify.EventJob) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.held[j.Event.Key] || len(q.held) >= maxHeld || q.of[j.Event.Tenant] >= maxOfTenant {
		return
	}
	q.held[j.Event.Key] = true
	q.of[j.Event.Tenant]++
	q.offer(task{job: j})
}

// offer makes a task ready for a worker, behind the others of its tenant.
func (q *queue) offer(t task) {
	who := t.tenant()
	if len(q.ready[who]) == 0 {
		q.turns = append(q.turns, who)
	}
	q.ready[who] = append(q.ready[who], t)
	q.some.Signal()
}

// next waits for a task. After close it gives those that are left, and then none.
func (q *queue) next() (t task, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		turn := slices.IndexFunc(q.turns, func(who string) bool { return q.with[who] < q.share })
		if turn >= 0 {
			return q.take(turn), true
		}
		if q.closed && len(q.turns) == 0 {
			return t, false // whoever is at a receiver brings those parked there
		}
		q.some.Wait()
	}
}

// take gives the worker the first task of the tenant whose turn it is, who then queues
// behind the other tenants.
func (q *queue) take(turn int) task {
	who := q.turns[turn]
	q.turns = slices.Delete(q.turns, turn, turn+1)
	t := q.ready[who][0]
	if q.ready[who] = q.ready[who][1:]; len(q.ready[who]) == 0 {
		delete(q.ready, who)
	} else {
		q.turns = append(q.turns, who)
	}
	q.with[who]++
	return t
}

// free takes back a tenant's worker.
func (q *queue) free(who string) {
	count(q.with, who)
	q.some.Broadcast() // another task of the tenant may have it now
}

// count takes one off.
func count(m map[string]int, name string) {
	if m[name]--; m[name] <= 0 {
		delete(m, name)
	}
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
		q.free(t.tenant())
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
	count(q.of, t.tenant())
	q.leave(t)
	q.free(t.tenant())
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
		q.offer(next)
		return
	}
	count(q.busy, t.host)
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
