package main

import (
	"context"
	"fmt"
	"log"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"countersign/internal/store/pgtest"
)

// bench holds the processes of a run and what they showed so far.
type bench struct {
	options
	folder     string
	work       *work
	floor      *floorProcess
	postgres   *pgtest.Server    // nil if there is none
	urls       map[string]string // of its databases, by their names
	databases  []*database
	report     report
	firstError error
}

const startUps = 5

// newBench builds and starts everything that is measured.
func newBench(ctx context.Context, o options, folder string) (_ *bench, err error) {
	b := &bench{options: o, folder: folder, work: &work{}, urls: map[string]string{}}
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
	b.openDatabases()
	return b, nil
}

// close ends the processes. It may be called at any time.
func (b *bench) close() {
	for _, d := range b.databases {
		if d.server != nil {
			d.server.stop()
		}
	}
	if b.postgres != nil {
		b.postgres.Stop()
	}
	if b.floor != nil {
		b.floor.stop()
	}
	if b.work.sink != nil {
		b.work.sink.close()
	}
}

// measureAll goes through the levels, then the long parts that were asked for.
func (b *bench) measureAll(ctx context.Context) error {
	if err := b.measureLevels(ctx); err != nil {
		return err
	}
	for i, d := range b.databases {
		if err := b.measureMany(ctx, d, b.report.Databases[i]); err != nil {
			return err
		}
		if err := b.measureLive(ctx, d, b.report.Databases[i]); err != nil {
			return err
		}
	}
	b.report.judge()
	return nil
}

// measureLevels puts both databases under load in turn, and then asks the
// services' processes what it took.
func (b *bench) measureLevels(ctx context.Context) (err error) {
	for _, d := range b.databases {
		if err := b.measureStartUp(ctx, d); err != nil {
			return err
		}
		if d.server, err = b.launch(ctx, d.name, "run"); err != nil {
			return err
		}
	}
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
				return err
			}
			all = append(all, round)
		}
		b.report.add(all)
	}
	for _, d := range b.databases {
		if err := b.sumUp(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// sumUp ends a service and starts it once more, on the database that it filled.
func (b *bench) sumUp(ctx context.Context, d *database) error {
	peak, err := peakMemory(d.server.pid())
	if err != nil {
		return err
	}
	d.server.stop()
	again, err := b.launch(ctx, d.name, "run")
	if err != nil {
		return err
	}
	again.stop()
	d.server = nil
	b.report.Databases = append(b.report.Databases, &whole{
		Name: d.name, StartUps: d.startUps, Restart: milliseconds(again.startUp), PeakMemory: peak, Begun: d.begun, Ratios: d.ratios, Pages: d.pages,
	})
	return nil
}

// round measures each figure once. Each database has its own floor right before
// its cycles; starts come last, since they leave texts behind to be sent.
func (b *bench) round(ctx context.Context, callers int) ([]figure, error) {
	var all []figure
	take := func(p phase) (figure, error) {
		f, err := b.take(ctx, p)
		if err == nil {
			all = append(all, f)
		}
		return f, err
	}
	if _, err := take(b.onFloor(callers, nameBareFloor, bareFloorPath)); err != nil {
		return nil, err
	}
	cycles := map[*database]float64{}
	for _, d := range b.databases {
		floor, err := take(b.onFloor(callers, namePostFloor, postFloorPath))
		if err != nil {
			return nil, err
		}
		f, err := take(b.on(d, callers, nameCycles, b.work.cycle))
		if err != nil {
			return nil, err
		}
		if cycles[d] = f.PerSecond; callers == pivot {
			d.ratios = append(d.ratios, f.PerSecond/floor.PerSecond)
		}
	}
	for _, d := range b.databases {
		f, err := take(b.on(d, callers, namePages, b.work.page))
		if err != nil {
			return nil, err
		}
		if callers == pivot {
			d.pages = append(d.pages, f.PerSecond/all[0].PerSecond)
		}
		if _, err := take(b.on(d, callers, nameLinks, b.work.sessionPage)); err != nil {
			return nil, err
		}
		if err := b.fill(ctx, d, callers, cycles[d]); err != nil {
			return nil, err
		}
		if _, err := take(b.on(d, callers, nameChecks, b.work.guess)); err != nil {
			return nil, err
		}
		if _, err := take(b.on(d, callers, nameStarts, b.work.start)); err != nil {
			return nil, err
		}
		if err := b.settle(ctx, &all[len(all)-1]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// take measures a phase and says so.
func (b *bench) take(ctx context.Context, p phase) (figure, error) {
	before := b.work.begun.Load()
	f, err := measure(ctx, p)
	if err != nil {
		return f, fmt.Errorf("%w%s", err, p.lastWords())
	}
	if d := p.database; d != nil {
		d.begun += b.work.begun.Load() - before
	}
	if b.firstError == nil {
		b.firstError = f.firstError
	}
	log.Printf("  %-12s %-10s %8.0f/s  p50 %.2f ms  p99 %.2f ms", p.name, f.Database, f.PerSecond, f.P50, f.P99)
	return f, nil
}

// onFloor is a phase of requests to one of the floors.
func (b *bench) onFloor(callers int, name, path string) phase {
	return phase{
		name: name, addr: b.floor.addr, pid: b.floor.pid(), callers: callers, warmUp: b.warmUp, duration: b.duration,
		step: b.work.floor(path),
	}
}

// on is a phase of requests to the service on a database.
func (b *bench) on(d *database, callers int, name string, s step) phase {
	return phase{
		name: name, addr: d.server.addr, apiKey: d.server.apiKey, pid: d.server.pid(), database: d, callers: callers,
		warmUp: b.warmUp, duration: b.duration, step: s, strict: name == nameCycles,
	}
}

// fill starts verifications to guess at. There are enough if a check costs at
// least a fifth of a cycle; if it costs less, its phase ends earlier.
func (b *bench) fill(ctx context.Context, d *database, callers int, cyclesPerSecond float64) error {
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
	p := b.on(d, max(callers, 16), "starting what will be checked", buy)
	p.warmUp, p.duration, p.strict = 0, 10*b.duration+time.Minute, true
	before := b.work.begun.Load()
	_, err := measure(ctx, p)
	d.begun += b.work.begun.Load() - before
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
