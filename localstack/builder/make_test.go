package builder_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/builder"
)

const makefile = `
build-Good:
	go build -o "$(ARTIFACTS_DIR)/bootstrap" ./good
	echo data > "$(ARTIFACTS_DIR)/data.txt"
build-Foreign:
	GOOS=plan9 GOARCH=386 go build -o "$(ARTIFACTS_DIR)/bootstrap" ./good
build-Forgets:
	echo nothing to see
build-Broken:
	go build -o "$(ARTIFACTS_DIR)/bootstrap" ./broken
`

func makeTarget(root, id string) builder.Target {
	return builder.Target{Name: strings.ToLower(id), LogicalID: id, Dir: root, Method: builder.MethodMakefile}
}

func needMake(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("needs make")
	}
}

func TestBuildMakefile(t *testing.T) {
	needMake(t)
	root := tree(t, map[string]string{
		"go.mod": module, "Makefile": makefile,
		"good/main.go": program("good"), "broken/main.go": "package main\n",
	})
	out := t.TempDir()
	for range 2 {
		built, err := builder.Build(t.Context(), out, []builder.Target{makeTarget(root, "Good")}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := says(t, built["good"]); got != "good" {
			t.Errorf("good prints %q, want good", got)
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(built["good"]), "data.txt")); err != nil {
			t.Error(err)
		}
	}
	_, err := builder.Build(t.Context(), out, []builder.Target{
		makeTarget(root, "Foreign"), makeTarget(root, "Forgets"), makeTarget(root, "Broken"),
		makeTarget(root, "Absent"),
	}, nil)
	for _, want := range []string{
		"function foreign: make build-Foreign made a bootstrap that this machine cannot run: it is for plan9/386, " +
			"and this machine is " + runtime.GOOS + "/" + runtime.GOARCH + "; let the Makefile take GOOS",
		"function forgets: make build-Forgets made no file bootstrap in $(ARTIFACTS_DIR)",
		"function main is undeclared in the main package",
		"build-Absent",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error reads:\n%v\nwant %q in it", err, want)
		}
	}
	if left, err := filepath.Glob(filepath.Join(out, "*", "*")); err != nil || len(left) != 2 {
		t.Errorf("artifacts %v, %v; want those of the two builds that succeeded", left, err)
	}
}

// The Makefile may be in another folder than the source, and make may run in a
// third.
func TestF3_8_FoldersOfMake(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed")
	}
	root := tree(t, map[string]string{
		"app/go.mod":       module,
		"app/cmd/main.go":  program("folders"),
		"make/Makefile":    "build-F:\n\tgo build -o \"$(ARTIFACTS_DIR)/bootstrap\" ./cmd\n",
		"elsewhere/readme": "",
	})
	target := makeTarget(root, "F")
	target.Dir = filepath.Join(root, "elsewhere")
	target.MakefileDir, target.WorkingDir = filepath.Join(root, "make"), filepath.Join(root, "app")
	built, err := builder.Build(t.Context(), t.TempDir(), []builder.Target{target}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := says(t, built["f"]); got != "folders" {
		t.Errorf("the executable prints %q, want folders", got)
	}
	sources, err := builder.ListSources(t.Context(), []builder.Target{target})
	for _, folder := range []string{"elsewhere", "make", "app"} {
		if path := filepath.Join(root, folder); err != nil || !slices.Contains(sources.Folders, path) {
			t.Errorf("sources are %v, %v, want %s among them", sources.Folders, err, path)
		}
	}
}
