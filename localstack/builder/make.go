package builder

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// makeDirs groups the makefile targets by directory. Recipes of one Makefile
// often share files, so they run one after the other.
func makeDirs(targets []Target) [][]Target {
	var dirs [][]Target
	index := make(map[string]int)
	for _, t := range targets {
		if t.Method != MethodMakefile {
			continue
		}
		i, ok := index[t.Dir]
		if !ok {
			i = len(dirs)
			index[t.Dir] = i
			dirs = append(dirs, nil)
		}
		dirs[i] = append(dirs[i], t)
	}
	return dirs
}

func (b *builder) makeDir(ctx context.Context, targets []Target) {
	for _, t := range targets {
		step := b.reporter.step([]Target{t})
		message, err := b.makeOne(ctx, t)
		if err != nil {
			b.fail(t, message)
		}
		step.done(ctx, b.failed([]Target{t}))
	}
}

// makeOne lets make fill a new artifact directory.
func (b *builder) makeOne(ctx context.Context, t Target) (message string, err error) {
	dir, err := b.newArtifacts(t.Name)
	if err != nil {
		return err.Error(), err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	var output bytes.Buffer
	err = b.run(ctx, t.Dir, []string{"ARTIFACTS_DIR=" + dir}, &output, "make", "build-"+t.LogicalID)
	if err != nil {
		return withRemedy(failureMessage(&output, "make", err), t.Dir), err
	}
	if err := checkBootstrap(dir, t.LogicalID); err != nil {
		return err.Error(), err
	}
	if err := checkClient(filepath.Join(dir, bootstrapName())); err != nil {
		return err.Error(), err
	}
	b.succeed(t, filepath.Join(dir, bootstrapName()))
	return "", nil
}

// checkBootstrap returns an error unless the recipe made an executable for this
// platform. One for Lambda's platform would fail only at the first invocation,
// with a message that explains nothing.
func checkBootstrap(dir, logicalID string) error {
	bootstrap := filepath.Join(dir, bootstrapName())
	if runtime.GOOS == "windows" {
		// Recipes are written for Lambda, where the file has no suffix.
		if err := os.Rename(filepath.Join(dir, "bootstrap"), bootstrap); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("rename executable: %w", err)
		}
	}
	if info, err := os.Stat(bootstrap); err != nil || info.IsDir() {
		return fmt.Errorf("make build-%s made no file bootstrap in $(ARTIFACTS_DIR)", logicalID)
	}
	if err := os.Chmod(bootstrap, 0o755); err != nil {
		return fmt.Errorf("make bootstrap executable: %w", err)
	}
	info, err := buildinfo.ReadFile(bootstrap)
	if err != nil {
		return nil // a script or a program in another language
	}
	goos, goarch := runtime.GOOS, runtime.GOARCH
	for _, s := range info.Settings {
		switch s.Key {
		case "GOOS":
			goos = s.Value
		case "GOARCH":
			goarch = s.Value
		}
	}
	if goos != runtime.GOOS || goarch != runtime.GOARCH {
		return fmt.Errorf("make build-%s built for %s/%s, but this machine is %s/%s; "+
			"let the Makefile take GOOS and GOARCH from the environment (`GOOS ?= linux`)",
			logicalID, goos, goarch, runtime.GOOS, runtime.GOARCH)
	}
	return nil
}
