package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mockTemplate is an app without a function: each route has a mock.
const mockTemplate = `Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: a, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}
  Stage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Api, StageName: dev, AutoDeploy: true}}
  Connect:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: $connect, Target: !Sub 'integrations/${Mock}'}
  Ping:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: ping
      RouteResponseSelectionExpression: $default
      Target: !Sub integrations/${Mock}
  PingResponse:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref Ping, RouteResponseKey: $default}
  Mock:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: MOCK
      TemplateSelectionExpression: '200'
      RequestTemplates: {'200': '{"statusCode": 200}'}
  Pong:
    Type: AWS::ApiGatewayV2::IntegrationResponse
    Properties:
      ApiId: !Ref Api
      IntegrationId: !Ref Mock
      IntegrationResponseKey: /200/
      TemplateSelectionExpression: '200'
      ResponseTemplates: {'200': '{"type": "pong", "stage": "$context.stage"}'}
`

// A ping that API Gateway answers itself needs no function, and -watch deploys
// another answer.
func TestMockAnswersPings(t *testing.T) {
	dir := writeFiles(t, map[string]string{"template.yaml": mockTemplate})
	template := filepath.Join(dir, "template.yaml")
	p := startProcess(t, "-template", template, "-watch")
	r, _, err := p.reader(t, "")
	if err != nil {
		t.Fatal(err)
	}
	ping := func() string {
		r.send(`{"action":"ping"}`)
		return r.receive()
	}
	if got, want := ping(), `{"type": "pong", "stage": "dev"}`; got != want {
		t.Errorf("received %q, want %q", got, want)
	}
	if err := os.WriteFile(template, []byte(strings.Replace(mockTemplate, `"pong"`, `"again"`, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new answer", func() bool { return ping() == `{"type": "again", "stage": "dev"}` })
}

// What a new version of the template ignores is printed after the reload, and
// what the version before had is not printed again.
func TestNotesAfterAReload(t *testing.T) {
	const old = "  Old: {Type: AWS::S3::Bucket}\n"
	dir := writeFiles(t, map[string]string{"template.yaml": mockTemplate + old})
	template := filepath.Join(dir, "template.yaml")
	p := startProcess(t, "-template", template, "-watch")
	text := "# moves every line\n" + mockTemplate + old + "  New: {Type: AWS::SQS::Queue}\n"
	if err := os.WriteFile(template, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the note about the queue", func() bool {
		return strings.Contains(p.stderr.String(), "ignored locally: AWS::SQS::Queue: ")
	})
	if n := strings.Count(p.stderr.String(), "AWS::S3::Bucket"); n != 1 {
		t.Errorf("%d lines about the bucket, want 1", n)
	}
}

// A response template that is not evaluated exactly is refused by name.
func TestMockWithVelocity(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"template.yaml": strings.Replace(mockTemplate, "$context.stage", "$input.body", 1),
	})
	template := filepath.Join(dir, "template.yaml")
	status, _, stderr := runCommand(t.Context(), "-template", template, "-listen", "127.0.0.1:0")
	want := template + `:33:26: Pong.ResponseTemplates: "$input.body" is not evaluated; use text, ` +
		"$stageVariables.NAME and $context. with apiId, connectedAt, connectionId, "
	if status == exitOK || !strings.Contains(stderr, want) {
		t.Errorf("status %d, stderr:\n%s\nwant %s", status, stderr, want)
	}
}
