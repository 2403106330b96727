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

// importRule says what packages may not use. A pattern is an import path, our
// own ones without the module's, or with /... all below it too.
type importRule struct {
	of, except []string
	never      []string
	// through counts what is imported by what is imported, too.
	through bool
	// tests counts what tests import, too.
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
		why:     "functions are opaque executables to the stack: it runs anybody's app and knows nothing of ours",
	},
	{
		of:      []string{"shared/...", "functions/...", "clients/..."},
		never:   []string{"localstack/..."},
		through: true,
		why:     "nothing of the app may know that it runs locally (its tests may use the engines as anybody's database)",
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
		why:    "the composition root sees both sides of every interface; whoever imports it does, too",
	},
	{
		of:     []string{"functions/..."},
		except: nil,
		never: []string{"shared/chat", "shared/room/...", "shared/route", "shared/table",
			"shared/keyring/...", "shared/post", "shared/config", sdk},
		why: "a function is its main: what it does can be tested without being one",
	},
	{
		of:    []string{"shared/envelope", "shared/chat", "shared/frame", "shared/strict"},
		never: []string{"net/...", "os/...", "syscall", "log/...", "database/..."},
		why:   "keys, tokens and names are pure values: what does no I/O can leak nothing and needs no mocks",
	},
	{
		of:      []string{"shared/envelope"},
		never:   []string{"shared/chat", "shared/frame", "shared/room/..."},
		through: true,
		why:     "the cryptography is small enough to audit as long as it knows nothing of chat",
	},
	{
		of:      []string{"shared/room"},
		never:   []string{sdk, "shared/table", "shared/post", "shared/keyring/...", "net/...", "os/..."},
		through: false,
		why:     "the use cases name what they need; that it is DynamoDB or KMS is an adapter's business",
	},
	{
		of:      []string{"shared/room"},
		never:   []string{sdk},
		through: true,
		why:     "the use cases name what they need; that it is DynamoDB or KMS is an adapter's business",
	},
	{
		of:     []string{"shared/...", "functions/..."},
		except: []string{"shared/table", "shared/app"},
		never:  []string{"github.com/aws/aws-sdk-go-v2/service/dynamodb/..."},
		why:    "attribute names and conditions are known in one place (and the client is made in another)",
	},
	{
		of:      []string{"shared/client/...", "clients/..."},
		never:   []string{sdk, "shared/room/...", "shared/table", "shared/keyring/..."},
		through: true,
		why:     "a client of the protocol runs where there is no AWS, and knows no more than the protocol",
	},
}

// listed is a package as `go list` tells of it.
type listed struct {
	ImportPath                                  string
	Dir                                         string
	GoFiles, Imports, TestImports, XTestImports []string
	Deps                                        []string
}

func (p listed) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// matches tells whether an import path falls under a pattern.
func matches(path string, patterns []string) bool {
	path = strings.TrimPrefix(path, module)
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		below, all := strings.CutSuffix(pattern, "...")
		below = strings.TrimSuffix(below, "/")
		return path == below || all && (below == "" || strings.HasPrefix(path, below+"/"))
	})
}

// broken returns what breaks a rule, and how many packages it was held against.
func (r importRule) broken(packages []listed) (found []string, held int) {
	for _, p := range packages {
		if !matches(p.ImportPath, r.of) || matches(p.ImportPath, r.except) {
			continue
		}
		held++
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
	return found, held
}

// packagesOfModule lists all packages, for the operating systems that they are
// for together.
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
		found, held := r.broken(packages)
		for _, line := range found {
			t.Error(line)
		}
		if held == 0 {
			t.Errorf("no package is under the rule of %v (%s)", r.of, r.why)
		}
	}
}

// identifierRule says that only some packages may use names of a package.
type identifierRule struct {
	pkg   string // import path
	names []string
	in    []string // where the rule holds
	only  []string // who may, all the same
	why   string
}

var identifierRules = []identifierRule{
	{
		pkg:   "os",
		names: []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"},
		in:    []string{"shared/...", "functions/..."},
		only:  []string{"shared/config"},
		why:   "what a function depends on is to be seen in one struct",
	},
	{
		pkg: module + "shared/envelope",
		names: []string{"DecryptionKey", "GenerateDecryptionKey", "ParseDecryptionKey", "SigningKey",
			"GenerateSigningKey", "SigningKeyFromSeed"},
		in: []string{"..."},
		only: []string{"shared/keyring/...", "shared/client/profile", "shared/client/device",
			"shared/client/clienttest"},
		why: "private keys have one holder on each side: the keyring for the service, the profile for a device",
	},
}

// broken returns where a file uses what the rule keeps from it.
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
			t.Errorf("nobody uses %v of %s: the rule looks for the wrong names", r.names, r.pkg)
		}
	}
}

// The rules would find what they look for.
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
			t.Errorf("no rule is broken by %+v", p)
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
		t.Errorf("found %q", found)
	}
}
