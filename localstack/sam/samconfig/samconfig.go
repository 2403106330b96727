// Package samconfig reads samconfig.toml, SAM CLI's configuration file, and its
// YAML form.
package samconfig

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
	// Files are the files that were read.
	Files []string
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
	root, wrong := decode(path, data)
	if wrong != nil {
		return nil, wrong
	}
	if !root.Is(template.Object) {
		return nil, mistake(path, 1, "is not a map of environments", "write default: at the top")
	}
	commands := root.Get(env)
	if !commands.Is(template.Object) {
		return nil, noEnvironment(path, env, root)
	}
	c := &Config{Parameters: map[string]eval.Override{}, Files: []string{path}}
	for _, command := range []string{"global", "deploy"} {
		parameters := commands.Get(command).Get("parameters")
		t := table{path: path, name: env + "." + command + ".parameters", parameters: parameters}
		if err := c.add(t); err != nil {
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

func noEnvironment(path, env string, root *template.Value) *template.Error {
	var envs []string
	for _, f := range root.Fields {
		if f.Value.Is(template.Object) {
			envs = append(envs, f.Key)
		}
	}
	slices.Sort(envs)
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
func (c *Config) add(t table) *template.Error {
	for _, setting := range []struct {
		key  string
		into *string
	}{
		{"stack_name", &c.StackName},
		{"region", &c.Region},
		{"template_file", &c.Template},
	} {
		v := t.parameters.Get(setting.key)
		switch {
		case v == nil:
		case v.Kind != template.Text:
			return t.fail(setting.key, "is not a string", "put it in quotes")
		default:
			*setting.into = v.Text
		}
	}
	const key = "parameter_overrides"
	raw := t.parameters.Get(key)
	if raw == nil {
		return nil
	}
	// The parameters of deploy replace all of global, as SAM CLI does it.
	o := overrides{values: map[string]eval.Override{}}
	if err := o.add(t.path, raw); err != nil {
		if err.File == t.path {
			err.Subject = t.name + "." + key
		}
		return err
	}
	c.Parameters = o.values
	for _, file := range o.files {
		if !slices.Contains(c.Files, file) {
			c.Files = append(c.Files, file)
		}
	}
	return nil
}

// table is one table of the file.
type table struct {
	path, name string
	parameters *template.Value
}

func (t table) fail(key, problem, remedy string) *template.Error {
	e := mistake(t.path, t.parameters.Field(key).Line, problem, remedy)
	e.Subject = t.name + "." + key
	return e
}
