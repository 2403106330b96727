package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/gofrs/flock"
)

const (
	dirMode  fs.FileMode = 0o700
	fileMode fs.FileMode = 0o600
)

// folder is the backend on disk.
type folder struct{ root string }

func (f *folder) path(name string) string { return filepath.Join(f.root, filepath.FromSlash(name)) }

// makeDir creates a folder of the profile, or checks the existing one.
func (f *folder) makeDir(name string) error {
	dir := f.path(name)
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return fmt.Errorf("create the profile's folder: %w", err)
	}
	return f.checkDir(name)
}

func (f *folder) checkDir(name string) error {
	dir := f.path(name)
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("check the profile's folder: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder; choose another place for the profile", dir)
	}
	if !private(info) {
		return fmt.Errorf("%s is %w (mode %04o); run: chmod 700 %s", dir, ErrInsecure, info.Mode().Perm(), dir)
	}
	return nil
}

func (f *folder) read(name string) ([]byte, error) {
	data, err := f.readPrivate(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrInsecure) {
		return nil, fmt.Errorf("read the profile: %w", err)
	}
	return data, err
}

func (f *folder) readPrivate(name string) ([]byte, error) {
	// Check all parent folders: a user who can write one can replace the file.
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if err := f.checkDir(dir); err != nil {
			return nil, err
		}
	}
	file, err := os.Open(f.path(name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !private(info) {
		return nil, fmt.Errorf("%s is %w (mode %04o); if no one else has read it, run: chmod 600 %s",
			file.Name(), ErrInsecure, info.Mode().Perm(), file.Name())
	}
	// Refuse to read a huge file into memory.
	if info.Size() > maxFile {
		return nil, corrupt(f, name, errors.New("too large"))
	}
	data := make([]byte, info.Size())
	n, err := file.ReadAt(data, 0)
	if n < len(data) {
		return nil, err
	}
	return data, nil
}

// maxFile is the maximum size of a file in bytes. The largest file is the list
// of known devices, with about 100 bytes per device.
const maxFile = 16 << 20

// write writes and syncs a temporary file and renames it, so that a crash
// leaves the old file or the new one.
func (f *folder) write(name string, data []byte) error {
	if err := f.makeDir(path.Dir(name)); err != nil {
		return err
	}
	target := f.path(name)
	temp, err := os.CreateTemp(filepath.Dir(target), ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write the profile: %w", err)
	}
	defer os.Remove(temp.Name()) // fails after the rename, as it should
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Chmod(fileMode), temp.Sync(), temp.Close())
	if err != nil {
		return fmt.Errorf("write the profile: %w", err)
	}
	if err := os.Rename(temp.Name(), target); err != nil {
		return fmt.Errorf("write the profile: %w", err)
	}
	if err := syncDir(filepath.Dir(target)); err != nil {
		return fmt.Errorf("write the profile: %w", err)
	}
	return nil
}

func (f *folder) remove(dir, keep string) error {
	entries, err := os.ReadDir(f.path(dir))
	if err != nil {
		return fmt.Errorf("read the profile: %w", err)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if name == keep {
			continue
		}
		if err := os.RemoveAll(f.path(name)); err != nil {
			return fmt.Errorf("delete from the profile: %w", err)
		}
	}
	return nil
}

// lock excludes other processes and other goroutines: each call opens the file
// again, and both flock(2) and LockFileEx lock per open file.
func (f *folder) lock(name string) (func(), error) {
	if err := f.makeDir(path.Dir(name)); err != nil {
		return nil, err
	}
	l := flock.New(f.path(name), flock.SetPermissions(fileMode))
	if err := l.Lock(); err != nil {
		return nil, fmt.Errorf("lock the profile: %w", err)
	}
	return func() { _ = l.Close() }, nil
}
