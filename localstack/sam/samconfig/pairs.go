package samconfig

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

var (
	overridePair   = regexp.MustCompile(`^(?:ParameterKey=([A-Za-z0-9"']+),ParameterValue=|"?([A-Za-z0-9]+)=)`)
	overrideEscape = strings.NewReplacer(`\\`, `\`, `\ `, ` `, `\"`, `"`, `\'`, `'`)
)

// splitOverrides reads Key=value pairs, and
// ParameterKey=Key,ParameterValue=value of the AWS CLI. Quotes around the value
// or the whole pair keep spaces; a backslash keeps the next character.
func splitOverrides(s string) (values map[string]string, problem string) {
	values = map[string]string{}
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if strings.HasPrefix(s, fileScheme) {
			return nil, "has a file:// URL beside other values"
		}
		m := overridePair.FindStringSubmatch(s)
		if m == nil {
			return nil, "has no Key=value at " + template.Quote(s)
		}
		rest := s[len(m[0]):]
		if strings.HasPrefix(m[0], `"`) {
			rest = `"` + rest
		}
		n := valueLength(rest)
		if n < 0 {
			return nil, "has a quote that does not end at " + template.Quote(s)
		}
		key := strings.Trim(cmp.Or(m[1], m[2]), `"'`)
		values[key] = overrideEscape.Replace(unquote(rest[:n]))
		s = rest[n:]
	}
	return values, ""
}

// unwrap removes the quotes around s and the backslashes before spaces and
// quotes.
func unwrap(s string) string {
	return strings.NewReplacer(`\ `, " ", `\"`, `"`, `\'`, "'").Replace(unquote(s))
}

// unquote removes the quotes around s, if there are any.
func unquote(s string) string {
	if n, q := len(s), openingQuote(s); q != 0 && n >= 2 && q == s[n-1] {
		return s[1 : n-1]
	}
	return s
}

// valueLength returns the length of a value: up to the next space outside of
// quotes. It is -1 if a quote does not end.
func valueLength(s string) int {
	quote := openingQuote(s)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
		case quote != 0:
			if c == quote && i > 0 {
				quote = 0
			}
		case c == ' ' || c == '\t' || c == '\n':
			return i
		}
	}
	if quote != 0 {
		return -1
	}
	return len(s)
}

// openingQuote returns the quote that s begins with, or 0.
func openingQuote(s string) byte {
	if strings.HasPrefix(s, `"`) || strings.HasPrefix(s, "'") {
		return s[0]
	}
	return 0
}
