package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// step does one request, or one cycle of them. Its errors are errRefused,
// errSoldOut, or else say what was answered wrongly.
type step func(*caller) error

var (
	// errRefused: the server said that it is full, as it should when it is.
	errRefused = errors.New("refused: the server is busy")
	// errSoldOut: there is nothing left to do; the phase ends early.
	errSoldOut = errors.New("sold out")
)

// phase is one figure to be measured once.
type phase struct {
	name     string
	addr     string
	apiKey   string
	pid      int       // of the process that serves it
	database *database // that it works on; nil for a floor
	callers  int
	warmUp   time.Duration
	duration time.Duration
	step     step
	strict   bool // the first error ends the run
}

// grace is how long after the end of a phase an answer or a text may still come.
const grace = 15 * time.Second

// caller is one of the closed loops, with its own connection.
type caller struct {
	client *client
	texts  chan code
	giveUp <-chan struct{} // closed when no text is worth waiting for any more

	path, body []byte   // scratch
	guessing   purchase // the verification being guessed at
	link       string   // of the session whose page is asked for

	took    []time.Duration
	refused int
	errors  int
	first   error
}

// window is the state that the callers of a phase share.
type window struct {
	phase
	ctx    context.Context
	cancel context.CancelFunc
	from   time.Time
	over   atomic.Bool
}

// measure runs a phase: callers begin, warm up, are counted, and finish what they
// are at. What is done when the window closes is counted, what is not is not.
func measure(ctx context.Context, p phase) (figure, error) {
	now := time.Now()
	w := &window{phase: p, from: now.Add(p.warmUp)}
	end := w.from.Add(p.duration)
	// This context ends the window early; giveUp ends waiting after the window.
	w.ctx, w.cancel = context.WithCancel(ctx)
	defer w.cancel()
	giveUp := make(chan struct{})
	alarm := time.AfterFunc(time.Until(end.Add(grace)), sync.OnceFunc(func() { close(giveUp) }))
	defer alarm.Stop()

	var running sync.WaitGroup
	callers := make([]*caller, p.callers)
	for i := range callers {
		c := &caller{client: newClient(p.addr, p.apiKey), texts: make(chan code, 1), giveUp: giveUp}
		c.client.deadline = end.Add(grace)
		callers[i] = c
		running.Go(func() { w.call(c) })
	}
	go func() {
		running.Wait() // they have run out of work
		w.cancel()
	}()
	begun, err1 := w.sampleAt(w.from)
	ended, err2 := w.sampleAt(end)
	w.over.Store(true)
	if ctx.Err() != nil {
		alarm.Reset(0)
	} else {
		alarm.Reset(grace)
	}
	running.Wait()
	f, err := summarize(p, callers, begun, ended)
	return f, cmp.Or(ctx.Err(), err, err1, err2)
}

// call is the loop of one caller.
func (w *window) call(c *caller) {
	defer c.client.close()
	for !w.over.Load() {
		begun := time.Now()
		err := w.step(c)
		ended := time.Now()
		if errors.Is(err, errSoldOut) {
			return
		}
		if err != nil {
			if w.strict {
				c.errors, c.first = 1, err
				w.cancel()
				return
			}
			c.fail(err)
			// Whoever is refused does not ask again at once; without this pause
			// the figure would be that of refusing.
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if ended.After(w.from) && !w.over.Load() {
			c.took = append(c.took, ended.Sub(begun))
		}
	}
}

func (c *caller) fail(err error) {
	if errors.Is(err, errRefused) {
		c.refused++
		return
	}
	c.errors++
	if c.first == nil {
		c.first = err
	}
}

// sample is the state of the clocks at one instant.
type sample struct {
	at                time.Time
	server, database  time.Duration
	generator         time.Duration
	machine, possible time.Duration
}

// sampleAt waits for an instant, or for the early end of the window.
func (w *window) sampleAt(at time.Time) (s sample, err error) {
	select {
	case <-w.ctx.Done():
	case <-time.After(time.Until(at)):
	}
	s.at = time.Now()
	var err1, err2, err3, err4 error
	s.server, err1 = cpuTime(w.pid)
	s.generator, err2 = cpuTime(os.Getpid())
	s.machine, s.possible, err3 = machineTime()
	s.database, err4 = familyTime(w.database.pid())
	return s, errors.Join(err1, err2, err3, err4)
}

// summarize makes the figure of what callers did between two instants.
func summarize(p phase, callers []*caller, begun, ended sample) (figure, error) {
	f := figure{Name: p.name, Database: p.database.String(), Callers: p.callers, Rounds: 1}
	var took []time.Duration
	for _, c := range callers {
		took = append(took, c.took...)
		f.Refused += c.refused
		f.Errors += c.errors
		if f.firstError == nil {
			f.firstError = c.first
		}
	}
	if p.strict && f.firstError != nil {
		return f, fmt.Errorf("%s at %d callers: %w", p.name, p.callers, f.firstError)
	}
	f.Done = len(took)
	if len(took) == 0 {
		return f, fmt.Errorf("%s at %d callers: nothing was done: %w", p.name, p.callers,
			cmp.Or(f.firstError, errRefused))
	}
	slices.Sort(took)
	f.PerSecond = float64(f.Done) / ended.at.Sub(begun.at).Seconds()
	f.P50 = milliseconds(percentile(took, 50))
	f.P95 = milliseconds(percentile(took, 95))
	f.P99 = milliseconds(percentile(took, 99))
	perOne := 1e6 / float64(f.Done)
	server, generator := ended.server-begun.server, ended.generator-begun.generator
	f.ServerCPU = server.Seconds() * perOne
	database := ended.database - begun.database
	f.DatabaseCPU = database.Seconds() * perOne
	f.GeneratorCPU = generator.Seconds() * perOne
	if possible := ended.possible - begun.possible; possible > 0 {
		others := ended.machine - begun.machine - server - database - generator
		f.Others = 100 * max(0, others.Seconds()) / possible.Seconds()
	}
	return f, nil
}
