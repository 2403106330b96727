package lambda

import (
	"os"
	"path/filepath"
	"slices"
)

// sandbox is what outlives the process of an execution environment: after a
// crash or a timeout the runtime is started anew in the same one, with the
// files that its predecessor has left in its temporary directory and the same
// log stream (LDG "Lambda execution environment lifecycle", failures during the
// invoke phase).
type sandbox struct {
	tempDir   string
	logStream string
}

// newSandbox makes one for the first process in it. Its directory does not
// exist yet.
func newSandbox(in *instance) sandbox {
	return sandbox{
		tempDir: filepath.Join(in.fleet.s.tempDir, in.id),
		// The form of CloudWatch's: date, version, 32 hex digits.
		logStream: in.created.UTC().Format("2006/01/02/") + "[" + latest + "]" + in.id,
	}
}

// keep holds a sandbox ready for another process. Under Service.mu, as all of
// these.
func (f *fleet) keep(in *instance) {
	in.kept = true
	f.sandboxes = append(f.sandboxes, in.sandbox)
}

// takeSandbox returns the sandbox that was used last, if one waits for a
// process.
func (f *fleet) takeSandbox() (box sandbox, ok bool) {
	if len(f.sandboxes) == 0 {
		return sandbox{}, false
	}
	box = f.sandboxes[len(f.sandboxes)-1]
	f.sandboxes = f.sandboxes[:len(f.sandboxes)-1]
	return box, true
}

// dropSandboxes removes those that nobody will use.
func (f *fleet) dropSandboxes() {
	boxes := slices.Clone(f.sandboxes)
	f.sandboxes = nil
	f.s.processes.Go(func() {
		for _, box := range boxes {
			f.s.removeAll(f.fn.Name, box.tempDir)
		}
	})
}

func (s *Service) removeAll(function, dir string) {
	if err := os.RemoveAll(dir); err != nil {
		s.log.Warn("remove temporary files", "function", function, "error", err)
	}
}
