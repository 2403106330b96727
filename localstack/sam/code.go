package sam

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// codePath makes the path of a function's code absolute and looks whether the
// build will find there what it needs.
func (l *loader) codePath(res *resource, code *value, method string) string {
	const remedy = "give the folder of the code, relative to the template"
	switch {
	case code == nil || code.kind == unknown:
		return ""
	case code.has("ZipFile"):
		l.fail(code, "inline code cannot run on a provided runtime", remedy)
		return ""
	case !code.isScalar(), strings.Contains(code.text, "://"):
		l.fail(code, "the code is not on this machine", remedy)
		return ""
	}
	path := filepath.FromSlash(code.text)
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.plan.Dir, path)
	}
	path = filepath.Clean(path)
	info, err := os.Stat(path)
	skip := res.metadata.get("SkipBuild")
	if yes, _ := skip.asBool(); yes {
		l.fail(skip, "functions are built from source here", "remove it and give the folder of the code as CodeUri")
		return path
	}
	switch {
	case err != nil:
		l.fail(code, "there is no folder "+quote(code.text), remedy)
	case !info.IsDir():
		l.fail(code, quote(code.text)+" is not a folder", remedy)
	case method == "makefile":
		if !isFile(filepath.Join(path, "Makefile")) {
			l.fail(code, "there is no Makefile in "+quote(code.text), "add one with the target build-"+res.id)
		}
	case method == "go1.x" || method == "": // as only Go runs here
		if !hasGo(path) {
			l.fail(code, "there is no Go source in "+quote(code.text),
				"give the folder of the function's main package, relative to the template")
		}
	}
	return path
}

// hasGo says whether a folder holds Go source that is not a test.
func hasGo(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go")
	})
}
