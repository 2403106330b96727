package sam

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one mistake in a template or in samconfig.toml.
type Error struct {
	// File is the path as it was given.
	File string
	// Line and Column count from 1. Both are 0 if the mistake has no position,
	// as when the file is missing.
	Line, Column int
	// Subject is the resource or section and the property path below it, such
	// as ChatApi.Routes.send.FunctionArn.
	Subject string
	// Problem says what is wrong, Remedy what to do about it.
	Problem, Remedy string
}

// Error renders the mistake as one line:
// FILE:LINE:COL: Subject: problem; remedy.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	if e.Subject != "" {
		b.WriteString(": " + e.Subject)
	}
	b.WriteString(": " + e.Problem)
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return oneLine(b.String())
}

// Errors is every mistake found, in the order of the file.
type Errors []*Error

// Error renders one line per mistake.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find the single mistakes.
func (es Errors) Unwrap() []error {
	list := make([]error, len(es))
	for i, e := range es {
		list[i] = e
	}
	return list
}

// unknownProperty begins the problem of a property that a type does not have.
const unknownProperty = "unknown property of "

// Sorted orders the mistakes by position and drops those reported twice, as
// happens when a bad value in Globals reaches several functions. It reuses es.
func (es Errors) Sorted() Errors {
	slices.SortStableFunc(es, func(a, b *Error) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column)
	})
	seen := map[Error]bool{}
	return slices.DeleteFunc(es, func(e *Error) bool {
		same := *e
		if same.Line > 0 {
			same.Subject = "" // the place says it
			// A resource of SAM's is checked again as what it becomes, under
			// another type's name.
			if strings.HasPrefix(same.Problem, unknownProperty) {
				same.Problem, same.Remedy = unknownProperty, ""
			}
		}
		again := seen[same]
		seen[same] = true
		return again
	})
}

// oneLine keeps text from the template from breaking an error's line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u0085' || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}
