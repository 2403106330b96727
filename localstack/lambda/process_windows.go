package lambda

import (
	"os"
	"syscall"
)

// sysProcAttr puts the process into a new process group, so that a Ctrl-C for
// the stack does not reach it. When the stack dies, the function's connection
// to the Runtime API breaks, which ends it.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// kill kills a process.
func kill(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
		_ = p.Release()
	}
}

// terminate returns false: Windows has no SIGTERM.
func terminate(int) bool { return false }

// pause returns false: Windows cannot stop a process.
func pause(int) bool { return false }

// resume does nothing, since pause stops nothing.
func resume(int) {}

// killChildren does nothing: there is no process group to kill.
func killChildren(int) {}
