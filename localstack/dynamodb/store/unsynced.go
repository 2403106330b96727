package store

import (
	"errors"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// unsyncedLog is a file system on which the write-ahead log is written and not
// synced: what has been committed is in the system's hands, where it survives
// the end of this process in any way, and a failure of power or the system may
// take the last moments. Everything else is synced, and so is the log when it
// is closed for the next one: after such a failure the store opens, with a
// state that it had.
type unsyncedLog struct{ vfs.FS }

// isLog says whether a file is part of the write-ahead log.
func isLog(name string) bool { return strings.HasSuffix(name, ".log") }

func (u unsyncedLog) wrap(name string, f vfs.File, err error) (vfs.File, error) {
	if err != nil || !isLog(name) {
		return f, err
	}
	return unsyncedFile{f}, nil
}

func (u unsyncedLog) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := u.FS.Create(name, c)
	return u.wrap(name, f, err)
}

func (u unsyncedLog) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := u.FS.OpenReadWrite(name, c, opts...)
	return u.wrap(name, f, err)
}

func (u unsyncedLog) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := u.FS.ReuseForWrite(oldname, newname, c)
	return u.wrap(newname, f, err)
}

type unsyncedFile struct{ vfs.File }

func (unsyncedFile) Sync() error     { return nil }
func (unsyncedFile) SyncData() error { return nil }

func (unsyncedFile) SyncTo(int64) (fullSync bool, err error) { return true, nil }

// Close syncs after all.
func (f unsyncedFile) Close() error {
	return errors.Join(f.File.Sync(), f.File.Close())
}
