package iam

import (
	"strings"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

// literalBackslash turns a pattern of a policy, in which a backslash has no
// special meaning, into one for [awsname.MatchEscaped].
func literalBackslash(pattern string) string { return strings.ReplaceAll(pattern, `\`, `\\`) }

// text is a string of a policy that may have variables (IAM user guide, "Policy
// variables").
type text struct {
	parts []part
	// Without variables: the text, plain and as a pattern for MatchEscaped.
	fixed, fixedPattern string
}

// part is a literal or a variable. The fallback is the text that replaces the
// variable if the request does not have its key.
type part struct {
	literal     string
	variable    string // in lower case
	fallback    string
	hasFallback bool
	isCharacter bool // ${*}, ${?} and ${$}: literal is that character, without special meaning
}

// newText parses s. If variables is false (documents before 2012-10-17), s is
// plain text.
func newText(s string, variables bool) text {
	if !variables || !strings.Contains(s, "${") {
		return text{fixed: s, fixedPattern: literalBackslash(s)}
	}
	var t text
	for s != "" {
		start := strings.Index(s, "${")
		end := -1
		if start >= 0 {
			end = strings.IndexByte(s[start:], '}')
		}
		if end < 0 {
			t.parts = append(t.parts, part{literal: s})
			break
		}
		if start > 0 {
			t.parts = append(t.parts, part{literal: s[:start]})
		}
		t.parts = append(t.parts, variable(s[start+2:start+end]))
		s = s[start+end+1:]
	}
	return t
}

// variable parses the text between ${ and }: a key, optionally followed by a
// comma and a default between apostrophes.
func variable(inside string) part {
	if inside == "*" || inside == "?" || inside == "$" {
		return part{literal: inside, isCharacter: true}
	}
	name, fallback, has := strings.Cut(inside, ",")
	fallback = strings.TrimSpace(fallback)
	if has && len(fallback) >= 2 && fallback[0] == '\'' && fallback[len(fallback)-1] == '\'' {
		fallback = fallback[1 : len(fallback)-1]
	}
	return part{variable: strings.ToLower(strings.TrimSpace(name)), fallback: fallback, hasFallback: has}
}

// pattern replaces the variables and returns a pattern for
// [awsname.MatchEscaped]. It returns false if the request has no value, or
// several, for a variable; then nothing matches.
func (t text) pattern(q *request) (string, bool) {
	if t.parts == nil {
		return t.fixedPattern, true
	}
	return t.expand(q, awsname.Escape, literalBackslash)
}

// value replaces the variables and returns the text. It returns false as
// pattern does.
func (t text) value(q *request) (string, bool) {
	if t.parts == nil {
		return t.fixed, true
	}
	plain := func(s string) string { return s }
	return t.expand(q, plain, plain)
}

// expand replaces the variables. fromRequest and fromPolicy convert the text of
// each origin.
func (t text) expand(q *request, fromRequest, fromPolicy func(string) string) (string, bool) {
	var b strings.Builder
	for _, p := range t.parts {
		switch {
		case p.isCharacter:
			b.WriteString(fromRequest(p.literal))
		case p.variable == "":
			b.WriteString(fromPolicy(p.literal))
		default:
			values, _ := q.lookup(p.variable)
			switch {
			case len(values) == 1:
				b.WriteString(fromRequest(values[0]))
			case len(values) == 0 && p.hasFallback:
				b.WriteString(fromRequest(p.fallback))
			default:
				return "", false
			}
		}
	}
	return b.String(), true
}
