package stack_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/localstack/edge"
	"github.com/sotto-chat/sotto/localstack/gateway"
	"github.com/sotto-chat/sotto/localstack/stack"
)

const tableTemplate = `
Resources:
  Things:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
`

func writeTemplate(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func getHealth(t *testing.T, s *stack.Stack) (int, edge.Health) {
	t.Helper()
	response, err := http.Get(s.Addresses().Health)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var h edge.Health
	if err := json.NewDecoder(response.Body).Decode(&h); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, h
}

// The health is 503 from New on and 200 after Start; Close ends a stack in any
// state.
func TestHealthBeforeReady(t *testing.T) {
	s, err := stack.New(stack.Options{Template: writeTemplate(t, tableTemplate)})
	if err != nil {
		t.Fatal(err)
	}
	if status, h := getHealth(t, s); status != http.StatusServiceUnavailable || h.Doing == "" {
		t.Errorf("health is %d %+v, want 503 and what the stack is doing", status, h)
	}
	if err := s.Deploy(t.Context()); err == nil {
		t.Error("Deploy works before Start")
	}
	if err := s.Start(t.Context()); err != nil {
		t.Error(err)
	}
	if status, h := getHealth(t, s); status != http.StatusOK || h.PID != os.Getpid() {
		t.Errorf("health is %d %+v, want 200", status, h)
	}
	if err := s.Start(t.Context()); err == nil {
		t.Error("Start works twice")
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := s.Deploy(t.Context()); err == nil {
		t.Error("Deploy works after Close")
	}
	if err := s.Wait(t.Context()); err != nil {
		t.Errorf("Wait after Close returns %v, want nil", err)
	}

	s, err = stack.New(stack.Options{Template: writeTemplate(t, tableTemplate)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close before Start: %v", err)
	}
}

func TestErrorsOfNew(t *testing.T) {
	template := writeTemplate(t, tableTemplate)
	running, err := stack.New(stack.Options{Template: template})
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	for _, tt := range []struct {
		name    string
		options stack.Options
		want    error // nil: an OptionError of any kind
	}{
		{"port", stack.Options{Template: template, Listen: running.Addresses().Listen}, stack.ErrPortInUse},
		{"data", stack.Options{Template: template}, stack.ErrDataInUse},
		{"remote", stack.Options{Template: template, Listen: "0.0.0.0:0"}, stack.ErrRemote},
		{"template", stack.Options{Template: writeTemplate(t, "{")}, nil},
		{"web", stack.Options{Template: template, Web: t.TempDir()}, nil},
	} {
		_, err := stack.New(tt.options)
		if tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if tt.want == nil && !errors.As(err, new(*stack.OptionError)) {
			t.Errorf("%s: %v, want an OptionError", tt.name, err)
		}
	}
}

// A fault may name the functions of the deployed version, also one that a
// deployment added.
func TestFaultsOfAnAddedFunction(t *testing.T) {
	template := writeTemplate(t, tableTemplate)
	s, err := stack.New(stack.Options{Template: template})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	set := func() int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Addresses().AWS+edge.FaultsPath,
			strings.NewReader(`{"kind":"lambda.twice","target":"added"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(edge.FaultsHeader, "1")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	if got := set(); got != http.StatusBadRequest {
		t.Errorf("before the deployment: got %d, want 400", got)
	}
	code, err := filepath.Abs("testdata/answer")
	if err != nil {
		t.Fatal(err)
	}
	added := "Transform: AWS::Serverless-2016-10-31" + tableTemplate + `  Added:
    Type: AWS::Serverless::Function
    Properties: {FunctionName: added, CodeUri: "` + filepath.ToSlash(code) +
		`", Runtime: provided.al2023, Handler: bootstrap}
    Metadata: {BuildMethod: go1.x}
`
	if err := os.WriteFile(template, []byte(added), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Deploy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := set(); got != http.StatusCreated {
		t.Errorf("after the deployment: got %d, want 201", got)
	}
}

// Options.Inferred reaches the gateway.
func TestInferred(t *testing.T) {
	inferred := gateway.Inferred{}
	if err := inferred.Set("unknown-stage-status", "404"); err != nil {
		t.Fatal(err)
	}
	s, err := stack.New(stack.Options{
		Template: "../stacktest/testdata/notes/template.yaml",
		Data:     t.TempDir(),
		Inferred: inferred,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, response, err := websocket.Dial(t.Context(), s.Addresses().WebSockets[0]+"-unknown", nil)
	if err == nil || response == nil || response.StatusCode != http.StatusNotFound {
		t.Errorf("a handshake for an unknown stage is answered %v, %v, want 404", response, err)
	}
}
