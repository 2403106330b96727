package builder_test

import (
	"debug/buildinfo"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/builder"
)

// CGO_ENABLED is what the user has set, in the environment or by go env -w, and
// 0 otherwise.
func TestCgoIsTheUsersChoice(t *testing.T) {
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("there is no C compiler")
	}
	root := tree(t, map[string]string{
		"go.mod": module, "main.go": program("x"), "goenv": "CGO_ENABLED=1\n",
		"needs/main.go": "package main\n\nimport \"C\"\n\nfunc main() {}\n",
	})
	for _, c := range []struct{ variable, file, want string }{
		{"", "off", "0"},
		{"0", "off", "0"},
		{"1", "off", "1"},
		{"", filepath.Join(root, "goenv"), "1"},
		{"0", filepath.Join(root, "goenv"), "0"},
	} {
		t.Setenv("CGO_ENABLED", c.variable)
		t.Setenv("GOENV", c.file)
		built, err := builder.Build(t.Context(), t.TempDir(), []builder.Target{goTarget(root, "f", ".")}, nil)
		if err != nil {
			t.Fatal(err)
		}
		info, err := buildinfo.ReadFile(built["f"])
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, s := range info.Settings {
			if s.Key == "CGO_ENABLED" {
				got = s.Value
			}
		}
		if got != c.want {
			t.Errorf("CGO_ENABLED=%s, GOENV=%s: the program is built with CGO_ENABLED=%s, want %s",
				c.variable, c.file, got, c.want)
		}
		_, err = builder.Build(t.Context(), t.TempDir(), []builder.Target{goTarget(root, "n", "needs")}, nil)
		const remedy = "functions are built with CGO_ENABLED=0; if the code needs cgo, set CGO_ENABLED=1"
		switch {
		case c.want == "1" && err != nil:
			t.Errorf("CGO_ENABLED=%s, GOENV=%s: a program that needs cgo: %v, want nil", c.variable, c.file, err)
		case c.variable == "" && c.want == "0" && (err == nil || !strings.Contains(err.Error(), remedy)):
			t.Errorf("a program that needs cgo: %v, want %q in it", err, remedy)
		case c.variable == "0" && (err == nil || strings.Contains(err.Error(), remedy)):
			t.Errorf("CGO_ENABLED=0 was the user's: %v, want an error without %q", err, remedy)
		}
	}
}
