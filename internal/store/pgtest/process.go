//go:build unix

package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Running says whether the server's process lives, be it hung.
func (s *Server) Running() bool {
	if s.process == nil {
		return false
	}
	select {
	case <-s.gone:
		return false
	default:
		return true
	}
}

// Kill ends the server and its children as a power cut would: without a word.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if err := s.kill(); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) kill() error {
	children, err := s.freeze()
	if err != nil {
		return err
	}
	if err := s.process.Kill(); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	for _, pid := range children {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have gone with its parent
	}
	<-s.gone
	// A child that is in the middle of a write to the disk takes a moment to go, and
	// no server starts on its data before.
	for _, pid := range children {
		if err := await(pid, func(state byte) bool { return state == 0 || state == 'Z' }); err != nil {
			return err
		}
	}
	return nil
}

// Hang stops the server and its children in their tracks, as a machine that
// freezes does: what is connected stays so, and nothing is answered. It goes on at
// Resume, or when the test ends.
func (s *Server) Hang(t testing.TB) {
	t.Helper()
	t.Cleanup(func() { _ = s.resume() }) // else what waits for it waits for ever; it may be gone
	children, err := s.freeze()
	for _, pid := range children {
		_ = syscall.Kill(pid, syscall.SIGSTOP) // it may have ended by itself
		err = errors.Join(err, await(pid, halted))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Resume lets a server that hangs go on where it was.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	if err := s.resume(); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) resume() error {
	// The children first: with them the parent finds nothing amiss.
	for _, pid := range children(s.process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGCONT) // it may be gone
	}
	if err := s.process.Signal(syscall.SIGCONT); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	return nil
}

// freeze stops the server's first process, which begins the others, and lists
// them. Only when it has stopped are there none that nobody has seen.
func (s *Server) freeze() ([]int, error) {
	if !s.Running() {
		return nil, errors.New("pgtest: the server does not run")
	}
	if err := s.process.Signal(syscall.SIGSTOP); err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	if err := await(s.process.Pid, halted); err != nil {
		return nil, err
	}
	return children(s.process.Pid), nil
}

// Restart runs a server that was killed, on its data.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if s.Running() {
		t.Fatal("pgtest: the server runs")
	}
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
}

// halted is the state of a process that takes no further step.
func halted(state byte) bool { return state == 0 || state == 'T' || state == 'Z' }

// await returns when a process is in a state, where /proc tells of it. The state
// of one that is gone is zero.
func await(pid int, ok func(state byte) bool) error {
	for late := time.Now().Add(patience); ; {
		state, _ := stat(pid)
		if ok(state) {
			return nil
		}
		if time.Now().After(late) {
			return fmt.Errorf("pgtest: process %d of a server stays in state %c", pid, state)
		}
		<-time.After(time.Millisecond)
	}
}

// stat reads the state and the parent of a process.
func stat(pid int) (state byte, parent int) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0 // it has ended
	}
	// "12 (name of it) S 1 …": the name may hold anything.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 2 {
		return 0, 0
	}
	parent, _ = strconv.Atoi(fields[1]) // it is a number
	return fields[0][0], parent
}

// children are the processes that pid has begun, where /proc tells.
func children(pid int) (out []int) {
	found, _ := filepath.Glob("/proc/[0-9]*") // the pattern is right
	for _, path := range found {
		n, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			continue
		}
		if _, parent := stat(n); parent == pid {
			out = append(out, n)
		}
	}
	return out
}

// stop ends the server and removes its folder.
func (s *Server) stop() {
	if s.Running() {
		_ = s.resume()                       // it may hang
		_ = s.process.Signal(syscall.SIGINT) // fast shutdown
		late := time.AfterFunc(patience, func() { _ = s.kill() })
		<-s.gone
		late.Stop()
	}
	_ = os.RemoveAll(s.Dir)
}
