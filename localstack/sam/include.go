package sam

import (
	"os"
	"path/filepath"
	"strings"
)

const includeMacro = "AWS::Include"

// includeCall is the shape of AWS::Include, as a transform of the template or
// as Fn::Transform.
var includeCall = objectOf(props{"Name": must(str), "Parameters": must(objectOf(props{"Location": must(str)}))})

// include reads the file that AWS::Include names. CloudFormation reads it from
// S3; tools that package a template upload a local path there, and a local
// path is what can be read here. The path is relative to the template.
func (d *diagnostics) include(macro *value, dir string) *value {
	if macro.kind != object {
		return d.fail(macro, "is "+macro.kind.String(), "write a map with Name and Parameters")
	}
	if name := macro.get("Name"); name.known() && name.text != includeMacro {
		return d.fail(name, "the macro "+quote(name.text)+" is not run locally", "write out what the macro gives")
	}
	before := len(d.errs)
	d.check(macro, includeCall, includeMacro)
	location := macro.get("Parameters").get("Location")
	if len(d.errs) > before || !location.known() {
		return macro.derive(unknown)
	}
	if strings.Contains(location.text, "://") {
		return d.fail(location, quote(location.text)+" is not on this machine", "give a path relative to the template")
	}
	path := filepath.FromSlash(location.text)
	shown := filepath.Join(filepath.Dir(d.file), path)
	if filepath.IsAbs(path) {
		shown = path
	} else {
		path = filepath.Join(dir, path)
	}
	info, err := os.Stat(path)
	var data []byte
	if err == nil && !info.Mode().IsRegular() {
		return d.fail(location, quote(location.text)+" is not a file", "give the path of a YAML or JSON file")
	} else if err == nil && info.Size() <= maxTemplate {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return d.fail(location, "there is no file "+quote(location.text), "give a path relative to the template")
	}
	d.read = append(d.read, shown)
	inner := &diagnostics{file: shown}
	var content *value
	if info.Size() > maxTemplate {
		inner.failFile("the file is larger than 1 MiB, CloudFormation's limit", "split it")
	} else {
		content = parseAt(inner, data, macro)
	}
	d.errs = append(d.errs, inner.errs...)
	if content == nil {
		return macro.derive(unknown)
	}
	return content
}

// includeRoot merges the files that the template's own transforms include into
// its sections.
func (l *loader) includeRoot(dir string) {
	t := l.root.get("Transform")
	items := []*value{t}
	switch {
	case t == nil:
		return
	case t.kind == list:
		items = t.items
	}
	for _, item := range items {
		if item.kind != object {
			continue
		}
		content := l.include(item, dir)
		for _, f := range content.fields {
			into := l.root.get(f.key)
			if into == nil {
				l.root.fields = append(l.root.fields, f)
			} else if into.kind == object && f.value.kind == object {
				into.fields = append(into.fields, f.value.fields...)
			}
		}
	}
}

// includeInto puts the file that a Fn::Transform includes in its place.
func (x *extender) includeInto(out, macro *value) {
	if x.including {
		x.fail(macro, "an included file includes another one", "include both from the template")
		return
	}
	content := x.include(x.eval(x.extend(macro), literals), x.dir)
	if content.kind == unknown {
		out.kind = unknown
	}
	x.including = true
	defer func() { x.including = false }()
	for _, f := range content.fields {
		x.put(out, f)
	}
}
