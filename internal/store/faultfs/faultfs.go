// Package faultfs puts a disk that can fail under SQLite, for tests.
//
// The one idea is a layer between SQLite and its own access to files: it becomes
// the process's default, passes everything on, and can be told that the n-th write,
// sync or truncation fails, from full or by mistake of the disk. So the product
// is tested as it ships, with no hook in it.
//
// It also knows what would be left after a power cut: what was written before a
// sync that succeeded. A sync that fails can drop what was written before it, as
// Linux does: a second sync then says yes and the pages are gone. What it does
// not do: fail reads, or lose names of files. A sync costs nothing, since what it
// would save is in the model.
package faultfs

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Fault is one way of failing.
type Fault struct {
	// Full says that there is no space, to what needs some. Else it is an
	// input/output error.
	Full bool
	// Torn writes half of what is to be written, and fails then.
	Torn bool
	// Lasting makes every call from the first on fail, until Heal. Else it is one.
	Lasting bool
	// Drop makes a sync that fails forget what was written since the last one.
	Drop bool
	// Only limits the fault to calls of this kind, if it is not empty.
	Only Kind
	// File limits the fault to files whose names end so, if it is not empty.
	File string
}

// Kind is a kind of call.
type Kind string

// The kinds of call that can fail.
const (
	Write    Kind = "write"
	Sync     Kind = "sync"
	Truncate Kind = "truncate"
	Share    Kind = "share" // the file of shared memory beside the database grows
)

// Disk is all that stands under one folder.
type Disk struct {
	dir string

	mu     sync.Mutex
	media  map[string]*medium
	fault  Fault
	at     int // the call that fails, counted from 1; none if 0
	calls  int // since Fail or Heal
	failed int // likewise
	told   chan struct{}
	during func(path string)
}

// pageSize is that of the system's cache, which writes and forgets whole pages.
const pageSize = 4096

// medium is one file: as the process sees it, and as a power cut would leave it.
type medium struct {
	seen, kept []byte
	dirty      map[int]bool // pages that are seen and not yet kept
}

// Under makes what SQLite opens under dir from now on a disk that can fail. It
// forgets that when the test ends.
func Under(t testing.TB, dir string) *Disk {
	t.Helper()
	if err := install(); err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	d := &Disk{dir: dir, media: map[string]*medium{}, told: make(chan struct{}, 1)}
	disks.Lock()
	disks.all = append(disks.all, d)
	disks.Unlock()
	t.Cleanup(func() {
		disks.Lock()
		defer disks.Unlock()
		for i, other := range disks.all {
			if other == d {
				disks.all = append(disks.all[:i], disks.all[i+1:]...)
				return
			}
		}
	})
	return d
}

// Fail makes the n-th call from now on fail, 1 being the next.
func (d *Disk) Fail(n int, f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault, d.at, d.calls, d.failed = f, n, 0, 0
}

// Heal ends all faults, and says how many calls there were since Fail and how
// many of them failed.
func (d *Disk) Heal() (calls, failed int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	calls, failed = d.calls, d.failed
	d.at, d.calls, d.failed = 0, 0, 0
	return calls, failed
}

// Failed receives after a call has failed.
func (d *Disk) Failed() <-chan struct{} { return d.told }

// During has f called in every sync from now on, with the file's path: what comes
// at that moment is no longer a matter of luck. f may use the database, from
// connections that do not wait for the one that syncs.
func (d *Disk) During(f func(path string)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.during = f
}

// Kill writes into the folder to what a process that is killed leaves, and makes
// that a disk in its turn: all that was written is seen there, and a power cut
// would still keep no more of it than here.
func (d *Disk) Kill(t testing.TB, to string) *Disk {
	t.Helper()
	heir := Under(t, to)
	d.mu.Lock()
	defer d.mu.Unlock()
	for path, m := range d.media {
		path = filepath.Join(heir.dir, filepath.Base(path))
		if err := os.WriteFile(path, m.seen, 0o600); err != nil {
			t.Fatal(err)
		}
		heir.media[path] = &medium{seen: bytes.Clone(m.seen), kept: bytes.Clone(m.kept), dirty: maps.Clone(m.dirty)}
	}
	return heir
}

// Copy writes into the folder to what a power cut at this moment would leave.
func (d *Disk) Copy(t testing.TB, to string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for path, m := range d.media {
		if err := os.WriteFile(filepath.Join(to, filepath.Base(path)), m.kept, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// call counts a call and says how it fails, or nil.
func (d *Disk) call(k Kind, path string) *Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.fault
	if f.Only != "" && f.Only != k || f.Full && k != Write && k != Share || !strings.HasSuffix(path, f.File) {
		return nil
	}
	d.calls++
	if d.at == 0 || d.calls < d.at || d.calls > d.at && !f.Lasting {
		return nil
	}
	d.failed++
	select {
	case d.told <- struct{}{}:
	default:
	}
	return &f
}

// opened learns what is in a file before anything is written to it. It reads it
// by itself, which is safe only while nobody has a lock on it: closing a file
// gives up the process's locks.
func (d *Disk) opened(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.media[path] != nil {
		return nil
	}
	there, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	d.media[path] = &medium{seen: there, kept: bytes.Clone(there), dirty: map[int]bool{}}
	return nil
}

func (d *Disk) deleted(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.media, path)
}

// wrote is told of every write that reached the system.
func (d *Disk) wrote(path string, p []byte, at int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m, end := d.media[path], int(at)+len(p)
	if m == nil || len(p) == 0 {
		return
	}
	m.seen = grow(m.seen, end)
	copy(m.seen[at:], p)
	for page := int(at) / pageSize; page*pageSize < end; page++ {
		m.dirty[page] = true
	}
}

// truncated is told of a truncation, which is taken to be kept at once.
func (d *Disk) truncated(path string, size int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if m := d.media[path]; m != nil {
		m.seen = grow(m.seen, int(size))[:size]
		m.kept = m.kept[:min(len(m.kept), int(size))]
	}
}

// syncing is told of a sync before it does anything.
func (d *Disk) syncing(path string) {
	d.mu.Lock()
	f := d.during
	d.mu.Unlock()
	if f != nil {
		f(path)
	}
}

// synced keeps what is dirty, or forgets that it is.
func (d *Disk) synced(path string, keep bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.media[path]
	if m == nil {
		return
	}
	for page := range m.dirty {
		if from := page * pageSize; keep && from < len(m.seen) {
			part := m.seen[from:min(len(m.seen), from+pageSize)]
			m.kept = grow(m.kept, from+len(part))
			copy(m.kept[from:], part)
		}
	}
	clear(m.dirty)
}

func grow(b []byte, size int) []byte {
	if missing := size - len(b); missing > 0 {
		return append(b, make([]byte, missing)...)
	}
	return b
}

// disks are all that are there.
var disks struct {
	sync.Mutex
	all []*Disk
}

// diskOf returns the disk that a file stands on, or nil.
func diskOf(path string) *Disk {
	disks.Lock()
	defer disks.Unlock()
	for _, d := range disks.all {
		if strings.HasPrefix(path, d.dir+string(filepath.Separator)) {
			return d
		}
	}
	return nil
}
