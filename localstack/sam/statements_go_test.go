package sam

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestF3_1_FunctionsOnTheProvidedRuntime(t *testing.T) {
	p := mustLoad(t, `Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties: {Runtime: provided.al2023, Handler: bootstrap, Architectures: [arm64], CodeUri: fn/}
  Plain:
    Type: AWS::Serverless::Function
    Properties: {Runtime: provided.al2023, Handler: bootstrap}
`)
	f, plain := p.Function("Fn"), p.Function("Plain")
	if f.Runtime != "provided.al2023" || f.Handler != "bootstrap" ||
		!slices.Equal(f.Architectures, []string{"arm64"}) ||
		f.CodeURI != filepath.Join(p.Dir, "fn") || f.Timeout != 3*time.Second || f.MemoryMB != 128 {
		t.Errorf("got %+v", f)
	}
	if !slices.Equal(plain.Architectures, []string{"x86_64"}) || plain.CodeURI != p.Dir {
		t.Errorf("without CodeUri and Architectures: got %+v", plain)
	}
}

func TestF3_2_BuildMethodGo(t *testing.T) {
	const function = `
  F:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: go1.x, BuildProperties: {TrimGoPath: true}}
`
	p := mustLoad(t, samHead+function)
	if f := p.Function("F"); f.BuildMethod != "go1.x" || f.BuildProperties["TrimGoPath"] != "true" {
		t.Errorf("got %+v", f)
	}
	refused(t, samHead+function+"    Properties: {Handler: main}\n",
		`9:27: F.Handler: BuildMethod go1.x would name the binary "main", and the runtime starts bootstrap; write Handler: bootstrap`)
}

func TestF3_3_BuildMethodMakefile(t *testing.T) {
	p := mustLoad(t, samHead+`
  F: {Type: AWS::Serverless::Function, Metadata: {BuildMethod: makefile}}
`)
	if f := p.Function("F"); f.BuildMethod != "makefile" || f.LogicalID != "F" {
		t.Errorf("got %+v", f)
	}
}

func TestF3_4_RetiredRuntimes(t *testing.T) {
	refused(t, samHead+`
  Old: {Type: AWS::Serverless::Function, Properties: {Runtime: go1.x}}
  Raw: {Type: AWS::Lambda::Function, Properties: {Runtime: go1.x, Handler: main, Code: fn, Role: arn:aws:iam::000000000000:role/r}}
`,
		"6:64: Old.Runtime: the runtime go1.x is retired; write Runtime: provided.al2023, Handler: bootstrap and Metadata: {BuildMethod: go1.x}",
		"7:60: Raw.Runtime: the runtime go1.x is retired; write Runtime: provided.al2023, Handler: bootstrap and Metadata: {BuildMethod: go1.x}")
	p := mustLoad(t, samHead+"  Al2: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2}}\n")
	if len(p.Notes) != 1 || p.Notes[0].Line != 5 ||
		!p.Notes[0].Advice ||
		p.Notes[0].Reason != "provided.al2 is deprecated since 2026-07-31, and Lambda creates no functions on it from 2027-02-01; "+
			"write provided.al2023" {
		t.Errorf("got %+v", p.Notes)
	}
}

func TestF3_5_SnapStartIsNotForGo(t *testing.T) {
	refused(t, samHead+`
  F: {Type: AWS::Serverless::Function, Properties: {SnapStart: {ApplyOn: PublishedVersions}}}
`, "6:74: F.SnapStart.ApplyOn: SnapStart is for Java, Python and .NET; remove it")
	mustLoad(t, samHead+"  F: {Type: AWS::Serverless::Function, Properties: {SnapStart: {ApplyOn: None}}}\n")
}

func TestF3_6_ConfigurationFile(t *testing.T) {
	const globalAndDeploy = `version = 0.1
[default.global.parameters]
stack_name = "chat"
region = "eu-west-1"
parameter_overrides = "A=global"
[default.build.parameters]
parameter_overrides = "A=build"
[prod.global.parameters]
stack_name = "everywhere"
[prod.deploy.parameters]
stack_name = "live"
parameter_overrides = ["A=deploy", "B=two"]
`
	for name, test := range map[string]struct {
		options Options
		want    string
	}{
		"the global command":              {Options{ConfigEnv: "default"}, "A=global B=b L= S=chat R=eu-west-1"},
		"the command over the global one": {Options{ConfigEnv: "prod"}, "A=deploy B=two L= S=live R=us-east-1"},
		"the caller over both": {Options{
			ConfigEnv:  "prod",
			StackName:  "mine",
			Parameters: map[string]string{"A": "called"},
		},
			"A=called B=two L= S=mine R=us-east-1"},
	} {
		test.options.Path = project(t, globalAndDeploy)
		p, err := Load(test.options)
		if err != nil {
			t.Fatal(err)
		}
		if got := outputs(p); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}

	t.Run("YAML", configurationInYAML)

	t.Run("template_file", configurationNamesTemplate)
}

func configurationInYAML(t *testing.T) {
	for _, name := range []string{"samconfig.yaml", "samconfig.yml"} {
		path := project(t, "")
		dir := filepath.Dir(path)
		if err := os.Remove(filepath.Join(dir, "samconfig.toml")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(`version: 0.1
default:
  global: {parameters: {stack_name: chat}}
  deploy:
    parameters:
      parameter_overrides: [A=yaml, B: 2, L: [x, y]]
broken:
  deploy:
    parameters:
      region: eu-west-1
      parameter_overrides: A
`), 0o644); err != nil {
			t.Fatal(err)
		}
		p, err := Load(Options{Path: path, ConfigEnv: "default"})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := outputs(p), "A=yaml B=2 L=x|y S=chat R=us-east-1"; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
		want := filepath.Join(dir, name) +
			`:11:1: broken.deploy.parameters.parameter_overrides: has no Key=value at "A"; ` +
			`write "Key=value Other=value", file://PATH, a list of these, or a table`
		if _, err := Load(Options{Path: path, ConfigEnv: "broken"}); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

func configurationNamesTemplate(t *testing.T) {
	path := project(t, "[default.global.parameters]\ntemplate_file = \"other.yaml\"\n")
	dir := filepath.Dir(path)
	if err := os.WriteFile(filepath.Join(dir, "other.yaml"),
		[]byte("Resources: {Logs: {Type: AWS::Logs::LogGroup}}"), 0o644); err != nil {
		t.Fatal(err)
	}
	for env, want := range map[string]string{"": "template.yaml", "default": "other.yaml"} {
		p, err := Load(Options{Path: dir, ConfigEnv: env})
		if err != nil {
			t.Fatal(err)
		}
		if p.Path != filepath.Join(dir, want) {
			t.Errorf("with the environment %q: got %s, want %s", env, p.Path, want)
		}
	}
	p, err := Load(Options{Path: dir, ConfigEnv: "default"})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{filepath.Join(dir, "other.yaml"),
		filepath.Join(dir, "samconfig.toml")}; !slices.Equal(p.Files, want) {
		t.Errorf("got the files %q, want %q", p.Files, want)
	}
	if p, err := Load(Options{Path: path, ConfigEnv: "default"}); err != nil || p.Path != path {
		t.Errorf("a file wins over template_file: got %v, %v", p, err)
	}
}
