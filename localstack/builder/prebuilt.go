package builder

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
)

// prebuilt publishes a copy of code that has a bootstrap. A copy, because the
// code may be built again while a function runs.
func (b *builder) prebuilt(t Target) {
	files, closeFiles, err := openCode(t.Dir)
	if err != nil {
		b.fail(t, err.Error())
		return
	}
	defer closeFiles()
	bootstrap, err := b.publishCode(t, files)
	if err != nil {
		b.fail(t, err.Error())
		return
	}
	if arch := archOf(bootstrap); t.Arch != "" && arch != "" && arch != t.Arch {
		b.reporter.line("function %s: its bootstrap is for %s, but Architectures of the template is %s; "+
			"it runs here and would not start on AWS", t.Name, arch, t.Arch)
	}
	b.succeed(t, bootstrap)
}

// openCode returns the files of a folder or of a zip file.
func openCode(dir string) (fs.FS, func(), error) {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return os.DirFS(dir), func() {}, nil
	}
	archive, err := zip.OpenReader(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", dir, err)
	}
	return archive, func() { _ = archive.Close() }, nil // it was only read
}

// publishCode copies code into an artifact directory that has the digest of the
// files as its name, and returns the path of the bootstrap there. Code that has
// not changed keeps its path.
func (b *builder) publishCode(t Target, files fs.FS) (string, error) {
	info, err := fs.Stat(files, "bootstrap")
	if err != nil {
		return "", fmt.Errorf("there is no bootstrap in %s", t.Dir)
	}
	if runtime.GOOS != "windows" && info.Mode()&0o111 == 0 {
		return "", fmt.Errorf("the bootstrap in %s is not executable, so it would not start on AWS either; "+
			"run chmod +x on it and, for a zip file, pack it again", t.Dir)
	}
	names, digest, err := b.digest(t.Dir, files)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", t.Dir, err)
	}
	final := filepath.Join(b.outDir, t.Name, digest)
	if _, err := os.Stat(filepath.Join(final, bootstrapName())); err == nil {
		return filepath.Join(final, bootstrapName()), nil
	}
	dir, err := b.newArtifacts(t.Name)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir) // gone after the renaming
	for _, name := range names {
		if err := copyOut(files, name, dir); err != nil {
			return "", fmt.Errorf("copy %s of %s: %w", name, t.Dir, err)
		}
	}
	if err := os.Rename(filepath.Join(dir, "bootstrap"), filepath.Join(dir, bootstrapName())); err != nil {
		return "", fmt.Errorf("rename executable: %w", err)
	}
	bootstrap := filepath.Join(dir, bootstrapName())
	if why := unfit(bootstrap); why != "" {
		return "", fmt.Errorf("this machine cannot run the bootstrap in %s: %s; "+
			"build it for this machine, or give the folder of its source as CodeUri", t.Dir, why)
	}
	if err := checkClient(bootstrap); err != nil {
		return "", err
	}
	if err := os.Rename(dir, final); err != nil {
		return "", fmt.Errorf("name artifact directory: %w", err)
	}
	return filepath.Join(final, bootstrapName()), nil
}

// leftOut are folders that sam build does not copy either.
var leftOut = []string{".git", ".aws-sam"}

// digest returns the names of all regular files, sorted, and a digest of their
// names, contents and permissions. The folder that the stack writes to is left
// out: it may lie below the code.
func (b *builder) digest(dir string, files fs.FS) (names []string, digest string, err error) {
	sum := sha256.New()
	err = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			folder := filepath.Join(dir, filepath.FromSlash(name))
			if name != "." && (slices.Contains(leftOut, entry.Name()) || folder == filepath.Dir(b.outDir) ||
				folder == b.outDir) {
				return fs.SkipDir
			}
			return nil
		}
		info, err := fs.Stat(files, name)
		if err != nil || !info.Mode().IsRegular() {
			return err // a socket, or a link to a folder
		}
		names = append(names, name)
		file, err := files.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		fmt.Fprintf(sum, "%q %v %d\n", name, info.Mode(), info.Size())
		_, err = io.Copy(sum, file)
		return err
	})
	return names, hex.EncodeToString(sum.Sum(nil)[:16]), err
}

// copyOut copies a file into a directory under its name, with its permission to
// execute.
func copyOut(files fs.FS, name, dir string) error {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return fmt.Errorf("the name leads out of the folder")
	}
	in, err := files.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(path.Dir(name))), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(filepath.Join(dir, filepath.FromSlash(name)), os.O_CREATE|os.O_EXCL|os.O_WRONLY,
		0o644|info.Mode()&0o111)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
