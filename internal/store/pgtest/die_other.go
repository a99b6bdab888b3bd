//go:build unix && !linux

package pgtest

import "syscall"

// dieWithUs does nothing where the system cannot tell a child of our end.
func dieWithUs(a *syscall.SysProcAttr) *syscall.SysProcAttr { return a }
