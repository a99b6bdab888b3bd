package verify_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"countersign/internal/phone"
	"countersign/internal/verify"
)

var (
	seeds = flag.Uint64("seeds", 150, "how many histories to try")
	first = flag.Uint64("first", 0, "the seed to begin with: a failing one fails again")
)

// TestPropertyNoHistoryBreaksTheRules drives the core through random histories
// of a few numbers and checks after every step what must hold over the whole.
func TestPropertyNoHistoryBreaksTheRules(t *testing.T) {
	for seed := *first; seed < *first+*seeds; seed++ {
		if err := history(t, seed, 300); err != nil {
			t.Fatalf("%v\nagain: go test ./internal/verify -run Property -args -first %d -seeds 1", err, seed)
		}
	}
	t.Logf("%d histories of 300 steps", *seeds)
}

// tally is what the observer outside the core has counted.
type tally struct {
	accepted map[verify.ID]int
	guesses  map[verify.ID]int
	sentAt   map[verify.ID][]time.Time
	streak   map[verify.SubjectKey]int
	known    []verify.Verification
}

func history(t *testing.T, seed uint64, steps int) error {
	w := newWorld()
	r := rand.New(rand.NewPCG(seed, 7))
	w.env.Limits = verify.Limits{Hour: hourly(1 + r.IntN(40)), Backlog: 100}
	seen := tally{map[verify.ID]int{}, map[verify.ID]int{}, map[verify.ID][]time.Time{}, map[verify.SubjectKey]int{}, nil}
	numbers := []phone.Number{ada, bob}
	for range steps {
		w.pass(time.Duration(r.IntN(90)) * time.Second)
		var err error
		switch pick := r.IntN(10); {
		case pick < 3 || len(seen.known) == 0:
			err = seen.start(w, start(numbers[r.IntN(2)]))
		case pick < 4:
			v := seen.known[r.IntN(len(seen.known))]
			err = seen.resend(w, verify.Resend{Tenant: "t", Verification: v.ID})
		case pick < 9:
			err = seen.guess(t, w, seen.known[max(0, len(seen.known)-1-r.IntN(3))], r.IntN(12) == 0)
		default:
			v := seen.known[r.IntN(len(seen.known))]
			if _, err := do(w, verify.Cancel{Tenant: "t", Verification: v.ID}); err != nil && verify.KindOf(err) == "" {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *tally) start(w *world, cmd verify.Start) error {
	before := w.state()
	got, err := do(w, cmd)
	if err != nil {
		return unchanged(before, w, err)
	}
	if s.sentAt[got.Verification.ID] == nil {
		s.known = append(s.known, got.Verification)
	}
	return s.sent(w, got)
}

func (s *tally) resend(w *world, cmd verify.Resend) error {
	before := w.state()
	got, err := do(w, cmd)
	if err != nil {
		return unchanged(before, w, err)
	}
	return s.sent(w, got)
}

func (s *tally) sent(w *world, got verify.Started) error {
	if !got.Sent {
		return nil
	}
	id := got.Verification.ID
	waits := []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}
	if n := len(s.sentAt[id]); n > 0 && (n >= 5 || w.now.Sub(s.sentAt[id][n-1]) < waits[n-1]) {
		return fmt.Errorf("message %d of %s went out %s after the last", n+1, id, w.now.Sub(s.sentAt[id][n-1]))
	}
	s.sentAt[id] = append(s.sentAt[id], w.now)
	return nil
}

func (s *tally) guess(t *testing.T, w *world, v verify.Verification, right bool) error {
	text := w.wrong(t, v)
	if right {
		text = w.code(t, v)
	}
	got, err := do(w, check(v, text))
	if err != nil {
		return err
	}
	switch got.Outcome {
	case verify.OutcomeAccepted:
		s.accepted[v.ID]++
		s.streak[v.Subject] = 0
		if !right || !w.now.Before(v.ExpiresAt) {
			return fmt.Errorf("accepted: right %v, %s past the end", right, w.now.Sub(v.ExpiresAt))
		}
	case verify.OutcomeWrong, verify.OutcomeExhausted:
		if got.Verification.Guesses == s.guesses[v.ID] {
			break // not evaluated any more
		}
		s.streak[v.Subject]++
	}
	s.guesses[v.ID] = got.Verification.Guesses
	if s.accepted[v.ID] > 1 || s.guesses[v.ID] > verify.MaxGuesses || s.streak[v.Subject] > verify.MaxStreak {
		return fmt.Errorf("%s: accepted %d times, %d guesses, streak %d", v.ID, s.accepted[v.ID], s.guesses[v.ID], s.streak[v.Subject])
	}
	if got := w.Subject(v.Subject).Streak; got != s.streak[v.Subject] {
		return fmt.Errorf("the streak is %d, the observer counted %d", got, s.streak[v.Subject])
	}
	return nil
}

func (w *world) state() []any {
	return []any{w.DirtySubjects(), w.DirtyVerifications(), w.DirtyDeliveries(), w.DirtyBuckets(), w.DirtyReplays()}
}

// unchanged demands that a refusal is one of the core's and left no trace.
func unchanged(before []any, w *world, err error) error {
	if verify.KindOf(err) == "" {
		return err
	}
	if !reflect.DeepEqual(before, w.state()) {
		return fmt.Errorf("a refusal (%w) changed rows", err)
	}
	return nil
}
