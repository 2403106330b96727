package samconfig

import (
	"errors"
	"strings"

	"github.com/BurntSushi/toml"
	"go.yaml.in/yaml/v3"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// decodeTOML reads the TOML form of the file.
func decodeTOML(path string, data []byte) (map[string]any, lineFinder, *template.Error) {
	var doc map[string]any
	if _, err := toml.Decode(string(data), &doc); err != nil {
		e := &template.Error{
			File:   path,
			Line:   1,
			Column: 1,
			Problem: "not TOML: " +
				err.Error(),
			Remedy: "correct the syntax",
		}
		var pe toml.ParseError
		if errors.As(err, &pe) {
			e.Line, e.Column, e.Problem = pe.Position.Line, max(1, pe.Position.Col), "not TOML: "+pe.Message
		}
		return nil, nil, e
	}
	return doc, func(table, key string) int { return tomlLine(string(data), table, key) }, nil
}

// tomlLine finds the line of a key in the text; the decoder does not report
// lines.
func tomlLine(text, table, key string) int {
	header, inside, n := 1, false, 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if name, ok := tomlTable(line); ok {
			if name == table+"."+key {
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

// decodeYAML reads the YAML form of the file.
func decodeYAML(path string, data []byte) (map[string]any, lineFinder, *template.Error) {
	r := &template.Report{File: path}
	root := template.Parse(r, data)
	if len(r.Errors) > 0 {
		return nil, nil, r.Errors[0]
	}
	var doc map[string]any
	if err := yaml.Unmarshal(data, &doc); root == nil || err != nil {
		return nil, nil, &template.Error{
			File:    path,
			Line:    1,
			Column:  1,
			Problem: "is not a map of environments",
			Remedy:  "write default: at the top",
		}
	}
	return doc, func(table, key string) int { return yamlLine(root, append(strings.Split(table, "."), key)) }, nil
}

// yamlLine returns the line of the last key of path that exists.
func yamlLine(root *template.Value, path []string) int {
	at, line := root, 1
	for _, key := range path {
		f := at.Field(key)
		if f == nil {
			break
		}
		at, line = f.Value, f.Line
	}
	return line
}
