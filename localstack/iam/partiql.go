package iam

import "strings"

// partiQL returns the action that a statement of PartiQL for DynamoDB needs,
// its table and its index (service authorization reference, DynamoDB). The
// table is empty if the statement is not SELECT, INSERT, UPDATE or DELETE.
func partiQL(statement string) (action, table, index string) {
	words := partiQLWords(statement)
	if len(words) > 1 && strings.EqualFold(words[0], "EXISTS") {
		words = words[1:] // EXISTS(SELECT …), in a transaction
	}
	if len(words) == 0 {
		return "", "", ""
	}
	before := "FROM"
	switch strings.ToUpper(words[0]) {
	case "SELECT":
		action = "PartiQLSelect"
	case "DELETE":
		action = "PartiQLDelete"
	case "INSERT":
		action, before = "PartiQLInsert", "INTO"
	case "UPDATE":
		action, before = "PartiQLUpdate", "UPDATE"
	default:
		return "", "", ""
	}
	for i, word := range words {
		if !strings.EqualFold(word, before) || i+1 == len(words) {
			continue
		}
		table = unquote(words[i+1])
		if i+3 < len(words) && words[i+2] == "." {
			index = unquote(words[i+3])
		}
		return action, table, index
	}
	return "", "", ""
}

func unquote(word string) string { return strings.Trim(word, `"`) }

// partiQLWords splits a statement into names, quoted names (with their quotes)
// and dots. It leaves out everything else, such as strings and operators.
func partiQLWords(s string) []string {
	var words []string
	for i := 0; i < len(s); {
		start := i
		switch c := s[i]; {
		case c == '\'' || c == '"':
			i++
			for i < len(s) && s[i] != c {
				i++
			}
			i = min(i+1, len(s))
			if c == '"' {
				words = append(words, s[start:i])
			}
		case nameByte(c):
			for i < len(s) && nameByte(s[i]) {
				i++
			}
			words = append(words, s[start:i])
		default:
			if c == '.' {
				words = append(words, ".")
			}
			i++
		}
	}
	return words
}

// nameByte reports whether c may be in a name without quotes.
func nameByte(c byte) bool {
	return c == '_' || c == '-' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
