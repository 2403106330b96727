package lambda

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// sysProcAttr gives the process a group of its own, so that a Ctrl-C meant for
// the stack does not reach it and its children can be killed with it, and ties
// its life to the launcher's thread.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// peakMemory is the largest resident size of a running process in bytes, 0 if
// unknown.
func peakMemory(pid int) int64 {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	line, _, _ := bytes.Cut(rest, []byte(" kB"))
	kib, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}
