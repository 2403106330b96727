package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// othersAccess are the mode bits of everybody but the owner.
const othersAccess fs.FileMode = 0o077

// lockFolder makes the data folder, closes it to other users and locks it.
func (o Options) lockFolder() (*dataLock, error) {
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	was, err := closeFolder(o.Data)
	if err != nil {
		return nil, err
	}
	lock, err := lockData(o.Data)
	if err != nil {
		return nil, err
	}
	if was != 0 {
		o.Log.Warn("closed the data folder to other users, who may have read its keys and messages", "resource", o.Data,
			"err", fmt.Errorf("its mode was %04o", was))
	}
	if err := closeFiles(o.Data); err != nil {
		return nil, errors.Join(fmt.Errorf("close the data folder to other users: %w", err), lock.release())
	}
	return lock, nil
}

// closeFolder makes the data folder accessible to its owner only, since it
// has every key and message. was is its mode before, or 0 if the
// folder was closed, new or empty. A folder with files that are not the stack's
// may be meant for others, so closeFolder returns an error instead. Windows has
// access lists instead of modes; it does nothing there.
func closeFolder(dir string) (was fs.FileMode, err error) {
	if runtime.GOOS == "windows" {
		return 0, nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return 0, fmt.Errorf("check the data folder: %w", err)
	}
	mode := info.Mode().Perm()
	if !info.IsDir() || mode&othersAccess == 0 {
		return 0, nil
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return 0, fmt.Errorf("check the data folder: %w", err)
	}
	if isForeign(files) {
		return 0, fmt.Errorf("the data folder %s has files of something else, and other users have access to it (mode %04o); "+
			"choose another folder (-data), or run: chmod 700 %s", dir, mode, dir)
	}
	if err := os.Chmod(dir, mode&^othersAccess|0o700); err != nil {
		return 0, fmt.Errorf("close the data folder to other users (mode %04o): %w", mode, err)
	}
	if len(files) == 0 {
		return 0, nil
	}
	return mode, nil
}

// isForeign reports whether these are the files of a folder that no stack has
// used: there is no lock, and something that is not a part of a data folder.
// Parts without a lock may come from a backup.
func isForeign(files []fs.DirEntry) bool {
	hasName := func(names ...string) func(fs.DirEntry) bool {
		return func(f fs.DirEntry) bool { return slices.Contains(names, f.Name()) }
	}
	ownPart := hasName("authority", "dynamodb", "event-sources", "functions", "kms", "tmp", keysFile)
	return !slices.ContainsFunc(files, hasName(lockFile)) &&
		slices.ContainsFunc(files, func(f fs.DirEntry) bool { return !ownPart(f) })
}

// closeFiles makes everything in the data folder accessible to its owner only,
// so that a copy of a part of it is closed as well. It follows no links.
func closeFiles(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&^fs.ModeDir != 0 {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || info.Mode().Perm()&othersAccess == 0 {
			return err
		}
		return os.Chmod(path, info.Mode().Perm()&^othersAccess)
	})
}
