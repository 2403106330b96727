package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	posts "github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/sotto-chat/sotto/localstack/inspect"
	"github.com/sotto-chat/sotto/localstack/stack"
)

// An app in another module, whose function answers with a word.
const (
	wordTemplate = `Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      StageName: word
      RouteSelectionExpression: $request.body.action
      Routes:
        say: {FunctionArn: !GetAtt Fn.Arn, RouteResponseSelectionExpression: $default}
  Response:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref ApiSayRoute, RouteResponseKey: $default}
  Fn:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: go1.x}
    Properties: {CodeUri: fn, Runtime: provided.al2023, Handler: bootstrap, Timeout: 20}
`
	wordSource = `package main

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context, events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
		return events.APIGatewayProxyResponse{StatusCode: 200, Body: word}, nil
	})
}
`
)

// wordModule returns a go.mod and go.sum with the versions of this module,
// which are in the cache.
func wordModule(t *testing.T) (module, sums string) {
	t.Helper()
	own, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(own)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "go ") ||
			strings.HasPrefix(line, "github.com/aws/aws-lambda-go ") {
			module += strings.Replace(line, "github.com", "require github.com", 1) + "\n"
		}
	}
	all, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	return "module example.org/word\n" + module, string(all)
}

func TestReloadKeepsWebSocketsOpen(t *testing.T) {
	module, sums := wordModule(t)
	dir := writeFiles(t, map[string]string{
		"template.yaml": wordTemplate, "go.mod": module, "go.sum": sums, "fn/main.go": wordSource,
		"fn/word.go": "package main\n\nconst word = \"one\"\n",
	})
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := startProcess(t, "-template", filepath.Join(dir, "template.yaml"), "-watch")
	r, _, err := p.reader(t, "")
	if err != nil {
		t.Fatal(err)
	}
	say := func(action string) string {
		r.send(fmt.Sprintf(`{"action":%q}`, action))
		return r.receive()
	}
	if got := say("say"); got != "one" {
		t.Fatalf("received %q, want one", got)
	}

	write("fn/word.go", "package main\n\nconst word = \"two\"\n")
	eventually(t, "the answer of the new source on the old socket", func() bool { return say("say") == "two" })

	write("fn/word.go", "package main\n\nconst word = 2\n")
	eventually(t, "the error of the build", func() bool {
		return strings.Contains(p.stderr.String(), "reload failed; still running the previous version")
	})
	if status, h := p.health(t); status != 200 {
		t.Errorf("health after a failed reload is %d, %q, want 200", status, h.Doing)
	}
	if !strings.Contains(p.stderr.String(), "main.go:12") {
		t.Errorf("the log lacks the place of the error, main.go:12:\n%s", p.stderr)
	}
	if got := say("say"); got != "two" {
		t.Errorf("received %q after a failed reload, want two", got)
	}
	write("fn/word.go", "package main\n\nconst word = \"three\"\n")
	eventually(t, "the answer of the corrected source", func() bool { return say("say") == "three" })

	write("template.yaml",
		strings.Replace(wordTemplate, "        say:",
			"        shout: {FunctionArn: !GetAtt Fn.Arn}\n        say:", 1)+`  Words:
    Type: AWS::Serverless::SimpleTable
`)
	client := dynamodb.NewFromConfig(awsConfig(p.url))
	eventually(t, "the new table", func() bool {
		out, err := client.ListTables(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return len(out.TableNames) == 1
	})
	eventually(t, "the new route in the health", func() bool {
		_, h := p.health(t)
		return len(h.Routes) == 2
	})
	if got := say("say"); got != "three" {
		t.Errorf("received %q after a change of the template, want three", got)
	}
}

// All that the go command reads for a build is watched: modules of a replace
// directive and of a workspace, and embedded files, also in a version whose
// build failed.
func TestReloadNoticesAllSources(t *testing.T) {
	module, sums := wordModule(t)
	word := func(text string) string { return fmt.Sprintf("package part\n\nconst Word = %q\n", text) }
	dir := writeFiles(t, map[string]string{
		"replaced/go.mod": "module example.org/replaced\n", "replaced/part.go": word("one"),
		"used/go.mod": "module example.org/used\n", "used/part.go": word("one"),
		"go.work":           "go " + goVersion(t, module) + "\n\nuse (\n\t./app\n\t./used\n)\n",
		"app/template.yaml": wordTemplate, "app/go.sum": sums, "app/fn/main.go": wordSource,
		"app/go.mod": module + "require example.org/replaced v1.0.0\nreplace example.org/replaced => ../replaced\n",
		"app/fn/word.go": "package main\n\nimport (\n\t_ \"embed\"\n\n\treplaced \"example.org/replaced\"\n" +
			"\tused \"example.org/used\"\n)\n\n//go:embed testdata/word.md\nvar text string\n\n" +
			"var word = replaced.Word + used.Word + text\n",
		"app/fn/testdata/word.md": "one",
	})
	p := startProcess(t, "-template", filepath.Join(dir, "app", "template.yaml"), "-watch")
	r, _, err := p.reader(t, "")
	if err != nil {
		t.Fatal(err)
	}
	say := func() string {
		r.send(`{"action":"say"}`)
		return r.receive()
	}
	if got := say(); got != "oneoneone" {
		t.Fatalf("received %q, want one three times", got)
	}
	for _, step := range []struct{ file, text, want string }{
		{"replaced/part.go", word("two"), "twooneone"},
		{"used/part.go", word("two"), "twotwoone"},
		{"app/fn/testdata/word.md", "two", "twotwotwo"},
		{"used/part.go", "package part\n\nconst Word = 2\n", ""},
		{"used/part.go", word("three"), "twothreetwo"},
		{"replaced/go.mod", "modul\n", ""},
		{"replaced/go.mod", "module example.org/replaced\n", "twothreetwo"},
	} {
		outcomes := strings.Count(p.stderr.String(), "reload")
		if err := os.WriteFile(filepath.Join(dir, step.file), []byte(step.text), 0o644); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a reload after a change of "+step.file, func() bool {
			return strings.Count(p.stderr.String(), "reload") > outcomes
		})
		if step.want != "" {
			eventually(t, "the answer "+step.want, func() bool { return say() == step.want })
		}
	}
}

// goVersion returns the version in the go line of a go.mod.
func goVersion(t *testing.T, module string) string {
	t.Helper()
	for line := range strings.Lines(module) {
		if version, ok := strings.CutPrefix(strings.TrimSpace(line), "go "); ok {
			return version
		}
	}
	t.Fatal("the go.mod has no go line")
	return ""
}

// A function that did not change can post after the stage of its API was
// renamed.
func TestPostsAfterTheStageIsRenamed(t *testing.T) {
	module, sums := wordModule(t)
	dir := writeFiles(t, map[string]string{
		"template.yaml": wordTemplate, "go.mod": module, "go.sum": sums, "fn/main.go": wordSource,
		"fn/word.go": "package main\n\nimport \"os\"\n\nvar word = os.Getenv(\"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI\")\n",
	})
	p := startProcess(t, "-template", filepath.Join(dir, "template.yaml"), "-watch")
	endpoint := func() string {
		r, _, err := p.reader(t, "")
		if err != nil {
			t.Fatal(err)
		}
		r.send(`{"action":"say"}`)
		return r.receive()
	}
	endpoint() // starts the instance
	if err := os.WriteFile(filepath.Join(dir, "template.yaml"),
		[]byte(strings.Replace(wordTemplate, "StageName: word", "StageName: phrase", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new name of the stage", func() bool {
		_, h := p.health(t)
		return strings.HasSuffix(h.WebSocket, "/phrase")
	})
	url := endpoint()
	client := apigatewaymanagementapi.NewFromConfig(awsConfig(p.url),
		func(o *apigatewaymanagementapi.Options) { o.BaseEndpoint = &url })
	unknown := "AAAAAAAAAAAAAAA="
	_, err := client.PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{
		ConnectionId: &unknown,
		Data:         []byte{},
	})
	if gone := (*posts.GoneException)(nil); !errors.As(err, &gone) {
		t.Errorf("a post to %s: %v, want GoneException", url, err)
	}
}

// A policy that IAM would refuse is an error of the reload.
func TestReloadWithAMalformedPolicy(t *testing.T) {
	module, sums := wordModule(t)
	source := func(word string) string { return fmt.Sprintf("package main\n\nconst word = %q\n", word) }
	dir := writeFiles(t, map[string]string{
		"template.yaml": wordTemplate, "go.mod": module, "go.sum": sums, "fn/main.go": wordSource,
		"fn/word.go": source("one"),
	})
	p := startProcess(t, "-template", filepath.Join(dir, "template.yaml"), "-watch")
	r, _, err := p.reader(t, "")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("template.yaml",
		strings.Replace(wordTemplate, "Timeout: 20}",
			"Timeout: 20, Policies: {Statement: {Effect: Allow, Action: GetItem, Resource: '*'}}}", 1))
	eventually(t, "the error of the policy", func() bool {
		return strings.Contains(p.stderr.String(), "reload failed; still running the previous version")
	})
	if !strings.Contains(p.stderr.String(), `template.yaml:14:5: Fn: `) ||
		!strings.Contains(p.stderr.String(), `action "GetItem": want service:action`) {
		t.Errorf("the log lacks the error and its place:\n%s", p.stderr)
	}
	write("fn/word.go", source("two"))
	eventually(t, "the error once more",
		func() bool {
			return strings.Count(p.stderr.String(), "reload failed; still running the previous version") > 1
		})
	r.send(`{"action":"say"}`)
	if got := r.receive(); got != "one" {
		t.Errorf("received %q, want one from the version before", got)
	}
}

// A deployment whose last step fails changes nothing: routes, the code that a
// new instance runs, the health and the page are those of the old version.
func TestFailedReloadKeepsTheOldVersion(t *testing.T) {
	module, sums := wordModule(t)
	dir := writeFiles(t, map[string]string{
		"template.yaml": wordTemplate, "go.mod": module, "go.sum": sums, "fn/main.go": wordSource,
		"fn/word.go": "package main\n\nconst word = \"one\"\n",
	})
	p := startProcess(t, "-template", filepath.Join(dir, "template.yaml"), "-watch")
	r, _, err := p.reader(t, "")
	if err != nil {
		t.Fatal(err)
	}
	say := func() string {
		r.send(`{"action":"say"}`)
		return r.receive()
	}
	if got := say(); got != "one" {
		t.Fatalf("received %q, want one", got)
	}
	_, healthBefore := p.health(t)
	var before inspect.State
	p.get(t, "/_localstack/state", &before)

	// The position of the new event source mapping, the last thing that a
	// deployment prepares, cannot be written.
	positions := filepath.Join(dir, stack.DataFolder, "event-sources")
	if err := errors.Join(os.RemoveAll(positions), os.WriteFile(positions, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	next := strings.NewReplacer("        say:", "        shout:", "ApiSayRoute", "ApiShoutRoute",
		"Timeout: 20}", "Timeout: 20, Events: {Words: {Type: DynamoDB, "+
			"Properties: {Stream: !GetAtt Words.StreamArn, StartingPosition: LATEST}}}}").Replace(wordTemplate) + `  Words:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}
`
	for name, text := range map[string]string{
		"fn/word.go": "package main\n\nconst word = \"two\"\n", "template.yaml": next,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the error of the mapping's position", func() bool {
		return strings.Contains(p.stderr.String(), "event-sources") &&
			strings.Contains(p.stderr.String(), "reload failed; still running the previous version")
	})

	if got := say(); got != "one" {
		t.Errorf("the old route answers %q, want one", got)
	}
	pid := before.Functions[0].Instances[0].PID
	old, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := old.Kill(); err != nil {
		t.Errorf("the old instance is gone: %v", err)
	}
	var now inspect.State
	eventually(t, "the end of the old instance", func() bool {
		now = inspect.State{}
		p.get(t, "/_localstack/state", &now)
		return len(now.Functions) == 1 && len(now.Functions[0].Instances) == 0
	})
	if got := say(); got != "one" {
		t.Errorf("a new instance answers %q, want one", got)
	}
	if _, h := p.health(t); !reflect.DeepEqual(h, healthBefore) {
		t.Errorf("health is %+v, want %+v", h, healthBefore)
	}
	if !reflect.DeepEqual(now.APIs, before.APIs) {
		t.Errorf("the page shows the APIs %+v, want %+v", now.APIs, before.APIs)
	}
}
