package watch

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
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
