//go:build unix

package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// node is one running process. Another run of the same is another node.
type node struct {
	slot    int // which of the cluster's places it has
	url     string
	profile string
	cmd     *exec.Cmd
	stderr  *lockedBuffer
	killed  atomic.Bool
	gone    chan struct{} // closed when it has ended
}

// launch runs the program and waits for its first line, which says where it is.
func launch(slot int, args ...string) (*node, error) {
	n := &node{slot: slot, cmd: exec.Command(program, args...), stderr: &lockedBuffer{}, gone: make(chan struct{})}
	first := make(chan string, 1)
	n.cmd.Stdout, n.cmd.Stderr, n.cmd.SysProcAttr = &firstLine{said: first}, n.stderr, dieWithUs()
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "COUNTERSIGN_") {
			n.cmd.Env = append(n.cmd.Env, e)
		}
	}
	started := make(chan error)
	go func() {
		// The system ties a child's life to the thread that began it.
		runtime.LockOSThread()
		defer close(n.gone)
		err := n.cmd.Start()
		started <- err
		if err == nil {
			_ = n.cmd.Wait() // its state says how it ended
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	select {
	case line := <-first:
		return n, n.read(line)
	case <-n.gone:
		return nil, fmt.Errorf("it did not start: %s\n%s", n.cmd.ProcessState, n.stderr)
	}
}

// read takes the address and the profile from "… is serving at URL (profile ID)".
func (n *node) read(line string) error {
	_, rest, ok := strings.Cut(line, " is serving at ")
	url, rest, also := strings.Cut(rest, " (profile ")
	if !ok || !also {
		return errors.New("its first line is not understood: " + line)
	}
	n.url, n.profile = url, strings.TrimSuffix(rest, ")")
	return nil
}

// kill ends the process as a power cut would, and does not wait.
func (n *node) kill() {
	n.killed.Store(true)
	_ = n.cmd.Process.Kill() // it cannot have ended before: nobody waits for it elsewhere
}

// terminate asks the process to end, waits until it has, and demands that it did
// so in order.
func (n *node) terminate(t testing.TB) {
	t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-n.gone
	if !n.cmd.ProcessState.Success() {
		t.Errorf("after SIGTERM: %s\n%s", n.cmd.ProcessState, n.stderr)
	}
}

// complaints are lines of its log that no process may write, whatever happens.
func (n *node) complaints() string {
	var out []string
	for line := range strings.Lines(n.stderr.String()) {
		if strings.Contains(line, "panic") || strings.Contains(line, "goroutine ") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

// firstLine passes the first line that is written to it on.
type firstLine struct {
	text []byte
	said chan<- string // nil once it has been said
}

func (f *firstLine) Write(p []byte) (int, error) {
	if f.said != nil {
		f.text = append(f.text, p...)
		if line, _, whole := bytes.Cut(f.text, []byte("\n")); whole {
			f.said <- string(line)
			f.said = nil
		}
	}
	return len(p), nil
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
