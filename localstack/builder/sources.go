package builder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Sources are the files that Build reads, apart from the standard library and
// the module cache, whose files never change.
type Sources struct {
	// Folders are those of the targets' modules; of modules that replace
	// another or belong to a workspace, if a target imports them; of vendored
	// packages; and of embedded files. Folders may lie in one another.
	Folders []string
	// Files are the workspace's go.work, the files that packages embed, and the
	// bootstrap or zip file of prebuilt code.
	Files []string
	// Absent are the go.work files that the go command would read if they were
	// created: one in the folder of each module without a workspace, and in
	// each folder above it.
	Absent []string
}

// ListSources returns the sources of the targets, as absolute paths. What it
// returns with an error is incomplete: a module with a broken go.mod has only
// the target's own folder, for example.
func ListSources(ctx context.Context, targets []Target) (Sources, error) {
	var s Sources
	var errs []error
	listed := make(map[string][]string) // packages by module
	for _, t := range targets {
		if t.Method == MethodPrebuilt {
			s.addPrebuilt(t)
			continue
		}
		for _, folder := range t.folders() {
			s.addFolder(folder)
		}
		module, pkg, _ := locate(t)
		s.addFolder(module)
		if !slices.Contains(listed[module], pkg) {
			listed[module] = append(listed[module], pkg)
		}
	}
	for module, packages := range listed {
		if _, err := os.Stat(filepath.Join(module, "go.mod")); errors.Is(err, fs.ErrNotExist) {
			continue // a Makefile builds another language
		}
		if err := s.addModule(ctx, module, packages); err != nil {
			errs = append(errs, err)
		}
	}
	slices.Sort(s.Folders)
	slices.Sort(s.Files)
	s.Files = slices.Compact(s.Files)
	slices.Sort(s.Absent)
	s.Absent = slices.Compact(s.Absent)
	return s, errors.Join(errs...)
}

// addPrebuilt adds the files of prebuilt code.
func (s *Sources) addPrebuilt(t Target) {
	if info, err := os.Stat(t.Dir); err == nil && !info.IsDir() {
		s.Files = append(s.Files, t.Dir)
		return
	}
	s.addFolder(t.Dir)
	s.Files = append(s.Files, filepath.Join(t.Dir, "bootstrap"))
}

// addFolder adds a folder that is not in the list.
func (s *Sources) addFolder(folder string) {
	if !slices.Contains(s.Folders, folder) {
		s.Folders = append(s.Folders, folder)
	}
}

// addModule adds what the go command reads to build packages of a module.
func (s *Sources) addModule(ctx context.Context, module string, packages []string) error {
	settings, err := goOutput(ctx, module, "env", "GOMODCACHE", "GOWORK")
	if err != nil {
		return err
	}
	cache, work, _ := strings.Cut(strings.TrimSuffix(string(settings), "\n"), "\n")
	switch {
	case filepath.IsAbs(work):
		s.Files = append(s.Files, work, work+".sum")
	case work == "":
		s.addAbsentWorkspaces(module)
	}
	// -e lists also what cannot be built, so that its correction is noticed.
	list, err := goOutput(ctx, module,
		slices.Concat([]string{"list", "-e", "-deps", "-json=Dir,Standard,Module,EmbedFiles"}, packages)...)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(strings.NewReader(string(list)))
	for {
		var p struct {
			Dir        string
			Standard   bool
			Module     *struct{ Dir string }
			EmbedFiles []string
		}
		if err := decoder.Decode(&p); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the output of go list: %w", err)
		}
		if p.Standard || p.Dir == "" || isBelow(p.Dir, cache) {
			continue
		}
		if p.Module != nil && p.Module.Dir != "" {
			s.addFolder(p.Module.Dir)
		} else {
			s.addFolder(p.Dir) // vendored
		}
		for _, name := range p.EmbedFiles {
			file := filepath.Join(p.Dir, filepath.FromSlash(name))
			s.Files = append(s.Files, file)
			s.addFolder(filepath.Dir(file)) // a pattern may also embed files that are added to it
		}
	}
}

// addAbsentWorkspaces adds the go.work files that the go command looks for and
// does not find.
func (s *Sources) addAbsentWorkspaces(module string) {
	for dir := module; ; dir = filepath.Dir(dir) {
		s.Absent = append(s.Absent, filepath.Join(dir, "go.work"))
		if dir == filepath.Dir(dir) {
			return
		}
	}
}

// goOutput returns what a go command prints. It has the settings of the build.
func goOutput(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = slices.Concat(cmd.Environ(), hostPlatform, cgoSetting(ctx))
	output, err := cmd.Output()
	if err == nil {
		return output, nil
	}
	if failed, ok := errors.AsType[*exec.ExitError](err); ok && len(failed.Stderr) > 0 {
		err = errors.New(strings.TrimSpace(string(failed.Stderr)))
	}
	return nil, fmt.Errorf("go %s in %s: %w", args[0], dir, err)
}

// isBelow reports whether a path is the folder or lies in it.
func isBelow(path, folder string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}
