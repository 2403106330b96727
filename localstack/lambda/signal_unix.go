//go:build unix

package lambda

import "syscall"

// kill ends a process and its children at once.
func kill(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

// terminate asks a process to end; false if the system has no such request.
func terminate(pid int) bool { return syscall.Kill(pid, syscall.SIGTERM) == nil }

// pause stops a process and its children; false if the system cannot do so.
func pause(pid int) bool { return syscall.Kill(-pid, syscall.SIGSTOP) == nil }

// resume continues what pause has stopped.
func resume(pid int) { _ = syscall.Kill(-pid, syscall.SIGCONT) }

// killChildren ends what an ended process has left in its group.
func killChildren(pid int) { kill(pid) }
