package lambda

import (
	"os"
	"path/filepath"
	"slices"
)

// sandbox is the part of an execution environment that outlives its process.
// After a crash or a timeout, a new process gets the same temporary directory,
// with the files in it, and the same log stream (LDG "Lambda execution
// environment lifecycle", failures during the invoke phase).
type sandbox struct {
	tempDir   string
	logStream string
}

// newSandbox returns a new sandbox. Its directory does not exist yet.
func newSandbox(in *instance) sandbox {
	return sandbox{
		tempDir: filepath.Join(in.fleet.s.tempDir, in.id),
		// The form of CloudWatch: date, version, 32 hexadecimal digits.
		logStream: in.created.UTC().Format("2006/01/02/") + "[" + latest + "]" + in.id,
	}
}

// keep keeps the sandbox of an instance for another process. The caller holds
// Service.mu, as for takeSandbox and dropSandboxes.
func (f *fleet) keep(in *instance) {
	in.kept = true
	f.sandboxes = append(f.sandboxes, in.sandbox)
}

// takeSandbox returns the kept sandbox that was used last. It returns false if
// there is none.
func (f *fleet) takeSandbox() (box sandbox, ok bool) {
	if len(f.sandboxes) == 0 {
		return sandbox{}, false
	}
	box = f.sandboxes[len(f.sandboxes)-1]
	f.sandboxes = f.sandboxes[:len(f.sandboxes)-1]
	return box, true
}

// dropSandboxes removes the kept sandboxes.
func (f *fleet) dropSandboxes() {
	boxes := slices.Clone(f.sandboxes)
	f.sandboxes = nil
	f.s.processes.Go(func() {
		for _, box := range boxes {
			f.s.removeAll(f.fn.Name, box.tempDir)
		}
	})
}

// removeAll removes a directory of a function. An error is only logged.
func (s *Service) removeAll(function, dir string) {
	if err := os.RemoveAll(dir); err != nil {
		s.log.Warn("failed to remove temporary files", "function", function, "err", err)
	}
}
