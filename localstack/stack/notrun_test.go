package stack_test

import (
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/stack"
)

// A template with a function in another language starts. The routes of that
// function answer as those of an integration that fails, and an invocation is
// refused with the reason.
func TestFunctionThatIsNotRun(t *testing.T) {
	code, err := filepath.Abs("testdata/answer")
	if err != nil {
		t.Fatal(err)
	}
	s, err := stack.New(stack.Options{Template: writeTemplate(t, `Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes:
        $connect: {FunctionArn: !GetAtt Go.Arn}
        py: {FunctionArn: !GetAtt Python.Arn}
  Go:
    Type: AWS::Serverless::Function
    Properties: {Runtime: provided.al2023, Handler: bootstrap, CodeUri: "`+filepath.ToSlash(code)+`"}
  Python:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: python
      Runtime: python3.14
      Handler: app.handler
      Events: {Often: {Type: Schedule, Properties: {Schedule: rate(1 minute)}}}
`)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, h := getHealth(t, s); len(h.Functions) != 1 || slices.Contains(h.Functions, "python") {
		t.Errorf("the health lists %v, want the function in Go alone", h.Functions)
	}
	ws, _, err := websocket.Dial(t.Context(), s.Addresses().WebSockets[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	if err := ws.Write(t.Context(), websocket.MessageText, []byte(`{"action":"py"}`)); err != nil {
		t.Fatal(err)
	}
	_, frame, err := ws.Read(t.Context())
	if err != nil || !strings.HasPrefix(string(frame), `{"message": "Internal server error", "connectionId":"`) {
		t.Errorf("the route answers %s, %v, want the frame of a failing integration", frame, err)
	}
	for _, kind := range []string{"RequestResponse", "Event"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			s.Addresses().AWS+"/2015-03-31/functions/python/invocations", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Invocation-Type", kind)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, "+
			"SignedHeaders=host, Signature=0")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		const want = `the runtime \"python3.14\" is not run locally`
		if err != nil || response.StatusCode != http.StatusBadGateway || !strings.Contains(string(body), want) ||
			response.Header.Get("X-Amzn-Errortype") != "InvalidRuntimeException" {
			t.Errorf("%s: got %d %s, %v, want 502 InvalidRuntimeException with %s", kind, response.StatusCode, body, err, want)
		}
	}
}
