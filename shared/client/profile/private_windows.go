package profile

import "io/fs"

// private always returns true: Windows has access lists instead of modes, and
// only the user has access to the user's configuration folder.
func private(fs.FileInfo) bool { return true }

// syncDir does nothing: NTFS journals renames, and folders cannot be synced.
func syncDir(string) error { return nil }
