package sam

import (
	"errors"
	"strings"

	"github.com/BurntSushi/toml"
	"go.yaml.in/yaml/v3"
)

// The two forms of SAM CLI's configuration file. Each decoder gives the
// content and the line on which a table has a key, or the table's own.

func decodeTOML(path string, data []byte) (map[string]any, func(table, key string) int, *Error) {
	var doc map[string]any
	if _, err := toml.Decode(string(data), &doc); err != nil {
		e := &Error{File: path, Line: 1, Column: 1, Problem: "not TOML: " + err.Error(), Remedy: "correct the syntax"}
		var pe toml.ParseError
		if errors.As(err, &pe) {
			e.Line, e.Column, e.Problem = pe.Position.Line, max(1, pe.Position.Col), "not TOML: "+pe.Message
		}
		return nil, nil, e
	}
	return doc, func(table, key string) int { return tomlLine(string(data), table, key) }, nil
}

// tomlLine looks for a key in the text, as the decoder does not tell lines.
func tomlLine(text, table, key string) int {
	header, inside, n := 1, false, 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") && !strings.HasPrefix(line, "[[") {
			name := strings.TrimSpace(strings.Trim(strings.SplitN(line, "#", 2)[0], "[] \t"))
			if inside = name == table; inside {
				header = n
			}
			if name == table+"."+key {
				return n
			}
		}
		if name, _, ok := strings.Cut(line, "="); ok && inside && strings.Trim(name, "\"' \t") == key {
			return n
		}
	}
	return header
}

func decodeYAML(path string, data []byte) (map[string]any, func(table, key string) int, *Error) {
	d := &diagnostics{file: path}
	root := parse(d, data)
	var doc map[string]any
	if err := yaml.Unmarshal(data, &doc); root == nil || len(d.errs) > 0 || err != nil {
		if len(d.errs) > 0 {
			return nil, nil, d.errs[0]
		}
		return nil, nil, &Error{
			File:    path,
			Line:    1,
			Column:  1,
			Problem: "is not a map of environments",
			Remedy:  "write default: at the top",
		}
	}
	return doc, func(table, key string) int {
		at, line := root, 1
		for _, name := range append(strings.Split(table, "."), key) {
			f := at.field(name)
			if f == nil {
				break
			}
			at, line = f.value, f.line
		}
		return line
	}, nil
}
