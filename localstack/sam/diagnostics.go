package sam

import (
	"slices"
	"strconv"
	"strings"
)

// diagnostics collects mistakes, so that one run shows them all.
type diagnostics struct {
	file string
	read []string // the files besides that one
	errs Errors
}

// failAt reports a mistake at a position.
func (d *diagnostics) failAt(line, col int, subject, problem, remedy string) {
	d.errs = append(d.errs, &Error{
		File:    d.file,
		Line:    line,
		Column:  col,
		Subject: subject,
		Problem: problem,
		Remedy:  remedy,
	})
}

// addNew adds the mistakes at places where none is known yet: one that is may
// have led to them.
func (d *diagnostics) addNew(more Errors) {
	known := d.errs
	for _, e := range more {
		if !slices.ContainsFunc(known, func(k *Error) bool {
			return k.File == e.File && k.Line == e.Line && k.Column == e.Column
		}) {
			d.errs = append(d.errs, e)
		}
	}
}

// fail reports a mistake in v and returns a value that silences what follows
// from it.
func (d *diagnostics) fail(v *value, problem, remedy string) *value {
	d.errs = append(d.errs, &Error{
		File:    first(v.file, d.file),
		Line:    v.line,
		Column:  v.col,
		Subject: v.subject(),
		Problem: problem,
		Remedy:  remedy,
	})
	return v.derive(unknown)
}

// failKey reports a mistake in the key of a field of v.
func (d *diagnostics) failKey(v *value, f field, problem, remedy string) {
	subject := join(v.subject(), f.key)
	if f.value != nil && f.value.key == f.key {
		subject = f.value.subject() // in Globals, if v has it from there
	}
	file := v.file
	if f.value != nil {
		file = f.value.file
	}
	d.errs = append(d.errs, &Error{
		File:    first(file, d.file),
		Line:    f.line,
		Column:  f.col,
		Subject: subject,
		Problem: problem,
		Remedy:  remedy,
	})
}

// failFile reports a mistake of the file as a whole.
func (d *diagnostics) failFile(problem, remedy string) { d.failAt(1, 1, "", problem, remedy) }

// join appends a key to a subject. A resource stands for itself.
func join(subject, key string) string {
	if subject == "" || subject == "Resources" {
		return key
	}
	return subject + "." + key
}

// suggest is "did you mean …?" if one of known is close to word, else
// otherwise.
func suggest(word string, known []string, prefix, otherwise string) string {
	if best := nearest(word, known); best != "" {
		return "did you mean " + prefix + best + "?"
	}
	return otherwise
}

// nearest is the one of known that word may be a mistake for: up to a third of
// its letters differ, or it stops short. It is "" if there is none.
func nearest(word string, known []string) string {
	best, limit := "", 1
	if len(word) >= 3 {
		limit += max(1, len(word)/3)
	}
	lower := strings.ToLower(word)
	for _, k := range known {
		if n := distance(lower, strings.ToLower(k), limit); n < limit {
			best, limit = k, n
		}
	}
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

// distance is Levenshtein's, with a swap of neighbours as one step. It gives
// up with limit, which keeps it cheap on long words.
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
func quote(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return strconv.Quote(s)
}

// oneOf joins alternatives: "a, b or c".
func oneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// sortedKeys returns a map's keys in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
