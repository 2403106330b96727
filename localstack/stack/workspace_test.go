package stack_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/stack"
)

// A go.work that is created above the module of a function makes the stack
// build again.
func TestReloadNoticesANewWorkspace(t *testing.T) {
	root := t.TempDir()
	app := filepath.Join(root, "app")
	if err := os.Mkdir(app, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"app/go.mod":  "module example.org/app\n\ngo 1.26\n",
		"app/main.go": "package main\n\nfunc main() {}\n",
		"app/template.yaml": `Transform: AWS::Serverless-2016-10-31
Resources:
  Fn: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, Handler: bootstrap, CodeUri: .}}
`,
	} {
		if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(name)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	reloads := make(chan error, 10)
	s, err := stack.New(stack.Options{
		Template: app,
		OnReload: func(_ time.Duration, err error) { reloads <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	go s.Wait(t.Context())
	if err := os.WriteFile(filepath.Join(root, "go.work"), []byte("go 1.26\n\nuse ./app\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-reloads:
		if err != nil {
			t.Errorf("the reload fails: %v, want nil", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("no reload after go.work was created, want one")
	}
}
