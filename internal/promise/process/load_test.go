//go:build unix

package process

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patience is for what must come and whose time is no promise here.
const patience = 60 * time.Second

// load is users that go through verifications one after the other, until it is
// told to stop, and the book of what they were told.
type load struct {
	*cluster
	book    *book
	met     figures
	next    atomic.Int64 // numbers given out
	stopped atomic.Bool
	users   sync.WaitGroup
	auditor *client
}

func newLoad(c *cluster, strict bool) *load {
	l := &load{cluster: c, book: newBook(&c.kills, strict)}
	l.auditor = newClient(c, &l.met, false)
	return l
}

// run lets users begin. Every second one makes a new connection for each request.
func (l *load) run(ctx context.Context, users int) {
	ctx, l.book.stop = context.WithCancel(ctx)
	for i := range users {
		u := &user{l, newClient(l.cluster, &l.met, i%2 == 0), i%2 == 0, rand.New(rand.NewPCG(*seed, uint64(i)))}
		l.users.Go(func() {
			for !l.stopped.Load() && !l.book.hasFailed() {
				u.verification(ctx)
			}
		})
	}
}

// finish lets every user end what it has begun, and holds the whole book against
// the service and the carrier.
func (l *load) finish(ctx context.Context, t testing.TB) {
	t.Helper()
	l.stopped.Store(true)
	l.users.Wait()
	l.audit(ctx, math.MaxInt)
	sent := map[string][]string{}
	for _, m := range l.api.Messages() {
		sent[m.To] = append(sent[m.To], codeIn(m.Text))
	}
	more := 0
	if !l.book.hasFailed() {
		more = l.book.messages(sent)
	}
	l.book.report(t, more, &l.met)
}

// audit looks at the newest of what clients are through with, and whether there is
// what they are not through with.
func (l *load) audit(ctx context.Context, newest int) {
	for id, r := range l.book.pending() {
		if a, err := l.auditor.do(ctx, lookAt(id)); err != nil || a.status != http.StatusOK {
			l.book.breach(lost, r, "an acknowledged start: %s, %v", a, err)
		}
	}
	work := make(chan *record)
	var auditors sync.WaitGroup
	for range 16 {
		auditors.Go(func() {
			for r := range work {
				if !l.book.hasFailed() { // else users have stopped in the middle
					l.look(ctx, r)
				}
			}
		})
	}
	for _, r := range l.book.newest(newest) {
		work <- r
	}
	close(work)
	auditors.Wait()
}

func (l *load) look(ctx context.Context, r *record) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a, err := l.auditor.do(ctx, lookAt(r.id))
	if err != nil {
		l.book.breach(broken, r, "a look at it: %v", err)
		return
	}
	l.book.seen(r, a)
	if a, err = l.auditor.do(ctx, checkOf(r.id, r.code, "")); err != nil {
		l.book.breach(broken, r, "one more right guess: %v", err)
		return
	}
	l.book.answered(r, a, false)
}

// user is one of those who keep the service busy.
type user struct {
	*load
	client *client
	fresh  bool
	rng    *rand.Rand
}

// verification goes through one from start to end, whatever is killed meanwhile.
func (u *user) verification(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r := u.book.open(number(int(u.next.Add(1))))
	defer u.book.close(r)
	if err := u.begin(ctx, r); err != nil {
		u.book.breach(broken, r, "a start: %v", err)
		return
	}
	if r.id == "" {
		return
	}
	m, err := u.api.Wait(ctx, r.number)
	if err != nil {
		u.book.breach(unsent, r, "no message: %v", err)
		return
	}
	r.code = codeIn(m.Text)
	wrongs := [...]int{0, 0, 1, 2, 5}[u.rng.IntN(5)]
	for i := 0; i < wrongs && err == nil; i++ {
		err = u.guess(ctx, r)
	}
	if err == nil {
		err = u.succeed(ctx, r)
	}
	if err != nil {
		u.book.breach(broken, r, "a check: %v", err)
	}
}

// begin starts, most often under an Idempotency-Key, as the official SDKs do.
func (u *user) begin(ctx context.Context, r *record) error {
	key := ""
	if u.rng.IntN(4) > 0 {
		key = "start " + r.number
	}
	a, err := u.client.do(ctx, startOf(r.number, key))
	if err != nil {
		return err
	}
	if u.book.started(r, a) {
		u.unanswered(r, a)
		u.watch.see(started, a.node)
	}
	return nil
}

// unanswered finds, where nobody is killed, that a request was carried out whose
// connection was cut: the verification is older than the request that was answered.
func (u *user) unanswered(r *record, a answer) {
	if !u.book.strict || a.cuts == 0 {
		return
	}
	made, err := time.Parse("2006-01-02T15:04:05.000000", a.data.CreatedAt)
	if err != nil || made.Before(a.asked.Truncate(time.Millisecond)) {
		u.book.breach(broken, r, "a request in hand was cut off (a connection of its own: %v): %s, asked again %s, %v", u.fresh, a, a.asked, err)
	}
}

// guess tries a wrong code.
func (u *user) guess(ctx context.Context, r *record) error {
	key := u.key(r)
	a, err := u.client.do(ctx, checkOf(r.id, wrongFor(r.code), key))
	if err != nil {
		return err
	}
	u.book.guessed(r, a, key != "")
	u.watch.see(counted, a.node)
	return nil
}

// succeed tries the right code, sometimes twice at once, and again afterwards.
func (u *user) succeed(ctx context.Context, r *record) error {
	key := u.key(r)
	answers, err := u.atOnce(ctx, checkOf(r.id, r.code, key), key == "" && u.rng.IntN(2) == 0)
	if err != nil {
		return err
	}
	for _, a := range answers {
		u.book.answered(r, a, key != "")
		u.watch.see(accepted, a.node)
	}
	again, err := u.client.do(ctx, checkOf(r.id, r.code, ""))
	if err != nil {
		return err
	}
	u.book.answered(r, again, false)
	if key == "" {
		return nil
	}
	replay, err := u.client.do(ctx, checkOf(r.id, r.code, key))
	if err == nil && replay.said() != answers[0].said() {
		u.book.breach(undone, r, "under one Idempotency-Key %s and then %s", answers[0], replay)
	}
	return err
}

// atOnce makes a call once, or by two at a time; who was told yes comes first.
func (u *user) atOnce(ctx context.Context, q call, two bool) ([]answer, error) {
	if !two {
		a, err := u.client.do(ctx, q)
		return []answer{a}, err
	}
	var answers [2]answer
	var errs [2]error
	var both sync.WaitGroup
	for i := range answers {
		both.Go(func() { answers[i], errs[i] = u.client.do(ctx, q) })
	}
	both.Wait()
	// Either may have been carried out without being told.
	cuts := answers[0].cuts + answers[1].cuts
	answers[0].cuts = cuts
	if answers[1].said() == saidAccepted {
		answers[0], answers[1] = answers[1], answers[0]
		answers[0].cuts = cuts
	}
	return answers[:], errors.Join(errs[0], errs[1])
}

// key is an Idempotency-Key for one check, or none.
func (u *user) key(r *record) string {
	if u.rng.IntN(2) == 0 {
		return ""
	}
	return fmt.Sprintf("check %s %x", r.number, u.rng.Uint64())
}

// codeIn takes the code out of a message's text.
func codeIn(text string) string { return strings.Trim(text[strings.LastIndex(text, " "):], " .") }

func wrongFor(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}
