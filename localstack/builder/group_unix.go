//go:build unix

package builder

import (
	"os/exec"
	"syscall"
)

// ownGroup starts a command in a process group, which ends with the command's
// context: a recipe of make would outlive make otherwise.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
