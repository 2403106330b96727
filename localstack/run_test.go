package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/stack"
)

// writeFiles writes the files of an app to a new folder.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// runCommand runs the command until it ends.
func runCommand(ctx context.Context, args ...string) (status int, stdout, stderr string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var out, errs buffer
	status = run(ctx, args, &out, &errs)
	return status, out.String(), errs.String()
}

// interrupted returns the context of a command that gets Ctrl-C at once.
func interrupted(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

const aTable = `
Resources:
  Things:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
`

// anAPI returns an app whose API selects routes with the expression.
func anAPI(expression string) string {
	return `Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: fn, Runtime: provided.al2023, Handler: bootstrap}
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: ` + expression + `
      Routes:
        $connect: {FunctionArn: !GetAtt Fn.Arn}
`
}

func TestUsageErrors(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"table.yaml":  aTable,
		"junk.yaml":   "{",
		"fn/main.go":  "package main\n",
		"select.yaml": anAPI("${request.header.x}"),
		"http.yaml":   "Resources:\n  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: a, ProtocolType: HTTP}}\n",
		"index.yaml": aTable + "      GlobalSecondaryIndexes: [{IndexName: a b, KeySchema: [{AttributeName: id, KeyType: HASH}], " +
			"Projection: {ProjectionType: ALL}}]\n",
		"key.yaml": "Resources:\n  K:\n    Type: AWS::KMS::Key\n    Properties: {KeySpec: SM2, KeyUsage: SIGN_VERIFY, KeyPolicy: {}}\n",
	})
	table := filepath.Join(dir, "table.yaml")
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"unknown flag", []string{"-nonsense"}, []string{"-nonsense", "-h"}},
		{"argument", []string{"template.yaml"}, []string{`"template.yaml"`, "-h"}},
		{"parameter without value", []string{"-parameter", "A"}, []string{"KEY=VALUE"}},
		{"unknown parameter", []string{"-template", table, "-parameter", "A=1"}, []string{"A"}},
		{"account", []string{"-account", "12"}, []string{"twelve digits"}},
		{"log form", []string{"-log", "xml"}, []string{"text or json"}},
		{"no template", []string{"-template", filepath.Join(dir, "none.yaml")}, []string{"none.yaml", "no such file"}},
		{"no YAML", []string{"-template", filepath.Join(dir, "junk.yaml")}, []string{"junk.yaml:", "YAML"}},
		{"key spec", []string{"-template", filepath.Join(dir, "key.yaml")},
			[]string{"key.yaml:4:27: K.KeySpec: SM2", "use SYMMETRIC_DEFAULT"}},
		{"selection expression", []string{"-template", filepath.Join(dir, "select.yaml")}, []string{
			`select.yaml:9:33: Api.RouteSelectionExpression: "${request.header.x}" cannot be evaluated: ${request.header.x} is not implemented`, "; use "}},
		{"HTTP API alone", []string{"-template", filepath.Join(dir, "http.yaml")},
			[]string{"http.yaml:2:3: Api: HTTP APIs are not implemented locally", "; use "}},
		{"index name", []string{"-template", filepath.Join(dir, "index.yaml")},
			[]string{`index.yaml:9:44: Things.GlobalSecondaryIndexes[0].IndexName: "a b"`}},
		{"no port", []string{"-template", table, "-listen", "localhost"}, []string{"HOST:PORT"}},
		{"bad port", []string{"-template", table, "-listen", "127.0.0.1:x"}, []string{"127.0.0.1:x"}},
		{"all addresses", []string{"-template", table, "-listen", "0.0.0.0:0"}, []string{"-allow-remote", "127.0.0.1"}},
		{"all addresses, shortly", []string{"-template", table, "-listen", ":0"}, []string{"-allow-remote"}},
		{"unknown fault", []string{"-template", table, "-fault", "kernel.panic"},
			[]string{"kernel.panic", "lambda.kill-before"}},
		{"fault of no function", []string{"-template", table, "-fault", "lambda.twice:nobody"},
			[]string{`no function "nobody"`}},
		{"half a fault", []string{"-template", table, "-fault", "lambda.twice,often"},
			[]string{`"often"`, "probability="}},
		{"action as a fault", []string{"-template", table, "-fault", "stack.exit"}, []string{"stack.exit", "posted"}},
		{"endpoint without a scheme", []string{"-template", table, "-endpoint", "127.0.0.1:4567"},
			[]string{"-endpoint", "http://HOST:PORT"}},
		{"endpoint with a path", []string{"-template", table, "-endpoint", "http://127.0.0.1:4567/local"},
			[]string{"http://HOST:PORT"}},
		{"unknown inferred behaviour", []string{"-template", table, "-inferred", "gravity=off"},
			[]string{`"gravity"`, "ping-resets-idle"}},
		{"inferred behaviour without a value", []string{"-template", table, "-inferred", "compression"},
			[]string{"-inferred", "KEY=VALUE"}},
		{"impossible inferred behaviour", []string{"-template", table, "-inferred", "drop-code=x"},
			[]string{"drop-code"}},
		{"no web client", []string{"-template", table, "-web", filepath.Join(dir, "none")},
			[]string{"-web", "none", "no index.html"}},
		{"another address", []string{"-template", table, "-listen", "192.0.2.1:0"}, []string{"-allow-remote"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, stdout, stderr := runCommand(interrupted(t), c.args...)
			if status != exitUsage || stdout != "" {
				t.Errorf("status %d, stdout %q, want 2 and nothing", status, stdout)
			}
			for _, want := range c.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr lacks %q: %s", want, stderr)
				}
			}
			if place := strings.Contains(c.want[0], ".yaml:"); place && !strings.HasPrefix(stderr, dir) {
				t.Errorf("stderr is %s, want the place in the template first", stderr)
			}
			if strings.Count(stderr, "\n") != 1 {
				t.Errorf("stderr is %s, want one line", stderr)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, stack.DataFolder)); err == nil {
		t.Error("the data folder exists after refused starts")
	}
}

func TestAllowRemote(t *testing.T) {
	dir := writeFiles(t, map[string]string{"template.yaml": aTable})
	status, _, stderr := runCommand(interrupted(t), "-template", filepath.Join(dir, "template.yaml"),
		"-listen", "0.0.0.0:0", "-allow-remote")
	if status != exitOK {
		t.Errorf("status %d: %s", status, stderr)
	}
}

func TestHelp(t *testing.T) {
	status, stdout, stderr := runCommand(t.Context(), "-h")
	if status != exitOK || stderr != "" {
		t.Errorf("status %d, stderr %q, want 0 and nothing", status, stderr)
	}
	for _, flag := range []string{"-template", "-listen", "-endpoint", "-data", "-web", "-parameter",
		"-config-env", "-account", "-log", "-log-requests", "-watch", "-allow-remote", "-allow-origin",
		"-allow-network", "-fault", "-fault-seed", "-inferred", "-table-delay", "-processes", "-no-freeze"} {
		if !strings.Contains(stdout, "\n  "+flag) {
			t.Errorf("the help lacks %s", flag)
		}
	}
	for line := range strings.Lines(stdout) {
		if len(line) > 81 {
			t.Errorf("the help has a line over 80 columns: %s", line)
		}
	}
}

func TestVersion(t *testing.T) {
	for _, flag := range []string{"-version", "--version"} {
		status, stdout, stderr := runCommand(t.Context(), flag)
		if status != exitOK || stderr != "" || !strings.HasPrefix(stdout, "localstack ") ||
			!strings.Contains(stdout, runtime.Version()) {
			t.Errorf("%s: status %d, stdout %q, stderr %q, want 0 and the versions", flag, status, stdout, stderr)
		}
	}
}

// Without Go the first line says so, and no function is named.
func TestWithoutGo(t *testing.T) {
	dir := writeFiles(t, stuck)
	t.Setenv("PATH", t.TempDir())
	status, stdout, stderr := runCommand(t.Context(), "-template", dir, "-listen", "127.0.0.1:0", "-watch")
	if status != exitFailed || stdout != "" || strings.Contains(stderr, "stuck") ||
		!strings.Contains(stderr, "localstack: the go command is not on PATH: install Go") {
		t.Errorf("status %d, stdout %q, want 1 and that Go is missing; stderr:\n%s", status, stdout, stderr)
	}
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := writeFiles(t, map[string]string{"template.yaml": aTable})
	status, _, stderr := runCommand(t.Context(), "-template", filepath.Join(dir, "template.yaml"),
		"-listen", taken.Addr().String())
	if status != exitFailed || !strings.Contains(stderr, taken.Addr().String()+" is in use") ||
		!strings.Contains(stderr, "-listen 127.0.0.1:0") {
		t.Errorf("status %d: %s", status, stderr)
	}
}

func TestDataFolderInUse(t *testing.T) {
	dir := writeFiles(t, map[string]string{"template.yaml": aTable})
	first, err := stack.New(stack.Options{Template: dir})
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-template", filepath.Join(dir, "template.yaml"), "-listen", "127.0.0.1:0"}
	status, _, stderr := runCommand(t.Context(), args...)
	if status != exitFailed || !strings.Contains(stderr, fmt.Sprintf("pid %d", os.Getpid())) ||
		!strings.Contains(stderr, "-data") {
		t.Errorf("status %d: %s", status, stderr)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := runCommand(interrupted(t), args...); status != exitOK {
		t.Errorf("after the first stack has stopped: status %d, want 0: %s", status, stderr)
	}
}

func TestFunctionThatDoesNotCompile(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"template.yaml": stuck["template.yaml"],
		"fn/go.mod":     stuck["fn/go.mod"],
		"fn/main.go":    "package main\n\nfunc main() { missing() }\n",
	})
	status, stdout, stderr := runCommand(t.Context(), "-template", filepath.Join(dir, "template.yaml"),
		"-listen", "127.0.0.1:0")
	if status != exitFailed || stdout != "" {
		t.Errorf("status %d, stdout %q, want 1 and nothing", status, stdout)
	}
	for _, want := range []string{"stuck", "undefined: missing", "main.go:3"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr lacks %q: %s", want, stderr)
		}
	}
}

func TestLogsAsJSON(t *testing.T) {
	dir := writeFiles(t, map[string]string{"template.yaml": aTable})
	status, _, stderr := runCommand(interrupted(t), "-log", "json", "-template",
		filepath.Join(dir, "template.yaml"), "-listen", "127.0.0.1:0")
	if status != exitOK || stderr == "" {
		t.Errorf("status %d: %s", status, stderr)
	}
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "{") || !strings.HasSuffix(line, "}\n") {
			t.Errorf("stderr has %s, want JSON", line)
		}
	}
}

// The start lists every ignored resource with its position.
func TestNotesNameEveryResource(t *testing.T) {
	dir := writeFiles(t, map[string]string{"template.yaml": aTable +
		"  Uploads: {Type: AWS::S3::Bucket}\n  Photos:\n    Type: AWS::S3::Bucket\n"})
	status, _, stderr := runCommand(interrupted(t), "-template", filepath.Join(dir, "template.yaml"),
		"-listen", "127.0.0.1:0")
	path := filepath.Join(dir, "template.yaml")
	want := "ignored locally: AWS::S3::Bucket: is not run locally: Uploads (" + path + ":9:3), Photos (" + path + ":10:3)\n"
	if status != exitOK || !strings.Contains(stderr, want) {
		t.Errorf("status %d, stderr lacks %q: %s", status, want, stderr)
	}
}

// What AWS would not accept for ever is advice, not something that is ignored.
func TestAdviceAboutAWS(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"fn/main.go":    "package main\n",
		"template.yaml": strings.Replace(anAPI("$request.body.action"), "provided.al2023", "provided.al2", 1),
	})
	_, _, stderr := runCommand(interrupted(t), "-template", dir, "-listen", "127.0.0.1:0")
	if !strings.Contains(stderr, "for AWS: Runtime: provided.al2 is deprecated") ||
		strings.Contains(stderr, "ignored locally: Runtime") {
		t.Errorf("got %s, want advice for AWS", stderr)
	}
}

// SAM's default names are found without -template, and what is not a template
// is named as what it is.
func TestTemplateOfTheFolder(t *testing.T) {
	for name, text := range map[string]string{
		"template.yaml": aTable, "template.yml": aTable,
		"template.json": `{"Resources": {"Uploads": {"Type": "AWS::S3::Bucket"}}}`,
	} {
		t.Chdir(writeFiles(t, map[string]string{name: text}))
		if status, _, stderr := runCommand(interrupted(t), "-listen", "127.0.0.1:0"); status != exitOK {
			t.Errorf("%s: status %d, want 0: %s", name, status, stderr)
		}
	}
	for _, c := range []struct {
		file, text, flag, want string
	}{
		{"readme", "", "", "template.yml"},
		{"main.tf", `resource "aws_lambda_function" "f" {}`, "", "main.tf is Terraform"},
		{"main.tf", `resource "aws_lambda_function" "f" {}`, "main.tf", "main.tf is Terraform"},
		{"main.tf.json", `{"resource": {}}`, "main.tf.json", "main.tf.json is Terraform"},
		{"cdk.json", `{"app": "go run ."}`, "", "cdk.json belongs to an app of the CDK"},
		{"cdk.json", `{"app": "go run ."}`, "cdk.json", "cdk.json belongs to an app of the CDK"},
		{"serverless.yml", "service: x", "", "serverless.yml is a file of the Serverless Framework"},
		{"serverless.yml", "service: x", "serverless.yml", "serverless.yml is a file of the Serverless Framework"},
	} {
		t.Chdir(writeFiles(t, map[string]string{c.file: c.text}))
		args := []string{"-listen", "127.0.0.1:0"}
		if c.flag != "" {
			args = append(args, "-template", c.flag)
		}
		status, _, stderr := runCommand(interrupted(t), args...)
		if status != exitUsage || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s with -template %q: status %d, want 2 and one line with %q: %s", c.file, c.flag,
				status, c.want, stderr)
		}
	}
}

func TestAllErrorsOfATemplate(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"fn/main.go": "package main\n",
		"template.yaml": strings.Replace(anAPI("${request.header.x}"), "CodeUri: fn", "CodeUri: none", 1) +
			"  Thing: {Type: AWS::Nonsense::Thing}\n",
	})
	status, _, stderr := runCommand(interrupted(t), "-template", dir)
	if status != exitUsage || strings.Count(stderr, "\n") != 3 {
		t.Errorf("status %d, want 2 and three lines; stderr:\n%s", status, stderr)
	}
	for _, want := range []string{"Fn.CodeUri", "Api.RouteSelectionExpression", "AWS::Nonsense::Thing"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr lacks %s:\n%s", want, stderr)
		}
	}
}
