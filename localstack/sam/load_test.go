package sam

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares text with a file, or writes it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want = bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run go test -update and read the difference\ngot:\n%s", path, got)
	}
}

// TestPlans resolves whole templates; the plans are golden files.
func TestPlans(t *testing.T) {
	files, err := filepath.Glob("testdata/plans/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			p, err := Load(Options{Path: file})
			if err != nil {
				t.Fatal(err)
			}
			dir := p.Dir
			got, err := json.MarshalIndent(relative(p), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(got, []byte(dir)) {
				t.Errorf("the plan still holds %s", dir)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".json", append(got, '\n'))
		})
	}
}

// relative rewrites the paths of a plan, so that it is the same on every
// machine.
func relative(p *Plan) *Plan {
	for i := range p.Functions {
		f := &p.Functions[i]
		for _, path := range []*string{&f.CodeURI, &f.SourceDir, &f.MakefileDir, &f.WorkingDir} {
			if rest, err := filepath.Rel(p.Dir, *path); err == nil {
				*path = filepath.ToSlash(rest)
			}
		}
	}
	for i := range p.Files {
		p.Files[i] = filepath.ToSlash(p.Files[i])
	}
	for i := range p.Notes {
		p.Notes[i].File = filepath.ToSlash(p.Notes[i].File)
	}
	p.Path, p.Dir = filepath.ToSlash(p.Path), "."
	return p
}

// codeFolders makes the folders that templates of the tests name: fn can be
// built, empty lacks what a build needs.
func codeFolders(t *testing.T, dir string) {
	t.Helper()
	for name, text := range map[string]string{
		"main.go": "package main\n", "fn/main.go": "package main\n", "fn/Makefile": "build-F:\n",
		"empty/readme.txt": "", "empty/main_test.go": "package main\n",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMistakes loads templates with mistakes. Each archive in testdata/mistakes
// holds pairs of files: a template and, with the extension .want, the expected
// output.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		testArchive(t, strings.TrimSuffix(filepath.Base(file), ".txtar"), archive)
		if *update {
			golden(t, file, txtar.Format(archive))
		}
	}
}

// testArchive loads the templates of one archive. With -update it replaces the
// expected output.
func testArchive(t *testing.T, archiveName string, archive *txtar.Archive) {
	t.Helper()
	wants := map[string]int{}
	for i, f := range archive.Files {
		wants[f.Name] = i
	}
	for _, f := range archive.Files {
		name, ok := strings.CutSuffix(f.Name, ".yaml")
		if !ok {
			continue
		}
		t.Run(archiveName+"/"+name, func(t *testing.T) {
			got := mistakes(t, f)
			i, ok := wants[name+".want"]
			if !ok {
				t.Fatalf("%s.want is missing; got:\n%s", name, got)
			}
			if *update {
				archive.Files[i].Data = []byte(got)
			} else if got != string(archive.Files[i].Data) {
				t.Errorf("got:\n%swant:\n%s", got, archive.Files[i].Data)
			}
		})
	}
}

// mistakes returns the mistakes in a template, without the path of its folder.
func mistakes(t *testing.T, f txtar.File) string {
	t.Helper()
	dir := t.TempDir()
	codeFolders(t, dir)
	path := filepath.Join(dir, f.Name)
	if err := os.WriteFile(path, f.Data, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Load(Options{Path: path})
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "") + "\n"
}
