//go:build unix

package lambda

import "syscall"

// kill kills a process and its children.
func kill(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

// terminate sends SIGTERM to a process and reports whether it succeeded.
func terminate(pid int) bool { return syscall.Kill(pid, syscall.SIGTERM) == nil }

// pause stops a process and its children and reports whether it succeeded.
func pause(pid int) bool { return syscall.Kill(-pid, syscall.SIGSTOP) == nil }

// resume continues a process and its children.
func resume(pid int) { _ = syscall.Kill(-pid, syscall.SIGCONT) }

// killChildren kills the children that an ended process has left in its group.
func killChildren(pid int) { kill(pid) }
