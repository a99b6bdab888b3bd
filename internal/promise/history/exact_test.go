package history

import (
	"flag"
	"testing"
	"time"

	"countersign/internal/verify"
)

var (
	rounds  = flag.Int("rounds", 30, "how many rounds of clients released at once, per store")
	clients = flag.Int("clients", 16, "how many clients a round has")
)

// The reasons of a rejected check, as the dialect words them.
const (
	accepted  = "accepted"
	wrongCode = "wrong_code"
	exhausted = "max_attempts_exceeded"
	used      = "already_used"
	expired   = "expired"
	locked    = "number_locked"
	canceled  = "canceled"
)

// tally is what the rounds have shown in all.
type tally struct{ rounds, accepted, doubles, evaluated, most int }

// TestACodeIsAcceptedOnceAndFiveGuessesAreEvaluatedHoweverManyAskAtOnce takes the
// three kinds of round in turn: all right, all wrong, and one right among wrong.
func TestACodeIsAcceptedOnceAndFiveGuessesAreEvaluatedHoweverManyAskAtOnce(t *testing.T) {
	kinds := []func(*world, int, *tally){allRight, allWrong, oneRight}
	onEveryForm(t, func(t *testing.T, database string, nodes int) {
		w := newWorld(t, database, nodes)
		var sum tally
		for i := range *rounds {
			kinds[i%len(kinds)](w, i, &sum)
			sum.rounds++
			if i%100 == 99 {
				w.carrier.Forget()
			}
			if t.Failed() {
				t.Fatalf("round %d", i)
			}
		}
		t.Logf("%d rounds of %d clients: %d accepted, %d doubles, %d guesses evaluated, at most %d of one verification",
			sum.rounds, *clients, sum.accepted, sum.doubles, sum.evaluated, sum.most)
	})
}

// asks sends guesses in turn by id and by number, to the nodes in turn.
func asks(w *world, id, number string, code func(i int) string) func(i int) said {
	return func(i int) said {
		if n := w.node(i / 2); i%2 == 0 {
			return n.check(id, code(i))
		}
		return w.node(i/2).checkNumber(number, code(i))
	}
}

func allRight(w *world, round int, sum *tally) {
	number := w.number()
	id := w.node(round).start(number)
	code := w.code(number)
	ask := asks(w, id, number, func(int) string { return code })
	told := together(*clients, ask)
	told = append(told, ask(round), ask(round+1), ask(round+2)) // and none ever after
	n := count(told, accepted)
	if n != 1 || count(told, used) != len(told)-1 {
		w.t.Errorf("the right code: %+v", told)
	}
	sum.add(1, n)
}

func allWrong(w *world, round int, sum *tally) {
	number := w.number()
	id := w.node(round).start(number)
	code := w.code(number)
	told := together(*clients, asks(w, id, number, func(i int) string { return wrong(code, i) }))
	right := asks(w, id, number, func(int) string { return code })
	told = append(told, right(round), right(round+1), right(round+2))
	// The fifth wrong guess is answered like those that are not evaluated any more.
	if count(told, wrongCode) != verify.MaxGuesses-1 || count(told, exhausted) != len(told)-(verify.MaxGuesses-1) {
		w.t.Errorf("wrong codes, then the right one: %+v", told)
	}
	sum.add(1+count(told, wrongCode), count(told, accepted))
}

func oneRight(w *world, round int, sum *tally) {
	number := w.number()
	id := w.node(round).start(number)
	code := w.code(number)
	told := together(*clients, asks(w, id, number, func(i int) string {
		if i == round%*clients {
			return code
		}
		return wrong(code, i)
	}))
	told = append(told, asks(w, id, number, func(int) string { return code })(round))
	n, bad := count(told, accepted), count(told, wrongCode)
	// Whoever came first: it was in time, or the wrong ones had used all guesses up.
	inTime := n == 1 && bad < verify.MaxGuesses && count(told, used) == len(told)-1-bad
	late := n == 0 && bad == verify.MaxGuesses-1 && count(told, exhausted) == len(told)-bad
	if !inTime && !late {
		w.t.Errorf("the right code among wrong ones: %+v", told)
	}
	if late {
		bad++
	}
	sum.add(bad+n, n)
}

func (s *tally) add(evaluated, accepted int) {
	s.evaluated += evaluated
	s.accepted += accepted
	s.doubles += max(0, accepted-1)
	s.most = max(s.most, evaluated)
}

// TestAHundredWrongGuessesInARowLockANumber counts over verifications, resends, a
// replaced code, an expired one, both nodes, and restarts: a hundred are evaluated,
// and the next one is refused even if it is right.
func TestAHundredWrongGuessesInARowLockANumber(t *testing.T) {
	onEveryForm(t, func(t *testing.T, database string, nodes int) {
		w := newWorld(t, database, nodes)
		number := w.number()
		evaluated, turn := 0, 0
		guess := func(id, code string) said {
			turn++
			s := w.node(turn).check(id, code)
			if s.Reason == wrongCode {
				evaluated++
			}
			return s
		}
		begin := func() (id, code string) {
			turn++
			id = w.node(turn).start(number)
			return id, w.code(number)
		}
		expiring, code := begin()
		for i := range 4 {
			guess(expiring, wrong(code, i))
		}
		w.pass(31 * time.Second)
		if again, same := begin(); again != expiring || same != code {
			t.Fatal("a resend made another verification")
		}
		w.pass(verify.MaxValidity)
		for evaluated < verify.MaxStreak-1 {
			id, code := begin()
			told := together(*clients, asks(w, id, number, func(i int) string { return wrong(code, i) }))
			if n := count(told, wrongCode); n != verify.MaxGuesses-1 || count(told, exhausted) != len(told)-n {
				t.Fatalf("after %d guesses: %+v", evaluated, told)
			}
			evaluated += verify.MaxGuesses
			if evaluated%25 == 4 {
				restart(w)
			}
		}
		last, code := begin()
		told := together(*clients, asks(w, last, number, func(i int) string { return wrong(code, i) }))
		evaluated += count(told, wrongCode)
		if evaluated != verify.MaxStreak || count(told, locked) != len(told)-1 {
			t.Fatalf("%d guesses were evaluated: %+v", evaluated, told)
		}
		for range 4 { // each node, before and after a restart
			if s := guess(last, code); s.Reason != locked {
				t.Errorf("the right code as guess %d: %+v", evaluated+1, s)
			}
			if s := w.node(turn).tryStart(number, ""); s.Status != 422 {
				t.Errorf("a start of a locked number: %+v", s)
			}
			restart(w)
		}
		t.Logf("%d guesses evaluated, the next one refused", evaluated)
	})
}

// restart ends every node and begins it again.
func restart(w *world) {
	for _, n := range w.nodes {
		w.client.CloseIdleConnections()
		n.stop()
		n.open()
	}
}
