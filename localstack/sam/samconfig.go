package sam

import (
	"os"
	"path/filepath"
	"strings"
)

// config is what samconfig.toml says about a deployment.
type config struct {
	parameters                  map[string]override
	stackName, region, template string
}

// configNames are the names of SAM CLI's configuration file, the first first.
var configNames = []string{"samconfig.toml", "samconfig.yaml", "samconfig.yml"}

// findConfig is the configuration file in a folder. Without one it is the name
// that the error should show.
func findConfig(dir string) string {
	for _, name := range configNames {
		if path := filepath.Join(dir, name); isFile(path) {
			return path
		}
	}
	return filepath.Join(dir, configNames[0])
}

// readConfig reads the tables [env.global.parameters] and, which wins,
// [env.deploy.parameters] of a samconfig.toml, or the same of its YAML form
// (SAM CLI configuration file).
func readConfig(path, env string) (*config, *Error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, unreadable(path, err, "create it beside the template or start without a configuration environment")
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
		var envs []string
		for _, k := range sortedKeys(doc) {
			if _, isTable := doc[k].(map[string]any); isTable {
				envs = append(envs, k)
			}
		}
		hint := "add [" + env + ".deploy.parameters]"
		if len(envs) > 0 {
			hint = "the file has " + strings.Join(envs, ", ")
		}
		return nil, &Error{
			File:    path,
			Line:    1,
			Column:  1,
			Problem: "there is no environment " + quote(env),
			Remedy:  suggest(env, envs, "", hint),
		}
	}
	c := &config{parameters: map[string]override{}}
	for _, command := range []string{"global", "deploy"} {
		table, _ := commands[command].(map[string]any)
		parameters, _ := table["parameters"].(map[string]any)
		at := configPosition{path: path, lines: lines, table: env + "." + command + ".parameters"}
		if err := c.add(at, parameters); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// add takes the settings of one table over what is there.
func (c *config) add(at configPosition, parameters map[string]any) *Error {
	for key, into := range map[string]*string{"stack_name": &c.stackName, "region": &c.region,
		"template_file": &c.template} {
		if v, ok := parameters[key]; ok {
			s, ok := v.(string)
			if !ok {
				return at.fail(key, "is not a string", "put it in quotes")
			}
			*into = s
		}
	}
	raw, ok := parameters["parameter_overrides"]
	if !ok {
		return nil
	}
	// Within one command the later form replaces the earlier one whole, so the
	// parameters of deploy replace those of global.
	values, problem := parseOverrides(raw)
	if problem != "" {
		return at.fail("parameter_overrides", problem, `write "Key=value Other=value", a list of Key=value, or a table`)
	}
	c.parameters = map[string]override{}
	for name, text := range values {
		c.parameters[name] = override{text: text, file: at.path, line: at.line("parameter_overrides")}
	}
	return nil
}

// configPosition is one table of the file.
type configPosition struct {
	path, table string
	lines       func(table, key string) int
}

func (p configPosition) line(key string) int { return p.lines(p.table, key) }

func (p configPosition) fail(key, problem, remedy string) *Error {
	return &Error{
		File:    p.path,
		Line:    p.line(key),
		Column:  1,
		Subject: p.table + "." + key,
		Problem: problem,
		Remedy:  remedy,
	}
}
