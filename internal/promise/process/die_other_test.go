//go:build unix && !linux

package process

import "syscall"

// dieWithUs does nothing where the system cannot tell a child of our end.
func dieWithUs() *syscall.SysProcAttr { return nil }
