package process

import "syscall"

// dieWithUs makes a node end when the test binary does, however it ends.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
