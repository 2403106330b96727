package conventions

import (
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// known holds the names that documents and comments may mention.
type known struct {
	targets map[string]bool // of the Makefile
	files   map[string]bool // paths from the root, and base names
	tests   map[string]bool // Test, Benchmark, Fuzz and Example functions
	flags   map[string]bool // of our commands and tests, without dashes
}

// otherFlags are flags of other programs that documents mention.
var otherFlags = []string{
	"race", "run", "bench", "benchmem", "count", "short", "v", "s", "w", "tags", "ldflags", "trimpath", "args", "c",
	"args", "X", "H", "d", "o", "guided", "lint", "stack-name", "ca-bundle", "proxy", "cacert", "endpoint-url",
	"no-verify-ssl", "fips", "force", "use-container", "build-arg", "no-sign-request", "connect", "strict-tags",
}

var (
	makeTarget  = regexp.MustCompile("`make ([a-z][a-z0-9-]*)\\b[^-]|\\bmake ([a-z][a-z0-9-]*) [A-Z_]+=|(?m)^make ([a-z][a-z0-9-]*)\\b")
	fileName    = regexp.MustCompile(`[\w@.-]*[\w@-](?:/[\w@.-]+)*\.(?:go|md|txtar|ts|svelte|mjs|yaml|toml|txt)\b`)
	folderName  = regexp.MustCompile("`((?:functions|shared|infra|localstack|clients|docs)/[\\w./-]+)`")
	testName    = regexp.MustCompile(`\b((?:Test|Benchmark|Fuzz)[A-Z]\w+)(…|\.\.\.|\*)?`)
	flagName    = regexp.MustCompile("`--?([a-z][a-z0-9-]*)")
	makeRule    = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):`)
	otherFolder = regexp.MustCompile(`^(\.|https?:|www\.|pkg\.go$|node_modules/|\.sotto/|bin/|dist/|your/|my/|@)`)
)

// otherFiles are files outside the repository that may be named: those of users
// and of other projects, and those that a command writes.
var otherFiles = []string{
	"samconfig.yaml", "samconfig.yml", "template.yml", "cdk.json", "index.html", "package.json", "tsconfig.json",
	"errors.txt", "deps_test.go", "config.json", "other.yaml", "p.go",
}

// names returns the names that the repository defines.
func names(t *testing.T) known {
	t.Helper()
	k := known{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
	rules, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range makeRule.FindAllStringSubmatch(string(rules), -1) {
		k.targets[m[1]] = true
	}
	for _, dir := range []string{"functions", "shared", "localstack", "clients", "docs", "infra", ".github", ".ci"} {
		k.addFiles(t, dir)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		k.files[e.Name()] = true
	}
	for _, name := range otherFiles {
		k.files[name] = true
	}
	for _, name := range otherFlags {
		k.flags[name] = true
	}
	walk(t, func(path string, text []byte) {
		if !strings.HasSuffix(path, ".go") {
			return
		}
		if f, err := parse(path, text); err == nil {
			k.addDefinitions(f)
		}
	})
	return k
}

// addFiles adds the files and folders below a folder.
func (k known) addFiles(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, dir), func(file string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == "node_modules" || d.Name() == "dist" {
			return filepath.SkipDir
		}
		relative, err := filepath.Rel(root, file)
		k.files[filepath.ToSlash(relative)] = true
		k.files[d.Name()] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// addDefinitions adds the tests of a file, and the flags that it defines by a
// call such as StringVar(&v, "name", …) or Bool("name", …).
func (k known) addDefinitions(f sourceFile) {
	ast.Inspect(f.tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			k.tests[n.Name.Name] = true
		case *ast.CallExpr:
			s, ok := n.Fun.(*ast.SelectorExpr)
			if !ok || !flagFunctions[s.Sel.Name] {
				return true
			}
			for _, a := range n.Args[:min(2, len(n.Args))] {
				if b, ok := a.(*ast.BasicLit); ok && b.Kind == token.STRING {
					if name, err := strconv.Unquote(b.Value); err == nil {
						k.flags[name] = true
					}
					break
				}
			}
		}
		return true
	})
}

// flagFunctions are the functions of package flag that define a flag.
var flagFunctions = map[string]bool{
	"Bool": true, "BoolVar": true, "BoolFunc": true, "String": true, "StringVar": true, "Func": true, "Var": true,
	"Int": true, "IntVar": true, "Int64": true, "Int64Var": true, "Uint": true, "Uint64": true, "Uint64Var": true,
	"Float64": true, "Float64Var": true, "Duration": true, "DurationVar": true, "TextVar": true,
}

// unknown returns the names in a text that k does not contain. dir is the
// folder of the text, relative to root.
func (k known) unknown(text, dir string) (found []string) {
	report := func(kind, name string) {
		if line := kind + " " + name; !slices.Contains(found, line) {
			found = append(found, line)
		}
	}
	for _, m := range makeTarget.FindAllStringSubmatch(text, -1) {
		if name := m[1] + m[2] + m[3]; !k.targets[name] {
			report("make target", name)
		}
	}
	for _, m := range testName.FindAllStringSubmatch(text, -1) {
		if !k.hasTest(m[1], m[2] != "") {
			report("test", m[1])
		}
	}
	for _, m := range flagName.FindAllStringSubmatch(text, -1) {
		if !k.flags[m[1]] {
			report("flag", m[1])
		}
	}
	for _, name := range fileName.FindAllString(text, -1) {
		if !otherFolder.MatchString(name) && !k.hasFile(name, dir) {
			report("file", name)
		}
	}
	for _, m := range folderName.FindAllStringSubmatch(text, -1) {
		if name := strings.TrimSuffix(m[1], "/"); !strings.HasSuffix(name, "/dist") && !k.hasFile(name, dir) {
			report("folder", m[1])
		}
	}
	return found
}

// hasTest reports whether there is a test of that name, or of a longer one if
// the name is only a beginning.
func (k known) hasTest(name string, beginning bool) bool {
	if k.tests[name] {
		return true
	}
	if !beginning && !strings.HasSuffix(name, "_") {
		return false
	}
	for test := range k.tests {
		if strings.HasPrefix(test, name) {
			return true
		}
	}
	return false
}

// hasFile reports whether a path exists from the root or from dir, or whether
// any file has that base name.
func (k known) hasFile(name, dir string) bool {
	name = path.Clean(name)
	if strings.Contains(name, "/NAME/") { // a placeholder
		return true
	}
	return k.files[name] || k.files[path.Join(dir, name)] || !strings.Contains(name, "/") && k.files[path.Base(name)]
}

// TestNamesExist wants every make target, file, test and flag that a document
// or a comment names to exist.
func TestNamesExist(t *testing.T) {
	k := names(t)
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "clients/*/*.md", "infra/*.md", "shared/*.md",
		"localstack/*.md"} {
		documents, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range documents {
			text, err := os.ReadFile(document)
			if err != nil {
				t.Fatal(err)
			}
			relative, _ := filepath.Rel(root, document)
			relative = filepath.ToSlash(relative)
			for _, name := range k.unknown(string(text), path.Dir(relative)) {
				t.Errorf("%s names a %s that does not exist", relative, name)
			}
		}
	}
	goFiles(t, func(f sourceFile) {
		for _, group := range f.tree.Comments {
			for _, name := range k.unknown(group.Text(), path.Dir(f.path)) {
				t.Errorf("%s: the comment names a %s that does not exist", f.position(group.Pos()), name)
			}
		}
		ast.Inspect(f.tree, func(n ast.Node) bool {
			if b, ok := n.(*ast.BasicLit); ok && b.Kind == token.STRING {
				for _, m := range makeTarget.FindAllStringSubmatch(b.Value, -1) {
					if name := m[1] + m[2] + m[3]; !k.targets[name] {
						t.Errorf("%s: the text names a make target %s that does not exist", f.position(b.Pos()), name)
					}
				}
			}
			return true
		})
	})
}

func TestNamesExistFindsWhatDoesNot(t *testing.T) {
	k := known{
		targets: map[string]bool{"test": true},
		files:   map[string]bool{"docs/a.md": true, "a.md": true, "shared/chat": true},
		tests:   map[string]bool{"TestProperty1_Order": true},
		flags:   map[string]bool{"watch": true},
	}
	good := "Run `make test`, see docs/a.md, a.md, `shared/chat`, TestProperty1_…, TestProperty1_Order, `-watch`."
	if found := k.unknown(good, "docs"); len(found) > 0 {
		t.Errorf("found %q in a text without a mistake", found)
	}
	// The targets are split, so that TestNamesExist does not find them here.
	bad := "Run `make" + " tests` or make" + " all SEED=1, see docs/b.md, `shared/chats`, TestProperty2_…, `--watched`."
	want := []string{"make target tests", "make target all", "test TestProperty2_", "flag watched", "file docs/b.md",
		"folder shared/chats"}
	if found := k.unknown(bad, "docs"); fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("found %q, want %q", found, want)
	}
}
