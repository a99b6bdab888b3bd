package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"countersign/internal/secret"
	"countersign/internal/verify"
)

// keyWatch keeps the ring of a running service as the key file has it, so that a
// key can be rotated without a restart: it reads the file when it has changed,
// and lets a key take over when its time comes.
type keyWatch struct {
	path  string       // of the key file; empty if the key came from the environment
	full  *secret.Ring // as it stands in the file
	ring  *secret.Ring // in use by everybody
	store verify.Store
	now   func() time.Time
	log   *slog.Logger

	read    fileStamp // of the file, before it was last read
	wrong   bool      // the file as it stands cannot be used
	checked time.Time // when the database's keys were last compared
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

type fileStamp struct {
	at   time.Time
	size int64
}

const (
	watchEvery = time.Second
	// compareEvery is how often a node makes sure that it has every key that the
	// others write with.
	compareEvery = time.Minute
)

func (w *keyWatch) start() {
	var ctx context.Context
	ctx, w.cancel = context.WithCancel(context.Background())
	w.done.Go(func() {
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				w.look(ctx)
			}
		}
	})
}

func (w *keyWatch) close() {
	w.cancel()
	w.done.Wait()
}

// look reads the file if it has changed and puts the keys of the moment in use. A
// file that is wrong changes nothing: the service goes on with what it has.
func (w *keyWatch) look(ctx context.Context) {
	if s := stamp(w.path); s != w.read {
		w.read = s
		full, err := readKeyFile(w.path)
		if err == nil {
			err = w.take(ctx, full)
		}
		if w.wrong = err != nil; w.wrong {
			w.log.Error("the key file has changed and cannot be used; the keys stay as they were", "cause", err)
		} else {
			w.log.Info("the key file was read again", "ring", full)
		}
	}
	// A key that stands in no file any more would be gone with this process.
	if at := w.full.At(w.now()); at.Current() != w.ring.Current() && !w.wrong {
		w.ring.Replace(at)
		w.log.Info("another key is the current one", "key", at.Current())
	}
	if now := w.now(); now.Sub(w.checked) >= compareEvery {
		w.checked = now
		known, err := w.store.Keys(ctx)
		if err == nil {
			err = compareKeys(known, w.ring)
		}
		if err != nil && ctx.Err() == nil {
			w.log.Error("the keys could not be compared with the database's", "cause", err)
			w.read = fileStamp{} // perhaps the file has what is missing
		}
	}
}

// take puts a ring that was read in use, unless the database needs a key that it
// lacks.
func (w *keyWatch) take(ctx context.Context, full *secret.Ring) error {
	at := full.At(w.now())
	if err := markKeys(ctx, w.store, at); err != nil {
		if errors.Is(err, verify.ErrAway) {
			w.read = fileStamp{} // another try may do
		}
		return err
	}
	w.full = full
	w.ring.Replace(at)
	return nil
}

func stamp(path string) fileStamp {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{} // an empty path, or a file that is just being replaced
	}
	return fileStamp{info.ModTime(), info.Size()}
}
