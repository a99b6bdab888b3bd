package history

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"countersign/internal/verify"
)

var (
	histories = flag.Int("histories", 20, "how many histories to check, per store")
	first     = flag.Int("first", 0, "the seed to begin with: it gives the same operations again")
)

const (
	askers    = 10 // clients of a history
	perPhase  = 2  // operations of a client between two steps of the clock
	decidable = 2 * time.Minute
)

// pauses are the steps of the clock between the phases of a history: within the
// repeat window, past each cooldown, and past a verification's end.
var pauses = []time.Duration{
	9 * time.Second, 31 * time.Second, 31 * time.Second, 61 * time.Second, 61 * time.Second, 5 * time.Minute, 10 * time.Minute,
}

// TestConcurrentHistoriesCouldHaveHappenedOneAfterTheOther lets clients start,
// start again, replace a code, check by id and by number and look, while commits
// fail before or after the deed and answers are lost. Every history must agree with
// the sequential model; one that cannot be decided in time has failed as well.
func TestConcurrentHistoriesCouldHaveHappenedOneAfterTheOther(t *testing.T) {
	onEveryForm(t, func(t *testing.T, database string, nodes int) {
		c := newCourse(t, database, nodes)
		// Which answers come up is left to chance: if one has not yet, more histories follow.
		for seed := *first; seed < *first+*histories || len(c.missing()) > 0 && seed < *first+5**histories; seed++ {
			c.judge(t, seed, c.play(uint64(seed)))
		}
		c.summary(t)
	})
}

// course is a world whose stores fail and whose answers can be lost.
type course struct {
	*world
	faults   []*faulty
	bases    []string // of the proxies, a node each
	asked    int
	unknowns int
	lost     int
	told     map[string]int // how often each answer came
}

func newCourse(t *testing.T, database string, nodes int) *course {
	c := &course{world: emptyWorld(t, database), told: map[string]int{}}
	for range nodes {
		f := &faulty{}
		n := &node{world: c.world, wrap: func(s verify.Store) verify.Store { f.Store = s; return f }}
		n.open()
		c.nodes, c.faults, c.bases = append(c.nodes, n), append(c.faults, f), append(c.bases, cutter(c.world, n))
	}
	return c
}

// plan is an operation before it is sent. All of it follows from the seed; only
// the id that it names is of the run.
type plan struct {
	ask
	node    int
	pick    int // which of the number's ids; negative: none, the number is named
	loseIt  bool
	codeIdx int
}

// plans draws what each client does in each phase: two numbers, three codes.
func plans(r *rand.Rand, phases int) [][]plan {
	out := make([][]plan, phases*askers)
	for i := range out {
		for range perPhase {
			p := plan{node: r.IntN(2), pick: r.IntN(8) - 2, loseIt: r.IntN(10) == 0, codeIdx: r.IntN(3)}
			p.number = fmt.Sprint(r.IntN(2))
			switch k := r.IntN(10); {
			case k < 3:
				p.act, p.codeIdx = "start", p.codeIdx/2 // the third code is never right
			case k < 8:
				p.act = "check"
			default:
				p.act = "look"
			}
			out[i] = append(out[i], p)
		}
	}
	return out
}

// play runs the history of a seed.
func (c *course) play(seed uint64) []porcupine.Operation {
	r := rand.New(rand.NewPCG(seed, 3))
	phases := 2 + r.IntN(3)
	all := plans(r, phases)
	rec := &recorder{begun: time.Now(), ids: map[string][]string{}}
	rec.numbers = []string{c.number(), c.number()}
	start := c.now()
	for i, f := range c.faults {
		f.seed(rand.New(rand.NewPCG(seed, uint64(4+i))))
	}
	for phase := range phases {
		at := int(c.now().Sub(start) / time.Second)
		var done sync.WaitGroup
		for client, mine := range all[phase*askers : (phase+1)*askers] {
			done.Go(func() {
				for _, p := range mine {
					p.at = at
					rec.do(c, client, p)
				}
			})
		}
		done.Wait()
		c.pass(pauses[r.IntN(len(pauses))])
	}
	for _, f := range c.faults {
		f.seed(nil)
	}
	return rec.ops
}

// recorder writes a history down, and knows the ids that clients were told.
type recorder struct {
	begun   time.Time
	numbers []string
	mu      sync.Mutex
	ids     map[string][]string
	ops     []porcupine.Operation
}

// codes are the customer's own, so that the model knows them.
var codes = []string{"271828", "314159", "161803"}

func (rec *recorder) do(c *course, client int, p plan) {
	a := p.ask
	a.number, a.code = rec.numbers[int(p.number[0]-'0')], codes[p.codeIdx]
	if a.act != "start" && p.pick >= 0 || a.act == "look" {
		a.id = rec.pick(a.number, max(0, p.pick))
	}
	if a.act == "look" && a.id == "" {
		return // nobody knows an id yet
	}
	call := time.Since(rec.begun).Nanoseconds()
	told := c.send(p, a)
	op := porcupine.Operation{ClientId: client, Input: a, Call: call, Output: told, Return: time.Since(rec.begun).Nanoseconds()}
	if told.unknown() && a.act == "look" {
		return // it changes nothing and nobody was told anything
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if told.ID != "" {
		rec.ids[a.number] = append(rec.ids[a.number], told.ID)
	}
	rec.ops = append(rec.ops, op)
}

// pick is one of the ids told of a number, the newer the smaller i.
func (rec *recorder) pick(number string, i int) string {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	ids := rec.ids[number]
	if len(ids) == 0 {
		return ""
	}
	return ids[len(ids)-1-i%len(ids)]
}

// send asks a node, through its proxy if the answer is to be lost.
func (c *course) send(p plan, a ask) said {
	n := c.node(p.node)
	base := n.URL
	lose := p.loseIt && a.act != "look"
	if lose {
		base = c.bases[p.node%len(c.bases)]
	}
	var told said
	var err error
	switch {
	case a.act == "start":
		told, err = n.call(base, http.MethodPost, "/v2/verifications/sms",
			map[string]any{"phone_number": a.number, "verify_profile_id": n.ProfileID, "custom_code": a.code})
	case a.act == "look":
		told, err = n.call(base, http.MethodGet, "/v2/verifications/"+a.id, nil)
	case a.id != "":
		told, err = n.call(base, http.MethodPost, byID(a.id), map[string]any{"code": a.code})
	default:
		told, err = n.call(base, http.MethodPost, byNumber(a.number), map[string]any{"code": a.code, "verify_profile_id": n.ProfileID})
	}
	// Who has lost patience does not know that nothing is done any more.
	if (err != nil) != lose || errors.Is(err, context.DeadlineExceeded) {
		c.t.Errorf("the answer was lost: %t, wanted %t: %v", err != nil, lose, err)
	}
	return told
}

// judge fails the test unless the history is linearizable, and leaves a picture.
func (c *course) judge(t *testing.T, seed int, ops []porcupine.Operation) {
	t.Helper()
	for _, op := range ops {
		told := op.Output.(said)
		c.asked++
		switch {
		case told.Status == 0:
			c.lost++
		case told.unknown():
			c.unknowns++
		}
		c.told[op.Input.(ask).act+" "+told.State+told.Reason+told.Detail[:min(20, len(told.Detail))]]++
	}
	if t.Failed() {
		t.FailNow()
	}
	result, info := porcupine.CheckOperationsVerbose(model(), ops, decidable)
	if result == porcupine.Ok {
		return
	}
	picture := filepath.Join(t.ArtifactDir(), fmt.Sprintf("history-%d.html", seed))
	if err := porcupine.VisualizePath(model(), info, picture); err != nil {
		t.Error(err)
	}
	t.Fatalf("the history of seed %d is %s: %s (kept with -artifacts)\nagain: go test ./internal/promise/history -run Concurrent -args -first %d -histories 1",
		seed, result, picture, seed)
}

// summary prints the figures, and fails if the faults or answers that the proof is
// about did not come up: it would have shown nothing then.
func (c *course) summary(t *testing.T) {
	var before, after int64
	for _, f := range c.faults {
		before, after = before+f.before.Load(), after+f.after.Load()
	}
	t.Logf("at least %d histories Ok: %d operations, %d answers lost, %d unknown; %d commits failed before, %d after the deed",
		*histories, c.asked, c.lost, c.unknowns, before, after)
	t.Logf("%v", c.told)
	if *histories >= 20 && (before == 0 || after == 0 || c.lost == 0) {
		t.Error("some kind of fault never came up")
	}
	for _, answer := range c.missing() {
		t.Errorf("%q never came up", answer)
	}
}

// missing are the answers that have not come up and must, in so many histories.
func (c *course) missing() (out []string) {
	for answer, least := range map[string]int{
		"check accepted": 20, "check wrong_code": 20, "check already_used": 20, "check max_attempts_exceeded": 100,
		"check canceled": 100, "check expired": 20, "start pending": 20, "start A code was sent to t": 20, "look invalid": 100,
	} {
		if *histories >= least && c.told[answer] == 0 {
			out = append(out, answer)
		}
	}
	return out
}
