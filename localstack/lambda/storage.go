package lambda

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// writableFolders returns where the processes of an instance may write: on
// Lambda, below /tmp only. The machine's own temporary folder stands for /tmp,
// and programs open devices and their own state in /proc for writing.
func (in *instance) writableFolders() []string {
	return []string{in.tempDir, "/tmp", os.TempDir(), "/dev", "/proc"}
}

// logUnconfined logs once that functions can write everywhere.
func (s *Service) logUnconfined() {
	s.unconfined.Do(func() {
		s.log.Debug("functions can write to their code folder, which is read-only on AWS: this system has no Landlock")
	})
}

// storageEvery is the number of measurements of the memory after which the
// temporary files are measured, which is more expensive.
const storageEvery = 25

// measureStorage ends the instance if its temporary files are larger than its
// function allows. On AWS the write fails (ENOSPC), which no unprivileged
// process can arrange for another. The caller does not hold Service.mu.
func (in *instance) measureStorage() {
	size := folderSize(in.tempDir)
	limit := int64(in.fleet.fn.StorageMB) << 20
	if size <= limit {
		return
	}
	s := in.fleet.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.ending {
		return
	}
	in.full = true
	in.cause = storageOutcome
	in.kill()
	s.log.Error("temporary files exceed the function's storage; on AWS the write fails", "function", in.fleet.fn.Name,
		"bytes", size, "err", fmt.Errorf("%d MB is the limit; remove files after use, or set EphemeralStorage",
			in.fleet.fn.StorageMB))
}

// folderSize returns the size of all files below a folder in bytes. Files that
// vanish meanwhile do not count.
func folderSize(dir string) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

// storageOutcome is the outcome of an invocation whose function used more
// storage than it has.
func storageOutcome(requestID string) *outcome {
	return crashOutcome(requestID, "Runtime.ExitError", "Runtime exited with error: no space left on device")
}

// checkStorage returns an error for a size that Lambda would refuse.
func checkStorage(mb int) error {
	if mb != 0 && (mb < minStorageMB || mb > maxStorageMB) {
		return fmt.Errorf("ephemeral storage of %d MB is not between %d and %d", mb, minStorageMB, maxStorageMB)
	}
	return nil
}

// Bounds of the temporary files in MB; the smallest size is the default (API
// reference, EphemeralStorage).
const (
	minStorageMB = 512
	maxStorageMB = 10240
)
