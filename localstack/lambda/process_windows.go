package lambda

import (
	"os"
	"syscall"
)

// sysProcAttr gives the process a group of its own, so that a Ctrl-C meant for
// the stack does not reach it. When the stack dies the function's Runtime API
// connection breaks, which ends it.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// kill ends a process at once.
func kill(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
		_ = p.Release()
	}
}

// terminate asks a process to end; false if the system has no such request.
func terminate(int) bool { return false }

// pause stops a process; false if the system cannot do so.
func pause(int) bool { return false }

// resume continues what pause has stopped: nothing.
func resume(int) {}

// killChildren does nothing: there is no group to kill.
func killChildren(int) {}
