package template

import (
	"slices"
	"strconv"
	"strings"
)

// suggest is "did you mean …?" if one of known is close to word, else
// otherwise.
func Suggest(word string, known []string, prefix, otherwise string) string {
	if best := Nearest(word, known); best != "" {
		return "did you mean " + prefix + best + "?"
	}
	return otherwise
}

// Nearest returns the entry of known that word may be a misspelling of, or "".
// At most a third of the letters differ, or word is a prefix.
func Nearest(word string, known []string) string {
	lower := strings.ToLower(word)
	best := closest(lower, known)
	if best != "" || len(word) < 4 {
		return best
	}
	for _, k := range known {
		if strings.HasPrefix(strings.ToLower(k), lower) && (best == "" || len(k) < len(best)) {
			best = k
		}
	}
	return best
}

// closest returns the entry of known with the smallest distance to lower.
func closest(lower string, known []string) string {
	best, limit := "", 1
	if len(lower) >= 3 {
		limit += max(1, len(lower)/3)
	}
	for _, k := range known {
		if n := distance(lower, strings.ToLower(k), limit); n < limit {
			best, limit = k, n
		}
	}
	return best
}

// distance returns the Levenshtein distance, with a swap of neighbours as one
// step. It returns limit if the lengths alone differ by that much, which keeps
// it cheap on long words.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return min(row[len(b)], limit)
}

// quote shows a value from the template, shortened so that a line stays a line.
func Quote(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return strconv.Quote(s)
}

// OneOf joins alternatives: "a, b or c".
func OneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// SortedKeys returns the keys of a map in order.
func SortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// IsAlphanumeric reports whether s consists of ASCII letters and digits, as
// CloudFormation demands of logical ids. It is false for "".
func IsAlphanumeric(s string) bool {
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return false
		}
	}
	return s != ""
}
