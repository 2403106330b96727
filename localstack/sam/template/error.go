package template

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

// Error returns the mistake as one line,
// "FILE:LINE:COL: Subject: problem; remedy".
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

// Errors holds every mistake that was found, in the order of the file.
type Errors []*Error

// Error returns one line per mistake.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find each mistake.
func (es Errors) Unwrap() []error {
	list := make([]error, len(es))
	for i, e := range es {
		list[i] = e
	}
	return list
}

// UnknownProperty begins the problem of a property that a type does not have.
const UnknownProperty = "unknown property of "

// Sorted orders the mistakes by position and drops duplicates: a bad value in
// Globals is reported once per function. It reuses es.
func (es Errors) Sorted() Errors {
	slices.SortStableFunc(es, func(a, b *Error) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column)
	})
	seen := map[Error]bool{}
	return slices.DeleteFunc(es, func(e *Error) bool {
		same := *e
		if same.Line > 0 {
			same.Subject = "" // the position identifies the property
			// A SAM resource is checked twice: under its own type and under the
			// type that it expands to.
			if strings.HasPrefix(same.Problem, UnknownProperty) {
				same.Problem, same.Remedy = UnknownProperty, ""
			}
		}
		again := seen[same]
		seen[same] = true
		return again
	})
}

// oneLine replaces control characters in text from the template, so that an
// error stays one line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u0085' || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}
