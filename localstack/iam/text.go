package iam

import "strings"

// glob reports whether name matches pattern, in which * stands for any
// characters, also none, and ? for one. A backslash before * or ? (put there
// by [escape]) makes it plain.
func glob(pattern, name string) bool {
	p, n := 0, 0
	star, mark := -1, 0
	for n < len(name) {
		if p < len(pattern) {
			switch c := pattern[p]; {
			case c == '*':
				star, mark = p, n
				p++
				continue
			case c == '\\' && p+1 < len(pattern) && pattern[p+1] == name[n]:
				p += 2
				n++
				continue
			case c == '?' || c == name[n] && c != '\\':
				p++
				n++
				continue
			}
		}
		if star < 0 {
			return false
		}
		mark++
		p, n = star+1, mark
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

var escaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

// escape makes a glob that matches s alone.
func escape(s string) string { return escaper.Replace(s) }

// escapeBackslash makes a pattern of a policy, which knows no backslash, a
// glob.
func escapeBackslash(s string) string { return strings.ReplaceAll(s, `\`, `\\`) }

// text is a string of a policy, which may have variables in it (IAM user guide,
// "Policy variables").
type text struct {
	parts []part
	// Without variables: the text as it is, and as a glob.
	fixed, fixedPattern string
}

// part is a literal, or a variable with the text that stands in for it when
// the request has no such key.
type part struct {
	literal     string
	variable    string // in lower case
	instead     string
	hasInstead  bool
	isCharacter bool // ${*}, ${?} and ${$}: literal is that character, meant plainly
}

// newText parses s. Without variables (documents before 2012-10-17) it is taken
// as it is.
func newText(s string, variables bool) text {
	if !variables || !strings.Contains(s, "${") {
		return text{fixed: s, fixedPattern: escapeBackslash(s)}
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

// variable parses what stands between ${ and }: a key, and perhaps a comma and
// a default between apostrophes.
func variable(inside string) part {
	if inside == "*" || inside == "?" || inside == "$" {
		return part{literal: inside, isCharacter: true}
	}
	name, instead, has := strings.Cut(inside, ",")
	instead = strings.TrimSpace(instead)
	if has && len(instead) >= 2 && instead[0] == '\'' && instead[len(instead)-1] == '\'' {
		instead = instead[1 : len(instead)-1]
	}
	return part{variable: strings.ToLower(strings.TrimSpace(name)), instead: instead, hasInstead: has}
}

// pattern replaces the variables and returns a glob. It is not ok if the
// request has no value, or several, for one of them: then nothing matches.
func (t text) pattern(q *request) (string, bool) {
	if t.parts == nil {
		return t.fixedPattern, true
	}
	return t.expand(q, escape, escapeBackslash)
}

// value replaces the variables and returns the text as it is.
func (t text) value(q *request) (string, bool) {
	if t.parts == nil {
		return t.fixed, true
	}
	plain := func(s string) string { return s }
	return t.expand(q, plain, plain)
}

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
			case len(values) == 0 && p.hasInstead:
				b.WriteString(fromRequest(p.instead))
			default:
				return "", false
			}
		}
	}
	return b.String(), true
}
