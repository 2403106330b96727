package builder

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// makeDirs groups the makefile targets by the folder in which make runs.
// Recipes of one Makefile often share files, so they run one after the other.
func makeDirs(targets []Target) [][]Target {
	var dirs [][]Target
	index := make(map[string]int)
	for _, t := range targets {
		if t.Method != MethodMakefile {
			continue
		}
		folder := cmp.Or(t.WorkingDir, t.Dir)
		i, ok := index[folder]
		if !ok {
			i = len(dirs)
			index[folder] = i
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
	folder := cmp.Or(t.WorkingDir, t.Dir)
	makefile := filepath.Join(cmp.Or(t.MakefileDir, t.Dir), "Makefile")
	err = b.run(ctx, folder, []string{"ARTIFACTS_DIR=" + dir}, &output, "make", "-f", makefile, "build-"+t.LogicalID)
	if err != nil {
		return withRemedy(failureMessage(&output, "make", err), folder), err
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
	why := unfit(bootstrap)
	if why == "" {
		return nil
	}
	err := fmt.Errorf("make build-%s made a bootstrap that this machine cannot run: %s", logicalID, why)
	if strings.HasPrefix(why, forAnother) {
		err = fmt.Errorf("%w; let the Makefile take GOOS and GOARCH from the environment (`GOOS ?= linux`)", err)
	}
	return err
}
