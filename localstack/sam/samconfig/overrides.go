package samconfig

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/eval"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

const (
	overridesUsage = `write "Key=value Other=value", file://PATH, a list of these, or a table`
	includeKey     = "$include"
	fileScheme     = "file://"
)

// overrides collects the values of parameter_overrides. A later value wins, as
// in SAM CLI (samcli/cli/types.py, CfnParameterOverridesType).
type overrides struct {
	values map[string]eval.Override
	// files are all files that were read, open those that are being read.
	files, open []string
}

// add adds the values in v, in each of the forms: a string, a list, a table.
// The file is the one that has v.
func (o *overrides) add(file string, v *template.Value) *template.Error {
	switch v.Kind {
	case template.Text:
		return o.addText(file, v)
	case template.List:
		for _, item := range v.Items {
			if item.Kind == template.Null {
				continue
			}
			if err := o.add(file, item); err != nil {
				return err
			}
		}
		return nil
	case template.Object:
		if v.Has("ParameterKey") && v.Has("ParameterValue") {
			return mistake(file, v.Line, "has the AWS CLI's ParameterKey, which SAM CLI does not read",
				"write "+v.Str("ParameterKey")+" as the key, with its value")
		}
		for _, f := range v.Fields {
			if err := o.addField(file, f); err != nil {
				return err
			}
		}
		return nil
	case template.Null:
		return nil
	}
	return mistake(file, v.Line, "is "+describe(v), overridesUsage)
}

// addText adds the pairs in a string, or those of the file that it names.
func (o *overrides) addText(file string, v *template.Value) *template.Error {
	if strings.HasPrefix(v.Text, fileScheme) {
		return o.addFile(file, v)
	}
	values, problem := splitOverrides(v.Text)
	if problem != "" {
		return mistake(file, v.Line, problem, overridesUsage)
	}
	for key, text := range values {
		o.values[key] = eval.Override{Text: text, File: file, Line: v.Line}
	}
	return nil
}

// addField adds an entry of a table.
func (o *overrides) addField(file string, f template.Field) *template.Error {
	text := ""
	switch v := f.Value; {
	case f.Key == includeKey:
		return o.addInclude(file, f)
	case v.Kind == template.Null:
	case v.IsScalar():
		text = scalarText(v)
	case v.Kind == template.List:
		var parts []string
		for _, item := range v.Items {
			part := ""
			if item.IsScalar() {
				part = strings.TrimSpace(scalarText(item))
			} else if item.Kind != template.Null {
				return mistake(file, f.Line, "an element of "+f.Key+" is "+item.Kind.String(),
					"write strings, numbers or booleans")
			}
			if part != "" {
				parts = append(parts, part)
			}
		}
		text = strings.Join(parts, ",") // the form of CloudFormation's lists
	default:
		return mistake(file, f.Line, "the value of "+f.Key+" is "+v.Kind.String(),
			"write a string, a number, a boolean or a list")
	}
	o.values[unwrap(f.Key)] = eval.Override{Text: unwrap(text), File: file, Line: f.Line}
	return nil
}

// addInclude adds the files that $include names.
func (o *overrides) addInclude(file string, f template.Field) *template.Error {
	for _, item := range f.Value.OneOrMore() {
		switch {
		case item.Kind == template.Null:
		case item.Kind != template.Text || !strings.HasPrefix(item.Text, fileScheme):
			return mistake(file, f.Line, includeKey+" holds "+describe(item), "write file://PATH, or a list of them")
		default:
			if err := o.addFile(file, item); err != nil {
				return err
			}
		}
	}
	return nil
}

// addFile adds the values of a file. A path is relative to the folder of the
// file that has v.
func (o *overrides) addFile(file string, v *template.Value) *template.Error {
	path := filepath.FromSlash(strings.TrimPrefix(v.Text, fileScheme))
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(file), path)
	}
	name := template.Quote(v.Text)
	if formats[filepath.Ext(path)] == nil {
		return mistake(file, v.Line, name+" has no extension that is read", "use .toml, .yaml, .yml or .json")
	}
	if slices.Contains(o.open, path) {
		return mistake(file, v.Line, name+" includes itself", "remove the cycle")
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return mistake(file, v.Line, "there is no file "+name, "give a path relative to "+filepath.Base(file))
	case err != nil:
		return mistake(file, v.Line, name+" cannot be read: "+err.Error(), "give the path of a file")
	}
	if !slices.Contains(o.files, path) {
		o.files = append(o.files, path)
	}
	root, wrong := decode(path, data)
	if wrong != nil || root == nil {
		return wrong
	}
	if !root.Is(template.Object) && !root.Is(template.List) && !root.Is(template.Null) {
		return mistake(path, 1, "is "+root.Kind.String(), "write a map from parameters to values, or a list")
	}
	o.open = append(o.open, path)
	err2 := o.add(path, root)
	o.open = o.open[:len(o.open)-1]
	return err2
}

func mistake(file string, line int, problem, remedy string) *template.Error {
	return &template.Error{File: file, Line: line, Column: 1, Problem: problem, Remedy: remedy}
}

// describe names a value in a message.
func describe(v *template.Value) string {
	if v.IsScalar() {
		return template.Quote(v.Text)
	}
	return v.Kind.String()
}

// scalarText returns the text that SAM CLI gives to CloudFormation: Python's
// for booleans and numbers.
func scalarText(v *template.Value) string {
	switch v.Kind {
	case template.Bool:
		if yes, ok := v.Bool(); ok {
			return map[bool]string{true: "True", false: "False"}[yes]
		}
	case template.Number:
		return numberText(v.Text)
	}
	return v.Text
}

// numberText writes a number as Python does: 007 is 7, 1.50 is 1.5.
func numberText(text string) string {
	digits := strings.TrimLeft(text, "+-")
	base := 10
	if len(digits) > 1 && digits[0] == '0' && strings.Contains("xXoO", digits[1:2]) {
		base = 0
	}
	if n, err := strconv.ParseInt(text, base, 64); err == nil {
		return strconv.FormatInt(n, 10)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	size := max(f, -f)
	if size != 0 && (size < 1e-4 || size >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
