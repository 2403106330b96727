package builder_test

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/builder"
)

func prebuiltTarget(dir string) builder.Target {
	return builder.Target{Name: "f", LogicalID: "F", Dir: dir, Method: builder.MethodPrebuilt, Arch: runtime.GOARCH}
}

// goProgram builds a program for a system into a folder, as its bootstrap.
func goProgram(t *testing.T, dir, word, goos, goarch string) {
	t.Helper()
	source := tree(t, map[string]string{"go.mod": module, "main.go": program(word)})
	cmd := exec.Command("go", "build", "-ldflags=-w", "-o", filepath.Join(dir, "bootstrap"), ".")
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build a program for %s/%s: %v\n%s", goos, goarch, err, out)
	}
}

// Code that is built already is copied with all its files. It keeps its path
// until it changes.
func TestPrebuilt(t *testing.T) {
	code := tree(t, map[string]string{"data/words.txt": "words", ".git/config": "", ".sotto/kms/key": "secret"})
	out := filepath.Join(code, ".sotto", "functions") // below the code, as with CodeUri: .
	goProgram(t, code, "one", runtime.GOOS, runtime.GOARCH)
	build := func() string {
		t.Helper()
		built, err := builder.Build(t.Context(), out, []builder.Target{prebuiltTarget(code)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return built["f"]
	}
	first := build()
	if got := says(t, first); got != "one" {
		t.Errorf("the executable prints %q, want one", got)
	}
	if text, err := os.ReadFile(filepath.Join(filepath.Dir(first), "data", "words.txt")); string(text) != "words" {
		t.Errorf("data/words.txt beside it is %q, %v, want words", text, err)
	}
	for _, name := range []string{".git", ".sotto"} {
		if _, err := os.Stat(filepath.Join(filepath.Dir(first), name)); err == nil {
			t.Errorf("%s was copied", name)
		}
	}
	if again := build(); again != first {
		t.Errorf("unchanged code is at %s, want %s as before", again, first)
	}
	goProgram(t, code, "two", runtime.GOOS, runtime.GOARCH)
	second := build()
	if got, before := says(t, second), says(t, first); got != "two" || before != "one" {
		t.Errorf("after a change the executables print %q and %q, want two and, at the old path, one", got, before)
	}
	sources, err := builder.ListSources(t.Context(), []builder.Target{prebuiltTarget(code)})
	if err != nil || len(sources.Files) != 1 || sources.Files[0] != filepath.Join(code, "bootstrap") {
		t.Errorf("sources are %+v, %v, want the bootstrap", sources, err)
	}
}

func TestPrebuiltZip(t *testing.T) {
	code := t.TempDir()
	goProgram(t, code, "zipped", runtime.GOOS, runtime.GOARCH)
	pack := func(mode os.FileMode) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(code, "bootstrap"))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "code.zip")
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		archive := zip.NewWriter(file)
		header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
		header.SetMode(mode)
		w, err := archive.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := archive.Close(); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	built, err := builder.Build(t.Context(), t.TempDir(), []builder.Target{prebuiltTarget(pack(0o755))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := says(t, built["f"]); got != "zipped" {
		t.Errorf("the executable prints %q, want zipped", got)
	}
	if runtime.GOOS == "windows" {
		return
	}
	_, err = builder.Build(t.Context(), t.TempDir(), []builder.Target{prebuiltTarget(pack(0o644))}, nil)
	if err == nil || !strings.Contains(err.Error(), "is not executable") {
		t.Errorf("got %v, want that the bootstrap is not executable", err)
	}
}

// Code that this machine cannot run is refused with the function, the file,
// what the code is for and what this machine is.
func TestPrebuiltForAnotherMachine(t *testing.T) {
	host := runtime.GOOS + "/" + runtime.GOARCH
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	file := func(text string, mode os.FileMode) func(string) {
		return func(dir string) {
			if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte(text), mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name  string
		write func(dir string)
		want  string
	}{
		{"processor", func(dir string) { goProgram(t, dir, "x", "linux", other) },
			"it is for linux/" + other + ", and this machine is " + host},
		{"system", func(dir string) { goProgram(t, dir, "x", "plan9", "386") },
			"it is for plan9/386, and this machine is " + host},
		{"text", file("hello\n", 0o755), "it is neither a program nor a script"},
		{"empty", file("", 0o755), "it is neither a program nor a script"},
		{"damaged", file("\x7fELF", 0o755), "it is a damaged ELF file"},
		{"interpreter", file("#!/opt/none/bin/none\n", 0o755),
			"it is a script for /opt/none/bin/none, which is not on this machine"},
		{"line end", file("#!/bin/sh\r\n", 0o755), "its first line ends with a carriage return"},
		{"mode", file("#!/bin/sh\n", 0o644), "is not executable"},
	} {
		if runtime.GOOS == "windows" && c.name == "mode" {
			continue
		}
		dir := t.TempDir()
		c.write(dir)
		out := t.TempDir()
		_, err := builder.Build(t.Context(), out, []builder.Target{prebuiltTarget(dir)}, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "function f: ") || !strings.Contains(err.Error(), dir) ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want the function, %s and %q", c.name, err, dir, c.want)
		}
		if left, _ := filepath.Glob(filepath.Join(out, "*", "*")); len(left) != 0 {
			t.Errorf("%s: %v is left", c.name, left)
		}
	}
}

// A script runs, and a bootstrap for another processor than the template names
// gets a line.
func TestPrebuiltScript(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("scripts need a Unix")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte("#!/bin/sh\necho script\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	built, err := builder.Build(t.Context(), t.TempDir(), []builder.Target{prebuiltTarget(dir)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := says(t, built["f"]); got != "script" {
		t.Errorf("the script prints %q, want script", got)
	}
	program := prebuiltTarget(t.TempDir())
	program.Arch = "another"
	goProgram(t, program.Dir, "x", runtime.GOOS, runtime.GOARCH)
	var lines []string
	if _, err := builder.Build(t.Context(), t.TempDir(), []builder.Target{program},
		func(line string) { lines = append(lines, line) }); err != nil {
		t.Fatal(err)
	}
	want := "function f: its bootstrap is for " + runtime.GOARCH + ", but Architectures of the template is another"
	if !strings.Contains(strings.Join(lines, "\n"), want) {
		t.Errorf("progress is %q, want %q in it", lines, want)
	}
}
