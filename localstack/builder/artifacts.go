package builder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Each build of a function that makes something new has an artifact directory
// <outDir>/<Name>/<random>. So a build never changes what a running function
// was started from, or will be started from next.

// newArtifacts makes an artifact directory for a function.
func (b *builder) newArtifacts(name string) (string, error) {
	parent := filepath.Join(b.outDir, name)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fmt.Errorf("make artifact directory: %w", err)
	}
	dir, err := os.MkdirTemp(parent, "")
	if err != nil {
		return "", fmt.Errorf("make artifact directory: %w", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", fmt.Errorf("open artifact directory to others: %w", err)
	}
	return dir, nil
}

// published returns the function's executable that is the same file, or "".
func (b *builder) published(name string, file os.FileInfo) string {
	versions, _ := os.ReadDir(filepath.Join(b.outDir, name)) // none before the first build
	for _, v := range versions {
		bootstrap := filepath.Join(b.outDir, name, v.Name(), bootstrapName())
		if info, err := os.Stat(bootstrap); err == nil && os.SameFile(file, info) {
			return bootstrap
		}
	}
	return ""
}

// link puts an executable into a new artifact directory of the function. A hard
// link costs no copy, and shows the next build that the file is the same.
func (b *builder) link(name, executable string) (string, error) {
	dir, err := b.newArtifacts(name)
	if err != nil {
		return "", err
	}
	bootstrap := filepath.Join(dir, bootstrapName())
	if os.Link(executable, bootstrap) == nil {
		return bootstrap, nil
	}
	// Not every file system has hard links.
	if err := copyFile(executable, bootstrap); err != nil {
		return "", fmt.Errorf("copy executable: %w", err)
	}
	return bootstrap, nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// Clean removes the artifacts of earlier builds from outDir, except those of
// the executables to keep. On Windows an executable that runs cannot be
// removed; then Clean removes the others and returns an error.
func Clean(outDir string, keep []string) error {
	functions, err := os.ReadDir(outDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("remove old artifacts: %w", err)
	}
	var errs []error
	for _, f := range functions {
		if !f.IsDir() || strings.HasPrefix(f.Name(), ".") {
			continue
		}
		parent := filepath.Join(outDir, f.Name())
		versions, err := os.ReadDir(parent)
		errs = append(errs, err)
		for _, v := range versions {
			dir := filepath.Join(parent, v.Name())
			if !slices.ContainsFunc(keep, func(path string) bool { return filepath.Dir(path) == dir }) {
				errs = append(errs, os.RemoveAll(dir))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove old artifacts: %w", err)
	}
	return nil
}

// bootstrapName returns Lambda's name for a function's executable, with the
// suffix that the host's system requires.
func bootstrapName() string {
	if runtime.GOOS == "windows" {
		return "bootstrap.exe"
	}
	return "bootstrap"
}
