package awsname

import (
	"strings"
	"unicode/utf8"
)

// Match reports whether text matches an IAM pattern: * stands for any run of
// characters, also an empty one, and ? for one character (IAM User Guide,
// "Resource").
func Match(pattern, text string) bool { return match(pattern, text, false) }

// MatchEscaped is [Match] for a pattern in which a backslash makes the
// character after it literal. See [Escape].
func MatchEscaped(pattern, text string) bool { return match(pattern, text, true) }

var escaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

// Escape returns the pattern for [MatchEscaped] that matches text alone.
func Escape(text string) string { return escaper.Replace(text) }

// match goes back to the last * when a literal does not match, so its time is
// at most len(pattern) × len(text).
func match(pattern, text string, escapes bool) bool {
	p, t := 0, 0
	star, mark := -1, 0 // the last * in pattern, and where its run ends in text
	for t < len(text) {
		if p < len(pattern) {
			c := pattern[p]
			switch {
			case c == '*':
				star, mark = p, t
				p++
				continue
			case escapes && c == '\\' && p+1 < len(pattern):
				if pattern[p+1] == text[t] {
					p += 2
					t++
					continue
				}
			case c == '?':
				_, size := utf8.DecodeRuneInString(text[t:])
				p++
				t += size
				continue
			case c == text[t]:
				p++
				t++
				continue
			}
		}
		if star < 0 {
			return false
		}
		_, size := utf8.DecodeRuneInString(text[mark:])
		mark += size
		p, t = star+1, mark
	}
	return strings.Trim(pattern[p:], "*") == ""
}
