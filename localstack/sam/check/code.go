package check

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

const codeRemedy = "give the folder of the code, relative to the template"

// Code returns the absolute path of a function's code and refuses a folder that
// lacks what the build needs. The path is empty after a mistake.
func Code(s *resource.Set, res *template.Resource, code *template.Value, method string) string {
	switch {
	case !code.IsPresent():
		return ""
	case code.Has("ZipFile"):
		s.Fail(code, "inline code cannot run on a provided runtime", codeRemedy)
		return ""
	case !code.IsScalar(), strings.Contains(code.Text, "://"):
		s.Fail(code, "the code is not on this machine", codeRemedy)
		return ""
	}
	path := filepath.FromSlash(code.Text)
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.Dir(res), path)
	}
	path = filepath.Clean(path)
	skip := res.Metadata.Get("SkipBuild")
	if yes, _ := skip.Bool(); yes {
		s.Fail(skip, "functions are built from source here", "remove it and give the folder of the code as CodeUri")
		return path
	}
	if problem, remedy := sourceProblem(path, code.Text, method, res.ID); problem != "" {
		s.Fail(code, problem, remedy)
	}
	return path
}

// sourceProblem returns what the folder lacks for a build, or "".
func sourceProblem(path, written, method, id string) (problem, remedy string) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "there is no folder " + template.Quote(written), codeRemedy
	case !info.IsDir():
		return template.Quote(written) + " is not a folder", codeRemedy
	case method == "makefile":
		if info, err := os.Stat(filepath.Join(path, "Makefile")); err != nil || info.IsDir() {
			return "there is no Makefile in " + template.Quote(written), "add one with the target build-" + id
		}
	case method == "go1.x" || method == "": // Go is the default, as only Go is supported
		if !hasGo(path) {
			return "there is no Go source in " + template.Quote(written),
				"give the folder of the function's main package, relative to the template"
		}
	}
	return "", ""
}

// hasGo reports whether a folder contains Go source that is not a test.
func hasGo(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go")
	})
}
