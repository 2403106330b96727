package builder_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/builder"
)

// tree writes files below a new directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func program(says string) string {
	return fmt.Sprintf("package main\n\nfunc main() { println(%q) }\n", says)
}

const module = "module example.com/app\n\ngo 1.26\n"

func goTarget(root, name, dir string) builder.Target {
	return builder.Target{Name: name, LogicalID: name, Dir: filepath.Join(root, dir), Method: builder.MethodGo}
}

// says runs an executable and returns what it prints.
func says(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command(path).CombinedOutput()
	if err != nil {
		t.Fatalf("run %s: %v", path, err)
	}
	return strings.TrimSpace(string(out))
}

func TestBuildGo(t *testing.T) {
	root := tree(t, map[string]string{
		"go.mod":             module,
		"main.go":            program("root"),
		"send/main.go":       program("send"),
		"a/handler/main.go":  program("a"),
		"b/handler/main.go":  program("b"),
		"c/Handler/main.go":  program("c"),
		"tool/v2/main.go":    program("v2"),
		"other/go.mod":       "// another module\nmodule \"example.com/other/v3\"\n",
		"other/main.go":      program("other"),
		"other/send/main.go": program("other send"),
		"with space/main.go": program("space"),
	})
	want := map[string]string{
		"Root": ".", "Send": "send", "A": "a/handler", "B": "b/handler", "C": "c/Handler", "V2": "tool/v2",
		"Other": "other", "OtherSend": "other/send",
	}
	var targets []builder.Target
	for name, dir := range want {
		targets = append(targets, goTarget(root, name, dir))
	}
	out := filepath.Join(t.TempDir(), "out")
	built, err := builder.Build(t.Context(), out, targets, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(built) != len(want) {
		t.Errorf("built %v, want %d functions", built, len(want))
	}
	words := map[string]string{
		"Root": "root", "Send": "send", "A": "a", "B": "b", "C": "c", "V2": "v2", "Other": "other",
		"OtherSend": "other send",
	}
	for name, path := range built {
		if got := says(t, path); got != words[name] {
			t.Errorf("%s prints %q, want %q", name, got, words[name])
		}
		if filepath.Dir(filepath.Dir(path)) != filepath.Join(out, name) ||
			!strings.HasPrefix(filepath.Base(path), "bootstrap") {
			t.Errorf("%s is at %s, want %s/*/bootstrap", name, path, filepath.Join(out, name))
		}
		if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
			t.Errorf("artifact directory of %s has %v, %v, want one file", name, files, err)
		}
	}
}

func TestRebuildChangesOnlyWhatChanged(t *testing.T) {
	root := tree(t, map[string]string{
		"go.mod":       module,
		"send/main.go": program("one"),
		"join/main.go": program("join"),
	})
	targets := []builder.Target{goTarget(root, "send", "send"), goTarget(root, "join", "join")}
	out := t.TempDir()
	var built map[string]string
	stat := func() map[string]os.FileInfo {
		var err error
		built, err = builder.Build(t.Context(), out, targets, nil)
		if err != nil {
			t.Fatal(err)
		}
		infos := make(map[string]os.FileInfo)
		for name, path := range built {
			if infos[name], err = os.Stat(path); err != nil {
				t.Fatal(err)
			}
		}
		return infos
	}
	same := func(a, b os.FileInfo) bool {
		return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
	}
	first := stat()
	before := built
	second := stat()
	for name := range first {
		if !same(first[name], second[name]) {
			t.Errorf("%s was built again, although its source did not change", name)
		}
		if built[name] != before[name] {
			t.Errorf("%s is at %s, want %s as before", name, built[name], before[name])
		}
	}
	if err := os.WriteFile(filepath.Join(root, "send", "main.go"), []byte(program("two")), 0o644); err != nil {
		t.Fatal(err)
	}
	third := stat()
	if !same(first["join"], third["join"]) {
		t.Error("join was built again, although its source did not change")
	}
	if got := says(t, built["send"]); same(first["send"], third["send"]) || got != "two" {
		t.Errorf("send prints %q after its source changed, want two", got)
	}
	if got := says(t, before["send"]); got != "one" {
		t.Errorf("the executable of the build before prints %q, want one", got)
	}
	if err := builder.Clean(out, []string{built["send"], built["join"]}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(before["send"]); err == nil {
		t.Error("Clean left an executable that was not to be kept")
	}
	for name, path := range built {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("Clean removed %s: %v", name, err)
		}
	}
}

// Many templates have one program for several functions. Separate builds would
// write the same file at the same time.
func TestFunctionsWithTheSameSourceAreBuiltOnce(t *testing.T) {
	root := tree(t, map[string]string{"go.mod": module, "f/main.go": program("one"), "g/f/main.go": program("other")})
	targets := []builder.Target{goTarget(root, "other", "g/f")}
	for i := range 6 {
		targets = append(targets, goTarget(root, fmt.Sprint("f", i), "f"))
	}
	out := t.TempDir()
	for _, want := range []string{"one", "two", "two", "one"} {
		if err := os.WriteFile(filepath.Join(root, "f", "main.go"), []byte(program(want)), 0o644); err != nil {
			t.Fatal(err)
		}
		built, err := builder.Build(t.Context(), out, targets, nil)
		if err != nil {
			t.Fatal(err)
		}
		first, err := os.Stat(built["f0"])
		if err != nil {
			t.Fatal(err)
		}
		for i := range 6 {
			path := built[fmt.Sprint("f", i)]
			if got := says(t, path); got != want {
				t.Errorf("f%d prints %q, want %q", i, got, want)
			}
			if info, err := os.Stat(path); err != nil || !os.SameFile(first, info) {
				t.Errorf("f%d is not the same file as f0: %v", i, err)
			}
		}
		if got := says(t, built["other"]); got != "other" {
			t.Errorf("other prints %q, want other", got)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "f", "main.go"), []byte("package main\n\nfunc main() {\n"),
		0o644); err != nil {
		t.Fatal(err)
	}
	built, err := builder.Build(t.Context(), out, targets, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "functions f0, f1, f2 and 3 more:\n") {
		t.Errorf("got %v, want one failure of f0 to f5", err)
	}
	if len(built) != 1 || built["other"] == "" {
		t.Errorf("built %v, want other", built)
	}
}

// A program whose aws-lambda-go cannot use the Runtime API is refused, built by
// Go or by a Makefile. One that uses only the library's types may have another
// client.
func TestOldRuntimeClientsAreRefused(t *testing.T) {
	for _, c := range []struct {
		version, pkg, use string
		refused           bool
	}{
		{"v1.9.0", "lambda", "lambda.Start(nil)", true},
		{"v1.17.0", "lambda", "lambda.Start(nil)", true},
		{"v1.17.0", "events", "println(events.Name)", false},
		{"v1.18.0", "lambda", "lambda.Start(nil)", false},
		{"v1.55.1", "lambda", "lambda.Start(nil)", false},
	} {
		root := tree(t, map[string]string{
			"go.mod": module + "\nrequire github.com/aws/aws-lambda-go " + c.version +
				"\n\nreplace github.com/aws/aws-lambda-go => ./lambda-go\n",
			"lambda-go/go.mod":           "module github.com/aws/aws-lambda-go\n\ngo 1.26\n",
			"lambda-go/lambda/lambda.go": "package lambda\n\n//go:noinline\nfunc Start(any) { println(1) }\n",
			"lambda-go/events/events.go": "package events\n\nvar Name = \"event\"\n",
			"f/main.go": "package main\n\nimport \"github.com/aws/aws-lambda-go/" + c.pkg +
				"\"\n\nfunc main() { " + c.use + " }\n",
			"Makefile": "build-F:\n\tgo build -o \"$(ARTIFACTS_DIR)/bootstrap\" ./f\n",
		})
		targets := []builder.Target{goTarget(root, "f", "f")}
		if _, err := exec.LookPath("make"); err == nil {
			targets = append(targets, builder.Target{
				Name:      "m",
				LogicalID: "F",
				Dir:       root,
				Method:    builder.MethodMakefile,
			})
		}
		built, err := builder.Build(t.Context(), t.TempDir(), targets, nil)
		if !c.refused {
			if err != nil || len(built) != len(targets) {
				t.Errorf("%s, %s: got %v, want that it is built", c.version, c.use, err)
			}
			continue
		}
		var failed *builder.Error
		if !errors.As(err, &failed) || len(failed.Failures) != 1 || len(failed.Failures[0].Functions) != len(targets) ||
			!strings.Contains(err.Error(), "aws-lambda-go "+c.version+" supports only the retired runtime go1.x") ||
			!strings.Contains(err.Error(), "v1.18.0 or newer") {
			t.Errorf("%s, %s: got %v, want that every function is refused", c.version, c.use, err)
		}
	}
}

// What the go command complains of ends with the command that mends it and the
// folder to run it in.
func TestRemediesNameTheirFolder(t *testing.T) {
	imports := "package main\n\nimport _ \"example.com/lib\"\n\nfunc main() {}\n"
	for _, c := range []struct {
		name    string
		files   map[string]string
		command string
	}{
		{"missing go.sum entry", map[string]string{
			"app/go.mod":    module + "\nrequire github.com/aws/aws-lambda-go v1.55.1\n",
			"app/f/main.go": "package main\n\nimport _ \"github.com/aws/aws-lambda-go/events\"\n\nfunc main() {}\n",
		}, "go mod tidy"},
		{"missing requirement", map[string]string{"app/go.mod": module, "app/f/main.go": imports}, "go mod tidy"},
		{"inconsistent vendoring", map[string]string{
			"app/go.mod": module + "\nrequire example.com/lib v1.0.0\n", "app/f/main.go": imports,
			"app/vendor/modules.txt": "# example.com/other v1.0.0\n",
		}, "go mod vendor"},
	} {
		root := tree(t, c.files)
		_, err := builder.Build(t.Context(), t.TempDir(), []builder.Target{goTarget(root, "f", "app/f")}, nil)
		want := "\nrun in " + filepath.Join(root, "app") + ": " + c.command
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: got %v, want the end %q", c.name, err, want)
		}
	}
}

func TestEveryFailureNamesItsFunctions(t *testing.T) {
	root := tree(t, map[string]string{
		"go.mod":          module,
		"good/main.go":    program("good"),
		"typo/main.go":    "package main\n\nfunc main() { printn() }\n",
		"missing/main.go": "package main\n\nimport \"example.com/app/absent\"\n\nfunc main() { absent.X() }\n",
		"lib/lib.go":      "package lib\n",
		"shared/x.go":     "package shared\n\nvar X int = \"text\"\n",
		"one/main.go":     "package main\n\nimport \"example.com/app/shared\"\n\nfunc main() { println(shared.X) }\n",
		"two/main.go":     "package main\n\nimport \"example.com/app/shared\"\n\nfunc main() { println(shared.X) }\n",
		"empty/readme":    "",
	})
	var targets []builder.Target
	for _, dir := range []string{"two", "good", "typo", "missing", "lib", "one", "empty"} {
		targets = append(targets, goTarget(root, dir, dir))
	}
	built, err := builder.Build(t.Context(), t.TempDir(), targets, nil)
	var failed *builder.Error
	if !errors.As(err, &failed) {
		t.Fatalf("got %v, want an *Error", err)
	}
	messages := make(map[string]string)
	for _, f := range failed.Failures {
		messages[strings.Join(f.Functions, " ")] = f.Message
	}
	for functions, message := range map[string]string{
		"typo":    "main.go:3:15: undefined: printn",
		"missing": "example.com/app/absent",
		"lib":     "no main packages to build",
		"one two": "x.go:3:13: cannot use \"text\"",
		"empty":   "no Go files",
	} {
		if !strings.Contains(messages[functions], message) {
			t.Errorf("message for %s: %q, want %q", functions, messages[functions], message)
		}
	}
	if len(messages) != 5 || len(built) != 1 || says(t, built["good"]) != "good" {
		t.Errorf("failures %q, built %v, want five failures and good", messages, built)
	}
	if text := err.Error(); !strings.Contains(text, "functions one, two:\n") ||
		!strings.Contains(text, "function typo:\n") {
		t.Errorf("error reads:\n%s\nwant the functions before their messages", text)
	}
}

func TestPackageThatIsNotMain(t *testing.T) {
	root := tree(t, map[string]string{"go.mod": module, "f/main.go": program("f"), "g/main.go": program("g")})
	targets := []builder.Target{goTarget(root, "f", "f"), goTarget(root, "g", "g")}
	out := t.TempDir()
	if _, err := builder.Build(t.Context(), out, targets, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "g", "main.go"), []byte("package g\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	built, err := builder.Build(t.Context(), out, targets, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "function g: ") ||
		!strings.Contains(err.Error(), "is not a main package") {
		t.Errorf("got %v, want that g is not a main package", err)
	}
	if len(built) != 1 || built["f"] == "" {
		t.Errorf("built %v, want f", built)
	}
}

func TestFailureKeepsTheLastExecutable(t *testing.T) {
	root := tree(t, map[string]string{"go.mod": module, "f/main.go": program("good")})
	targets := []builder.Target{goTarget(root, "f", "f")}
	out := t.TempDir()
	built, err := builder.Build(t.Context(), out, targets, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "f", "main.go"), []byte("package main\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := builder.Build(t.Context(), out, targets, nil); err == nil {
		t.Error("a program without main was built")
	}
	if got := says(t, built["f"]); got != "good" {
		t.Errorf("the executable prints %q, want good", got)
	}
}

func TestInvalidTargets(t *testing.T) {
	root := tree(t, map[string]string{"go.mod": module, "f/main.go": program("f")})
	for want, targets := range map[string][]builder.Target{
		"cannot name a directory":           {goTarget(root, "../f", "f")},
		"is listed twice":                   {goTarget(root, "f", "f"), goTarget(root, "F", "f")},
		"is not absolute":                   {{Name: "f", Dir: "f", Method: builder.MethodGo}},
		"does not exist":                    {goTarget(root, "f", "g")},
		`method "dotnet7" is not supported`: {{Name: "f", Dir: root, Method: "dotnet7"}},
		"needs a logical id":                {{Name: "f", Dir: root, Method: builder.MethodMakefile}},
	} {
		if _, err := builder.Build(t.Context(), t.TempDir(), targets, nil); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestMissingTools(t *testing.T) {
	root := tree(t, map[string]string{"go.mod": module, "f/main.go": program("f"), "Makefile": ""})
	t.Setenv("PATH", t.TempDir())
	_, err := builder.Build(t.Context(), t.TempDir(), []builder.Target{
		goTarget(root, "f", "f"), goTarget(root, "g", "f"),
		{Name: "m", LogicalID: "m", Dir: root, Method: builder.MethodMakefile},
	}, nil)
	want := "the go command is not on PATH: install Go from https://go.dev/dl/ and start again\n" +
		"the make command is not on PATH: install it ("
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error reads:\n%v\nwant:\n%s", err, want)
	}
}

func TestCancelledBuild(t *testing.T) {
	root := tree(t, map[string]string{"go.mod": module, "f/main.go": program("f")})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := builder.Build(ctx, t.TempDir(), []builder.Target{goTarget(root, "f", "f")}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
