package lambda

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// sysProcAttr gives the process a group of its own, so that a Ctrl-C meant for
// the stack does not reach it and its children can be killed with it, and ties
// its life to the launcher's thread.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// knowsMemory says whether the system tells how much memory another process
// uses.
const knowsMemory = true

var pageSize = int64(os.Getpagesize())

func measure(pid int) usage {
	status, err := os.ReadFile(proc(pid, "status"))
	if err != nil {
		return usage{}
	}
	return usage{peak: number(status, "VmHWM:") << 10, traced: number(status, "TracerPid:") != 0}
}

// number reads a line of /proc/<pid>/status, 0 if there is none.
func number(status []byte, name string) int64 {
	_, rest, _ := bytes.Cut(status, []byte("\n"+name))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	n, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(line, []byte(" kB")))), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// residentMemory is a process's resident size in bytes, 0 if it is gone.
func residentMemory(pid int) int64 {
	statm, err := os.ReadFile(proc(pid, "statm"))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * pageSize
}

// childrenMemory is the resident size of all that a process has started, in
// bytes.
func childrenMemory(pid int) int64 {
	var sum int64
	lists, err := filepath.Glob(proc(pid, "task/*/children"))
	if err != nil {
		return 0
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range bytes.Fields(text) {
			if child, err := strconv.Atoi(string(field)); err == nil {
				sum += residentMemory(child) + childrenMemory(child)
			}
		}
	}
	return sum
}

func proc(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }
