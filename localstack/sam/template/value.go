package template

import "strings"

// Kind is what a [Value] holds.
type Kind uint8

const (
	// Unknown stands for a value with a mistake that is already reported. What
	// depends on it reports nothing.
	Unknown Kind = iota
	Null
	Bool
	Number
	Text
	List
	Object
	// Call is an intrinsic function: Text is its name, Items[0] its argument.
	Call
	// Absent is AWS::NoValue. The list or map that holds it drops it.
	Absent
)

// String returns the kind as error messages name it, such as "a list".
func (k Kind) String() string {
	return [...]string{"unknown", "empty", "a boolean", "a number", "a string", "a list", "a map",
		"an intrinsic function", "nothing"}[k]
}

// Value is a node of the template. A parsed value is not changed: evaluation
// and expansion build new values that keep the position of the original.
//
// The methods that read a value accept nil, which stands for a missing
// property.
type Value struct {
	Kind   Kind
	Text   string // a scalar as written, or the name of a call
	Items  []*Value
	Fields []Field

	// Line and Column count from 1.
	Line, Column int
	// File is the file of a value that AWS::Include read; empty in the template
	// itself.
	File string
	// Parent and Key give the path that errors show. They follow the text of
	// the template, also for values that expansion moves elsewhere.
	Parent *Value
	Key    string
}

// Field is one entry of an object.
type Field struct {
	Key          string
	Line, Column int
	Value        *Value
}

// Is reports whether v is present and of that kind.
func (v *Value) Is(k Kind) bool { return v != nil && v.Kind == k }

// IsPresent reports whether v is present and free of reported mistakes.
func (v *Value) IsPresent() bool { return v != nil && v.Kind != Unknown }

// Known reports whether v is present and resolved to a scalar.
func (v *Value) Known() bool { return v != nil && v.IsScalar() }

// IsScalar reports whether v is a string, a number or a boolean.
func (v *Value) IsScalar() bool { return v.Kind == Text || v.Kind == Number || v.Kind == Bool }

// IsListOf reports whether v is a list of least to most values.
func (v *Value) IsListOf(least, most int) bool {
	return v.Is(List) && len(v.Items) >= least && len(v.Items) <= most
}

// HasCall reports whether v holds an intrinsic function.
func (v *Value) HasCall() bool {
	if v.Kind == Call {
		return true
	}
	for _, item := range v.Items {
		if item.HasCall() {
			return true
		}
	}
	for _, f := range v.Fields {
		if f.Value.HasCall() {
			return true
		}
	}
	return false
}

// HasUnknown reports whether v, or a value of the list v, is [Unknown].
func (v *Value) HasUnknown() bool {
	if v.Kind == Unknown {
		return true
	}
	if v.Kind != List {
		return false
	}
	for _, item := range v.Items {
		if item.HasUnknown() {
			return true
		}
	}
	return false
}

// Subject returns the path that an error shows: the logical id and the path of
// the property, without the words Resources and Properties and without the
// intrinsic functions in between.
func (v *Value) Subject() string {
	path := v.path()
	var b strings.Builder
	for i, key := range path {
		if path[0] == "Resources" && len(path) > 1 && (i == 0 || i == 2 && key == "Properties") {
			continue
		}
		if b.Len() > 0 && !strings.HasPrefix(key, "[") {
			b.WriteByte('.')
		}
		b.WriteString(key)
	}
	return b.String()
}

// path returns the keys that lead to v, the outermost first.
func (v *Value) path() []string {
	if v.Parent == nil {
		return nil
	}
	path := v.Parent.path()
	if v.Key == "" || v.Parent.inCall() {
		return path
	}
	return append(path, v.Key)
}

// inCall reports whether v is an intrinsic function or the list of its
// arguments.
func (v *Value) inCall() bool {
	return v.Kind == Call || v.Kind == List && v.Parent.Is(Call)
}
