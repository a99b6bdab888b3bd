package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// child is a process that this program started and therefore ends.
type child struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has
}

func startChild(cmd *exec.Cmd) (*child, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd, make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// stop asks the child to end and ends it if it does not.
func (c *child) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(15 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
}

// clockTick is the unit of times in /proc/<pid>/stat: USER_HZ, which is 100 on
// every Linux that Go runs on, whatever the kernel's own clock.
const clockTick = 10 * time.Millisecond

// cpuTime is how long a process has run so far, user and system together.
func cpuTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseCPUTime(string(text))
}

// familyTime is how long a process and its children have run so far: those that
// live, and those that it has seen end. It is 0 for no process.
func familyTime(pid int) (time.Duration, error) {
	if pid == 0 {
		return 0, nil
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		own := path == fmt.Sprintf("/proc/%d/stat", pid)
		fields := strings.Fields(string(text[max(0, bytes.LastIndexByte(text, ')')+1):]))
		if !own && (len(fields) < 15 || fields[1] != strconv.Itoa(pid)) {
			continue
		}
		last := 13 // its own time
		if own {
			last = 15 // and that of the children that have ended
		}
		for _, field := range fields[11:last] {
			ticks, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, err
			}
			sum += time.Duration(ticks) * clockTick
		}
	}
	return sum, nil
}

// parseCPUTime reads fields 14 and 15 of proc_pid_stat(5). The second field is
// the program's name in brackets, which may hold spaces and brackets itself.
func parseCPUTime(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, errors.New("/proc/<pid>/stat has too few fields")
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * clockTick, errors.Join(err1, err2)
}

// machineTime is how long all processes together have run, and how long they
// could have: the first line of /proc/stat. Interrupts are left out of the first,
// because those of our own packets are in no process's account either; what the
// host of a virtual machine took away is in.
func machineTime() (ran, total time.Duration, err error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, err
	}
	return parseMachineTime(string(text))
}

func parseMachineTime(stat string) (ran, total time.Duration, err error) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, 0, errors.New("/proc/stat does not begin as it should")
	}
	// user, nice, system, idle, iowait, irq, softirq, steal; guests are in user.
	for i, field := range fields[1:9] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, 0, err
		}
		total += time.Duration(n) * clockTick
		if i <= 2 || i == 7 {
			ran += time.Duration(n) * clockTick
		}
	}
	return ran, total, nil
}

// peakMemory is the most that a process had in memory at any time, in MiB.
func peakMemory(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("/proc/<pid>/status has no VmHWM")
}
