package sam

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/sam/eval"
)

// project writes a template that shows its parameters, and a samconfig.toml.
func project(t *testing.T, config string) string {
	t.Helper()
	dir := t.TempDir()
	const template = `
Parameters: {A: {Type: String, Default: a}, B: {Type: String, Default: b}, L: {Type: CommaDelimitedList, Default: ''}}
Resources: {Logs: {Type: AWS::Logs::LogGroup}}
Outputs: {A: {Value: !Ref A}, B: {Value: !Ref B}, L: {Value: !Join ['|', !Ref L]}, S: {Value: !Ref AWS::StackName}, R: {Value: !Ref AWS::Region}}
`
	for name, text := range map[string]string{"template.yaml": template, "samconfig.toml": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "template.yaml")
}

func outputs(p *Plan) string {
	var parts []string
	for _, o := range p.Outputs {
		parts = append(parts, o.Name+"="+o.Value)
	}
	return strings.Join(parts, " ")
}

func TestConfiguration(t *testing.T) {
	tests := []struct {
		name, config string
		options      Options
		want         string
	}{
		{"not read without an environment", `not even TOML`, Options{}, "A=a B=b L= S=local R=us-east-1"},
		{"a string", `[default.deploy.parameters]
parameter_overrides = "A=1 B=\"two words\" L=x,y"`, Options{ConfigEnv: "default"},
			"A=1 B=two words L=x|y S=local R=us-east-1"},
		{"quotes of every kind", `[default.deploy.parameters]
parameter_overrides = '''A='it is' "B=the whole pair" L=a\ b\"c'''`, Options{ConfigEnv: "default"},
			`A=it is B=the whole pair L=a b"c S=local R=us-east-1`},
		{"the AWS CLI's form", `[default.deploy.parameters]
parameter_overrides = "ParameterKey=A,ParameterValue=1 ParameterKey=B,ParameterValue=\"x y\""`,
			Options{ConfigEnv: "default"}, "A=1 B=x y L= S=local R=us-east-1"},
		{"an empty value", `[default.deploy.parameters]
parameter_overrides = "A= B=2"`, Options{ConfigEnv: "default"}, "A= B=2 L= S=local R=us-east-1"},
		{"a list", `[default.deploy.parameters]
parameter_overrides = ["A=1", 'B="two words"', {L = "z"}]`, Options{ConfigEnv: "default"},
			"A=1 B=two words L=z S=local R=us-east-1"},
		{"a table", `[default.deploy.parameters.parameter_overrides]
A = 1
B = true
L = ["x", "y"]`, Options{ConfigEnv: "default"}, "A=1 B=True L=x|y S=local R=us-east-1"},
		{"an array of tables", `[[default.deploy.parameters.parameter_overrides]]
A = 1
[[default.deploy.parameters.parameter_overrides]]
B = 2`, Options{ConfigEnv: "default"}, "A=1 B=2 L= S=local R=us-east-1"},
		{"global", `[prod.global.parameters]
stack_name = "chat"
region = "eu-west-1"
parameter_overrides = "A=global"`, Options{ConfigEnv: "prod"}, "A=global B=b L= S=chat R=eu-west-1"},
		{"deploy wins over global", `[prod.global.parameters]
stack_name = "chat"
region = "eu-west-1"
parameter_overrides = "A=global B=global"
[prod.deploy.parameters]
region = "eu-west-3"
parameter_overrides = "A=deploy"`, Options{ConfigEnv: "prod"}, "A=deploy B=b L= S=chat R=eu-west-3"},
		{"the caller wins over both", `[prod.deploy.parameters]
stack_name = "chat"
region = "eu-west-1"
parameter_overrides = "A=deploy B=deploy"`,
			Options{
				ConfigEnv:  "prod",
				Region:     "us-west-2",
				StackName:  "mine",
				Parameters: map[string]string{"A": "called"},
			},
			"A=called B=deploy L= S=mine R=us-west-2"},
		{"other commands do not count", `[default.build.parameters]
cached = true
parameter_overrides = "A=build"`, Options{ConfigEnv: "default"}, "A=a B=b L= S=local R=us-east-1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := test.options
			o.Path = project(t, test.config)
			p, err := Load(o)
			if err != nil {
				t.Fatal(err)
			}
			if got := outputs(p); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestConfigurationMistakes(t *testing.T) {
	tests := []struct{ name, config, want string }{
		{"not TOML", "version = 0.1\n[default",
			"samconfig.toml:2:8: not TOML: expected '.' or ']' to end table name, but got '\\x00' instead; correct the syntax"},
		{"no such environment", "[prod.deploy.parameters]\n[default.deploy.parameters]",
			`samconfig.toml:1:1: there is no environment "prd"; did you mean prod?`},
		{"no environment", "version = 0.1",
			`samconfig.toml:1:1: there is no environment "prd"; add [prd.deploy.parameters]`},
		{"a region that is no string", "[prd.deploy.parameters]\nregion = 1",
			"samconfig.toml:2:1: prd.deploy.parameters.region: is not a string; put it in quotes"},
		{"overrides of a wrong type", "[prd.deploy.parameters]\n\nparameter_overrides = 3",
			`samconfig.toml:3:1: prd.deploy.parameters.parameter_overrides: is "3"; write "Key=value Other=value", file://PATH, a list of these, or a table`},
		{"overrides without =", "[prd.deploy.parameters]\nparameter_overrides = \"A=1 B\"",
			`samconfig.toml:2:1: prd.deploy.parameters.parameter_overrides: has no Key=value at "B"; write "Key=value Other=value", file://PATH, a list of these, or a table`},
		{"an open quote", "[prd.deploy.parameters]\nparameter_overrides = 'A=\"1 B=2'",
			`samconfig.toml:2:1: prd.deploy.parameters.parameter_overrides: has a quote that does not end at "A=\"1 B=2"; write "Key=value Other=value", file://PATH, a list of these, or a table`},
		{"a file beside a pair", "[prd.deploy.parameters]\nparameter_overrides = 'A=1 file://x.yaml'",
			`samconfig.toml:2:1: prd.deploy.parameters.parameter_overrides: has a file:// URL beside other values; write "Key=value Other=value", file://PATH, a list of these, or a table`},
		{"the first mistake", "[prd.deploy.parameters]\ntemplate_file = 1\nregion = 2\nstack_name = 3",
			"samconfig.toml:4:1: prd.deploy.parameters.stack_name: is not a string; put it in quotes"},
		{"an unknown parameter", "[prd.deploy.parameters]\nparameter_overrides = 'C=1'",
			"samconfig.toml:2:1: Parameters.C: a value is given, but the template has no such parameter; add the parameter or leave the value out"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := project(t, test.config)
			_, err := Load(Options{Path: path, ConfigEnv: "prd"})
			if err == nil {
				t.Fatal("no error")
			}
			if got := strings.ReplaceAll(err.Error(), filepath.Dir(path)+string(filepath.Separator),
				""); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestMissingFiles(t *testing.T) {
	dir := t.TempDir()
	template := filepath.Join(dir, "template.yaml")
	if _, err := Load(Options{Path: template}); err == nil ||
		err.Error() != template+": there is no such file; give the path of a SAM template" {
		t.Errorf("missing template: got %v", err)
	}
	if _, err := Load(Options{Path: dir}); err == nil ||
		err.Error() != template+": there is no such file; give the path of a SAM template; "+
			"its default names are template.yaml, template.yml, template.json" {
		t.Errorf("a folder without a template: got %v", err)
	}
	if err := os.WriteFile(template, []byte("Resources: {Logs: {Type: AWS::Logs::LogGroup}}"), 0o644); err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(dir, "samconfig.toml") +
		": there is no such file; create it beside the template or start without a configuration environment"
	if _, err := Load(Options{Path: template, ConfigEnv: "default"}); err == nil || err.Error() != want {
		t.Errorf("missing samconfig: got %v", err)
	}
}

func TestExplicitParameters(t *testing.T) {
	path := project(t, "")
	if _, err := Load(Options{Path: path, Parameters: map[string]string{"AA": "1"}}); err == nil ||
		err.Error() != path+": Parameters.AA: a value is given, but the template has no such parameter; add the parameter or leave the value out" {
		t.Errorf("got %v", err)
	}
	p, err := Load(Options{Path: path, Parameters: map[string]string{"A": ""}})
	if err != nil {
		t.Fatal(err)
	}
	if got := outputs(p); !strings.HasPrefix(got, "A= B=b") {
		t.Errorf("an empty value is not taken: %s", got)
	}
}

// What samconfig.toml and Default hold is a name in SSM, what the caller gives
// is the value.
func TestParametersFromSSM(t *testing.T) {
	const text = `
Parameters:
  Secret: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /app/secret}
  List: {Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: /app/list}
  Name: {Type: 'AWS::SSM::Parameter::Name', Default: /app/name}
Resources: {Logs: {Type: AWS::Logs::LogGroup}}
Outputs: {Secret: {Value: !Ref Secret}, List: {Value: !Select [1, !Ref List]}, Name: {Value: !Ref Name}}
`
	p, err := loadText(t, text, Options{}, map[string]eval.Override{"Secret": {Text: "s"}, "List": {Text: "a,b"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := outputs(p), "Secret=s List=b Name=/app/name"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want := "template.yaml:3:18: Parameters.Secret.Type: parameters from SSM cannot be read locally; give the value itself, as a parameter of this run"
	_, err = loadText(t, text, Options{}, map[string]eval.Override{"Secret": {
		Text: "/other",
		File: "samconfig.toml",
		Line: 3,
	}, "List": {Text: "a"}})
	if err == nil || strings.Split(err.Error(), "\n")[0] != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
