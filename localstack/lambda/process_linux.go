package lambda

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// sysProcAttr puts the process into a new process group, so that a Ctrl-C for
// the stack does not reach it and its children can be killed with it. The
// process is killed when the thread that started it ends.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// knowsMemory reports whether the memory of other processes can be measured.
const knowsMemory = true

var pageSize = int64(os.Getpagesize())

// measure returns the peak memory of a process and whether it is debugged.
func measure(pid int) usage {
	status, err := os.ReadFile(proc(pid, "status"))
	if err != nil {
		return usage{}
	}
	return usage{peak: number(status, "VmHWM:") << 10, traced: number(status, "TracerPid:") != 0}
}

// number returns the value of a line of /proc/<pid>/status, 0 if there is none.
func number(status []byte, name string) int64 {
	_, rest, _ := bytes.Cut(status, []byte("\n"+name))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	n, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(line, []byte(" kB")))), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// residentMemory returns a process's resident size in bytes, 0 if it has ended.
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

// childrenMemory returns the resident size in bytes of all descendants of a
// process.
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
