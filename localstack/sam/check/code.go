package check

import (
	"archive/zip"
	"go/build"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/plan"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

const codeRemedy = "give the folder of the code, relative to the template"

// Code fills in where a function's code is and how it is built. It refuses a
// folder that lacks what the build needs.
func Code(s *resource.Set, res *template.Resource, f *plan.Function) {
	code := res.Properties.Get("Code")
	switch {
	case !code.IsPresent():
		return
	case code.Has("ZipFile"):
		s.Fail(code, "inline code cannot run on a provided runtime", codeRemedy)
		return
	case !code.IsScalar(), strings.Contains(code.Text, "://"):
		s.Fail(code, "the code is not on this machine", codeRemedy)
		return
	}
	c := coder{s: s, res: res, f: f, code: code}
	f.CodeURI = c.path(code.Text)
	info, err := os.Stat(f.CodeURI)
	skip := res.Metadata.Get("SkipBuild")
	prebuilt, _ := skip.Bool()
	switch {
	case err != nil:
		s.Fail(code, "there is no folder "+template.Quote(code.Text), codeRemedy)
	case !info.IsDir():
		c.archive()
	case prebuilt && hasFile(f.CodeURI, bootstrap):
		f.BuildMethod = plan.Prebuilt
	case prebuilt:
		s.Fail(skip, "there is no bootstrap in "+template.Quote(code.Text),
			"give the folder that has the built bootstrap as CodeUri, or remove SkipBuild")
	case f.BuildMethod == plan.Makefile:
		c.makefile()
	default:
		c.source()
	}
}

// coder decides about the code of one function.
type coder struct {
	s    *resource.Set
	res  *template.Resource
	f    *plan.Function
	code *template.Value // CodeUri
}

// path returns the absolute path of what the template that has the function
// writes relative to its folder.
func (c *coder) path(written string) string {
	path := filepath.FromSlash(written)
	if !filepath.IsAbs(path) {
		path = filepath.Join(c.s.Dir(c.res), path)
	}
	return filepath.Clean(path)
}

// bootstrap is the file that the provided runtimes start.
const bootstrap = "bootstrap"

// archive accepts a zip file with a bootstrap.
func (c *coder) archive() {
	written := template.Quote(c.code.Text)
	archive, err := zip.OpenReader(c.f.CodeURI)
	if err != nil {
		c.s.Fail(c.code, written+" is neither a folder nor a zip file", codeRemedy)
		return
	}
	defer archive.Close()
	if file, err := archive.Open(bootstrap); err != nil {
		c.s.Fail(c.code, "there is no bootstrap at the root of "+written,
			"put the executable into it under that name, or give the folder of the source")
	} else {
		_ = file.Close() // only read
		c.f.BuildMethod = plan.Prebuilt
	}
}

// makefile fills in the folders of make. SAM takes them relative to the
// template (sam-cli, ApplicationBuilder): ProjectRootDirectory has the source
// instead of CodeUri, ContextPath has the Makefile, and make runs in
// WorkingDirectory.
func (c *coder) makefile() {
	written := c.code
	folder := func(name, otherwise string) string {
		v := c.res.Metadata.Get(name)
		if !v.Known() {
			return otherwise
		}
		path := c.path(v.Text)
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			c.s.Fail(v, "there is no folder "+template.Quote(v.Text), "give a folder, relative to the template")
		} else if name != "WorkingDirectory" {
			written = v // where the Makefile is expected
		}
		return path
	}
	c.f.SourceDir = folder("ProjectRootDirectory", c.f.CodeURI)
	c.f.MakefileDir = folder("ContextPath", c.f.SourceDir)
	c.f.WorkingDir = folder("WorkingDirectory", c.f.SourceDir)
	switch {
	case hasFile(c.f.MakefileDir, "Makefile"):
	case hasFile(c.f.CodeURI, bootstrap): // the template is a copy that sam build wrote
		c.f.BuildMethod, c.f.SourceDir, c.f.MakefileDir, c.f.WorkingDir = plan.Prebuilt, "", "", ""
	default:
		c.s.Fail(written, "there is no Makefile in "+template.Quote(written.Text),
			"add one with the target build-"+path.Base(c.res.ID))
	}
}

// source chooses what is run of a folder. As in SAM's build of Go modules, that
// is the main package of the folder or, if it has none, the one below it that
// Handler names. A folder without either may hold a built bootstrap, or a
// Makefile, which SAM takes for the provided runtimes.
func (c *coder) source() {
	dir := c.f.CodeURI
	here := packageIn(dir)
	switch named, ok := c.handlerPackage(); {
	case here == mainPackage:
		c.f.SourceDir = dir
	case ok:
		c.f.SourceDir = named
		if c.f.BuildMethod == plan.Go {
			c.adviseHandler()
		}
		return
	case hasFile(dir, bootstrap):
		c.f.BuildMethod = plan.Prebuilt
		return
	case here == libraryPackage:
		c.f.SourceDir = dir // the build says what is missing
	case c.f.BuildMethod == "" && hasFile(dir, "Makefile"):
		c.f.BuildMethod = plan.Makefile
		c.makefile()
		return
	default:
		c.s.Fail(c.code, "there is no Go source in "+template.Quote(c.code.Text),
			"give the folder of the function's main package, relative to the template")
		return
	}
	if handler := c.res.Properties.Get("Handler"); c.f.BuildMethod == plan.Go && handler.Known() &&
		handler.Text != bootstrap {
		// The build names the binary after the handler, but the provided
		// runtimes start bootstrap.
		c.s.Fail(handler, "BuildMethod go1.x would name the binary "+template.Quote(handler.Text)+
			", and the runtime starts bootstrap", "write Handler: bootstrap")
	}
}

// handlerPackage returns the folder below CodeUri that Handler names, if it has
// a main package.
func (c *coder) handlerPackage() (dir string, ok bool) {
	handler := filepath.FromSlash(c.f.Handler)
	if handler == "" || !filepath.IsLocal(handler) || filepath.Clean(handler) == "." {
		return "", false
	}
	dir = filepath.Join(c.f.CodeURI, handler)
	return dir, packageIn(dir) == mainPackage
}

// adviseHandler says how a function with a package as its handler starts on
// AWS.
func (c *coder) adviseHandler() {
	handler := c.res.Properties.Get("Handler")
	if handler.Scalar() == bootstrap {
		return
	}
	c.s.Advise(handler, c.s.LogicalID(c.res), "Handler", "sam build names the executable "+template.Quote(handler.Text)+
		", and the runtime starts bootstrap; give that folder as CodeUri and write Handler: bootstrap")
}

// The kinds of a folder's Go source.
const (
	noPackage = iota
	libraryPackage
	mainPackage // or one that the build refuses
)

// packageIn returns the kind of the Go package in a folder, for this machine.
func packageIn(dir string) int {
	context := build.Default
	context.CgoEnabled = true           // a file that needs cgo counts, whether or not it can be built
	p, err := context.ImportDir(dir, 0) // p has what was found in spite of an error
	switch {
	case len(p.InvalidGoFiles) > 0:
		return mainPackage
	case len(p.GoFiles)+len(p.CgoFiles) == 0 && len(p.IgnoredGoFiles) > 0:
		return libraryPackage
	case len(p.GoFiles)+len(p.CgoFiles) == 0:
		return noPackage
	case err != nil, p.Name == "main":
		return mainPackage
	}
	return libraryPackage
}

func hasFile(dir, name string) bool {
	info, err := os.Stat(filepath.Join(dir, name))
	return err == nil && !info.IsDir()
}
