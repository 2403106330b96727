package builder_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/builder"
)

// relative returns paths relative to root, which both may lie in.
func relative(t *testing.T, root string, paths []string) []string {
	t.Helper()
	list := []string{}
	for _, p := range paths {
		rel, err := filepath.Rel(root, p)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, filepath.ToSlash(rel))
	}
	return list
}

func TestListSources(t *testing.T) {
	imports := func(path string) string { return "package main\n\nimport _ \"" + path + "\"\n\nfunc main() {}\n" }
	const need = "\nrequire example.com/lib v1.0.0\n"
	lib := "module example.com/lib\n\ngo 1.26\n"
	for _, tt := range []struct {
		name          string
		files         map[string]string
		folders, read []string
	}{
		{"one module", map[string]string{
			"app/go.mod": module, "app/fn/main.go": program("x"),
		}, []string{"app", "app/fn"}, nil},
		{"replace", map[string]string{
			"app/go.mod":     module + need + "\nreplace example.com/lib => ../lib\n",
			"app/fn/main.go": imports("example.com/lib/deep"),
			"lib/go.mod":     lib, "lib/deep/deep.go": "package deep\n",
		}, []string{"app", "app/fn", "lib"}, nil},
		{"replace of a module that no function imports", map[string]string{
			"app/go.mod":     module + need + "\nreplace example.com/lib => ../lib\n",
			"app/fn/main.go": program("x"),
			"lib/go.mod":     lib, "lib/lib.go": "package lib\n",
		}, []string{"app", "app/fn"}, nil},
		{"workspace", map[string]string{
			"go.work": "go 1.26\n\nuse (\n\t./app\n\t./lib\n)\n", "app/go.mod": module,
			"app/fn/main.go": imports("example.com/lib"),
			"lib/go.mod":     lib, "lib/lib.go": "package lib\n",
		}, []string{"app", "app/fn", "lib"}, []string{"go.work", "go.work.sum"}},
		{"a package that does not compile", map[string]string{
			"app/go.mod":     module + need + "\nreplace example.com/lib => ../lib\n",
			"app/fn/main.go": imports("example.com/lib"),
			"lib/go.mod":     lib, "lib/lib.go": "package lib\n\nfunc broken( {\n",
		}, []string{"app", "app/fn", "lib"}, nil},
		{"vendored", map[string]string{
			"app/go.mod":                         module + need,
			"app/fn/main.go":                     imports("example.com/lib"),
			"app/vendor/modules.txt":             "# example.com/lib v1.0.0\n## explicit; go 1.26\nexample.com/lib\n",
			"app/vendor/example.com/lib/lib.go":  "package lib\n",
			"app/vendor/example.com/rest/new.go": "package rest\n",
		}, []string{"app", "app/fn", "app/vendor/example.com/lib"}, nil},
		{"embedded", map[string]string{
			"app/go.mod": module, "app/fn/testdata/a.md": "a", "app/fn/.hidden": "b",
			"app/fn/main.go": "package main\n\nimport \"embed\"\n\n//go:embed testdata .hidden\nvar Files embed.FS\n\nfunc main() {}\n",
		}, []string{"app", "app/fn", "app/fn/testdata"}, []string{"app/fn/.hidden", "app/fn/testdata/a.md"}},
		{"no module", map[string]string{"app/fn/handler.py": ""}, []string{"app/fn"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := tree(t, tt.files)
			if real, err := filepath.EvalSymlinks(root); err == nil {
				root = real // as the go command prints it
			}
			got, err := builder.ListSources(t.Context(), []builder.Target{goTarget(root, "fn", "app/fn")})
			if err != nil {
				t.Fatal(err)
			}
			if folders := relative(t, root, got.Folders); !slices.Equal(folders, tt.folders) {
				t.Errorf("folders: got %q, want %q", folders, tt.folders)
			}
			if files := relative(t, root, got.Files); !slices.Equal(files, append([]string{}, tt.read...)) {
				t.Errorf("files: got %q, want %q", files, tt.read)
			}
		})
	}
}

// The target's own module is a source even if the go command cannot read it.
func TestSourcesOfABrokenModule(t *testing.T) {
	root := tree(t, map[string]string{"go.mod": "modul x\n", "fn/main.go": program("x")})
	got, err := builder.ListSources(t.Context(), []builder.Target{goTarget(root, "fn", "fn")})
	if err == nil || !strings.Contains(err.Error(), "go.mod") {
		t.Errorf("got %v, want an error that names go.mod", err)
	}
	if !slices.Contains(got.Folders, root) {
		t.Errorf("got the folders %q, want %s among them", got.Folders, root)
	}
	t.Setenv("PATH", t.TempDir())
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte(module), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := builder.ListSources(t.Context(), []builder.Target{goTarget(root, "fn", "fn")}); err == nil {
		t.Error("got no error without the go command")
	}
}

// A go.work that is created later would be read, in the folder of the module or
// in any above it.
func TestAbsentWorkspaces(t *testing.T) {
	root := tree(t, map[string]string{"a/app/go.mod": module, "a/app/fn/main.go": program("x")})
	target := goTarget(root, "f", "a/app/fn")
	sources, err := builder.ListSources(t.Context(), []builder.Target{target})
	for _, folder := range []string{"a/app", "a", "."} {
		file := filepath.Join(root, filepath.FromSlash(folder), "go.work")
		if err != nil || !slices.Contains(sources.Absent, file) {
			t.Errorf("absent are %v, %v, want %s among them", sources.Absent, err, file)
		}
	}
	work := filepath.Join(root, "go.work")
	if err := os.WriteFile(work, []byte("go 1.26\n\nuse ./a/app\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	sources, err = builder.ListSources(t.Context(), []builder.Target{target})
	if err != nil || len(sources.Absent) != 0 || !slices.Contains(sources.Files, work) {
		t.Errorf("with a workspace: %+v, %v, want it in Files and none in Absent", sources, err)
	}
}
