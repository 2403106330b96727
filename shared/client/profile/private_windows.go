package profile

import "io/fs"

// private does not look: Windows has access lists instead of modes, and a
// user's configuration folder is the user's own there.
func private(fs.FileInfo) bool { return true }

// syncDir does nothing: NTFS journals a rename, and folders cannot be synced.
func syncDir(string) error { return nil }
