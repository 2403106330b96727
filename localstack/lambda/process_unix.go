//go:build unix && !linux

package lambda

import "syscall"

// sysProcAttr gives the process a group of its own, so that a Ctrl-C meant for
// the stack does not reach it and its children can be killed with it. When the
// stack dies the function's Runtime API connection breaks, which ends it.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
