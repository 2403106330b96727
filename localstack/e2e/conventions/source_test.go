package conventions

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// root is the folder of the module.
var root = func() string {
	dir, err := filepath.Abs("../../..")
	if err != nil {
		panic(err)
	}
	return dir
}()

// sourceFile is a Go file of the module.
type sourceFile struct {
	path  string // relative to root, with slashes
	set   *token.FileSet
	tree  *ast.File
	lines []string
}

// position returns the place of a node, as path:line.
func (f sourceFile) position(pos token.Pos) string {
	p := f.set.Position(pos)
	return strings.TrimPrefix(filepath.ToSlash(p.String()), filepath.ToSlash(root)+"/")
}

// parse parses text as a Go file.
func parse(path string, text []byte) (sourceFile, error) {
	f := sourceFile{path: path, set: token.NewFileSet(), lines: strings.Split(string(text), "\n")}
	var err error
	f.tree, err = parser.ParseFile(f.set, path, text, parser.ParseComments|parser.SkipObjectResolution)
	return f, err
}

// walk calls visit with every file below the top-level folders, except the
// files that builds and package managers write.
func walk(t *testing.T, visit func(path string, text []byte)) {
	t.Helper()
	for _, part := range []string{"functions", "shared", "localstack", "clients"} {
		err := filepath.WalkDir(filepath.Join(root, part), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			switch d.Name() {
			case "node_modules", "dist", "screenshots":
				return fs.SkipDir
			}
			if d.IsDir() {
				return nil
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			relative, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			visit(filepath.ToSlash(relative), text)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// goFiles calls visit with every Go file of the module.
func goFiles(t *testing.T, visit func(sourceFile)) {
	t.Helper()
	walk(t, func(path string, text []byte) {
		if !strings.HasSuffix(path, ".go") {
			return
		}
		f, err := parse(path, text)
		if err != nil {
			t.Error(err)
			return
		}
		visit(f)
	})
}
