package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/gateway"
)

// test is a test function that shows that the stack does what a statement says.
type test struct {
	pkg  string // folder, slash-separated, from the module's root
	name string
}

// testName matches the number of a statement in the name of a test, such as
// A6_1 for A6.1 or E3 at its beginning.
var testName = regexp.MustCompile(`^Test([A-F]\d+)(?:_(\d+b?))?(?:_|$)`)

// statementOf returns the statement that a test's name says it shows, or "".
func statementOf(name string, known map[string]bool) string {
	m := testName.FindStringSubmatch(name)
	if m == nil {
		return ""
	}
	if id := m[1] + "." + m[2]; m[2] != "" && known[id] {
		return id
	}
	return m[1] // as in TestC5_403_…, or unknown
}

// findTests returns the tests under root's localstack folder by statement.
func findTests(root string, known map[string]bool) (map[string][]test, error) {
	found := make(map[string][]test)
	err := filepath.WalkDir(filepath.Join(root, "localstack"), func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "testdata" {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("read tests: %w", err)
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		for _, decl := range parsed.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil {
				continue
			}
			if id := statementOf(f.Name.Name, known); id != "" {
				found[id] = append(found[id], test{path.Dir(filepath.ToSlash(relative)), f.Name.Name})
			}
		}
		return nil
	})
	for _, tests := range found {
		slices.SortFunc(tests, func(a, b test) int { return strings.Compare(a.pkg+a.name, b.pkg+b.name) })
	}
	return found, err
}

// settings returns the names that -inferred takes, by the statements that they
// change.
func settings() map[string][]string {
	names := make(map[string][]string)
	for _, s := range gateway.InferredSettings() {
		for _, id := range s.Statements {
			names[id] = append(names[id], s.Name)
		}
	}
	return names
}
