package faultfs

import (
	"errors"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// SQLite's structures are C's: memory outside of Go's, functions as addresses.
// The layer is a copy of SQLite's own table of functions with few replaced. Each
// file keeps SQLite's structure, and has a table of its own copied likewise.

// layer is the installed layer.
var layer struct {
	once sync.Once
	err  error
	below
	mu    sync.Mutex
	files map[uintptr]*file // by the address of their structure
}

// below is what the layer stands on.
type below struct {
	vfs uintptr
	own sqlite3.Tsqlite3_vfs
}

// file is an open file of a disk.
type file struct {
	disk  *Disk
	path  string
	below sqlite3.Tsqlite3_io_methods
	table uintptr // ours
}

// install puts the layer between SQLite and the system for all of the process.
func install() error {
	layer.once.Do(func() {
		tls := libc.NewTLS() // stays: so does the layer
		layer.files = map[uintptr]*file{}
		if layer.vfs = sqlite3.Xsqlite3_vfs_find(tls, 0); layer.vfs == 0 {
			layer.err = errors.New("faultfs: SQLite has no access to files")
			return
		}
		layer.own = *at[sqlite3.Tsqlite3_vfs](layer.vfs)
		name, err := libc.CString("faultfs")
		if err != nil {
			layer.err = err
			return
		}
		ours := layer.own
		ours.FpNext, ours.FzName = 0, name
		ours.FxOpen = address(opens(func(tls *libc.TLS, _, name, file uintptr, flags int32, out uintptr) int32 {
			return open(tls, opening{name, file, flags, out})
		}))
		ours.FxDelete = address(remove)
		if rc := sqlite3.Xsqlite3_vfs_register(tls, put(tls, ours), 1); rc != sqlite3.SQLITE_OK {
			layer.err = errors.New("faultfs: SQLite does not take the layer")
		}
	})
	return layer.err
}

// at reads a structure of C's.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// put copies a structure to where C can keep it.
func put[T any](tls *libc.TLS, v T) uintptr {
	p := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(v)))
	*at[T](p) = v
	return p
}

// address gives a function the form in which C keeps it.
func address[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

// function is the way back.
func function[F any](address uintptr) F { return *(*F)(unsafe.Pointer(&address)) }

// The functions of the tables.
type (
	opens     = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32
	removes   = func(tls *libc.TLS, vfs, name uintptr, sync int32) int32
	closes    = func(tls *libc.TLS, file uintptr) int32
	writes    = func(tls *libc.TLS, file, from uintptr, size int32, at int64) int32
	truncates = func(tls *libc.TLS, file uintptr, size int64) int32
	shares    = func(tls *libc.TLS, file uintptr, region, size, extend int32, out uintptr) int32
)

// opening is what SQLite asks for: a file by its name, to be kept at an address.
type opening struct {
	name, file uintptr
	flags      int32
	out        uintptr
}

func open(tls *libc.TLS, o opening) int32 {
	var d *Disk
	path := ""
	if o.name != 0 {
		path = libc.GoString(o.name)
		d = diskOf(path)
	}
	if d != nil && d.opened(path) != nil {
		return sqlite3.SQLITE_CANTOPEN
	}
	rc := function[opens](layer.own.FxOpen)(tls, layer.vfs, o.name, o.file, o.flags, o.out)
	methods := &at[sqlite3.Tsqlite3_file](o.file).FpMethods
	if rc != sqlite3.SQLITE_OK || d == nil || *methods == 0 {
		return rc
	}
	own := &file{disk: d, path: path, below: *at[sqlite3.Tsqlite3_io_methods](*methods)}
	table := own.below
	table.FxClose = address(closeFile)
	table.FxWrite = address(write)
	table.FxTruncate = address(truncate)
	table.FxSync = address(syncFile)
	table.FxShmMap = address(shares(func(tls *libc.TLS, f uintptr, region, size, extend int32, out uintptr) int32 {
		// Only growing needs space.
		if own := fileAt(f); extend != 0 && own.disk.call(Share, own.path) != nil {
			return sqlite3.SQLITE_IOERR_SHMSIZE
		}
		return function[shares](fileAt(f).below.FxShmMap)(tls, f, region, size, extend, out)
	}))
	own.table = put(tls, table)
	*methods = own.table
	layer.mu.Lock()
	layer.files[o.file] = own
	layer.mu.Unlock()
	return rc
}

func remove(tls *libc.TLS, _, name uintptr, sync int32) int32 {
	path := libc.GoString(name)
	rc := function[removes](layer.own.FxDelete)(tls, layer.vfs, name, sync)
	if d := diskOf(path); d != nil && rc == sqlite3.SQLITE_OK {
		d.deleted(path)
	}
	return rc
}

func fileAt(f uintptr) *file {
	layer.mu.Lock()
	defer layer.mu.Unlock()
	return layer.files[f]
}

func closeFile(tls *libc.TLS, f uintptr) int32 {
	own := fileAt(f)
	layer.mu.Lock()
	delete(layer.files, f)
	layer.mu.Unlock()
	rc := function[closes](own.below.FxClose)(tls, f)
	libc.Xfree(tls, own.table)
	return rc
}

func write(tls *libc.TLS, f, from uintptr, size int32, offset int64) int32 {
	own := fileAt(f)
	fault := own.disk.call(Write, own.path)
	whole := size
	if fault != nil {
		size = 0
		if fault.Torn {
			size = whole / 2
		}
	}
	if size > 0 {
		if rc := function[writes](own.below.FxWrite)(tls, f, from, size, offset); rc != sqlite3.SQLITE_OK {
			return rc
		}
		own.disk.wrote(own.path, unsafe.Slice(at[byte](from), size), offset)
	}
	switch {
	case fault == nil:
		return sqlite3.SQLITE_OK
	case fault.Full:
		return sqlite3.SQLITE_FULL
	}
	return sqlite3.SQLITE_IOERR_WRITE
}

func truncate(tls *libc.TLS, f uintptr, size int64) int32 {
	own := fileAt(f)
	if own.disk.call(Truncate, own.path) != nil {
		return sqlite3.SQLITE_IOERR_TRUNCATE
	}
	rc := function[truncates](own.below.FxTruncate)(tls, f, size)
	if rc == sqlite3.SQLITE_OK {
		own.disk.truncated(own.path, size)
	}
	return rc
}

func syncFile(_ *libc.TLS, f uintptr, _ int32) int32 {
	own := fileAt(f)
	own.disk.syncing(own.path)
	fault := own.disk.call(Sync, own.path)
	if fault == nil || fault.Drop {
		own.disk.synced(own.path, fault == nil)
	}
	if fault != nil {
		return sqlite3.SQLITE_IOERR_FSYNC
	}
	return sqlite3.SQLITE_OK
}
