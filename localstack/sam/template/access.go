package template

import (
	"strconv"
	"strings"
)

// Get returns the value under key in an object, or nil.
func (v *Value) Get(key string) *Value {
	if !v.Is(Object) {
		return nil
	}
	if f := v.Field(key); f != nil {
		return f.Value
	}
	return nil
}

// Has reports whether the object v has key.
func (v *Value) Has(key string) bool { return v.Get(key) != nil }

// Field returns the field with that key, or nil.
func (v *Value) Field(key string) *Field {
	if v == nil {
		return nil
	}
	for i := range v.Fields {
		if v.Fields[i].Key == key {
			return &v.Fields[i]
		}
	}
	return nil
}

// Entries returns the fields of an object, and nothing for any other value.
func (v *Value) Entries() []Field {
	if !v.Is(Object) {
		return nil
	}
	return v.Fields
}

// Keys returns the keys of an object in the template's order.
func (v *Value) Keys() []string {
	if v == nil {
		return nil
	}
	keys := make([]string, len(v.Fields))
	for i, f := range v.Fields {
		keys[i] = f.Key
	}
	return keys
}

// OneOrMore returns the items of a list. Any other value stands for a list of
// one; nil is an empty list.
func (v *Value) OneOrMore() []*Value {
	switch {
	case v == nil:
		return nil
	case v.Kind == List:
		return v.Items
	}
	return []*Value{v}
}

// Scalar returns the text of a string, number or boolean, and "" otherwise.
func (v *Value) Scalar() string {
	if v.Known() {
		return v.Text
	}
	return ""
}

// Texts returns the scalars of a list.
func (v *Value) Texts() []string {
	if !v.Is(List) {
		return nil
	}
	var out []string
	for _, item := range v.Items {
		if item.IsScalar() {
			out = append(out, item.Text)
		}
	}
	return out
}

// Bool returns a boolean. CloudFormation also accepts its text in any case.
func (v *Value) Bool() (b, ok bool) {
	switch strings.ToLower(v.Scalar()) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// Int returns an integer of 32 bits. 3.0 and 1e3 are integers too, as in
// CloudFormation's JSON.
func (v *Value) Int() (int, bool) {
	base := 10
	if v.Is(Number) {
		base = 0 // YAML also has hexadecimal and octal integers
	}
	n, err := strconv.ParseInt(v.Scalar(), base, 32)
	if err == nil {
		return int(n), true
	}
	f, ok := v.Float()
	if ok && f == float64(int32(f)) {
		return int(f), true
	}
	return 0, false
}

// Float returns a number between -1e300 and 1e300.
func (v *Value) Float() (float64, bool) {
	f, err := strconv.ParseFloat(v.Scalar(), 64)
	if err != nil || f != f || f > 1e300 || f < -1e300 {
		return 0, false
	}
	return f, true
}

// The methods below read the property under key of the object v. A missing or
// unfit property gives the zero value or the default def.

// Str returns the text of a scalar.
func (v *Value) Str(key string) string { return v.Get(key).Scalar() }

// StrOr is [Value.Str] with a default for a missing or empty property.
func (v *Value) StrOr(key, def string) string {
	if s := v.Str(key); s != "" {
		return s
	}
	return def
}

// BoolOr returns a boolean.
func (v *Value) BoolOr(key string, def bool) bool {
	if b, ok := v.Get(key).Bool(); ok {
		return b
	}
	return def
}

// IntOr returns an integer.
func (v *Value) IntOr(key string, def int) int {
	if n, ok := v.Get(key).Int(); ok {
		return n
	}
	return def
}

// Strings returns the scalars of a list.
func (v *Value) Strings(key string) []string { return v.Get(key).Texts() }

// StringMap returns the scalar entries of a map, or nil if it has no entries.
func (v *Value) StringMap(key string) map[string]string {
	entries := v.Get(key).Entries()
	if len(entries) == 0 {
		return nil
	}
	out := make(map[string]string, len(entries))
	for _, f := range entries {
		if f.Value.IsScalar() {
			out[f.Key] = f.Value.Text
		}
	}
	return out
}

// Each returns the items of a list.
func (v *Value) Each(key string) []*Value {
	if p := v.Get(key); p.Is(List) {
		return p.Items
	}
	return nil
}
