//go:build unix && !linux

package lambda

import "syscall"

// sysProcAttr puts the process into a new process group, so that a Ctrl-C for
// the stack does not reach it and its children can be killed with it. When the
// stack dies, the function's connection to the Runtime API breaks, which ends
// it.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
