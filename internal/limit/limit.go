// Package limit is the arithmetic of rate limits: how many events may happen at
// once, how fast the allowance comes back, and how long a caller has to wait.
//
// The one idea is the generic cell rate algorithm (GCRA): a limit needs a single
// instant as its whole memory, so it fits in one column of a row and two nodes
// that lock that row cannot disagree. The package stores nothing, reads no clock
// and decides nothing about who is limited: those are the core's affairs.
package limit

import "time"

// Rule allows Count events at once, after which one comes back every Per/Count: in
// the first stretch of Per there can be twice Count, and Count in each one after
// it. The zero Rule allows everything.
type Rule struct {
	Count int
	Per   time.Duration
	// Fixed: never more than Count in each stretch of Per since 1970, and all of them
	// back when the next one begins, as money a day is counted.
	Fixed bool
}

// State is the memory of one limit: the instant, in Unix milliseconds, at which
// its allowance is whole again. The zero State is an unused limit.
type State int64

// Idle says whether nothing of the limit is spent at now: then its memory is worth
// no more than none.
func (s State) Idle(now time.Time) bool { return s <= StateAt(now) }

// Take spends one event at now. It returns the state to store and zero, or the
// unchanged state and how long to wait before one event is allowed.
func (r Rule) Take(s State, now time.Time) (State, time.Duration) {
	if r.Unlimited() {
		return s, 0
	}
	if r.Fixed {
		return r.count(s, now)
	}
	step := r.step()
	at := now.UnixMilli()
	// A state further ahead than a full allowance can only come from a clock that
	// stood ahead or from a rule that was wider: nobody waits longer than Per.
	whole := min(max(int64(s), at), at+step*int64(r.Count))
	if over := whole + step - (at + step*int64(r.Count)); over > 0 {
		return s, time.Duration(over) * time.Millisecond
	}
	return State(whole + step), 0
}

// step is how many milliseconds one event takes to come back. Rounded down, a rule of
// more events than milliseconds would have none, and would limit nobody.
func (r Rule) step() int64 {
	count := int64(r.Count)
	return (r.Per.Milliseconds() + count - 1) / count
}

// count spends one event of a fixed stretch. Its memory is the stretch's end and as
// many milliseconds after it as events are spent, so that it is idle once the stretch
// is over, as other states are.
func (r Rule) count(s State, now time.Time) (State, time.Duration) {
	per := r.Per.Milliseconds()
	at := now.UnixMilli()
	end := State(at - at%per + per)
	spent := max(0, s-end)
	if spent >= State(r.Count) {
		return s, time.Duration(int64(end)-at) * time.Millisecond
	}
	return end + spent + 1, 0
}

// Left says how many events may happen at now, and after how long none is spent any
// more. It is not to be asked of a rule that is unlimited.
func (r Rule) Left(s State, now time.Time) (left int, reset time.Duration) {
	per, at := r.Per.Milliseconds(), now.UnixMilli()
	if r.Fixed {
		end := State(at - at%per + per)
		return r.Count - int(min(max(0, s-end), State(r.Count))), time.Duration(int64(end)-at) * time.Millisecond
	}
	step := r.step()
	ahead := min(max(int64(s)-at, 0), step*int64(r.Count))
	return r.Count - int((ahead+step-1)/step), time.Duration(ahead) * time.Millisecond
}

// Until says how long it takes until n events may happen at once, if none happens
// meanwhile; zero if they may at now. It is not to be asked of a rule that is unlimited.
func (r Rule) Until(n int, s State, now time.Time) time.Duration {
	left, reset := r.Left(s, now)
	if left >= n {
		return 0
	}
	if r.Fixed {
		return reset
	}
	return reset - time.Duration(r.step()*int64(r.Count-n))*time.Millisecond
}

// Unlimited says whether the rule lets everything pass.
func (r Rule) Unlimited() bool { return r.Count <= 0 || r.Per <= 0 }

// StateAt is the latest state that is idle at now.
func StateAt(now time.Time) State { return State(now.UnixMilli()) }
