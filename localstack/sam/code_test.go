package sam

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sotto-chat/sotto/localstack/sam/plan"
)

// What is built of CodeUri: its main package, the one that Handler names, a
// bootstrap that is there already, or what a Makefile makes.
func TestF3_7_CodeOfAFunction(t *testing.T) {
	const goMain, library = "package main\n", "package lib\n"
	for _, c := range []struct {
		name, properties, metadata string
		files                      map[string]string
		method, source             string // source below the template's folder
		make, work                 string
		notes                      int
	}{
		{
			name:       "main package",
			properties: "CodeUri: app",
			files:      map[string]string{"app/main.go": goMain},
			source:     "app",
		},
		{
			name:       "handler names a package",
			properties: "CodeUri: ., Handler: cmd/x",
			files:      map[string]string{"lib.go": library, "cmd/x/main.go": goMain},
			source:     "cmd/x",
		},
		{
			name:       "handler names a package, BuildMethod go1.x",
			properties: "CodeUri: ., Handler: cmd/x",
			metadata:   "BuildMethod: go1.x",
			files:      map[string]string{"cmd/x/main.go": goMain},
			method:     plan.Go,
			source:     "cmd/x",
			notes:      1,
		},
		{
			name:       "package named bootstrap",
			properties: "CodeUri: .",
			metadata:   "BuildMethod: go1.x",
			files:      map[string]string{"bootstrap/main.go": goMain},
			method:     plan.Go,
			source:     "bootstrap",
		},
		{
			name:       "main package before the handler's",
			properties: "CodeUri: ., Handler: cmd/x",
			files:      map[string]string{"main.go": goMain, "cmd/x/main.go": goMain},
			source:     ".",
		},
		{
			name:       "source before bootstrap",
			properties: "CodeUri: app",
			files:      map[string]string{"app/main.go": goMain, "app/bootstrap": "#!"},
			source:     "app",
		},
		{
			name:       "bootstrap",
			properties: "CodeUri: app",
			files:      map[string]string{"app/bootstrap": "#!"},
			method:     plan.Prebuilt,
		},
		{
			name:       "bootstrap beside a library",
			properties: "CodeUri: app",
			files:      map[string]string{"app/bootstrap": "#!", "app/x.go": library},
			method:     plan.Prebuilt,
		},
		{
			name:       "written by sam build, go1.x",
			properties: "CodeUri: app",
			metadata:   "BuildMethod: go1.x",
			files:      map[string]string{"app/bootstrap": "#!"},
			method:     plan.Prebuilt,
		},
		{
			name:       "written by sam build, makefile",
			properties: "CodeUri: app",
			metadata:   "BuildMethod: makefile",
			files:      map[string]string{"app/bootstrap": "#!"},
			method:     plan.Prebuilt,
		},
		{
			name:       "SkipBuild",
			properties: "CodeUri: app",
			metadata:   "SkipBuild: true",
			files:      map[string]string{"app/main.go": goMain, "app/bootstrap": "#!"},
			method:     plan.Prebuilt,
		},
		{
			name:       "Makefile without BuildMethod",
			properties: "CodeUri: app",
			files:      map[string]string{"app/Makefile": "x:"},
			method:     plan.Makefile,
			source:     "app",
			make:       "app",
			work:       "app",
		},
		{
			name:       "folders of make",
			properties: "CodeUri: app",
			metadata:   "BuildMethod: makefile, ProjectRootDirectory: src, ContextPath: mk, WorkingDirectory: run",
			files:      map[string]string{"app/x": "", "src/x": "", "mk/Makefile": "x:", "run/x": ""},
			method:     plan.Makefile,
			source:     "src",
			make:       "mk",
			work:       "run",
		},
		{
			name:       "Makefile in the project's root",
			properties: "CodeUri: app",
			metadata:   "BuildMethod: makefile, ProjectRootDirectory: .",
			files:      map[string]string{"app/x": "", "Makefile": "x:"},
			method:     plan.Makefile,
			source:     ".",
			make:       ".",
			work:       ".",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.files["template.yaml"] = "Transform: AWS::Serverless-2016-10-31\n" +
				"Globals: {Function: {Runtime: provided.al2023, Handler: bootstrap}}\n" +
				"Resources:\n  F: {Type: AWS::Serverless::Function, Metadata: {" + c.metadata +
				"}, Properties: {" + c.properties + "}}\n"
			for name, text := range c.files {
				path := filepath.Join(dir, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			p, err := Load(Options{Path: dir})
			if err != nil {
				t.Fatal(err)
			}
			f := p.Function("F")
			if f.BuildMethod != c.method {
				t.Errorf("build method %q, want %q", f.BuildMethod, c.method)
			}
			for _, path := range []struct{ what, got, want string }{
				{"source", f.SourceDir, c.source},
				{"Makefile", f.MakefileDir, c.make},
				{"working", f.WorkingDir, c.work},
			} {
				want := path.want
				if want != "" {
					want = filepath.Join(p.Dir, filepath.FromSlash(want))
				}
				if path.got != want {
					t.Errorf("%s folder is %q, want %q", path.what, path.got, want)
				}
			}
			if len(p.Notes) != c.notes {
				t.Errorf("notes are %+v, want %d", p.Notes, c.notes)
			}
		})
	}
}
