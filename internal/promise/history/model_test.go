package history

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"

	"countersign/internal/verify"
)

// ask is one operation of a history, as its client sent it.
type ask struct {
	act    string // start, check or look
	number string
	id     string // names the verification of a check or look; empty: the number does
	code   string
	at     int // true seconds since the history began
}

// state is all that one number's verifications have come to, by the rules alone.
// It shares nothing with the core but the figures.
type state struct {
	all    []one // the last one is the live one
	streak int
}

// one is one verification. Its id is empty until some client was told it.
type one struct {
	id, code, status      string
	guesses, sends        int
	sentAt, begun, expiry int
}

// cooldown is the wait in seconds after each send of a verification.
var cooldown = []int{30, 60, 120, 300}

// model says what one client at a time could have been told. An answer that never
// came, or that promised nothing, may stand for the deed done or not done, and
// nothing is done after it: the checker follows both. (Were it open-ended, so that
// it may also come after everything else, a long history would take hours.)
func model() porcupine.Model {
	both := porcupine.NondeterministicModel{
		Partition: byOneNumber,
		Init:      func() []any { return []any{state{}} },
		Step: func(before, input, output any) []any {
			ok, after := before.(state).step(input.(ask), output.(said))
			switch {
			case output.(said).unknown():
				return []any{before, after}
			case ok:
				return []any{after}
			}
			return nil
		},
		Equal: func(a, b any) bool {
			return a.(state).streak == b.(state).streak && slices.Equal(a.(state).all, b.(state).all)
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
		DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s) },
	}
	return both.ToModel()
}

func byOneNumber(history []porcupine.Operation) [][]porcupine.Operation {
	index := map[string]int{}
	var parts [][]porcupine.Operation
	for _, op := range history {
		n := op.Input.(ask).number
		i, ok := index[n]
		if !ok {
			i = len(parts)
			index[n], parts = i, append(parts, nil)
		}
		parts[i] = append(parts[i], op)
	}
	return parts
}

// step says whether told is an answer to a, and what the state is then.
func (s state) step(a ask, told said) (bool, any) {
	s.all = slices.Clone(s.all)
	switch a.act {
	case "start":
		return s.start(a, told)
	case "check":
		return s.check(a, told)
	}
	return s.look(a, told)
}

// statusAt is what anyone should see.
func (v one) statusAt(at int) string {
	if v.status == "pending" && at >= v.expiry {
		return "expired"
	}
	return v.status
}

func (s state) start(a ask, told said) (bool, any) {
	refused := func(detail string) (bool, any) {
		return told.unknown() || strings.HasPrefix(told.Detail, detail), s
	}
	if s.streak >= verify.MaxStreak {
		return refused("Too many wrong codes")
	}
	if len(s.all) > 0 {
		live := &s.all[len(s.all)-1]
		if same := live.code == a.code; live.statusAt(a.at) == "pending" {
			switch {
			case same && a.at < live.sentAt+int(verify.RepeatWindow.Seconds()): // nothing is sent
				return s.toldOf(live, told)
			case live.sends >= verify.MaxSends:
				return refused("This verification has had all")
			case a.at < live.sentAt+cooldown[live.sends-1]:
				return refused("A code was sent")
			case same:
				live.sends, live.sentAt = live.sends+1, a.at
				return s.toldOf(live, told)
			}
			live.status = "canceled"
		}
	}
	s.all = append(s.all, one{code: a.code, status: "pending", sends: 1, sentAt: a.at, begun: a.at, expiry: a.at + 600})
	return s.toldOf(&s.all[len(s.all)-1], told)
}

// toldOf says whether a start can have been answered with v, and learns v's id.
func (s state) toldOf(v *one, told said) (bool, any) {
	if told.unknown() {
		return true, s
	}
	if told.ID == "" || told.State != "pending" {
		return false, s
	}
	if v.id == "" {
		if slices.ContainsFunc(s.all, func(o one) bool { return o.id == told.ID }) {
			return false, s // two verifications never share an id
		}
		v.id = told.ID
	}
	return v.id == told.ID, s
}

// named finds the verification that an ask names.
func (s state) named(a ask) *one {
	if a.id == "" && len(s.all) > 0 {
		return &s.all[len(s.all)-1]
	}
	for i := range s.all {
		if a.id != "" && s.all[i].id == a.id {
			return &s.all[i]
		}
	}
	return nil
}

func (s state) check(a ask, told said) (bool, any) {
	v := s.named(a)
	if v == nil {
		return told.unknown() || told.Status == 404, s
	}
	answered := func(reason string) (bool, any) {
		return told.unknown() || told.Status == 200 && told.Reason == reason, s
	}
	switch v.statusAt(a.at) {
	case "accepted":
		return answered(used)
	case "expired":
		return answered(expired)
	case "canceled":
		return answered(canceled)
	case "exhausted":
		return answered(exhausted)
	}
	if s.streak >= verify.MaxStreak {
		return answered(locked)
	}
	v.guesses++
	s.streak++
	switch {
	case a.code == v.code:
		v.status, s.streak = "accepted", 0
		return answered(accepted)
	case v.guesses == verify.MaxGuesses:
		v.status = "exhausted"
		return answered(exhausted)
	}
	return answered(wrongCode)
}

// look is a GET of a verification by its id.
func (s state) look(a ask, told said) (bool, any) {
	v := s.named(a)
	if v == nil || told.unknown() {
		return told.unknown() || told.Status == 404, s
	}
	shown := v.statusAt(a.at)
	if shown == "canceled" || shown == "exhausted" {
		shown = "invalid"
	}
	return told.ID == v.id && told.State == shown, s
}
