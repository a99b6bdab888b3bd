package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

// bench holds the processes of a run and what they showed so far.
type bench struct {
	options
	folder     string
	work       *work
	floor      *floorProcess
	server     *server
	report     report
	firstError error
}

const startUps = 5

// newBench builds and starts everything that is measured.
func newBench(ctx context.Context, o options, folder string) (_ *bench, err error) {
	b := &bench{options: o, folder: folder, work: &work{}}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.binary == "" {
		log.Print("building ./cmd/countersign")
		if b.binary, err = buildServer(ctx, folder); err != nil {
			return nil, err
		}
	}
	if b.binary, err = filepath.Abs(b.binary); err != nil {
		return nil, err
	}
	synced, err := syncTime(folder)
	if err != nil {
		return nil, err
	}
	b.report.Machine = machine{runtime.GOOS + "/" + runtime.GOARCH, runtime.NumCPU(), runtime.Version(), milliseconds(synced)}
	if b.work.sink, err = newSink(); err != nil {
		return nil, err
	}
	if b.floor, err = startFloor(b.work.sink.addr()); err != nil {
		return nil, err
	}
	if err = b.measureStartUp(ctx); err != nil {
		return nil, err
	}
	b.server, err = b.launch(ctx, "run")
	return b, err
}

// launch starts the server on the database in a folder of the given name.
func (b *bench) launch(ctx context.Context, name string) (*server, error) {
	dir := filepath.Join(b.folder, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return startServer(ctx, b.binary, dir, b.work.sink.addr())
}

// measureStartUp starts the server on empty folders, where it has most to do.
func (b *bench) measureStartUp(ctx context.Context) error {
	for i := range startUps {
		s, err := b.launch(ctx, fmt.Sprintf("start-%d", i))
		if err != nil {
			return err
		}
		s.stop()
		b.report.StartUps = append(b.report.StartUps, milliseconds(s.startUp))
	}
	log.Printf("start-up %.0f ms", median(b.report.StartUps))
	return nil
}

// close ends the processes. It may be called at any time.
func (b *bench) close() {
	if b.server != nil {
		b.server.stop()
	}
	if b.floor != nil {
		b.floor.stop()
	}
	if b.work.sink != nil {
		b.work.sink.close()
	}
}

// measureAll goes through the levels, and then asks the server's process and
// database what it took.
func (b *bench) measureAll(ctx context.Context) error {
	for _, callers := range b.levels {
		rounds := 1
		if callers == pivot {
			rounds = b.rounds
		}
		var all [][]figure
		for i := range rounds {
			log.Printf("%d callers, round %d of %d", callers, i+1, rounds)
			round, err := b.round(ctx, callers)
			if err != nil {
				return fmt.Errorf("%w%s", err, b.server.lastWords())
			}
			all = append(all, round)
		}
		b.report.add(all)
	}
	var err error
	if b.report.PeakMemory, err = peakMemory(b.server.pid()); err != nil {
		return err
	}
	b.report.Verifications = b.work.begun.Load()
	b.server.stop()
	if b.server, err = b.launch(ctx, "run"); err != nil {
		return err
	}
	b.report.Restart = milliseconds(b.server.startUp)
	b.report.judge()
	return nil
}

// round measures each figure once. Floors stand right before what they are
// compared with; starts come last, since they leave texts behind to be sent.
func (b *bench) round(ctx context.Context, callers int) ([]figure, error) {
	var all []figure
	var cycles float64
	for _, p := range b.phases(callers) {
		if p.name == nameChecks {
			if err := b.fill(ctx, callers, cycles); err != nil {
				return nil, err
			}
		}
		f, err := measure(ctx, p)
		if err != nil {
			return nil, err
		}
		if p.name == nameCycles {
			cycles = f.PerSecond
		}
		if p.name == nameStarts {
			if err := b.settle(ctx, &f); err != nil {
				return nil, err
			}
		}
		if b.firstError == nil {
			b.firstError = f.firstError
		}
		log.Printf("  %-12s %8.0f/s  p50 %.2f ms  p99 %.2f ms", p.name, f.PerSecond, f.P50, f.P99)
		all = append(all, f)
	}
	return all, nil
}

func (b *bench) phases(callers int) []phase {
	floor := phase{addr: b.floor.addr, pid: b.floor.pid(), callers: callers, warmUp: b.warmUp, duration: b.duration}
	service := floor
	service.addr, service.apiKey, service.pid = b.server.addr, b.server.apiKey, b.server.pid()
	as := func(p phase, name string, s step) phase {
		p.name, p.step = name, s
		p.strict = name == nameCycles
		return p
	}
	return []phase{
		as(floor, nameBareFloor, b.work.floor(bareFloorPath)),
		as(floor, namePostFloor, b.work.floor(postFloorPath)),
		as(service, nameCycles, b.work.cycle),
		as(service, nameChecks, b.work.guess),
		as(service, nameStarts, b.work.start),
	}
}

// fill starts verifications to guess at. There are enough if a check costs at
// least a fifth of a cycle; if it costs less, its phase ends earlier.
func (b *bench) fill(ctx context.Context, callers int, cyclesPerSecond float64) error {
	stockSize := int(cyclesPerSecond*(b.warmUp+b.duration).Seconds()) + callers
	var next atomic.Int64
	all := make([]purchase, stockSize)
	buy := func(c *caller) error {
		i := next.Add(1) - 1
		if i >= int64(stockSize) {
			return errSoldOut
		}
		p, err := b.work.startAndReceive(c)
		all[i] = p
		return err
	}
	_, err := measure(ctx, phase{
		name: "starting what will be checked", addr: b.server.addr, apiKey: b.server.apiKey, pid: b.server.pid(),
		callers: max(callers, 16), duration: 10*b.duration + time.Minute, step: buy, strict: true,
	})
	// What was not started is left out: the phase may have run out of time.
	b.work.stock.all = slices.DeleteFunc(all, func(p purchase) bool { return p.verification == nil })
	b.work.stock.taken.Store(0)
	return err
}

// settle waits until the texts of all starts have come, so that sending them does
// not slow down what is measured next.
func (b *bench) settle(ctx context.Context, f *figure) error {
	f.Behind = int(b.work.begun.Load() - b.work.sink.received.Load())
	begun := time.Now()
	for b.work.sink.received.Load() < b.work.begun.Load() {
		if time.Since(begun) > time.Minute {
			f.Lost = int(b.work.begun.Load() - b.work.sink.received.Load())
			log.Printf("  %d texts had not come a minute after the last start", f.Lost)
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	f.Settled = time.Since(begun).Seconds()
	// The outcome of the last ones is still being written.
	time.Sleep(200 * time.Millisecond)
	return nil
}
