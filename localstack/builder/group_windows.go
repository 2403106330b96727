package builder

import "os/exec"

// ownGroup does nothing: a cancelled command is ended without its children.
func ownGroup(*exec.Cmd) {}
