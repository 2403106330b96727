package eval

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/shape"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// includeCall is the shape of AWS::Include, as a transform of the template or
// as Fn::Transform.
var includeCall = shape.Object(shape.Props{
	"Name":       shape.Required(shape.String),
	"Parameters": shape.Required(shape.Object(shape.Props{"Location": shape.Required(shape.String)})),
})

// include reads the file that AWS::Include names. CloudFormation reads it from
// S3, where tools that package a template upload a local path to. Here it has
// to be a local path, relative to the folder of the template.
func include(r *template.Report, macro *template.Value, dir string) *template.Value {
	location := includeLocation(r, macro)
	if location == nil {
		return macro.Derive(template.Unknown)
	}
	path, shown := filepath.FromSlash(location.Text), ""
	if filepath.IsAbs(path) {
		shown = path
	} else {
		path, shown = filepath.Join(dir, path), filepath.Join(filepath.Dir(r.File), path)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return failNoFile(r, location)
	case !info.Mode().IsRegular():
		return r.Fail(location, template.Quote(location.Text)+" is not a file", "give the path of a YAML or JSON file")
	}
	inner := &template.Report{File: shown}
	var content *template.Value
	if info.Size() > template.MaxSize {
		inner.FailFile("the file is larger than 1 MiB, CloudFormation's limit", "split it")
	} else {
		data, err := os.ReadFile(path)
		if err != nil {
			return failNoFile(r, location)
		}
		content = template.ParseIncluded(inner, data, macro)
	}
	r.Read = append(r.Read, shown)
	r.Errors = append(r.Errors, inner.Errors...)
	if content == nil {
		return macro.Derive(template.Unknown)
	}
	return content
}

func failNoFile(r *template.Report, location *template.Value) *template.Value {
	return r.Fail(location, "there is no file "+template.Quote(location.Text), "give a path relative to the template")
}

// includeLocation returns the path in a use of AWS::Include, or nil after a
// mistake.
func includeLocation(r *template.Report, macro *template.Value) *template.Value {
	name, location := macro.Get("Name"), macro.Get("Parameters").Get("Location")
	switch {
	case macro.Kind != template.Object:
		r.FailKind(macro, "write a map with Name and Parameters")
		return nil
	case name.Known() && name.Text != template.IncludeMacro:
		r.Fail(name, "the macro "+template.Quote(name.Text)+" is not run locally", "write out the result of the macro")
		return nil
	case r.Fails(func() { shape.Check(r, macro, includeCall, template.IncludeMacro) }), !location.Known():
		return nil
	case strings.Contains(location.Text, "://"):
		r.Fail(location, template.Quote(location.Text)+" is not on this machine",
			"give a path relative to the template")
		return nil
	}
	return location
}

// IncludeRoot merges the files that the template's own transforms include into
// the sections of root. The folder of the template is dir.
func IncludeRoot(r *template.Report, root *template.Value, dir string) {
	for _, item := range root.Get("Transform").OneOrMore() {
		if item.Kind != template.Object {
			continue
		}
		for _, f := range include(r, item, dir).Fields {
			into := root.Get(f.Key)
			switch {
			case into == nil:
				root.Fields = append(root.Fields, f)
			case into.Kind == template.Object:
				into.Fields = append(into.Fields, f.Value.Entries()...)
			}
		}
	}
}
