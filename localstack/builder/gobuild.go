package builder

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// goBatch is a set of programs that one `go build` can build: packages of one
// module with the same flags, whose executables have different names.
type goBatch struct {
	module   string // directory of go.mod, where the command runs
	trim     bool
	programs []*program
}

// program is one executable and the functions that use it. In many templates
// several functions have the same code and differ in their environment.
type program struct {
	pkg       string // package argument, relative to the module
	exec      string // the name that go build gives the executable in its -o directory
	functions []Target
}

// goBatches groups the go1.x targets. Few commands are better, since loading a
// module's packages costs more than linking a small program. Executables of the
// same name would overwrite each other, so they go to different batches.
func goBatches(targets []Target) []*goBatch {
	var batches []*goBatch
	for _, t := range targets {
		if t.Method != MethodGo {
			continue
		}
		trim, _ := t.Properties["TrimGoPath"].(bool)
		module, pkg, exec := locate(t)
		i := 0
		for ; i < len(batches); i++ {
			if b := batches[i]; b.module == module && b.trim == trim && b.takes(pkg, exec) {
				break
			}
		}
		if i == len(batches) {
			batches = append(batches, &goBatch{module: module, trim: trim})
		}
		batches[i].add(t, pkg, exec)
	}
	return batches
}

// takes reports whether the batch has no other executable of that name. Names
// are compared without case, because the file systems of macOS and Windows
// ignore it.
func (g *goBatch) takes(pkg, exec string) bool {
	return !slices.ContainsFunc(g.programs, func(p *program) bool {
		return strings.EqualFold(p.exec, exec) && p.pkg != pkg
	})
}

func (g *goBatch) add(t Target, pkg, exec string) {
	i := slices.IndexFunc(g.programs, func(p *program) bool { return p.pkg == pkg })
	if i < 0 {
		i = len(g.programs)
		g.programs = append(g.programs, &program{pkg: pkg, exec: exec})
	}
	g.programs[i].functions = append(g.programs[i].functions, t)
}

// functions returns the functions of all programs of the batch.
func (g *goBatch) functions() []Target {
	var all []Target
	for _, p := range g.programs {
		all = append(all, p.functions...)
	}
	return all
}

var moduleLine = regexp.MustCompile(`(?m)^module\s+"?([^"\s]+)`)

// locate returns the module of a target. Without a go.mod the target's folder
// counts as one, and the go command reports what is missing.
func locate(t Target) (module, pkg, exec string) {
	pkg, exec = ".", filepath.Base(t.Dir)
	for dir := t.Dir; ; dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			rel, err := filepath.Rel(dir, t.Dir)
			if err != nil {
				return t.Dir, pkg, exec
			}
			if rel != "." {
				pkg = "./" + filepath.ToSlash(rel)
			}
			if m := moduleLine.FindSubmatch(text); m != nil {
				exec = execName(path.Join(string(m[1]), filepath.ToSlash(rel)))
			}
			return dir, pkg, exec
		}
		if dir == filepath.Dir(dir) {
			return t.Dir, pkg, exec
		}
	}
}

var majorVersion = regexp.MustCompile(`^v[1-9][0-9]*$`)

// execName returns the go command's default name of a package's executable: the
// last element of the import path, or the one before a major version.
func execName(importPath string) string {
	dir, name := path.Split(importPath)
	if dir != "" && majorVersion.MatchString(name) && name != "v1" {
		name = path.Base(dir)
	}
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return name
}

// goBatch builds a whole batch with one command. If that fails, it builds every
// program alone, so that each failure has the names of its functions. Go's
// cache makes the second attempt fast.
func (b *builder) goBatch(ctx context.Context, batch *goBatch) {
	functions := batch.functions()
	step := b.reporter.step(functions)
	defer func() { step.done(ctx, b.failed(functions)) }()
	dir, err := b.batchDir(batch)
	if err != nil {
		b.failAll(functions, err.Error())
		return
	}
	before := stamps(batch, dir)
	output, err := b.goBuild(ctx, step, batch, dir, batch.programs)
	switch {
	case err == nil:
		for _, p := range batch.programs {
			b.publish(p, dir, before[p.exec])
		}
		return
	case diskFull(output): // as it is for each program alone
		b.failAll(functions, output)
		return
	}
	var each sync.WaitGroup
	for _, p := range batch.programs {
		each.Go(func() {
			if output, err := b.goBuild(ctx, step, batch, dir, []*program{p}); err != nil {
				b.failAll(p.functions, output)
				return
			}
			b.publish(p, dir, before[p.exec])
		})
	}
	each.Wait()
}

// batchDir makes the folder in which go build keeps a batch's executables
// between builds. It does not link an executable again that is up to date.
func (b *builder) batchDir(batch *goBatch) (string, error) {
	key := sha256.New()
	fmt.Fprintln(key, batch.module, batch.trim)
	for _, p := range batch.programs {
		fmt.Fprintln(key, p.pkg)
	}
	dir := filepath.Join(b.outDir, ".go", hex.EncodeToString(key.Sum(nil)[:8]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make build directory: %w", err)
	}
	return dir, nil
}

// stamps returns the executables of a batch before a build.
func stamps(batch *goBatch, dir string) map[string]os.FileInfo {
	infos := make(map[string]os.FileInfo, len(batch.programs))
	for _, p := range batch.programs {
		if info, err := os.Stat(filepath.Join(dir, p.exec)); err == nil {
			infos[p.exec] = info
		}
	}
	return infos
}

// goBuild runs one command, which writes executables to dir. It returns the
// message for the user if the command failed. Debug information is left out:
// linking, most of the time of a rebuild, is then twice as fast, and stack
// traces do not need it.
func (b *builder) goBuild(ctx context.Context, step *step, batch *goBatch, dir string,
	programs []*program) (message string, err error) {
	args := []string{"build", "-v", "-ldflags=-w", "-o", dir + string(filepath.Separator)}
	if batch.trim {
		args = append(args, "-trimpath")
	}
	for _, p := range programs {
		args = append(args, p.pkg)
	}
	var output bytes.Buffer
	progress := &goProgress{step: step, errors: &output}
	err = b.run(ctx, batch.module, b.cgo, progress, "go", args...)
	progress.finish()
	if err != nil {
		message := withRemedy(failureMessage(&output, "go", err), batch.module)
		return withCgo(message, b.cgo), err
	}
	return "", nil
}

// hostPlatform are the settings of the go command that build for this machine.
var hostPlatform = []string{"GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH}

// run runs a command that builds for the host's platform.
func (b *builder) run(ctx context.Context, dir string, env []string, output io.Writer,
	name string, args ...string) error {
	b.slots <- struct{}{}
	defer func() { <-b.slots }()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = slices.Concat(cmd.Environ(), hostPlatform, env)
	ownGroup(cmd)
	cmd.WaitDelay = time.Second // for a cancelled command whose children keep the pipe open
	cmd.Stdout, cmd.Stderr = output, output
	return cmd.Run()
}

// failureMessage returns what a failed command printed, or its error if it
// printed nothing.
func failureMessage(output *bytes.Buffer, name string, err error) string {
	if output.Len() == 0 {
		return fmt.Sprintf("%s: %v", name, err)
	}
	return output.String()
}

// publish gives the functions of a program the executable that go build keeps
// in dir; old is what was there before the build, or nil. An executable that
// did not change keeps its path.
func (b *builder) publish(p *program, dir string, old os.FileInfo) {
	built := filepath.Join(dir, p.exec)
	info, err := os.Stat(built)
	same := err == nil && old != nil && os.SameFile(old, info)
	// go build ignores packages that are not main if others are, and it touches
	// what it finds up to date.
	if err != nil || same && info.ModTime().Equal(old.ModTime()) {
		for _, t := range p.functions {
			b.fail(t, fmt.Sprintf("%s is not a main package: a function needs `package main`", t.Dir))
		}
		return
	}
	// The time of an executable that did not change must not change either.
	if same {
		if err := os.Chtimes(built, time.Time{}, old.ModTime()); err != nil {
			b.failAll(p.functions, fmt.Sprintf("keep executable's time: %v", err))
			return
		}
	}
	if err := checkClient(built); err != nil {
		b.failAll(p.functions, err.Error())
		return
	}
	for _, t := range p.functions {
		if bootstrap := b.published(t.Name, info); bootstrap != "" {
			b.succeed(t, bootstrap)
			continue
		}
		bootstrap, err := b.link(t.Name, built)
		if err != nil {
			b.fail(t, err.Error())
			continue
		}
		b.succeed(t, bootstrap)
	}
}
