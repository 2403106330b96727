package sam

import (
	"fmt"
	"regexp"
	"strings"
)

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

// overrideText renders a TOML value as CloudFormation takes it: a list with
// commas.
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
