// Package watch reports changes of source files, so that a running stack can
// build and deploy again.
//
// Use it for whole folders, including folders that are created later. It waits
// until a burst of changes, such as a checkout, is over, and ignores folders
// without sources, such as .git, node_modules and build output. It never reads
// a file and never decides what a change means.
package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Options configure a Watcher.
type Options struct {
	// Folders are watched with everything below.
	Folders []string
	// Files are single files to watch, such as a template outside the folders.
	Files []string
	// Ignore are folders below Folders to ignore, such as a data folder.
	Ignore []string
	// Quiet is the time without a change after which a burst is over; 0 means
	// 200 ms.
	Quiet time.Duration
}

// Watcher watches files. Make one with [New] and end it with [Watcher.Close].
type Watcher struct {
	notify  *fsnotify.Watcher
	opts    Options
	updates chan update
	changes chan []string
	errs    chan error
	done    chan struct{}
}

// update is a call of Update that run has to carry out.
type update struct {
	opts   Options
	result chan<- error
}

const defaultQuiet = 200 * time.Millisecond

// skipped are the names of folders without sources.
var skipped = []string{".git", ".aws-sam", ".sotto", "node_modules", "vendor", "testdata"}

// New starts to watch. It returns an error if a folder does not exist.
func New(opts Options) (*Watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	w := &Watcher{
		notify:  notify,
		updates: make(chan update),
		changes: make(chan []string),
		errs:    make(chan error, 1),
		done:    make(chan struct{}),
	}
	if err := w.set(opts); err != nil {
		return nil, errors.Join(err, notify.Close())
	}
	go w.run()
	return w, nil
}

// Update replaces the options. Changes that were noticed before it are still
// reported, so none is lost in between. After an error the options before hold;
// the error of a closed watcher is fsnotify.ErrClosed.
func (w *Watcher) Update(opts Options) error {
	result := make(chan error, 1)
	select {
	case w.updates <- update{opts, result}:
		return <-result
	case <-w.done:
		return fmt.Errorf("watch files: %w", fsnotify.ErrClosed)
	}
}

// set watches what the options name.
func (w *Watcher) set(opts Options) (err error) {
	if opts.Quiet <= 0 {
		opts.Quiet = defaultQuiet
	}
	for _, list := range []*[]string{&opts.Folders, &opts.Files, &opts.Ignore} {
		if *list, err = absolute(*list); err != nil {
			return err
		}
	}
	before := w.opts
	w.opts = opts
	defer func() {
		if err != nil {
			w.opts = before
		}
	}()
	for _, folder := range opts.Folders {
		if err := w.add(folder); err != nil {
			return err
		}
	}
	for _, file := range opts.Files {
		// Watch the folder, because editors replace files instead of writing
		// them.
		if err := w.notify.Add(filepath.Dir(file)); err != nil {
			return fmt.Errorf("watch %s: %w", file, err)
		}
	}
	return nil
}

func absolute(paths []string) ([]string, error) {
	list := make([]string, len(paths))
	for i, p := range paths {
		a, err := filepath.Abs(p)
		if err != nil {
			return nil, fmt.Errorf("locate %s: %w", p, err)
		}
		list[i] = a
	}
	return list, nil
}

// Changes returns the channel of bursts: the paths of the changed files,
// sorted. Bursts are joined until they are received.
func (w *Watcher) Changes() <-chan []string { return w.changes }

// Errors returns the channel of errors after which changes may be missed, such
// as the system's limit on watches. It need not be received from.
func (w *Watcher) Errors() <-chan error { return w.errs }

// Close stops watching.
func (w *Watcher) Close() error {
	err := w.notify.Close()
	<-w.done
	return err
}

// add watches a folder and the folders below it.
func (w *Watcher) add(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if path != root && errors.Is(err, fs.ErrNotExist) {
				return nil // removed since it was listed
			}
			return fmt.Errorf("watch %s: %w", root, err)
		}
		if !d.IsDir() {
			return nil
		}
		if path != root && w.ignored(path) {
			return fs.SkipDir
		}
		if err := w.notify.Add(path); err != nil {
			return fmt.Errorf("watch %s: %w", path, err)
		}
		return nil
	})
}

// ignored reports whether a folder below another is left out. One that the
// options name is not, such as a testdata folder whose files are embedded.
func (w *Watcher) ignored(folder string) bool {
	if slices.Contains(w.opts.Folders, folder) {
		return false
	}
	return slices.Contains(skipped, filepath.Base(folder)) || slices.Contains(w.opts.Ignore, folder)
}

// counts reports whether a change of path has to be reported.
func (w *Watcher) counts(path string) bool {
	if slices.Contains(w.opts.Files, path) {
		return true
	}
	name := filepath.Base(path)
	if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || w.ignored(path) {
		return false // temporary files of editors
	}
	return slices.ContainsFunc(w.opts.Folders, func(folder string) bool {
		return strings.HasPrefix(path, folder+string(filepath.Separator))
	})
}

func (w *Watcher) run() {
	defer close(w.done)
	changed := make(map[string]bool)
	var quiet <-chan time.Time // fires when the burst is over
	var out chan<- []string    // w.changes while a burst waits to be received
	var burst []string         // the burst that waits
	for {
		select {
		case event, ok := <-w.notify.Events:
			if !ok {
				return
			}
			if event.Op == fsnotify.Chmod {
				continue // also caused by backup programs and indexers
			}
			if info, err := os.Stat(event.Name); err == nil && info.IsDir() {
				if event.Has(fsnotify.Create) && !w.ignored(event.Name) && w.counts(event.Name) {
					w.report(w.add(event.Name))
				} else {
					continue
				}
			}
			if w.counts(event.Name) {
				changed[event.Name] = true
				quiet, out = time.After(w.opts.Quiet), nil
			}
		case u := <-w.updates:
			u.result <- w.set(u.opts)
		case err, ok := <-w.notify.Errors:
			if !ok {
				return
			}
			w.report(fmt.Errorf("watch files: %w", err))
		case <-quiet:
			burst = nil
			for path := range changed {
				burst = append(burst, path)
			}
			slices.Sort(burst)
			quiet, out = nil, w.changes
		case out <- burst:
			clear(changed)
			out = nil
		}
	}
}

func (w *Watcher) report(err error) {
	if err == nil {
		return
	}
	select {
	case w.errs <- err:
	default: // one unread error is enough
	}
}
