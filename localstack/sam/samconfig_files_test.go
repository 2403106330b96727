package sam

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// configured loads a template that shows its parameters, with the environment
// prd of the samconfig.toml in the archive. It returns the outputs, or the
// error with paths relative to the folder.
func configured(t *testing.T, archive string) (p *Plan, result string) {
	t.Helper()
	path := project(t, "")
	dir := filepath.Dir(path)
	for _, f := range txtar.Parse([]byte(archive)).Files {
		file := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p, err := Load(Options{Path: path, ConfigEnv: "prd"})
	if err != nil {
		return nil, filepath.ToSlash(strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""))
	}
	result, _, _ = strings.Cut(outputs(p), " S=")
	return p, result
}

// oneFile is a samconfig.toml that reads a file, and the beginning of that
// file.
func oneFile(name string) string {
	return "-- samconfig.toml --\n[prd.deploy.parameters]\nparameter_overrides = 'file://" + name + "'\n-- " + name + " --\n"
}

func TestF3_9_ParameterFiles(t *testing.T) {
	tests := []struct{ name, archive, want string }{
		{"a map in YAML", oneFile("p.yaml") + "A: 1\nB: true\nL: [x, ' y ', null, 2]\n", "A=1 B=True L=x|y|2"},
		{"a list in YAML", oneFile("p.yml") + "- A=1 B=2\n- B: 3\n-\n- [A=4]\n", "A=4 B=3 L="},
		{"a map in JSON", oneFile("p.json") + `{"A": "1", "B": 1.50, "L": ["x"]}`, "A=1 B=1.5 L=x"},
		{"a list in JSON", oneFile("p.json") + `["A=1", {"B": null}]`, "A=1 B= L="},
		{"TOML", oneFile("p.toml") + "A = 1\nB = false\nL = ['x', 'y']\n", "A=1 B=False L=x|y"},
		{"an empty file", oneFile("p.yaml") + "# nothing\n{}\n", "A=a B=b L="},
		{"beside pairs, the later wins", "-- samconfig.toml --\n[prd.deploy.parameters]\n" +
			"parameter_overrides = ['A=1 B=1', 'file://p.yaml', 'B=3']\n-- p.yaml --\n{A: 2, B: 2}\n", "A=2 B=3 L="},
		{"a folder", oneFile("sub/p.yaml") + "- file://more.yaml\n- B=2\n-- sub/more.yaml --\nA: 1\nB: 1\n", "A=1 B=2 L="},
		{"$include in its place", oneFile("p.yaml") + "A: 1\n$include: file://more.yaml\nB: 1\n-- more.yaml --\n{A: 2, B: 2}\n",
			"A=2 B=1 L="},
		{"$include in TOML", oneFile("p.toml") + "B = 1\n\"$include\" = ['file://a.toml', 'file://b.json']\nL = 'z'\n" +
			"-- a.toml --\nA = 2\nL = 'y'\n-- b.json --\n{\"B\": 3}\n", "A=2 B=3 L=z"},
		{"$include in samconfig.toml", "-- samconfig.toml --\n[prd.deploy.parameters.parameter_overrides]\n" +
			"\"$include\" = 'file://sub/p.yaml'\nB = 2\n-- sub/p.yaml --\n{A: 1, B: 1}\n", "A=1 B=2 L="},
		{"one file twice", oneFile("p.yaml") + "- file://x.yaml\n- A=1\n- file://x.yaml\n-- x.yaml --\nA: 2\n", "A=2 B=b L="},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, got := configured(t, test.archive); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestParameterFileMistakes(t *testing.T) {
	const at = "samconfig.toml:2:1: prd.deploy.parameters.parameter_overrides: "
	const usage = `; write "Key=value Other=value", file://PATH, a list of these, or a table`
	tests := []struct{ name, archive, want string }{
		{"no such file", "-- samconfig.toml --\n[prd.deploy.parameters]\nparameter_overrides = 'file://p.yaml'\n",
			at + `there is no file "file://p.yaml"; give a path relative to samconfig.toml`},
		{"no such file in a file", oneFile("sub/p.yaml") + "A: 1\n$include: file://q.yaml\n",
			`sub/p.yaml:2:1: there is no file "file://q.yaml"; give a path relative to p.yaml`},
		{"an extension", oneFile("p.env") + "A=1\n",
			at + `"file://p.env" has no extension that is read; use .toml, .yaml, .yml or .json`},
		{"a cycle", oneFile("p.yaml") + "$include: file://q.yaml\n-- q.yaml --\nA: 1\n$include: file://p.yaml\n",
			`q.yaml:2:1: "file://p.yaml" includes itself; remove the cycle`},
		{"not YAML", oneFile("p.yaml") + "A: [\n",
			"p.yaml:2:1: not YAML: did not find expected node content; correct the syntax there or in the lines above"},
		{"not TOML", oneFile("p.toml") + "A = \n",
			"p.toml:1:5: not TOML: expected value but found '\\n' instead; correct the syntax"},
		{"a text", oneFile("p.yaml") + "just text\n",
			"p.yaml:1:1: is a string; write a map from parameters to values, or a list"},
		{"a nested map", oneFile("p.yaml") + "B: x\nA: {b: c}\n",
			"p.yaml:2:1: the value of A is a map; write a string, a number, a boolean or a list"},
		{"a nested list", oneFile("p.yaml") + "L: [[a]]\n",
			"p.yaml:1:1: an element of L is a list; write strings, numbers or booleans"},
		{"a number in a list", oneFile("p.yaml") + "- A=1\n- 5\n", `p.yaml:2:1: is "5"` + usage},
		{"$include of a number", oneFile("p.yaml") + "$include: 5\n",
			`p.yaml:1:1: $include holds "5"; write file://PATH, or a list of them`},
		{"an unknown parameter", oneFile("p.yaml") + "A: 1\nC: 2\n",
			"p.yaml:2:1: Parameters.C: a value is given, but the template has no such parameter; add the parameter or leave the value out"},
		{"the AWS CLI's form", oneFile("p.json") + `[{"ParameterKey": "A", "ParameterValue": "1"}]`,
			`p.json:1:1: has the AWS CLI's ParameterKey, which SAM CLI does not read; write A as the key, with its value`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, got := configured(t, test.archive); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// A change of a file that samconfig.toml reads is a change of the app.
func TestParameterFilesAreWatched(t *testing.T) {
	p, mistakes := configured(t, oneFile("sub/p.yaml")+"$include: file://q.yaml\n-- sub/q.yaml --\nA: 1\n")
	if p == nil {
		t.Fatal(mistakes)
	}
	var files []string
	for _, f := range p.Files {
		rest, err := filepath.Rel(p.Dir, f)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.ToSlash(rest))
	}
	want := "template.yaml samconfig.toml sub/p.yaml sub/q.yaml"
	if got := strings.Join(files, " "); got != want {
		t.Errorf("got the files %s, want %s", got, want)
	}
}
