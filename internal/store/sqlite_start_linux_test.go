package store_test

import (
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"countersign/internal/store"
)

// asStranger runs f as a user who owns no file: for the superuser nothing is
// read-only. The kernel knows that user by the thread, which ends with f.
func asStranger(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	var done sync.WaitGroup
	done.Go(func() {
		runtime.LockOSThread()
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, 65534, 0, 0); errno != 0 {
			t.Error(errno)
			return
		}
		f()
	})
	done.Wait()
}

func TestWhatMayNotBeWrittenIsExplained(t *testing.T) {
	for _, tt := range []struct {
		name         string
		exists       bool
		folder, file os.FileMode
		says         string
	}{
		{"a folder that may not be written to", false, 0o555, 0, "cannot make the lock file"},
		{"a database that may not be written to", true, 0o777, 0o444, "cannot open the database"},
		{"a folder with a database, that may not be written to", true, 0o555, 0o666, "let this user write to the file and to its folder"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			mode(t, filepath.Dir(dir), 0o755) // a stranger may pass
			folder := filepath.Join(dir, "data")
			path := filepath.Join(folder, "c.db")
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			if tt.exists {
				fill(t, path)
				mode(t, path, tt.file)
				mode(t, path+".lock", 0o666)
			}
			mode(t, folder, tt.folder)
			asStranger(t, func() { explained(t, path, tt.says) })
			mode(t, folder, 0o777)
			if !tt.exists {
				return
			}
			mode(t, path, 0o666)
			s, err := store.Open(t.Context(), path) // and it is as good as it was
			if err != nil {
				t.Fatal(err)
			}
			if n := streak(t, s, 1); n != 1 {
				t.Errorf("there is %d", n)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func mode(t *testing.T, path string, m os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, m); err != nil {
		t.Fatal(err)
	}
}
