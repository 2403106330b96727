package conventions

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/sotto-chat/sotto/"
	sdk    = "github.com/aws/..."
)

// importRule says which imports some packages must not have. A pattern is an
// import path, of this module without its prefix; with /... it matches all
// paths below too.
type importRule struct {
	of, except []string
	never      []string
	// through also counts indirect imports.
	through bool
	// tests also counts the imports of tests.
	tests bool
	why   string
}

var importRules = []importRule{
	{
		of:      []string{"localstack/..."},
		except:  []string{"localstack/e2e/..."},
		never:   []string{"shared/..."},
		through: true,
		tests:   true,
		why:     "functions are opaque executables to the stack: it runs any app and does not know this one",
	},
	{
		of:      []string{"shared/...", "functions/...", "clients/..."},
		never:   []string{"localstack/..."},
		through: true,
		why:     "the app must not know that it runs locally (its tests may use the engine as a database)",
	},
	{
		of:     []string{"..."},
		except: []string{"localstack/stacktest"},
		never:  []string{"localstack/stacktest"},
		why:    "it imports testing, whose flags a program must not have; programs use localstack/stack",
	},
	{
		of:     []string{"..."},
		except: []string{"functions/...", "shared/app"},
		never:  []string{"shared/app"},
		tests:  true,
		why:    "the composition root depends on both sides of every interface, and so would its importers",
	},
	{
		of:     []string{"functions/..."},
		except: nil,
		never: []string{"shared/chat", "shared/room/...", "shared/route", "shared/table",
			"shared/keyring/...", "shared/post", "shared/config", sdk},
		why: "a function is only its main; what it does can be tested elsewhere",
	},
	{
		of:    []string{"shared/envelope", "shared/chat", "shared/frame", "shared/strict"},
		never: []string{"net/...", "os/...", "syscall", "log/...", "database/..."},
		why:   "keys, tokens and names are pure values: code without I/O cannot leak them and needs no mocks",
	},
	{
		of:      []string{"shared/envelope"},
		never:   []string{"shared/chat", "shared/frame", "shared/room/..."},
		through: true,
		why:     "the cryptography stays small enough to audit as long as it does not depend on chat",
	},
	{
		of:      []string{"shared/room"},
		never:   []string{sdk, "shared/table", "shared/post", "shared/keyring/...", "net/...", "os/..."},
		through: false,
		why:     "the use cases declare what they need; the adapters know that it is DynamoDB or KMS",
	},
	{
		of:      []string{"shared/room"},
		never:   []string{sdk},
		through: true,
		why:     "the use cases declare what they need; the adapters know that it is DynamoDB or KMS",
	},
	{
		of:     []string{"shared/...", "functions/..."},
		except: []string{"shared/table", "shared/app"},
		never:  []string{"github.com/aws/aws-sdk-go-v2/service/dynamodb/..."},
		why:    "attribute names and conditions belong in shared/table (and shared/app creates the client)",
	},
	{
		of:      []string{"shared/client/...", "clients/..."},
		never:   []string{sdk, "shared/room/...", "shared/table", "shared/keyring/..."},
		through: true,
		why:     "a client runs without AWS and depends on the protocol only",
	},
}

// listed is a package as `go list` prints it.
type listed struct {
	ImportPath                                  string
	Dir                                         string
	GoFiles, Imports, TestImports, XTestImports []string
	Deps                                        []string
}

func (p listed) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// matches reports whether an import path matches one of the patterns.
func matches(path string, patterns []string) bool {
	path = strings.TrimPrefix(path, module)
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		below, all := strings.CutSuffix(pattern, "...")
		below = strings.TrimSuffix(below, "/")
		return path == below || all && (below == "" || strings.HasPrefix(path, below+"/"))
	})
}

// broken returns the imports that break a rule, and the number of packages that
// the rule applies to.
func (r importRule) broken(packages []listed) (found []string, applies int) {
	for _, p := range packages {
		if !matches(p.ImportPath, r.of) || matches(p.ImportPath, r.except) {
			continue
		}
		applies++
		imports := slices.Clone(p.Imports)
		if r.tests {
			imports = slices.Concat(imports, p.TestImports, p.XTestImports)
		}
		if r.through {
			imports = slices.Concat(imports, p.Deps)
		}
		slices.Sort(imports)
		for _, path := range slices.Compact(imports) {
			if path != p.ImportPath && matches(path, r.never) {
				found = append(found, fmt.Sprintf("%s imports %s, but %s", p.name(),
					strings.TrimPrefix(path, module), r.why))
			}
		}
	}
	return found, applies
}

// packagesOfModule returns the module's packages, as built for this operating
// system.
func packagesOfModule(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports,Deps", "./...")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func TestImports(t *testing.T) {
	packages := packagesOfModule(t)
	for _, r := range importRules {
		found, applies := r.broken(packages)
		for _, line := range found {
			t.Error(line)
		}
		if applies == 0 {
			t.Errorf("the rule of %v applies to no package (%s)", r.of, r.why)
		}
	}
}

// identifierRule says that only some packages may use some names of a package.
type identifierRule struct {
	pkg   string // import path
	names []string
	in    []string // where the rule holds
	only  []string // the packages that may use them
	why   string
}

var identifierRules = []identifierRule{
	{
		pkg:   "os",
		names: []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"},
		in:    []string{"shared/...", "functions/..."},
		only:  []string{"shared/config"},
		why:   "the configuration of a function is one struct",
	},
	{
		pkg: module + "shared/envelope",
		names: []string{"DecryptionKey", "GenerateDecryptionKey", "ParseDecryptionKey", "SigningKey",
			"GenerateSigningKey", "SigningKeyFromSeed", "MACKey", "DeriveMACKeys", "MACKeyFromBytes"},
		in: []string{"..."},
		only: []string{"shared/keyring/...", "shared/client/profile", "shared/client/device",
			"shared/client/clienttest"},
		why: "private keys belong to one package on each side: the keyring of the service, the profile of a device",
	},
}

// broken returns where a file uses a name that the rule forbids.
func (r identifierRule) broken(file *ast.File, at func(token.Pos) string) (found []string) {
	local := ""
	for _, spec := range file.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil && path == r.pkg {
			local = path[strings.LastIndexByte(path, '/')+1:]
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	if local == "." {
		return []string{at(file.Package) + " imports " + r.pkg + " without its name"}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains(r.names, s.Sel.Name) {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == local {
				found = append(found, fmt.Sprintf("%s uses %s.%s, but %s", at(s.Pos()), local, s.Sel.Name, r.why))
			}
		}
		return true
	})
	return found
}

func TestIdentifiers(t *testing.T) {
	packages := packagesOfModule(t)
	for _, r := range identifierRules {
		allowed := 0
		for _, p := range packages {
			if !matches(p.ImportPath, r.in) {
				continue
			}
			for _, name := range p.GoFiles {
				files := token.NewFileSet()
				file, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
				if err != nil {
					t.Fatal(err)
				}
				found := r.broken(file, func(pos token.Pos) string {
					place := files.Position(pos)
					return fmt.Sprintf("%s/%s:%d", p.name(), name, place.Line)
				})
				if matches(p.ImportPath, r.only) {
					allowed += len(found)
					continue
				}
				for _, line := range found {
					t.Error(line)
				}
			}
		}
		if allowed == 0 {
			t.Errorf("no package uses %v of %s, so the rule has the wrong names", r.names, r.pkg)
		}
	}
}

// TestRulesFindWhatBreaksThem shows that each rule can fail.
func TestRulesFindWhatBreaksThem(t *testing.T) {
	for _, p := range []listed{
		{ImportPath: module + "localstack/gateway", TestImports: []string{module + "shared/frame"}},
		{ImportPath: module + "localstack", Deps: []string{module + "shared/chat"}},
		{ImportPath: module + "localstack/stack", Imports: []string{module + "localstack/stacktest"}},
		{ImportPath: module + "shared/client/device", Deps: []string{"github.com/aws/smithy-go"}},
		{ImportPath: module + "shared/route", Imports: []string{module + "shared/app"}},
		{ImportPath: module + "shared/envelope", Imports: []string{"net/http"}},
		{ImportPath: module + "shared/chat", Imports: []string{"os"}},
		{ImportPath: module + "shared/post", Imports: []string{"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"}},
		{ImportPath: module + "functions/ping", Imports: []string{module + "shared/room"}},
	} {
		broken := 0
		for _, r := range importRules {
			found, _ := r.broken([]listed{p})
			broken += len(found)
		}
		if broken == 0 {
			t.Errorf("got no broken rule, want one, for %+v", p)
		}
	}
	const source = `package p

import environment "os"

var home = environment.Getenv("HOME")
`
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "p.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	at := func(pos token.Pos) string { return files.Position(pos).String() }
	if found := identifierRules[0].broken(file, at); len(found) != 1 ||
		!strings.HasPrefix(found[0], "p.go:5:12 uses environment.Getenv") {
		t.Errorf("got %q, want the use of environment.Getenv at p.go:5:12", found)
	}
}
