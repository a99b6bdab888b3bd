package store_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/internal/store"
	"countersign/internal/store/faultfs"
)

// backWithin is how long the store may take to go on by itself once the disk does.
const backWithin = 10 * time.Second

// The disk cannot keep what is moved into the file. The store closes it, for SQLite
// would take the next sync's word, and opens it by itself once it can.
func TestAStoreWhoseDiskWasGoneGoesOnByItself(t *testing.T) {
	dir := t.TempDir()
	disk := faultfs.Under(t, dir)
	s := open(t, filepath.Join(dir, "c.db"))
	defer s.Close()
	every := time.NewTicker(5 * time.Millisecond)
	defer every.Stop()
	disk.Fail(1, faultfs.Fault{Only: faultfs.Sync, File: ".db", Drop: true, Lasting: true})
	promised := 0
	for bump(t.Context(), s, 1) == nil {
		promised++
		<-every.C
	}
	if _, err := s.Queued(t.Context()); err == nil || !strings.Contains(err.Error(), "the disk failed") {
		t.Errorf("a reader is told %v", err)
	}
	disk.Heal()
	for deadline := time.Now().Add(backWithin); ; <-every.C {
		err := bump(t.Context(), s, 1)
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	if n := streak(t, s, 1); n != promised+1 {
		t.Errorf("%d of %d are stored", n, promised+1)
	}
	cut := t.TempDir()
	disk.Copy(t, cut)
	left := open(t, filepath.Join(cut, "c.db"))
	defer left.Close()
	if n := streak(t, left, 1); n != promised+1 {
		t.Errorf("a power cut leaves %d of %d", n, promised+1)
	}
}

func TestADiskThatIsFullAtTheStartIsExplained(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.db")
	disk := faultfs.Under(t, dir)
	full := faultfs.Fault{Full: true, Lasting: true}
	disk.Fail(1, full)
	explained(t, path, "full")
	disk.Heal()
	s := open(t, path)
	s.Still()
	if err := bump(t.Context(), s, 1); err != nil {
		t.Fatal(err)
	}
	killed := t.TempDir()
	heir := disk.Kill(t, killed)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(killed, "c.db")
	for n := range 3 { // at one place or another of the start
		heir.Fail(n+1, full)
		explained(t, path, "full")
	}
	heir.Heal()
	s = open(t, path)
	defer s.Close()
	if n := streak(t, s, 1); n != 1 {
		t.Errorf("there is %d", n)
	}
}

// While somebody commits all the time, a pass that waits for nobody is never done
// and the log would grow for ever. Here a commit comes in every pass it can come in.
func TestALogThatHasBecomeLongBeginsAnew(t *testing.T) {
	dir := t.TempDir()
	disk := faultfs.Under(t, dir)
	path := filepath.Join(dir, "c.db")
	s := open(t, path)
	defer s.Close()
	s.Still()
	const long = 50
	s.SetLongLog(long)
	commits := func() {
		if err := bump(t.Context(), s, 1); err != nil {
			t.Error(err)
		}
	}
	came, waited := 0, 0
	disk.During(func(file string) {
		switch {
		case filepath.Base(file) != filepath.Base(path): // a commit's own sync, of the log
		case s.CommitsWait():
			waited++
		default:
			came++
			commits()
		}
	})
	defer disk.During(nil)
	commits()
	last, grown := logLength(t, s), 0
	for last+grown <= long { // or the commit that comes in makes it long
		if err := s.MoveLog(t.Context()); err != nil {
			t.Fatal(err)
		}
		now := logLength(t, s)
		if now <= last {
			t.Fatalf("a log of %d pages has %d after a pass that was not done", last, now)
		}
		last, grown = now, now-last
	}
	if came == 0 || waited != 0 {
		t.Fatalf("%d commits came in passes over a short log, and %d waited", came, waited)
	}
	for ; last <= long; last = logLength(t, s) {
		commits()
	}
	if err := s.MoveLog(t.Context()); err != nil {
		t.Fatal(err)
	}
	commits() // the log begins anew with the next
	if now := logLength(t, s); now >= last {
		t.Errorf("the log had %d pages and has %d: it never began anew", last, now)
	}
}

func logLength(t *testing.T, s *store.SQLite) int {
	t.Helper()
	n, err := s.LogLength(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}
