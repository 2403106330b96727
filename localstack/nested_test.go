package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// An app whose table is in the outer template and whose function is in a
// template two levels below.
func TestNestedStacksRun(t *testing.T) {
	p := startProcess(t, "-template", "testdata/nested/template.yaml", "-data", t.TempDir())
	echo(t, dial(t, p), "through three templates")
	if attribute(t, p, "through three templates", "sealed") == nil {
		t.Error("got no item in the outer template's table, want the message's")
	}
	place := filepath.FromSlash("testdata/nested/app/backend/template.yaml") + ":23:18"
	for _, want := range []string{"NotKnownLocallyUsers", "!Ref Users (AWS::Cognito::UserPool)", place} {
		if !strings.Contains(p.stderr.String(), want) {
			t.Errorf("the start lacks %q, want a line that names the placeholder: %s", want, p.stderr.String())
		}
	}
}
