package builder

import (
	"fmt"
	"slices"
	"strings"
)

// Error has the functions that could not be built, and why.
type Error struct {
	// Failures has one entry per distinct message, in the order of the first
	// function's name.
	Failures []Failure
}

// Failure is a message of a compiler or of make, with the functions that it
// stopped.
type Failure struct {
	// Functions are the names of all functions that failed with this message,
	// sorted. Functions that import the same broken package share one.
	Functions []string
	// Message is the tool's own output, without surrounding blank lines.
	Message string
}

func (e *Error) Error() string {
	var text strings.Builder
	for i, f := range e.Failures {
		if i > 0 {
			text.WriteByte('\n')
		}
		text.WriteString(f.names())
		if strings.Contains(f.Message, "\n") {
			text.WriteString(":\n")
		} else {
			text.WriteString(": ")
		}
		text.WriteString(f.Message)
	}
	return text.String()
}

// names names the functions, at most a few, so that the message after them is
// not out of sight.
func (f Failure) names() string {
	switch more := len(f.Functions) - few; {
	case len(f.Functions) == 1:
		return "function " + f.Functions[0]
	case more > 1:
		return fmt.Sprintf("functions %s and %d more", strings.Join(f.Functions[:few], ", "), more)
	}
	return "functions " + strings.Join(f.Functions, ", ")
}

// error returns the error of the build. A full disk stops every function, so
// it is reported once.
func (b *builder) error() error {
	for _, f := range b.failures {
		if diskFull(f.message) {
			return fmt.Errorf("build functions: the disk is full: no space left for %s, "+
				"the build cache of Go or temporary files; free some space and start again", b.outDir)
		}
	}
	return newError(b.failures)
}

// diskFull reports whether the output of a tool has the operating system's text
// for a full disk or a used-up quota.
func diskFull(output string) bool {
	return strings.Contains(output, "no space left on device") || strings.Contains(output, "disk quota exceeded") ||
		strings.Contains(output, "There is not enough space on the disk")
}

type failure struct{ function, message string }

func newError(failures []failure) *Error {
	slices.SortFunc(failures, func(a, b failure) int { return strings.Compare(a.function, b.function) })
	e := &Error{}
	index := make(map[string]int, len(failures))
	for _, f := range failures {
		i, ok := index[f.message]
		if !ok {
			i = len(e.Failures)
			index[f.message] = i
			e.Failures = append(e.Failures, Failure{Message: f.message})
		}
		e.Failures[i].Functions = append(e.Failures[i].Functions, f.function)
	}
	return e
}
