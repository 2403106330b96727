package template

import "strings"

// The constructors below build values for expansion and evaluation. Each is a
// method of the value in the template that the new one stands for, so that a
// mistake is shown there.

// Derive returns an empty value of that kind at the position of v.
func (v *Value) Derive(k Kind) *Value {
	return &Value{
		Kind:   k,
		Line:   v.Line,
		Column: v.Column,
		File:   v.File,
		Parent: v.Parent,
		Key:    v.Key,
	}
}

// NewText returns a string.
func (v *Value) NewText(s string) *Value {
	n := v.Derive(Text)
	n.Text = s
	return n
}

// NewList returns a list.
func (v *Value) NewList(items ...*Value) *Value {
	n := v.Derive(List)
	n.Items = items
	return n
}

// NewTexts returns a list of strings.
func (v *Value) NewTexts(texts ...string) *Value {
	n := v.Derive(List)
	for _, s := range texts {
		n.Items = append(n.Items, v.NewText(s))
	}
	return n
}

// NewObject returns an object.
func (v *Value) NewObject(fields ...Field) *Value {
	n := v.Derive(Object)
	n.Fields = fields
	return n
}

// NewCall returns the intrinsic function name with its argument.
func (v *Value) NewCall(name string, arg *Value) *Value {
	n := v.Derive(Call)
	n.Text = name
	n.Items = []*Value{arg}
	return n
}

// NewRef returns a Ref to a logical id.
func (v *Value) NewRef(id string) *Value { return v.NewCall("Ref", v.NewText(id)) }

// NewARN returns the Fn::GetAtt of a resource's Arn.
func (v *Value) NewARN(id string) *Value { return v.NewCall("Fn::GetAtt", v.NewText(id+".Arn")) }

// MovedTo returns a copy of v with the position and path of at.
func (v *Value) MovedTo(at *Value) *Value {
	n := *v
	n.Line, n.Column, n.File, n.Parent, n.Key = at.Line, at.Column, at.File, at.Parent, at.Key
	return &n
}

// With returns a field at the position of its value.
func With(key string, v *Value) Field {
	return Field{
		Key:    key,
		Line:   v.Line,
		Column: v.Column,
		Value:  v,
	}
}

// Pick copies the fields of an object that exist. A name is a key, or
// "New=Old" to rename it.
func Pick(from *Value, names ...string) []Field {
	var out []Field
	for _, n := range names {
		key, old, ok := strings.Cut(n, "=")
		if !ok {
			old = key
		}
		if f := from.Field(old); f != nil {
			out = append(out, Field{
				Key:    key,
				Line:   f.Line,
				Column: f.Column,
				Value:  f.Value,
			})
		}
	}
	return out
}
