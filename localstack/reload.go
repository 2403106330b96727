package main

import (
	"context"
	"errors"
	"fmt"
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

// followSources reloads whenever w sees the sources change, until ctx ends or
// the server fails. It closes w.
func (s *stack) followSources(ctx context.Context, o options, w *watch.Watcher, watched watch.Options) error {
	defer func() { _ = w.Close() }() // nothing is written through it
	for {
		if changed, err := s.nextChange(ctx, w); err != nil || !changed {
			return err
		}
		s.reload(ctx, o)
		if next := s.watched(o); !reflect.DeepEqual(next, watched) {
			other, err := watch.New(next)
			if err != nil {
				return err
			}
			_ = w.Close()
			w, watched = other, next
		}
	}
}

// watched is what the stack is made from: the template, its settings, and the
// modules of the functions.
func (s *stack) watched(o options) watch.Options {
	plan := s.plan.Load()
	w := watch.Options{Files: slices.Clone(plan.Files), Ignore: []string{s.data}}
	if s.web != "" {
		w.Ignore = append(w.Ignore, s.web) // read at each request
	}
	for _, name := range []string{"samconfig.toml", "samconfig.yaml", "samconfig.yml"} {
		if file := filepath.Join(templateDir(o.template), name); o.configEnv != "" && !slices.Contains(w.Files, file) {
			w.Files = append(w.Files, file) // it may be made later
		}
	}
	for _, f := range plan.Functions {
		if root := moduleRoot(f.CodeURI); !slices.Contains(w.Folders, root) {
			w.Folders = append(w.Folders, root)
		}
	}
	return w
}

// nextChange waits for a change that matters; without one ctx has ended.
func (s *stack) nextChange(ctx context.Context, w *watch.Watcher) (changed bool, err error) {
	for {
		select {
		case files := <-w.Changes():
			if matters(files) {
				return true, nil
			}
		case err := <-w.Errors():
			s.console.say("%v: some changes may go unseen", err)
		case <-ctx.Done():
			return false, nil
		case err := <-s.failed:
			return false, fmt.Errorf("serve %s: %w", s.listener.address, err)
		}
	}
}

// moduleRoot is the folder of the Go module that a folder is in, or the folder
// itself without one.
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
// bootstrap is what a build makes, maybe a Makefile's beside the source: to
// build for it would never end.
func matters(files []string) bool {
	return slices.ContainsFunc(files, func(file string) bool {
		return !strings.HasSuffix(file, "_test.go") && !strings.EqualFold(filepath.Ext(file), ".md") &&
			filepath.Base(file) != "bootstrap"
	})
}

// reload builds and deploys what the sources say now. On any error what ran
// runs on, and the next change tries again.
func (s *stack) reload(ctx context.Context, o options) {
	start := time.Now()
	if err := s.tryReload(ctx, o); err != nil {
		if ctx.Err() == nil {
			s.console.fail(err)
			s.console.say("not reloaded: what ran before runs on")
		}
		return
	}
	s.edge.SetHealth(s.health())
	s.console.say("reloaded in %.1f s", time.Since(start).Seconds())
}

func (s *stack) tryReload(ctx context.Context, o options) error {
	plan, err := load(o)
	if err != nil {
		return err
	}
	if err := s.sameAccount(plan); err != nil {
		return err
	}
	// First what the template can get wrong, then the build, whose results take
	// the place of what runs.
	if err := s.ensure(ctx, plan); err != nil {
		return err
	}
	executables, err := s.build(ctx, plan)
	if err != nil {
		return err
	}
	return s.deploy(plan, executables)
}

// sameAccount refuses what the services were opened with.
func (s *stack) sameAccount(plan *sam.Plan) error {
	old := s.plan.Load()
	if plan.Account != old.Account || plan.Region != old.Region {
		return fmt.Errorf("the account or region is another now (%s, %s): start the stack again",
			plan.Account, plan.Region)
	}
	return nil
}
