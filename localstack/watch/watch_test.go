package watch

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

const patience = 30 * time.Second

func start(t *testing.T, opts Options) *Watcher {
	t.Helper()
	w, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(time.Now().String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// until receives bursts until one has the file, and returns all files received.
func until(t *testing.T, w *Watcher, file string) (seen []string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case burst := <-w.Changes():
			seen = append(seen, burst...)
			if slices.Contains(burst, file) {
				return seen
			}
		case err := <-w.Errors():
			t.Fatal(err)
		case <-deadline:
			t.Fatalf("timed out waiting for a change of %s; received %q", file, seen)
		}
	}
}

func TestChangesInOldAndNewFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a", "a.go"))
	w := start(t, Options{Folders: []string{dir}})
	write(t, filepath.Join(dir, "a", "a.go"))
	until(t, w, filepath.Join(dir, "a", "a.go"))

	if err := os.MkdirAll(filepath.Join(dir, "b"), 0o755); err != nil {
		t.Fatal(err)
	}
	until(t, w, filepath.Join(dir, "b")) // it is watched by now
	write(t, filepath.Join(dir, "b", "b.go"))
	until(t, w, filepath.Join(dir, "b", "b.go"))

	if err := os.Remove(filepath.Join(dir, "a", "a.go")); err != nil {
		t.Fatal(err)
	}
	until(t, w, filepath.Join(dir, "a", "a.go"))
}

func TestIgnoredFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outside := t.TempDir()
	quiet := []string{
		filepath.Join(dir, ".git", "index"), filepath.Join(dir, "x", "node_modules", "m.js"),
		filepath.Join(dir, "data", "log"),
		filepath.Join(dir, ".a.go.swp"), filepath.Join(dir, "a.go~"), filepath.Join(outside, "other.yaml"),
	}
	for _, path := range quiet {
		write(t, path)
	}
	template := filepath.Join(outside, "template.yaml")
	write(t, template)
	w := start(t, Options{
		Folders: []string{dir},
		Files:   []string{template},
		Ignore:  []string{filepath.Join(dir, "data")},
	})
	for _, path := range quiet {
		write(t, path)
	}
	if err := os.Rename(template, template+".old"); err != nil { // as editors do
		t.Fatal(err)
	}
	write(t, template)
	if seen := until(t, w, template); slices.ContainsFunc(seen,
		func(s string) bool { return slices.Contains(quiet, s) }) {
		t.Errorf("received %q, want only %s", seen, template)
	}
}

func TestBurstsAreJoinedUntilReceived(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := start(t, Options{Folders: []string{dir}, Quiet: time.Millisecond})
	var all []string
	for _, name := range []string{"a.go", "b.go", "c.go"} {
		all = append(all, filepath.Join(dir, name))
		write(t, all[len(all)-1])
	}
	seen := make(map[string]bool)
	deadline := time.After(patience)
	for len(seen) < len(all) {
		select {
		case burst := <-w.Changes():
			for _, file := range burst {
				seen[file] = true
			}
		case <-deadline:
			t.Fatalf("timed out with the changes of %v, want %v", seen, all)
		}
	}
}

func TestMissingFolder(t *testing.T) {
	t.Parallel()
	if _, err := New(Options{Folders: []string{filepath.Join(t.TempDir(), "none")}}); err == nil {
		t.Error("New accepts a folder that does not exist")
	}
}

// A change that was noticed before an update is reported after it.
func TestUpdateLosesNoChange(t *testing.T) {
	t.Parallel()
	first, second := t.TempDir(), t.TempDir()
	w := start(t, Options{Folders: []string{first}, Quiet: time.Millisecond})
	pending := filepath.Join(first, "a.go")
	write(t, pending)
	if err := w.Update(Options{Folders: []string{first, second}, Quiet: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	until(t, w, pending)
	added := filepath.Join(second, "b.go")
	write(t, added)
	until(t, w, added)

	if err := w.Update(Options{Folders: []string{second}}); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(first, "c.go"))
	write(t, added)
	if seen := until(t, w, added); slices.Contains(seen, filepath.Join(first, "c.go")) {
		t.Errorf("received %q, want no file of %s, which is no longer watched", seen, first)
	}

	if err := w.Update(Options{Folders: []string{filepath.Join(first, "none")}}); err == nil {
		t.Error("Update accepts a folder that does not exist")
	}
	write(t, added)
	until(t, w, added)
}

func TestUpdateAfterClose(t *testing.T) {
	t.Parallel()
	w, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Update(Options{}); !errors.Is(err, fsnotify.ErrClosed) {
		t.Errorf("got %v, want fsnotify.ErrClosed", err)
	}
}

// A folder that is named is watched even if its name is one of those that are
// skipped below another folder.
func TestSkippedNamesThatAreNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	named := filepath.Join(dir, "testdata")
	write(t, filepath.Join(named, "a.json"))
	w := start(t, Options{Folders: []string{dir, named}})
	write(t, filepath.Join(named, "a.json"))
	until(t, w, filepath.Join(named, "a.json"))
}
