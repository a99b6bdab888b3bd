package verify_test

import (
	"encoding/base64"
	"flag"
	"fmt"
	"hash"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"

	"countersign/internal/limit"
	"countersign/internal/secret"
	"countersign/internal/verify"
)

var traced = flag.Bool("trace", false, "print each step of the simulated histories")

// TestSimulatedHistoriesKeepEveryPromise drives the core through random histories
// of several nodes whose clocks differ, on a database that fails in every way it
// may, with carriers that do what they like and processes that die. Whatever a
// seed does it does again.
func TestSimulatedHistoriesKeepEveryPromise(t *testing.T) {
	sum := simFigures{}
	for seed := *first; seed < *first+*seeds; seed++ {
		s := newSim(seed)
		if *traced {
			s.lines = func(line string) { t.Log(line) }
		}
		s.run()
		if s.failure != nil {
			t.Fatalf("seed %d, step %d: %v\nwhat led there:\n%s\nagain: go test ./internal/verify -run Simul -v -args -first %d -seeds 1 -trace",
				seed, s.step, s.failure, lastLines(seed, 25), seed)
		}
		sum.add(s)
	}
	t.Logf("%d histories: %+v", *seeds, sum)
	if *seeds >= 100 && !sum.complete() {
		t.Errorf("the histories leave something out: %+v", sum)
	}
}

// TestASimulatedHistoryReplaysExactly runs some seeds twice, with the nonces of
// sealed values seeded as well, and compares every line of the history and every
// byte of the rows.
func TestASimulatedHistoryReplaysExactly(t *testing.T) {
	for seed := *first; seed < *first+min(*seeds, 20); seed++ {
		var sums [2]string
		for i := range sums {
			cryptotest.SetGlobalRandom(t, seed)
			s := newSim(seed)
			s.sum = fnv.New128a()
			s.run()
			fmt.Fprint(s.sum, s.step, s.failure)
			s.writeRows()
			sums[i] = fmt.Sprintf("%x", s.sum.Sum(nil))
		}
		if sums[0] != sums[1] {
			t.Errorf("seed %d has two histories: %s and %s", seed, sums[0], sums[1])
		}
	}
}

// sim is one history.
type sim struct {
	rand     *rand.Rand
	now      time.Time // the true time
	step     int
	ring     *secret.Ring // of two keys
	after    *secret.Ring // the same, once the second has taken over
	takeover time.Time    // by each node's clock
	limits   verify.Limits
	store    *simStore
	nodes    []*simNode
	seen     *observer
	commit   func(*simNode, []*simCall)
	streak   bool // one number, hardly anything but wrong guesses
	faults   int  // percent of commits that go wrong
	trouble  int  // percent of messages that a carrier does not simply take
	healthy  bool // nothing goes wrong any more
	steps    int
	failure  error
	requests []func(*simNode) // those with an Idempotency-Key, to be sent again
	retries  []func(*simNode) // those of unknown outcome
	drawn    uint64           // fingerprints and Idempotency-Keys so far
	figures  simFigures
	sum      hash.Hash         // of the history, if wanted
	lines    func(line string) // takes the history, if wanted
}

func newSim(seed uint64) *sim {
	r := rand.New(rand.NewPCG(seed, 11))
	var key [2][32]byte
	for i := range 64 {
		key[i/32][i%32] = byte(r.Uint32())
	}
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	takeover := begin.Add(time.Duration(r.IntN(7200)) * time.Second)
	ring, err := secret.Parse(fmt.Sprintf("k1 %s\nk2 %s from=%s", base64.StdEncoding.EncodeToString(key[0][:]),
		base64.StdEncoding.EncodeToString(key[1][:]), takeover.Format(time.RFC3339)))
	if err != nil {
		panic(err)
	}
	s := &sim{
		rand: r, ring: ring.At(begin), after: ring.At(takeover), takeover: takeover,
		now: begin, store: newSimStore(), commit: commitDirectly,
		streak: r.IntN(6) == 0, faults: r.IntN(4) * r.IntN(10), trouble: r.IntN(3) * r.IntN(40), steps: 60 + r.IntN(240),
	}
	s.seen = newObserver(s)
	if s.streak {
		s.steps += 150
	} else {
		s.limits = verify.Limits{
			Hour: s.rule(15, time.Hour), Day: s.rule(40, 24*time.Hour), Network: s.rule(20, time.Hour),
			Backlog: max(0, r.IntN(20)-8),
		}
	}
	random := rand.NewChaCha8(key[0])
	for i := range 1 + r.IntN(3) {
		n := &simNode{sim: s, outbox: newOutbox(), env: &verify.Env{
			Keys: s.ring, Random: random, Node: fmt.Sprintf("n%d", i), Limits: s.limits,
			Channels: []verify.Channel{verify.SMS, verify.Call},
		}}
		n.setClock()
		s.nodes = append(s.nodes, n)
	}
	return s
}

// rule is a limit of at most so many, or none.
func (s *sim) rule(most int, per time.Duration) limit.Rule {
	if s.rand.IntN(2) == 0 {
		return limit.Rule{}
	}
	return limit.Rule{Count: 1 + s.rand.IntN(most), Per: per}
}

// setClock steps a node's clock, never more than slack away from another's.
func (n *simNode) setClock() {
	n.ahead = time.Duration(n.sim.rand.IntN(5001)-2500) * time.Millisecond
}

// run plays the history to its end, and then lets every node work off what is due.
func (s *sim) run() {
	for s.step = range s.steps {
		s.now = s.now.Add(s.pause())
		s.act(s.nodes[s.rand.IntN(len(s.nodes))])
		if s.failure != nil {
			return
		}
	}
	s.recover()
	if s.failure == nil {
		s.seen.nothingLost(s.now)
	}
}

// pause is the time until the next step: mostly moments, at times a day.
func (s *sim) pause() time.Duration {
	switch p := s.rand.IntN(1000); {
	case p < 350:
		return 0
	case p < 700:
		return time.Duration(s.rand.IntN(3000)) * time.Millisecond
	case p < 900 || s.streak:
		return time.Duration(s.rand.IntN(20_000)) * time.Millisecond
	case p < 996:
		return time.Duration(s.rand.IntN(200)) * time.Second
	}
	return 25*time.Hour + time.Duration(s.rand.IntN(3600))*time.Second
}

// act does one thing on one node.
func (s *sim) act(n *simNode) {
	switch p := s.rand.IntN(100); {
	case p < 52, s.streak && p < 80:
		for range 1 + s.rand.IntN(4)*s.rand.IntN(2) {
			s.client(n)
		}
	case p < 72:
		n.work()
	case p < 80:
		n.land()
	case p < 88:
		n.scan()
	case p < 92:
		n.renew()
	case p < 95:
		s.housekeep(n)
	case p < 98:
		n.setClock()
	case s.faults > 0:
		n.die()
		s.figures.Deaths++
	}
	if s.rand.IntN(5) > 0 {
		n.flush(s.fault())
	}
}

func (s *sim) fault() simFault {
	if s.healthy || s.rand.IntN(100) >= s.faults {
		return noFault
	}
	s.figures.Faults++
	return simFault(1 + s.rand.IntN(int(simFaultCount)-1))
}

// recover restarts every node, heals all, and gives the nodes two minutes.
func (s *sim) recover() {
	s.healthy = true
	for _, n := range s.nodes {
		n.die()
	}
	s.retries = nil
	for range 120 {
		s.now = s.now.Add(time.Second)
		for _, n := range s.nodes {
			for _, do := range []func(){n.scan, n.land, n.work, n.work, n.work, n.renew} {
				do()
				n.flush(noFault)
			}
		}
	}
}

func (s *sim) fail(format string, args ...any) {
	if s.failure == nil {
		s.failure = fmt.Errorf(format, args...)
		s.trace("BROKEN: %v", s.failure)
	}
}

func (s *sim) trace(format string, args ...any) {
	if s.sum == nil && s.lines == nil {
		return
	}
	line := fmt.Sprintf("%d %s ", s.step, s.now.Format("15:04:05.000")) + fmt.Sprintf(format, args...)
	if s.sum != nil {
		fmt.Fprintln(s.sum, line)
	}
	if s.lines != nil {
		s.lines(line)
	}
}

// lastLines replays a seed and returns what came last.
func lastLines(seed uint64, n int) string {
	var lines []string
	s := newSim(seed)
	s.lines = func(line string) { lines = append(lines, line) }
	s.run()
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// writeRows adds every row to the sum, in the order of their keys.
func (s *sim) writeRows() {
	var rows []string
	for _, r := range s.store.subjects {
		rows = append(rows, fmt.Sprintf("%+v", r))
	}
	for _, r := range s.store.verifications {
		rows = append(rows, fmt.Sprintf("%+v", r))
	}
	for _, r := range s.store.deliveries {
		rows = append(rows, fmt.Sprintf("%+v", r))
	}
	for _, r := range s.store.buckets {
		rows = append(rows, fmt.Sprintf("%+v", r))
	}
	for _, r := range s.store.replays {
		rows = append(rows, fmt.Sprintf("%+v", r))
	}
	slices.Sort(rows)
	fmt.Fprint(s.sum, rows)
}

// simFigures count what the histories were made of.
type simFigures struct {
	Steps, Verifications, Messages, Accepted, Wrong, Locked, Replayed, Unknown, Faults, Deaths, Takeovers, Rekeyed int
}

func (f *simFigures) add(s *sim) {
	f.Steps += s.steps
	f.Verifications += len(s.seen.all)
	for _, m := range s.seen.messages {
		f.Messages += m.handed
	}
	for _, v := range s.seen.all {
		if v.accepted == "yes" {
			f.Accepted++
		}
	}
	f.Wrong += s.figures.Wrong
	f.Locked += s.figures.Locked
	f.Replayed += s.figures.Replayed
	f.Unknown += s.figures.Unknown
	f.Faults += s.figures.Faults
	f.Deaths += s.figures.Deaths
	f.Takeovers += s.figures.Takeovers
	f.Rekeyed += s.figures.Rekeyed
}

// complete says that nothing which the histories are for was left out.
func (f *simFigures) complete() bool {
	return min(f.Verifications, f.Messages, f.Accepted, f.Wrong, f.Locked, f.Replayed, f.Unknown, f.Faults, f.Deaths, f.Takeovers, f.Rekeyed) > 0
}
