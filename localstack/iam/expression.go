package iam

import (
	"slices"
	"strings"
)

// keywords are the keywords of the expression languages. They are reserved
// words and so never name an attribute.
var keywords = []string{"AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"}

// attributesOf returns the top-level attributes that a DynamoDB expression
// names, in any of the expression languages, with placeholders replaced. It
// looks for names only; the service checks the syntax.
func attributesOf(expression string, names map[string]string) []string {
	var out []string
	tokens := expressionTokens(expression)
	for i, t := range tokens {
		nested := i > 0 && tokens[i-1] == "."
		call := i+1 < len(tokens) && tokens[i+1] == "("
		if nested || !attributeToken(t) || call && t[0] != '#' || slices.Contains(keywords, strings.ToUpper(t)) {
			continue
		}
		if name := resolve(t, names); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// equated returns the placeholder in "attribute = :placeholder" of a key
// condition, or "" if there is none.
func equated(expression string, names map[string]string, attribute string) string {
	tokens := expressionTokens(expression)
	for i := 0; i+2 < len(tokens); i++ {
		if tokens[i+1] != "=" {
			continue
		}
		for _, side := range [][2]string{{tokens[i], tokens[i+2]}, {tokens[i+2], tokens[i]}} {
			if attributeToken(side[0]) && resolve(side[0], names) == attribute && side[1][0] == ':' {
				return side[1]
			}
		}
	}
	return ""
}

// attributeToken reports whether a token may name an attribute.
func attributeToken(t string) bool {
	c := t[0]
	return c == '#' || c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// resolve returns the attribute that a token names.
func resolve(token string, names map[string]string) string {
	if token[0] == '#' {
		return names[token]
	}
	return token
}

// expressionTokens splits an expression into names, placeholders, numbers and
// single characters.
func expressionTokens(s string) []string {
	var out []string
	for i := 0; i < len(s); {
		start := i
		for i < len(s) && (s[i] == '#' || s[i] == ':' || nameByte(s[i]) && s[i] != '-') {
			i++
		}
		if i > start {
			out = append(out, s[start:i])
			continue
		}
		if c := s[i]; c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			out = append(out, s[i:i+1])
		}
		i++
	}
	return out
}
