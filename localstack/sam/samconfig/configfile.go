package samconfig

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// formats decode a file by its extension. JSON is a part of YAML.
var formats = map[string]func(path string, data []byte) (*template.Value, *template.Error){
	".toml": decodeTOML,
	".yaml": decodeYAML,
	".yml":  decodeYAML,
	".json": decodeYAML,
}

// decode reads a file of one of the formats. The fields of a map have their
// order in the file.
func decode(path string, data []byte) (*template.Value, *template.Error) {
	return formats[filepath.Ext(path)](path, data)
}

func decodeYAML(path string, data []byte) (*template.Value, *template.Error) {
	r := &template.Report{File: path}
	root := template.ParseDocument(r, data)
	if len(r.Errors) > 0 {
		return nil, r.Errors[0]
	}
	return root, nil
}

func decodeTOML(path string, data []byte) (*template.Value, *template.Error) {
	var doc map[string]any
	meta, err := toml.Decode(string(data), &doc)
	if err != nil {
		e := &template.Error{
			File:    path,
			Line:    1,
			Column:  1,
			Problem: "not TOML: " + err.Error(),
			Remedy:  "correct the syntax",
		}
		var pe toml.ParseError
		if errors.As(err, &pe) {
			e.Line, e.Column, e.Problem = pe.Position.Line, max(1, pe.Position.Col), "not TOML: "+pe.Message
		}
		return nil, e
	}
	t := tomlText{text: string(data), order: map[string]int{}}
	for i, key := range meta.Keys() {
		if _, ok := t.order[key.String()]; !ok {
			t.order[key.String()] = i
		}
	}
	return t.value(nil, doc, 1), nil
}

// tomlText is a TOML file. order has the place of each key, which the decoded
// maps have not.
type tomlText struct {
	text  string
	order map[string]int
}

// value converts what the decoder returns for a key.
func (t tomlText) value(key toml.Key, raw any, line int) *template.Value {
	v := &template.Value{Line: line, Column: 1}
	switch raw := raw.(type) {
	case map[string]any:
		v.Kind = template.Object
		path := func(name string) toml.Key { return append(slices.Clone(key), name) }
		names := slices.SortedFunc(maps.Keys(raw), func(a, b string) int {
			return cmp.Or(t.order[path(a).String()]-t.order[path(b).String()], strings.Compare(a, b))
		})
		for _, name := range names {
			at := t.line(strings.Join(key, "."), name, line)
			v.Fields = append(v.Fields, template.Field{
				Key:    name,
				Line:   at,
				Column: 1,
				Value:  t.value(path(name), raw[name], at),
			})
		}
	case []map[string]any: // an array of tables
		v.Kind = template.List
		for _, item := range raw {
			v.Items = append(v.Items, t.value(key, item, line))
		}
	case []any:
		v.Kind = template.List
		for _, item := range raw {
			v.Items = append(v.Items, t.value(key, item, line))
		}
	case bool:
		v.Kind, v.Text = template.Bool, strconv.FormatBool(raw)
	case int64:
		v.Kind, v.Text = template.Number, strconv.FormatInt(raw, 10)
	case float64:
		v.Kind, v.Text = template.Number, strconv.FormatFloat(raw, 'g', -1, 64)
		if !strings.ContainsAny(v.Text, ".eIN") {
			v.Text += ".0"
		}
	default:
		v.Kind, v.Text = template.Text, fmt.Sprint(raw)
	}
	return v
}

// line finds the line of a key in a table; the decoder does not report lines.
// Without the key it is that of the table's header, or def.
func (t tomlText) line(table, key string, def int) int {
	header, inside, n := def, table == "", 0
	for line := range strings.Lines(t.text) {
		n++
		line = strings.TrimSpace(line)
		if name, ok := tomlTable(line); ok {
			if name == strings.TrimPrefix(table+"."+key, ".") {
				return n
			}
			if inside = name == table; inside {
				header = n
			}
		}
		if name, _, ok := strings.Cut(line, "="); ok && inside && strings.Trim(name, "\"' \t") == key {
			return n
		}
	}
	return header
}

// tomlTable returns the name in the header of a table.
func tomlTable(line string) (name string, ok bool) {
	if !strings.HasPrefix(line, "[") || strings.HasPrefix(line, "[[") {
		return "", false
	}
	name, _, _ = strings.Cut(line, "#")
	return strings.Trim(name, "[] \t"), true
}
