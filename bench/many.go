package main

import (
	"context"
	"fmt"
	"log"
	"time"
)

// few is what many is compared with.
const few = 10_000

// measureMany compares full cycles on a database of many settled verifications
// with those on one of few. Both services run; rounds go from one to the other.
func (b *bench) measureMany(ctx context.Context, d *database, w *whole) (err error) {
	if b.rows <= 0 {
		return nil
	}
	small := &database{name: d.name}
	large := &database{name: d.name}
	defer func() { small.stop(); large.stop() }()
	if small.server, err = b.launchFilled(ctx, d.name, "few", filling{rows: few}); err != nil {
		return err
	}
	if large.server, err = b.launchFilled(ctx, d.name, "many", filling{rows: b.rows}); err != nil {
		return err
	}
	for i := range b.rounds {
		log.Printf("%s with %d and with %d stored, round %d of %d", d.name, few, b.rows, i+1, b.rounds)
		at, err := b.take(ctx, b.on(small, pivot, nameCycles, b.work.cycle))
		if err != nil {
			return err
		}
		with, err := b.take(ctx, b.on(large, pivot, nameCycles, b.work.cycle))
		if err != nil {
			return err
		}
		w.Many = append(w.Many, with.PerSecond/at.PerSecond)
	}
	w.Rows = b.rows
	return nil
}

// measureLive looks at the memory of a service whose database is full of pending
// verifications, after full cycles among them.
func (b *bench) measureLive(ctx context.Context, d *database, w *whole) (err error) {
	if b.live <= 0 {
		return nil
	}
	on := &database{name: d.name}
	defer on.stop()
	if on.server, err = b.launchFilled(ctx, d.name, "live", filling{rows: b.live, pending: true}); err != nil {
		return err
	}
	log.Printf("%s with %d live", d.name, b.live)
	if _, err = b.take(ctx, b.on(on, pivot, nameCycles, b.work.cycle)); err != nil {
		return err
	}
	w.Live = b.live
	w.LivePeak, err = peakMemory(on.server.pid())
	return err
}

func (d *database) stop() {
	if d.server != nil {
		d.server.stop()
	}
}

// launchFilled starts the service on a database that has been filled. The rows are
// copies of those that the service itself makes, in whatever columns they have.
func (b *bench) launchFilled(ctx context.Context, kind, name string, f filling) (*server, error) {
	on := &database{name: kind}
	var err error
	if on.server, err = b.launch(ctx, kind, name); err != nil {
		return nil, err
	}
	err = b.oneCycle(ctx, on, f.pending)
	on.stop() // its report of the delivery is stored before it ends
	if err != nil {
		return nil, err
	}
	at, err := b.place(ctx, kind, name)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if kind == nameSQLite {
		err = f.sqlite(ctx, at.file())
	} else {
		err = f.postgres(ctx, at.url)
	}
	if err != nil {
		return nil, fmt.Errorf("filling %s: %w", kind, err)
	}
	log.Printf("filled %s with %d verifications in %.0f s", kind, f.rows, time.Since(begun).Seconds())
	return b.launch(ctx, kind, name)
}

// oneCycle makes one verification, and settles it or leaves it pending.
func (b *bench) oneCycle(ctx context.Context, d *database, pending bool) error {
	done := false
	once := func(c *caller) error {
		if done {
			return errSoldOut
		}
		done = true
		if !pending {
			return b.work.cycle(c)
		}
		_, err := b.work.startAndReceive(c)
		return err
	}
	p := b.on(d, 1, "a first verification", once)
	p.warmUp, p.duration, p.strict = 0, 10*time.Second, true
	_, err := measure(ctx, p)
	return err
}
