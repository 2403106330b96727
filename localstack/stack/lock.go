package stack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// ErrDataInUse is the error of [New] when another stack uses Options.Data.
var ErrDataInUse = errors.New("in use by another stack")

// lockFile also shows that a folder is the data folder of a stack.
const lockFile = "lock"

// dataLock keeps a second stack out of the data folder. The operating system
// releases it when the process ends, even after a crash.
type dataLock struct {
	lock *flock.Flock
	pid  string // path of the file with the holder's process id
}

// lockData takes the lock of an existing folder.
func lockData(dir string) (*dataLock, error) {
	l := &dataLock{
		lock: flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600)),
		// Beside the lock, since no other process can read a locked file on
		// Windows.
		pid: filepath.Join(dir, "pid"),
	}
	// Keys and tables do not belong into a repository.
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*\n"), 0o600); err != nil {
		return nil, fmt.Errorf("keep the data folder out of Git: %w", err)
	}
	free, err := l.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the data folder %s: %w", dir, err)
	}
	if !free {
		return nil, fmt.Errorf("the data folder %s is %w%s", dir, ErrDataInUse, l.holder())
	}
	if err := os.WriteFile(l.pid, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write the process id to the data folder: %w", err), l.lock.Unlock())
	}
	return l, nil
}

// holder returns " (pid N)" for the process that has the lock, or "" if its
// file is not written yet.
func (l *dataLock) holder() string {
	text, err := os.ReadFile(l.pid)
	if pid := strings.TrimSpace(string(text)); err == nil && pid != "" {
		return " (pid " + pid + ")"
	}
	return ""
}

// release lets another stack use the folder. The files stay: after the removal
// of a lock file two processes could lock two different files.
func (l *dataLock) release() error { return l.lock.Unlock() }
