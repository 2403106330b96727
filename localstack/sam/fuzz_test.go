package sam

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// FuzzLoad feeds arbitrary text to the loader. Whatever it is, the loader
// returns a plan or errors of one line each with what to do about them.
func FuzzLoad(f *testing.F) {
	addPlans(f)
	addMistakes(f)
	for _, seed := range []string{
		"Resources: {A: &a {Type: T, Properties: *a}}",
		"a: &a [*a]",
		"<<: *x",
		"<<: &x {<<: *x}",
		"? {a: b}\n: c",
		"!Sub ${a}",
		"Resources: !If [a, b, c]",
		"Conditions: {A: {Condition: A}}\nResources: {B: {Type: 'AWS::Logs::LogGroup', Condition: A}}",
		"Parameters: {A: {Type: Number, Default: .inf}}\nResources: {}",
		"Parameters: {A: {Type: String, Default: a, AllowedPattern: '(?<=a)+*'}}\nResources: {}",
		"Outputs: {A: {Value: !Select [99999999999, !Split ['', '']]}}\nResources: {B: {Type: Custom::X}}",
		"\xef\xbb\xbfResources: {}",
		"{\"Resources\": {\"A\": {\"Type\": \"AWS::KMS::Key\"}}}",
	} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := load(&template.Report{File: "t.yaml"}, data, dir, Options{Path: "t.yaml"}, nil)
		if (p == nil) == (err == nil) {
			t.Fatalf("plan %v with error %v", p, err)
		}
		checkMistakes(t, err)
	})
}

// addPlans adds the valid templates to the corpus.
func addPlans(f *testing.F) {
	plans, _ := filepath.Glob("testdata/plans/*.yaml")
	for _, file := range plans {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

// addMistakes adds the templates with mistakes to the corpus.
func addMistakes(f *testing.F) {
	archives, _ := filepath.Glob("testdata/mistakes/*.txtar")
	for _, file := range archives {
		a, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range a.Files {
			if strings.HasSuffix(part.Name, ".yaml") {
				f.Add(part.Data)
			}
		}
	}
}

// checkMistakes checks the form of an error: one line with a remedy for each
// mistake.
func checkMistakes(t *testing.T, err error) {
	t.Helper()
	var es Errors
	if err == nil {
		return
	}
	if !errors.As(err, &es) || len(es) == 0 {
		t.Fatalf("%T is not a list of mistakes", err)
	}
	for _, e := range es {
		line := e.Error()
		if strings.ContainsAny(line, "\r\n") || e.Problem == "" || e.Remedy == "" || e.Line < 1 || e.Column < 1 {
			t.Errorf("bad message %q", line)
		}
	}
}
