// Package samconfig reads samconfig.toml, SAM CLI's configuration file, and its
// YAML form.
package samconfig

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/eval"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Config is the settings of one environment. A setting that the file does not
// contain is empty.
type Config struct {
	// Parameters are the values of the template's parameters.
	Parameters map[string]eval.Override
	StackName  string
	Region     string
	// Template is the path of the template, relative to the file.
	Template string
}

// names are the names of the file; an earlier one wins.
var names = []string{"samconfig.toml", "samconfig.yaml", "samconfig.yml"}

// Find returns the path of the configuration file in a folder. Without one it
// returns the path that the error message should show.
func Find(dir string) string {
	for _, name := range names {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path
		}
	}
	return filepath.Join(dir, names[0])
}

// Read reads the tables [env.global.parameters] and [env.deploy.parameters] of
// a file; the second wins.
func Read(path, env string) (*Config, *template.Error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, Unreadable(path, err, "create it beside the template or start without a configuration environment")
	}
	decode := decodeTOML
	if filepath.Ext(path) != ".toml" {
		decode = decodeYAML
	}
	doc, lines, mistake := decode(path, data)
	if mistake != nil {
		return nil, mistake
	}
	commands, ok := doc[env].(map[string]any)
	if !ok {
		return nil, noEnvironment(path, env, doc)
	}
	c := &Config{Parameters: map[string]eval.Override{}}
	for _, command := range []string{"global", "deploy"} {
		settings, _ := commands[command].(map[string]any)
		parameters, _ := settings["parameters"].(map[string]any)
		t := table{path: path, lines: lines, name: env + "." + command + ".parameters"}
		if err := c.add(t, parameters); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Unreadable returns the mistake of a file that cannot be read.
func Unreadable(path string, err error, remedy string) *template.Error {
	problem := "cannot be read: " + err.Error()
	var pe *fs.PathError
	if errors.As(err, &pe) {
		problem = "cannot be read: " + pe.Err.Error()
	}
	if errors.Is(err, fs.ErrNotExist) {
		problem = "there is no such file"
	}
	return &template.Error{File: path, Problem: problem, Remedy: remedy}
}

func noEnvironment(path, env string, doc map[string]any) *template.Error {
	var envs []string
	for _, k := range template.SortedKeys(doc) {
		if _, isTable := doc[k].(map[string]any); isTable {
			envs = append(envs, k)
		}
	}
	hint := "add [" + env + ".deploy.parameters]"
	if len(envs) > 0 {
		hint = "the file has " + strings.Join(envs, ", ")
	}
	return &template.Error{
		File:    path,
		Line:    1,
		Column:  1,
		Problem: "there is no environment " + template.Quote(env),
		Remedy:  template.Suggest(env, envs, "", hint),
	}
}

// add sets the settings of one table; they replace earlier ones.
func (c *Config) add(t table, parameters map[string]any) *template.Error {
	for key, into := range map[string]*string{
		"stack_name":    &c.StackName,
		"region":        &c.Region,
		"template_file": &c.Template,
	} {
		v, ok := parameters[key]
		if !ok {
			continue
		}
		if *into, ok = v.(string); !ok {
			return t.fail(key, "is not a string", "put it in quotes")
		}
	}
	raw, ok := parameters["parameter_overrides"]
	if !ok {
		return nil
	}
	values, problem := parseOverrides(raw)
	if problem != "" {
		return t.fail("parameter_overrides", problem, `write "Key=value Other=value", a list of Key=value, or a table`)
	}
	// The parameters of deploy replace all of global, as SAM CLI does it.
	c.Parameters = map[string]eval.Override{}
	for name, text := range values {
		c.Parameters[name] = eval.Override{Text: text, File: t.path, Line: t.line("parameter_overrides")}
	}
	return nil
}

// table is one table of the file.
type table struct {
	path, name string
	lines      lineFinder
}

// lineFinder returns the line of a key in a table, or the line of the table.
type lineFinder func(table, key string) int

func (t table) line(key string) int { return t.lines(t.name, key) }

func (t table) fail(key, problem, remedy string) *template.Error {
	return &template.Error{
		File:    t.path,
		Line:    t.line(key),
		Column:  1,
		Subject: t.name + "." + key,
		Problem: problem,
		Remedy:  remedy,
	}
}
