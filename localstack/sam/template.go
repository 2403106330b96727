package sam

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

var sections = []string{"AWSTemplateFormatVersion", "Conditions", "Description", "Globals", "Mappings", "Metadata",
	"Outputs", "Parameters", "Resources", "Rules", "Transform"}

const (
	serverless = "AWS::Serverless-2016-10-31"
	languageX  = "AWS::LanguageExtensions"
)

// loader carries one template through its steps.
type loader struct {
	resolver
	plan    *Plan
	root    *value
	globals *value
	order   []*resource // as written, generated ones after what they come from
	// httpEvents are the events from REST and HTTP APIs.
	httpEvents []httpEvent
}

// Load reads and resolves a template. On mistakes in it or in samconfig.toml
// the error is an [Errors] with all of them.
func Load(o Options) (*Plan, error) {
	folder, isFolder := filepath.Dir(o.Path), false
	if info, err := os.Stat(o.Path); err == nil && info.IsDir() {
		folder, isFolder = o.Path, true
	}
	overrides, named := map[string]override{}, ""
	d := &diagnostics{}
	if o.ConfigEnv != "" {
		path := findConfig(folder)
		c, err := readConfig(path, o.ConfigEnv)
		if err != nil {
			return nil, Errors{err}
		}
		d.read = append(d.read, path)
		overrides, named = c.parameters, c.template
		o.StackName = first(o.StackName, c.stackName)
		o.Region = first(o.Region, c.region)
	}
	if isFolder {
		o.Path = templateIn(folder, named)
	}
	d.file = o.Path
	data, err := os.ReadFile(o.Path)
	if err != nil {
		return nil, Errors{unreadable(o.Path, err, "give the path of a SAM template")}
	}
	dir, err := filepath.Abs(filepath.Dir(o.Path))
	if err != nil {
		return nil, fmt.Errorf("find the template's folder: %w", err)
	}
	for name, text := range o.Parameters {
		overrides[name] = override{text: text}
	}
	return load(d, data, dir, o, overrides)
}

// templateIn is the template in a folder: the one that samconfig.toml names,
// or that of SAM CLI's default names which is there.
func templateIn(folder, named string) string {
	if named != "" {
		if filepath.IsAbs(named) {
			return named
		}
		return filepath.Join(folder, filepath.FromSlash(named))
	}
	for _, name := range []string{"template.yaml", "template.yml", "template.json"} {
		if path := filepath.Join(folder, name); isFile(path) {
			return path
		}
	}
	return filepath.Join(folder, "template.yaml")
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func unreadable(path string, err error, remedy string) *Error {
	problem := "cannot be read: " + err.Error()
	var pe *fs.PathError
	if errors.As(err, &pe) {
		problem = "cannot be read: " + pe.Err.Error()
	}
	if errors.Is(err, fs.ErrNotExist) {
		problem = "there is no such file"
	}
	return &Error{File: path, Problem: problem, Remedy: remedy}
}

// load resolves the text of a template that lies in dir.
func load(d *diagnostics, data []byte, dir string, o Options, overrides map[string]override) (*Plan, error) {
	o.Region, o.Account, o.StackName = first(o.Region,
		"us-east-1"), first(o.Account, "000000000000"), first(o.StackName, "local")
	l := &loader{
		resolver: resolver{
			diagnostics: d,
			decided:     map[string]*decision{},
			resources:   map[string]*resource{},
			pseudo:      pseudoParameters(o),
		},
		plan: &Plan{Path: o.Path, Dir: dir, StackName: o.StackName, Region: o.Region, Account: o.Account},
	}
	if l.root = parse(d, data); l.root != nil {
		l.run(overrides)
	}
	if o.Check != nil && l.root != nil {
		d.addNew(o.Check(l.plan, len(d.errs) == 0))
	}
	if len(d.errs) > 0 {
		return nil, d.errs.Sorted()
	}
	l.plan.Files = append([]string{d.file}, d.read...)
	slices.SortStableFunc(l.plan.Notes, func(a, b Note) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	return l.plan, nil
}

func pseudoParameters(o Options) map[string]string {
	partition, suffix := "aws", "amazonaws.com"
	switch {
	case strings.HasPrefix(o.Region, "cn-"):
		partition, suffix = "aws-cn", "amazonaws.com.cn"
	case strings.HasPrefix(o.Region, "us-gov-"):
		partition = "aws-us-gov"
	}
	return map[string]string{
		"AWS::AccountId": o.Account, "AWS::Region": o.Region, "AWS::StackName": o.StackName,
		"AWS::Partition": partition, "AWS::URLSuffix": suffix,
		"AWS::StackId": fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/%s/%s", partition, o.Region,
			o.Account, o.StackName, uuid(o.StackName, "")),
	}
}

// run takes the steps of CloudFormation in its order.
func (l *loader) run(overrides map[string]override) {
	l.includeRoot(l.plan.Dir)
	if l.root.has("service") && l.root.has("provider") {
		l.failFile("this is a Serverless Framework file", "give a SAM or CloudFormation template")
		return
	}
	for _, f := range l.root.fields {
		if !slices.Contains(sections, f.key) {
			l.failKey(l.root, f, "unknown section", suggest(f.key, sections, "", "remove it"))
		}
	}
	l.transforms()
	l.params = l.parameters(overrides)
	l.extendSections("Mappings")
	l.mappings = l.section("Mappings")
	l.checkMappings()
	l.extendSections("Conditions", "Resources", "Outputs")
	l.conditions = l.section("Conditions")
	if l.conditions != nil {
		for _, f := range l.conditions.fields {
			l.condition(f.value, f.key)
		}
	}
	l.rules()
	l.readGlobals()
	l.readResources()
	outputs := l.section("Outputs")
	l.checkNames(l.root.get("Resources"))
	l.checkNames(l.globals)
	l.checkNames(outputs)
	order, ok := l.sortResources()
	if !ok {
		return
	}
	for _, res := range order {
		l.resolveResource(res)
	}
	l.outputs(outputs)
	l.build()
}

// section returns a section that is a map, or nil.
func (l *loader) section(name string) *value {
	s := l.root.get(name)
	if s == nil || s.kind == null || s.kind == unknown {
		return nil
	}
	if s.kind != object {
		l.fail(s, "is "+s.kind.String(), "write a map")
		return nil
	}
	return s
}

// transforms reads the macros. SAM's is needed for its resources, which
// readResources checks.
func (l *loader) transforms() {
	t := l.root.get("Transform")
	if t == nil {
		return
	}
	names := []*value{t}
	if t.kind == list {
		names = t.items
	}
	for _, n := range names {
		switch {
		case n.text == languageX:
			l.languageX = true
		case n.kind == object: // AWS::Include, which includeRoot reads
		case n.text == serverless || n.kind == unknown:
		default:
			what := "the macro " + quote(n.text) + " is not supported"
			if !n.isScalar() {
				what = "is " + n.kind.String() + ", not a macro's name"
			}
			l.fail(n, what, "use "+serverless+" and, if needed, "+languageX)
		}
	}
}

func (l *loader) hasServerless() bool {
	t := l.root.get("Transform")
	return t.scalar() == serverless || slices.Contains(l.root.strs("Transform"), serverless)
}

func (l *loader) checkMappings() {
	if l.mappings == nil {
		return
	}
	leaf := anything
	for _, f := range l.mappings.fields {
		before := len(l.errs)
		l.check(f.value, mapOf(mapOf(leaf)), "a mapping")
		if len(l.errs) == before && f.value.hasCall() {
			l.fail(f.value, "holds an intrinsic function", "write literal values in Mappings")
		}
	}
}

// note records something that is passed over.
func (l *loader) note(at *value, id, typ, reason string) {
	l.plan.Notes = append(l.plan.Notes, Note{
		LogicalID: id,
		Type:      typ,
		Reason:    reason,
		File:      first(at.file, l.file),
		Line:      at.line,
		Column:    at.col,
	})
}

func (l *loader) outputs(section *value) {
	if section == nil {
		return
	}
	shape := objectOf(props{"Condition": str, "Description": str,
		"Export": objectOf(props{"Name": must(str)}), "Value": must(str)})
	for _, f := range section.fields {
		if c := f.value.get("Condition"); c.scalar() != "" {
			if yes, ok := l.condition(c, c.text); !ok || !yes {
				continue
			}
		}
		v := l.eval(f.value, full)
		l.check(v, shape, "an output")
		l.plan.Outputs = append(l.plan.Outputs, Output{
			Name:        f.key,
			Description: v.str("Description"),
			Value:       v.str("Value"),
			ExportName:  v.get("Export").str("Name"),
		})
	}
}
