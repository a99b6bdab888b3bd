package verify_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/internal/limit"
	"countersign/internal/verify"
)

// observer knows what clients asked and were told, and what carriers were handed,
// with the true time. It looks into no row and shares no rule with the core: it
// says what the promises allow next, and fails the history at anything else.
//
// Where a client was not told what came of a command, the observer keeps both
// ends: what surely happened and what may have.
type observer struct {
	sim      *sim
	subjects map[subjectName]*seenSubject
	byID     map[verify.ID]*seenVerification
	all      []*seenVerification // in the order in which they were seen
	messages map[verify.DeliveryKey]*seenMessage
	codes    map[verify.ID]string // as carriers saw them
	replays  map[replayName]*seenReplay
	uses     map[replayName]map[[16]byte]time.Time
	networks map[string]*spent
}

// slack is how far the clocks of two nodes are apart at most.
const slack = 5 * time.Second

// subjectName is a subject in the clear.
type subjectName struct {
	tenant  string
	profile verify.ID
	purpose string
	number  string
}

type seenSubject struct {
	name      subjectName
	low, high int // wrong guesses in a row: surely, and at most
	newest    *seenVerification
	maybeNew  int // starts of unknown outcome since newest
	unheard   int // all of them
	spent     spent
}

// spent is the times at which a limit was drawn on, surely or maybe.
type spent struct{ sure, maybe []time.Time }

type seenVerification struct {
	id       verify.ID
	subject  *seenSubject
	custom   string
	born     time.Time // true time of its start
	end      time.Time // true time of its expiry
	vague    bool      // its start was never answered
	accepted string    // the request that was told yes
	canceled bool
	expired  bool
	used     bool // exhausted
	settled  time.Time
	guesses  int // surely evaluated
	maybe    int // more that may have been

	maybeAccepted, maybeCanceled bool

	sends      map[int]time.Time // of messages that a client was told of
	last       int               // the newest of them
	maybeSends int
	channel    verify.Channel // of the newest
}

func newObserver(s *sim) *observer {
	return &observer{
		sim: s, subjects: map[subjectName]*seenSubject{}, byID: map[verify.ID]*seenVerification{},
		messages: map[verify.DeliveryKey]*seenMessage{}, codes: map[verify.ID]string{},
		replays: map[replayName]*seenReplay{}, networks: map[string]*spent{},
		uses: map[replayName]map[[16]byte]time.Time{},
	}
}

func (o *observer) subject(name subjectName) *seenSubject {
	s := o.subjects[name]
	if s == nil {
		s = &seenSubject{name: name}
		o.subjects[name] = s
	}
	return s
}

func (o *observer) network(name string) *spent {
	n := o.networks[name]
	if n == nil {
		n = &spent{}
		o.networks[name] = n
	}
	return n
}

// String says what is known of v, with no address in memory, so that equal
// histories have equal words.
func (v *seenVerification) String() string {
	if v == nil {
		return "unknown"
	}
	return fmt.Sprintf("{%s ends %s vague=%v accepted=%q canceled=%v expired=%v exhausted=%v guesses=%d+%d maybe accepted=%v canceled=%v sends=%d+%d by %s}",
		v.id, v.end.Format("15:04:05.000"), v.vague, v.accepted, v.canceled, v.expired, v.used, v.guesses, v.maybe,
		v.maybeAccepted, v.maybeCanceled, v.last, v.maybeSends, v.channel)
}

func (s *seenSubject) String() string {
	if s == nil {
		return "unknown"
	}
	return fmt.Sprintf("{%v streak %d to %d, %d unknown starts}", s.name, s.low, s.high, s.maybeNew)
}

// alive says that v surely takes guesses and messages at t, as far as its status goes.
func (v *seenVerification) alive(t time.Time) bool {
	return !v.dead() && !v.vague && !v.maybeAccepted && !v.maybeCanceled && v.guesses+v.maybe < 5 && t.Before(v.end.Add(-slack))
}

// over says that v surely takes none at t.
func (v *seenVerification) over(t time.Time) bool { return v.dead() || !t.Before(v.end.Add(slack)) }

// dead says that a client was told that v has settled.
func (v *seenVerification) dead() bool { return v.accepted != "" || v.canceled || v.used || v.expired }

// settle notes when a client was first told so.
func (v *seenVerification) settle(at time.Time) {
	if v.settled.IsZero() {
		v.settled = at
	}
}

// right says whether a guess is v's code, and whether that is known at all: a
// code is seen by the carriers, or chosen by the customer.
func (o *observer) right(v *seenVerification, guess string) (right, known bool) {
	code := o.codes[v.id]
	if code == "" && !v.vague {
		code = v.custom
	}
	return strings.EqualFold(code, strings.ReplaceAll(guess, " ", "")), code != "" || guess == impossible
}

// mayAnswer lists what a check of v may find at t.
func (o *observer) mayAnswer(v *seenVerification, right bool, t time.Time) []verify.Outcome {
	switch {
	case v.accepted != "":
		return []verify.Outcome{verify.OutcomeUsed}
	case v.canceled:
		return []verify.Outcome{verify.OutcomeCanceled}
	case v.used:
		return []verify.Outcome{verify.OutcomeExhausted}
	}
	var may []verify.Outcome
	add := func(x verify.Outcome, when bool) {
		if when {
			may = append(may, x)
		}
	}
	add(verify.OutcomeUsed, v.maybeAccepted)
	add(verify.OutcomeCanceled, v.maybeCanceled)
	add(verify.OutcomeExhausted, v.guesses+v.maybe >= 5)
	add(verify.OutcomeExpired, !t.Before(v.end.Add(-slack)))
	if v.over(t) || v.guesses >= 5 {
		return may
	}
	add(verify.OutcomeLocked, v.subject.high >= 100)
	if v.subject.low >= 100 {
		return may
	}
	add(verify.OutcomeAccepted, right)
	add(verify.OutcomeWrong, !right && v.guesses < 4)
	add(verify.OutcomeExhausted, !right && v.guesses+v.maybe >= 4)
	return may
}

// looked checks a status that a client was shown.
func (o *observer) looked(got verify.Verification, status verify.Status, t time.Time) {
	v := o.byID[got.ID]
	if v == nil {
		return
	}
	may := map[verify.Status]bool{}
	for _, x := range o.mayAnswer(v, true, t) {
		may[map[verify.Outcome]verify.Status{
			verify.OutcomeUsed: verify.Accepted, verify.OutcomeCanceled: verify.Canceled,
			verify.OutcomeExhausted: verify.Exhausted, verify.OutcomeExpired: verify.Expired,
			verify.OutcomeAccepted: verify.Pending, verify.OutcomeLocked: verify.Pending,
		}[x]] = true
	}
	if !may[status] {
		o.sim.fail("%s looks %s, which it may not: %s", v.id, status, v)
	}
	if got.Guesses < v.guesses || got.Guesses > v.guesses+v.maybe && !v.vague || got.Sends < v.last {
		o.sim.fail("%s has had %d guesses and %d messages: %s", v.id, got.Guesses, got.Sends, v)
	}
}

// mayWait says that a limit may refuse at t: what was drawn from it surely or
// maybe reaches its count. A clock that stands ahead may do so one event early
// where all of them are of this very moment.
func (s *spent) mayWait(r limit.Rule, t time.Time) bool {
	if r.Unlimited() {
		return false
	}
	lately, now := 0, 0
	for _, times := range [][]time.Time{s.sure, s.maybe} {
		for _, at := range times {
			if t.Sub(at) < r.Per+2*slack {
				lately++
			}
			if t.Sub(at) <= slack {
				now++
			}
		}
	}
	return lately >= r.Count || now >= max(1, r.Count-1)
}

// draw says whether one more event at t breaks the rule for those that were told: in
// any stretch there are Count, and one more for every Per/Count of its length.
func (s *spent) draw(r limit.Rule, t time.Time) (broken bool) {
	if r.Unlimited() {
		return false
	}
	step := r.Per / time.Duration(r.Count)
	for i, at := range s.sure {
		most := r.Count + int((t.Sub(at)+slack)/step)
		broken = broken || len(s.sure)-i+1 > most
	}
	return broken
}

// replayName is what an Idempotency-Key is kept under.
type replayName struct{ tenant, operation, key string }

type seenReplay struct {
	fingerprint [16]byte
	at          time.Time
	id          verify.ID
	outcome     verify.Outcome
	sure        bool // a client was told the answer that is remembered
}

// replayed says what is known of a request under this key: nil if nothing.
// Answers are forgotten after a day.
func (o *observer) replayed(tenant, operation string, once *verify.Once, t time.Time) *seenReplay {
	if once == nil {
		return nil
	}
	r := o.replays[replayName{tenant, operation, once.Key}]
	if r == nil || t.Sub(r.at) >= 24*time.Hour+slack {
		return nil
	}
	return r
}

// remember notes an answer that must be given again, or one that may have been.
func (o *observer) remember(tenant, operation string, once *verify.Once, r seenReplay) {
	if once == nil {
		return
	}
	name := replayName{tenant, operation, once.Key}
	r.fingerprint = once.Fingerprint
	if o.uses[name] == nil {
		o.uses[name] = map[[16]byte]time.Time{}
	}
	o.uses[name][once.Fingerprint] = r.at
	if old := o.replays[name]; !r.sure && old != nil && old.sure && r.at.Sub(old.at) < 24*time.Hour-slack {
		return
	}
	o.replays[name] = &r
}

// reused checks the refusal KeyReused, and that it is not left out. It says
// whether the key settles the answer.
func (o *observer) reused(tenant, operation string, once *verify.Once, err error, t time.Time) bool {
	refused := verify.KindOf(err) == verify.KeyReused
	if once == nil {
		if refused {
			o.sim.fail("a request without an Idempotency-Key was refused for it")
		}
		return refused
	}
	name := replayName{tenant, operation, once.Key}
	others := false
	for fingerprint, at := range o.uses[name] {
		others = others || fingerprint != once.Fingerprint && t.Sub(at) < 24*time.Hour+slack
	}
	r := o.replays[name]
	sure := r != nil && r.sure && t.Sub(r.at) < 24*time.Hour-slack
	mine := sure && r.fingerprint == once.Fingerprint
	early := slices.Contains([]verify.Kind{verify.Invalid, verify.NumberType, verify.Country, verify.NoChannel}, verify.KindOf(err))
	if refused && (mine || !others) || sure && !mine && !refused && !early {
		o.sim.fail("an Idempotency-Key that is this request's=%v, perhaps another's=%v: %v", mine, others, err)
	}
	return refused
}
