package sam

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/eval"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

const (
	// maxNested bounds the nested stacks of an app. CloudFormation allows 2500
	// resources in one operation on nested stacks (CloudFormation quotas).
	maxNested = 2500
	// maxNesting bounds the levels. CloudFormation documents no limit.
	maxNesting = 20

	nestedRemedy = "give a path relative to the template"
)

// chain is the way to a template: the real paths of the templates around it and
// its own, the outermost first.
type chain []string

// nest loads the template of a nested stack and gives it its identity: Ref is
// the id of the stack, and the outputs are attributes. The properties of res
// are resolved.
func (l *loader) nest(res *template.Resource) {
	stack := resource.Stack{Name: l.PhysicalName(res, 128), Path: l.Stack.LogicalID(res.ID)}
	res.Ref = stackID(l.Plan, stack.Name)
	res.Attributes = map[string]string{}
	url := res.Properties.Get("TemplateURL")
	path, local := localTemplate(url)
	switch {
	case !url.IsPresent(), res.Broken:
		res.Broken = true
		return
	case !url.IsScalar() && (url.Kind != template.Object || res.At.Str("Type") == template.StackType):
		l.FailKind(url, nestedRemedy)
		res.Broken = true
		return
	case !local:
		res.NotRun = true
		res.Ref = l.Eval.Placeholder(res, "")
		return
	}
	shown := path
	if !filepath.IsAbs(path) {
		path, shown = filepath.Join(l.Stack.Dir, path), filepath.Join(filepath.Dir(l.File), path)
	}
	stack.Dir = filepath.Dir(path)
	inner := &template.Report{File: shown}
	outputs, ok := l.loadNested(res, inner, path, stack)
	l.Report.Add(inner)
	if !ok || len(inner.Errors) > 0 {
		res.Broken = true
	}
	for _, o := range outputs {
		res.Attributes["Outputs."+o.Name] = o.Value
	}
}

// localTemplate returns the path in a TemplateURL. It is not local if it is the
// URL of another machine or names an application of a repository. A file URL is
// local, as for sam build.
func localTemplate(url *template.Value) (path string, local bool) {
	text := url.Scalar()
	if rest, ok := strings.CutPrefix(text, "file://"); ok {
		return filepath.FromSlash(rest), true
	}
	return filepath.FromSlash(text), url != nil && url.IsScalar() && !strings.Contains(text, "://")
}

// loadNested resolves the template at path and adopts its resources; ok is
// false if it cannot be read.
func (l *loader) loadNested(res *template.Resource, r *template.Report, path string,
	stack resource.Stack) (outputs []Output, ok bool) {
	data, real, ok := l.readNested(res.Properties.Get("TemplateURL"), r.File, path)
	if !ok {
		return nil, false
	}
	r.Read = []string{r.File}
	root := template.ParseNested(r, data)
	if root == nil {
		return nil, false
	}
	n := newLoader(r, root, l.Plan, stack)
	n.Eval.Placeholders, n.Eval.StackPath = l.Eval.Placeholders, stack.Path
	n.Eval.ParametersFrom = res.ID + " in " + l.File
	n.chain, n.nested = append(slices.Clone(l.chain), real), l.nested
	overrides := map[string]eval.Override{}
	for _, f := range res.Properties.Get("Parameters").Entries() {
		overrides[f.Key] = l.override(f)
	}
	n.resolve(overrides)
	l.Adopt(n.Set)
	return n.results, true
}

// override returns a parameter that the template gives to a nested stack. After
// a mistake, the value is a placeholder, which is not checked.
func (l *loader) override(f template.Field) eval.Override {
	o := eval.Override{
		Text:    f.Value.Scalar(),
		File:    l.File,
		Line:    f.Line,
		Column:  f.Column,
		Subject: f.Value.Subject(),
		Broken:  !f.Value.Known(),
	}
	if f.Value.File != "" {
		o.File = f.Value.File
	}
	return o
}

// readNested reads the template at path and returns its real path. Mistakes are
// shown at url.
func (l *loader) readNested(url *template.Value, shown, path string) (data []byte, real string, ok bool) {
	fail := func(problem, remedy string) ([]byte, string, bool) {
		l.Fail(url, problem, remedy)
		return nil, "", false
	}
	if e := foreign(shown); e != nil {
		return fail(e.Problem, e.Remedy)
	}
	*l.nested++
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail("there is no file "+template.Quote(url.Text), nestedRemedy)
	case err != nil:
		return fail("the template "+template.Quote(url.Text)+" cannot be read: "+err.Error(), nestedRemedy)
	case !info.Mode().IsRegular():
		return fail(template.Quote(url.Text)+" is not a file", "give the path of a template")
	case info.Size() > template.MaxSize:
		return fail("the template "+template.Quote(url.Text)+" is larger than 1 MiB, CloudFormation's limit", "split it")
	case *l.nested > maxNested:
		return fail("the app has more than 2500 nested stacks", "nest fewer")
	}
	if real, err = filepath.EvalSymlinks(path); err != nil {
		real = path
	}
	if i := slices.Index(l.chain, real); i >= 0 {
		return fail("the template "+shown+" nests itself", "remove the cycle")
	}
	if len(l.chain) > maxNesting {
		return fail("stacks are nested deeper than 20 levels", "nest fewer levels")
	}
	if data, err = os.ReadFile(path); err != nil {
		return fail("the template "+template.Quote(url.Text)+" cannot be read: "+err.Error(), nestedRemedy)
	}
	return data, real, true
}
