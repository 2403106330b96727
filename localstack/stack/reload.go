package stack

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/sam"
	"github.com/sotto-chat/sotto/localstack/watch"
)

// Wait returns nil when ctx ends or the stack is closed, or an error when the
// stack can no longer listen. With Options.OnReload it also deploys after each
// change of the sources; then only one Wait may run.
func (s *Stack) Wait(ctx context.Context) error {
	for {
		changed, err := s.nextChange(ctx)
		if err != nil || !changed {
			return err
		}
		start := time.Now()
		err = s.Deploy(ctx)
		if ctx.Err() != nil || errors.Is(err, errClosed) {
			return nil
		}
		s.opts.OnReload(time.Since(start), err)
		if err := s.watchAgain(); err != nil {
			return err
		}
	}
}

// nextChange waits for a change that can matter. It returns false when there
// will be none.
func (s *Stack) nextChange(ctx context.Context) (changed bool, err error) {
	var changes <-chan []string
	var errs <-chan error
	if s.changes != nil {
		changes, errs = s.changes.Changes(), s.changes.Errors()
	}
	for {
		select {
		case files := <-changes:
			if matters(files) {
				return true, nil
			}
		case err := <-errs:
			s.opts.Progress(err.Error() + ": some changes may not be noticed")
		case <-ctx.Done():
			return false, nil
		case err := <-s.failed:
			return false, err
		}
	}
}

// watchAgain watches what the deployed plan is made from, if that has changed.
func (s *Stack) watchAgain() error {
	next := watched(s.opts, s.plan.Load())
	if reflect.DeepEqual(next, s.watched) {
		return nil
	}
	changes, err := watch.New(next)
	if err != nil {
		return err
	}
	s.deploying.Lock() // Close reads changes
	defer s.deploying.Unlock()
	_ = s.changes.Close() // nothing is written through it
	s.changes, s.watched = changes, next
	if s.closed {
		_ = changes.Close()
	}
	return nil
}

// watched returns the sources of a plan: the template, its settings and the
// modules of the functions.
func watched(o Options, plan *sam.Plan) watch.Options {
	w := watch.Options{Files: slices.Clone(plan.Files), Ignore: []string{o.Data}}
	if o.Web != "" {
		w.Ignore = append(w.Ignore, o.Web) // read for each request
	}
	for _, name := range []string{"samconfig.toml", "samconfig.yaml", "samconfig.yml"} {
		if file := filepath.Join(templateDir(o.Template), name); o.ConfigEnv != "" && !slices.Contains(w.Files, file) {
			w.Files = append(w.Files, file) // it may be created later
		}
	}
	for _, f := range plan.Functions {
		if root := moduleRoot(f.CodeURI); !slices.Contains(w.Folders, root) {
			w.Folders = append(w.Folders, root)
		}
	}
	return w
}

// moduleRoot returns the folder of the Go module that contains folder, or
// folder itself if there is none.
func moduleRoot(folder string) string {
	for dir := folder; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		} else if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return folder
		}
	}
}

// matters reports whether a change of one of the files can change what runs. A
// bootstrap is the result of a build, possibly written by a Makefile beside the
// source; a build that follows it would never end.
func matters(files []string) bool {
	return slices.ContainsFunc(files, func(file string) bool {
		return !strings.HasSuffix(file, "_test.go") && !strings.EqualFold(filepath.Ext(file), ".md") &&
			filepath.Base(file) != "bootstrap"
	})
}
