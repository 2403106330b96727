package lambda

import (
	"os"
	"strconv"
	"strings"
)

// freeMemory returns the memory in bytes that processes can use without
// swapping, within the limit of this process's container, or 0 if the system
// does not say.
func freeMemory() int64 {
	free := availableMemory()
	// In a container the root of the hierarchy is its own group (cgroups(7)).
	limit, used := numberIn("/sys/fs/cgroup/memory.max"), numberIn("/sys/fs/cgroup/memory.current")
	if limit > 0 && used > 0 && (free == 0 || limit-used < free) {
		free = max(limit-used, 1)
	}
	return free
}

// availableMemory returns MemAvailable of /proc/meminfo (proc_meminfo(5)).
func availableMemory() int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "MemAvailable:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}

// numberIn returns the number in a file, or 0 if there is none, such as "max".
func numberIn(file string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
