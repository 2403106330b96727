package stack

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/builder"
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
			if matters(files, s.watched.Load().Files) {
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

// watchTemplate begins to watch what the plan was read from.
func (s *Stack) watchTemplate(plan *sam.Plan) (err error) {
	w := watched(s.opts, plan, builder.Sources{})
	s.watched.Store(&w)
	s.changes, err = watch.New(w)
	return err
}

// watchSources also watches what the plan's functions are built from. It runs
// before each build, so that no change after the build has read a file is
// missed. A version whose build fails stays watched: its correction may be in a
// folder that the version before does not have.
//
// unlisted is not nil if the go command cannot name all sources.
func (s *Stack) watchSources(ctx context.Context, plan *sam.Plan) (unlisted, err error) {
	if s.changes == nil {
		return nil, nil
	}
	sources, unlisted := builder.ListSources(ctx, targets(plan))
	next := watched(s.opts, plan, sources)
	if unlisted != nil { // a go.mod that is being edited; what it named before is probably still right
		before := s.watched.Load()
		next.Folders = union(next.Folders, before.Folders)
		next.Files = union(next.Files, before.Files)
	}
	if err := s.changes.Update(next); err != nil {
		return unlisted, err
	}
	s.watched.Store(&next)
	return unlisted, nil
}

// Sources returns the files and folders that the deployed version was made
// from: the template, what it includes, and the sources of its functions.
func (s *Stack) Sources(ctx context.Context) (builder.Sources, error) {
	plan := s.Plan()
	sources, err := builder.ListSources(ctx, targets(plan))
	sources.Files = union(plan.Files, sources.Files)
	return sources, err
}

// union returns the sorted elements of both lists.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// watched returns what a plan is made from: the template, its settings and the
// sources of the functions.
func watched(o Options, plan *sam.Plan, sources builder.Sources) watch.Options {
	w := watch.Options{
		Files:   union(plan.Files, sources.Files),
		Folders: sources.Folders,
		Ignore:  []string{o.Data},
	}
	for _, file := range sources.Absent {
		// A folder that cannot be read cannot be watched.
		if folder, err := os.Open(filepath.Dir(file)); err == nil {
			_ = folder.Close() // only opened
			w.Files = append(w.Files, file)
		}
	}
	if o.Web != "" {
		w.Ignore = append(w.Ignore, o.Web) // read for each request
	}
	for _, name := range []string{"samconfig.toml", "samconfig.yaml", "samconfig.yml"} {
		if file := filepath.Join(templateDir(o.Template), name); o.ConfigEnv != "" && !slices.Contains(w.Files, file) {
			w.Files = append(w.Files, file) // it may be created later
		}
	}
	return w
}

// matters reports whether a change of one of the files can change what runs.
// sources are those that are certainly read.
//
// A bootstrap is the result of a build, possibly written by a Makefile beside
// the source; a build that follows it would never end.
func matters(files, sources []string) bool {
	return slices.ContainsFunc(files, func(file string) bool {
		switch {
		case slices.Contains(sources, file):
			return true
		case strings.EqualFold(filepath.Ext(file), ".md"):
			// Text that a package embeds, or one that is new beside it.
			return slices.ContainsFunc(sources, func(s string) bool {
				return filepath.Dir(s) == filepath.Dir(file) && strings.EqualFold(filepath.Ext(s), ".md")
			})
		}
		return !strings.HasSuffix(file, "_test.go") && filepath.Base(file) != "bootstrap"
	})
}
