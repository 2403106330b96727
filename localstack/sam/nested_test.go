package sam

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// loadTree writes the files of an archive and loads its template.yaml. Paths
// in the error are relative to the folder.
func loadTree(t *testing.T, archive string) (*Plan, string) {
	t.Helper()
	dir := t.TempDir()
	codeFolders(t, dir)
	for _, f := range txtar.Parse([]byte(archive)).Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p, err := Load(Options{Path: filepath.Join(dir, "template.yaml")})
	if err != nil {
		return nil, strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "")
	}
	return p, ""
}

const nestedRoot = `-- template.yaml --
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: sub/child.yaml, Parameters: {Size: 1}}
`

func TestNestedMistakes(t *testing.T) {
	const logs = "Resources: {Logs: {Type: AWS::Logs::LogGroup}}\n"
	tests := []struct{ name, archive, want string }{
		{"no such file", nestedRoot,
			`template.yaml:4:31: Child.TemplateURL: there is no file "sub/child.yaml"; give a path relative to the template`},
		{"a folder", nestedRoot + "-- sub/child.yaml/x --\n",
			`template.yaml:4:31: Child.TemplateURL: "sub/child.yaml" is not a file; give the path of a template`},
		{"a list", strings.Replace(nestedRoot, "sub/child.yaml", "[a]", 1),
			"template.yaml:4:31: Child.TemplateURL: is a list; give a path relative to the template"},
		{"a map", strings.Replace(nestedRoot, "sub/child.yaml", "{a: b}", 1),
			"template.yaml:4:31: Child.TemplateURL: is a map; give a path relative to the template"},
		{"a file of Terraform", strings.Replace(nestedRoot, "sub/child.yaml", "main.tf", 1) + "-- main.tf --\n",
			"template.yaml:4:31: Child.TemplateURL: main.tf is Terraform, not a SAM template; write a SAM template with the same functions and tables; Terraform's files are not read"},
		{"an application without location", "-- template.yaml --\nTransform: AWS::Serverless-2016-10-31\n" +
			"Resources:\n  App: {Type: AWS::Serverless::Application, Properties: {}}\n",
			"template.yaml:3:57: App: Location is missing; add Location"},
		{"no URL", strings.Replace(nestedRoot, "TemplateURL: sub/child.yaml, ", "", 1),
			"template.yaml:4:17: Child: TemplateURL is missing; add TemplateURL"},
		{"a parameter that does not exist", nestedRoot + "-- sub/child.yaml --\nParameters: {Sise: {Type: String, Default: x}}\n" + logs,
			"template.yaml:4:60: Child.Parameters.Size: the template sub/child.yaml has no such parameter; did you mean Sise?"},
		{"a parameter without value", nestedRoot + "-- sub/child.yaml --\nParameters: {Size: {Type: String}, More: {Type: String}}\n" + logs,
			"sub/child.yaml:1:36: Parameters.More: has no Default and no value is given; add More to the Parameters of Child in template.yaml"},
		{"a value that is not allowed", nestedRoot + "-- sub/child.yaml --\nParameters:\n  Size: {Type: Number, MinValue: 2}\n" + logs,
			`sub/child.yaml:2:9: Parameters.Size: the value "1" is below MinValue 2; give another value`},
		{"a mistake in the nested template", nestedRoot + "-- sub/child.yaml --\nParameters: {Size: {Type: String}}\nResources:\n" +
			"  Fn: {Type: AWS::Lambda::Function, Properties: {Runtime: provided.al2023, Handler: bootstrap, Code: fn, Role: 'arn:aws:iam::1:role/x'}}\n",
			`sub/child.yaml:3:102: Fn.Code: there is no folder "fn"; give the folder of the code, relative to the template`},
		{"not YAML", nestedRoot + "-- sub/child.yaml --\n[\n",
			"sub/child.yaml:2:1: not YAML: did not find expected node content; correct the syntax there or in the lines above"},
		{"no such output", nestedRoot + "Outputs: {X: {Value: !GetAtt Child.Outputs.Nme}, Y: {Value: !Sub '${Child.Other}'}}\n" +
			"-- sub/child.yaml --\nParameters: {Size: {Type: String}}\n" + logs + "Outputs: {Name: {Value: x}}\n",
			"template.yaml:5:22: Outputs.X.Value: the nested stack Child has no output Nme; did you mean Outputs.Name?\n" +
				"template.yaml:5:61: Outputs.Y.Value: AWS::CloudFormation::Stack has no attribute Other; its attributes are Outputs.Name"},
		{"references to a stack with mistakes", nestedRoot + "Outputs: {X: {Value: !GetAtt Child.Outputs.Name}}\n" +
			"-- sub/child.yaml --\nParameters: {Size: {Type: String}}\nResources: {Logs: {Type: AWS::Logs::LogGrup::X::Y, Nope: 1}, K: {Type: AWS::KMS::Key, Properties: {Nope: 1}}}\n",
			"sub/child.yaml:2:100: K.Nope: unknown property of AWS::KMS::Key; remove it"},
		{"a template that nests itself", nestedRoot + "-- sub/child.yaml --\nParameters: {Size: {Type: String}}\n" +
			"Resources: {Again: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: ../template.yaml}}}\n",
			"sub/child.yaml:2:81: Again.TemplateURL: the template template.yaml nests itself; remove the cycle"},
		{"one name in two stacks", nestedRoot + "  More: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: sub/child.yaml, Parameters: {Size: 2}}}\n" +
			"-- sub/child.yaml --\nParameters: {Size: {Type: String}}\nResources: {Role: {Type: AWS::IAM::Role, Properties: {RoleName: one, AssumeRolePolicyDocument: {}}}}\n",
			`sub/child.yaml:2:65: Role.RoleName: the name "one" is already used by Child/Role; give each its own name`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, got := loadTree(t, test.archive); filepath.ToSlash(got) != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// A chain of stacks is bounded, although no template nests itself.
func TestNestedStacksAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("-- template.yaml --\nResources: {C: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: a.yaml}}}\n")
	for name := "a"; len(name) < 30; name += "a" {
		b.WriteString("-- " + name + ".yaml --\n" +
			"Resources: {C: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: " + name + "a.yaml}}}\n")
	}
	_, got := loadTree(t, b.String())
	if want := "stacks are nested deeper than 20 levels; nest fewer levels"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want an error that ends with %q", got, want)
	}
}

// What a nested template includes is relative to it.
func TestIncludeInANestedTemplate(t *testing.T) {
	p, mistakes := loadTree(t, nestedRoot+`-- sub/child.yaml --
Parameters: {Size: {Type: String}}
Transform: {Name: AWS::Include, Parameters: {Location: more.yaml}}
-- sub/more.yaml --
Resources: {Key: {Type: AWS::KMS::Key}}
`)
	if mistakes != "" {
		t.Fatal(mistakes)
	}
	if len(p.Keys) != 1 || p.Keys[0].LogicalID != "Child/Key" {
		t.Errorf("got the keys %+v, want Child/Key", p.Keys)
	}
	var files []string
	for _, f := range p.Files {
		rest, err := filepath.Rel(p.Dir, f)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.ToSlash(rest))
	}
	if got, want := strings.Join(files, " "), "template.yaml sub/child.yaml sub/more.yaml"; got != want {
		t.Errorf("got the files %s, want %s", got, want)
	}
}

// Every note names its resource with the stacks around it.
func TestNotesOfNestedStacks(t *testing.T) {
	p, mistakes := loadTree(t, nestedRoot+`-- sub/child.yaml --
Transform: AWS::Serverless-2016-10-31
Parameters: {Size: {Type: String}}
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties: {Runtime: provided.al2, Handler: bootstrap, CodeUri: ../fn, FunctionUrlConfig: {AuthType: NONE}, Events: {Jobs: {Type: SQS, Properties: {Queue: 'arn:aws:sqs:us-east-1:1:jobs'}}}}
`)
	if mistakes != "" {
		t.Fatal(mistakes)
	}
	if len(p.Notes) < 3 {
		t.Errorf("got %d notes, want those about the runtime, the URL and the event", len(p.Notes))
	}
	for _, n := range p.Notes {
		if !strings.HasPrefix(n.LogicalID, "Child/Fn") || !strings.HasSuffix(n.File, "child.yaml") {
			t.Errorf("got the note %+v, want one of Child/Fn in the nested template", n)
		}
	}
}
