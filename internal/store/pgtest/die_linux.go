package pgtest

import "syscall"

// dieWithUs makes the server end when the test binary does, however it ends.
func dieWithUs(a *syscall.SysProcAttr) *syscall.SysProcAttr {
	a.Pdeathsig = syscall.SIGQUIT // PostgreSQL's immediate shutdown
	return a
}
