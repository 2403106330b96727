package sam

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"
)

// config is what samconfig.toml says about a deployment.
type config struct {
	parameters        map[string]override
	stackName, region string
}

// readConfig reads the tables [env.global.parameters] and, which wins,
// [env.deploy.parameters] of a samconfig.toml (SAM CLI configuration file).
func readConfig(path, env string) (*config, *Error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, unreadable(path, err, "create it beside the template or start without a configuration environment")
	}
	var doc map[string]any
	if _, err := toml.Decode(string(data), &doc); err != nil {
		e := &Error{File: path, Line: 1, Column: 1, Problem: "not TOML: " + err.Error(), Remedy: "correct the syntax"}
		var pe toml.ParseError
		if errors.As(err, &pe) {
			e.Line, e.Column, e.Problem = pe.Position.Line, max(1, pe.Position.Col), "not TOML: "+pe.Message
		}
		return nil, e
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
		return nil, &Error{File: path, Line: 1, Column: 1, Problem: "there is no environment " + quote(env), Remedy: suggest(env, envs, "", hint)}
	}
	c := &config{parameters: map[string]override{}}
	for _, command := range []string{"global", "deploy"} {
		table, _ := commands[command].(map[string]any)
		parameters, _ := table["parameters"].(map[string]any)
		at := configPosition{path: path, text: string(data), table: env + "." + command + ".parameters"}
		if err := c.add(at, parameters); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// add takes the settings of one table over what is there.
func (c *config) add(at configPosition, parameters map[string]any) *Error {
	for key, into := range map[string]*string{"stack_name": &c.stackName, "region": &c.region} {
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

// parseOverrides reads parameter_overrides in every form: one string, a list
// of strings or tables, a table.
func parseOverrides(raw any) (map[string]string, string) {
	out := map[string]string{}
	switch v := raw.(type) {
	case string:
		return out, splitOverrides(v, out)
	case []any:
		for _, item := range v {
			got, problem := parseOverrides(item)
			if problem != "" {
				return nil, problem
			}
			for k, s := range got {
				out[k] = s
			}
		}
		return out, ""
	case []map[string]any: // an array of tables
		for _, item := range v {
			for k, s := range item {
				out[k] = overrideText(s)
			}
		}
		return out, ""
	case map[string]any:
		for k, s := range v {
			out[k] = overrideText(s)
		}
		return out, ""
	}
	return nil, fmt.Sprintf("is %v", raw)
}

// overrideText renders a TOML value as CloudFormation takes it: a list with commas.
func overrideText(v any) string {
	if items, ok := v.([]any); ok {
		parts := make([]string, len(items))
		for i, item := range items {
			parts[i] = overrideText(item)
		}
		return strings.Join(parts, ",")
	}
	return fmt.Sprint(v)
}

var (
	overridePair   = regexp.MustCompile(`^(?:ParameterKey=([A-Za-z0-9"']+),ParameterValue=|"?([A-Za-z0-9]+)=)`)
	overrideEscape = strings.NewReplacer(`\\`, `\`, `\ `, ` `, `\"`, `"`, `\'`, `'`)
)

// splitOverrides reads Key=value pairs, and the AWS CLI's
// ParameterKey=Key,ParameterValue=value. Quotes keep spaces together, around
// the value or the whole pair; a backslash keeps the next character.
func splitOverrides(s string, out map[string]string) (problem string) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if strings.HasPrefix(s, "file://") {
			return "refers to a file, which is not supported"
		}
		m := overridePair.FindStringSubmatch(s)
		if m == nil {
			return "has no Key=value at " + quote(s)
		}
		key := strings.Trim(first(m[1], m[2]), `"'`)
		rest := s[len(m[0]):]
		if strings.HasPrefix(m[0], `"`) {
			rest = `"` + rest
		}
		n := valueLength(rest)
		if n < 0 {
			return "has a quote that does not end at " + quote(s)
		}
		text := rest[:n]
		if n >= 2 && (text[0] == '"' || text[0] == '\'') && text[n-1] == text[0] {
			text = text[1 : n-1]
		}
		out[key] = overrideEscape.Replace(text)
		s = rest[n:]
	}
	return ""
}

// valueLength measures a value up to the next space outside quotes; -1 means
// that a quote stays open.
func valueLength(s string) int {
	quoted := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
		case quoted != 0:
			if c == quoted {
				quoted = 0
			}
		case (c == '"' || c == '\'') && i == 0:
			quoted = c
		case c == ' ' || c == '\t' || c == '\n':
			return i
		}
	}
	if quoted != 0 {
		return -1
	}
	return len(s)
}

// configPosition finds lines in the file, which the TOML decoder does not tell.
type configPosition struct{ path, text, table string }

func (p configPosition) line(key string) int {
	header, inside, n := 1, false, 0
	for line := range strings.Lines(p.text) {
		n++
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") && !strings.HasPrefix(line, "[[") {
			name := strings.TrimSpace(strings.Trim(strings.SplitN(line, "#", 2)[0], "[] \t"))
			if inside = name == p.table; inside {
				header = n
			}
			if name == p.table+"."+key {
				return n
			}
		}
		if name, _, ok := strings.Cut(line, "="); ok && inside && strings.Trim(name, "\"' \t") == key {
			return n
		}
	}
	return header
}

func (p configPosition) fail(key, problem, remedy string) *Error {
	return &Error{File: p.path, Line: p.line(key), Column: 1, Subject: p.table + "." + key, Problem: problem, Remedy: remedy}
}
