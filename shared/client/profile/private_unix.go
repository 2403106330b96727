//go:build !windows

package profile

import (
	"io/fs"
	"os"
)

// private says whether nobody but the owner may read, change or list.
func private(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 == 0 }

// syncDir makes a rename in the folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
