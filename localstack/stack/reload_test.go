package stack

import (
	"strings"
	"testing"
)

func TestMatters(t *testing.T) {
	for _, c := range []struct {
		files string
		want  bool
	}{
		{"fn/main.go", true}, {"template.yaml", true}, {"fn/data.json", true}, {"go.mod", true},
		{"README.md", false}, {"fn/main_test.go", false}, {"fn/bootstrap", false},
		{"fn/bootstrap fn/main.go", true}, {"fn/main_test.go README.MD", false},
		{"fn/prompts/a.md", true}, {"fn/prompts/new.md", true}, {"fn/prompts/x/README.md", false},
	} {
		if got := matters(strings.Fields(c.files), []string{"template.yaml", "fn/prompts/a.md"}); got != c.want {
			t.Errorf("%s: %t, want %t", c.files, got, c.want)
		}
	}
}
