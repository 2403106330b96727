package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// dataLock keeps a second stack off the data folder. The operating system
// lets go of it when the process ends, however it ends.
type dataLock struct {
	lock *flock.Flock
	pid  string // path of the file that names the holder
}

// lockData makes the folder if need be and takes the lock.
func lockData(dir string) (*dataLock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	l := &dataLock{
		lock: flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600)),
		// Beside the lock, since Windows lets nobody read a locked file.
		pid: filepath.Join(dir, "pid"),
	}
	// Keys and tables are not for anybody's repository.
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*\n"), 0o600); err != nil {
		return nil, fmt.Errorf("keep the data folder out of Git: %w", err)
	}
	free, err := l.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the data folder %s: %w", dir, err)
	}
	if !free {
		return nil, fmt.Errorf("the data folder %s is in use by %s: stop it, or choose another folder with -data",
			dir, l.holder())
	}
	if err := os.WriteFile(l.pid, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("name the holder of the data folder: %w", err), l.lock.Unlock())
	}
	return l, nil
}

// holder names the process that has the lock, as well as is known: its file
// may not be written yet.
func (l *dataLock) holder() string {
	text, err := os.ReadFile(l.pid)
	if pid := strings.TrimSpace(string(text)); err == nil && pid != "" {
		return "another stack (pid " + pid + ")"
	}
	return "another stack"
}

// release lets the next stack in. The files stay: to remove a lock file is to
// let two processes lock two different files.
func (l *dataLock) release() error { return l.lock.Unlock() }
