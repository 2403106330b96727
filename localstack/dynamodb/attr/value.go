package attr

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Kind is the data type of a [Value].
type Kind uint8

// The ten data types, with their names in DynamoDB JSON. The zero Kind is the
// kind of the zero Value, which means no value.
const (
	S    Kind = iota + 1 // string
	N                    // number
	B                    // binary
	SS                   // string set
	NS                   // number set
	BS                   // binary set
	M                    // map
	L                    // list
	BOOL                 // boolean
	NULL                 // null
)

var kindNames = [...]string{"", "S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL"}

// String returns the type's name in DynamoDB JSON, such as "NS".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// ParseKind returns the type with the given name in DynamoDB JSON. ok is false
// if there is none.
func ParseKind(name string) (k Kind, ok bool) {
	i := slices.Index(kindNames[1:], name)
	return Kind(i + 1), i >= 0
}

// IsSet reports whether k is SS, NS or BS.
func (k Kind) IsSet() bool { return k == SS || k == NS || k == BS }

// member returns the type of a set's members, 0 if k is not a set.
func (k Kind) member() Kind {
	switch k {
	case SS:
		return S
	case NS:
		return N
	case BS:
		return B
	}
	return 0
}

// Value is one attribute value. It is immutable and may be shared between
// goroutines. The zero Value means no value; [Value.IsZero] reports it, and no
// other value contains it.
//
// An accessor for another type than the value's returns the zero of that type.
type Value struct {
	kind Kind
	// flag is the boolean of a BOOL, or whether an N is negative.
	flag bool
	// exp is the exponent of an N.
	exp int16
	// text is the content of an S, the bytes of a B or the digits of an N.
	text string
	// elems are the elements of an L, or the members of a set in ascending
	// order without duplicates.
	elems []Value
	// fields are the fields of an M.
	fields map[string]Value
}

// String returns a value of type S. DynamoDB strings are UTF-8.
func String(s string) Value { return Value{kind: S, text: s} }

// Num returns a value of type N.
func Num(n Number) Value {
	return Value{kind: N, flag: n.neg, exp: n.exp, text: n.digits}
}

// Int returns a value of type N.
func Int(i int64) Value { return Num(NumberFromInt(i)) }

// Binary returns a value of type B with a copy of b.
func Binary(b []byte) Value { return Value{kind: B, text: string(b)} }

// Bool returns a value of type BOOL.
func Bool(b bool) Value { return Value{kind: BOOL, flag: b} }

// Null returns the value of type NULL.
func Null() Value { return Value{kind: NULL} }

// List returns a value of type L. It keeps elems, so the caller must not change
// the slice afterwards.
func List(elems ...Value) Value { return Value{kind: L, elems: elems} }

// Map returns a value of type M. It keeps fields, so the caller must not change
// the map afterwards.
func Map(fields map[string]Value) Value { return Value{kind: M, fields: fields} }

// Set returns a value of type SS, NS or BS with the given members, in any
// order. It returns a [*ValidationError] if there are none, if two are equal or
// if one has the wrong type.
func Set(kind Kind, members ...Value) (Value, error) {
	if len(members) == 0 {
		return Value{}, emptySet(kind)
	}
	sorted := slices.Clone(members)
	for _, m := range sorted {
		if m.kind != kind.member() || m.IsZero() {
			return Value{}, Invalidf("One or more parameter values were invalid: A member of type %s is not allowed in a set of type %s", m.kind, kind)
		}
	}
	slices.SortFunc(sorted, compareScalars)
	if len(slices.CompactFunc(sorted, Value.Equal)) < len(members) {
		return Value{}, duplicateMembers(kind, members)
	}
	return Value{kind: kind, elems: sorted}, nil
}

// Kind returns the value's type, or zero for the zero Value.
func (v Value) Kind() Kind { return v.kind }

// IsZero reports whether v is the zero Value, which means no value.
func (v Value) IsZero() bool { return v.kind == 0 }

// Text returns the content of an S, or the raw bytes of a B as a string.
func (v Value) Text() string {
	if v.kind == S || v.kind == B {
		return v.text
	}
	return ""
}

// Bytes returns a copy of the bytes of a B.
func (v Value) Bytes() []byte {
	if v.kind != B {
		return nil
	}
	return []byte(v.text)
}

// Number returns the number of an N.
func (v Value) Number() Number {
	if v.kind != N {
		return Number{}
	}
	return Number{neg: v.flag, exp: v.exp, digits: v.text}
}

// Bool returns the boolean of a BOOL.
func (v Value) Bool() bool { return v.kind == BOOL && v.flag }

// Len returns the number of elements of an L, members of a set or fields of an
// M.
func (v Value) Len() int {
	if v.kind == M {
		return len(v.fields)
	}
	return len(v.elems)
}

// Index returns element i of an L. ok is false if i is outside the list.
func (v Value) Index(i int) (elem Value, ok bool) {
	if v.kind != L || i < 0 || i >= len(v.elems) {
		return Value{}, false
	}
	return v.elems[i], true
}

// Field returns the field of an M. ok is false if there is no such field.
func (v Value) Field(name string) (field Value, ok bool) {
	field, ok = v.fields[name]
	return field, ok
}

// Elements iterates over the elements of an L in order, or over the members of
// a set in ascending order. The members of an SS are values of type S.
func (v Value) Elements() iter.Seq[Value] { return slices.Values(v.elems) }

// Fields iterates over the fields of an M in no particular order.
func (v Value) Fields() iter.Seq2[string, Value] { return maps.All(v.fields) }

// Contains reports whether the set v has the member m.
func (v Value) Contains(m Value) bool {
	if !v.kind.IsSet() || m.kind != v.kind.member() {
		return false
	}
	_, found := slices.BinarySearchFunc(v.elems, m, compareScalars)
	return found
}

// Union returns the set of the members of a and b. ok is false unless a and b
// are sets of the same type.
func Union(a, b Value) (union Value, ok bool) {
	if !a.kind.IsSet() || a.kind != b.kind {
		return Value{}, false
	}
	members := slices.Concat(a.elems, b.elems)
	slices.SortFunc(members, compareScalars)
	return Value{kind: a.kind, elems: slices.CompactFunc(members, Value.Equal)}, true
}

// Difference returns the set of the members of a that are not in b, or the zero
// Value if there are none, because DynamoDB has no empty sets. ok is false
// unless a and b are sets of the same type.
func Difference(a, b Value) (rest Value, ok bool) {
	if !a.kind.IsSet() || a.kind != b.kind {
		return Value{}, false
	}
	var members []Value
	for _, m := range a.elems {
		if !b.Contains(m) {
			members = append(members, m)
		}
	}
	if len(members) == 0 {
		return Value{}, true
	}
	return Value{kind: a.kind, elems: members}, true
}

// Equal reports whether v and w have the same type and content. It compares
// numbers by value, and sets without regard to order.
func (v Value) Equal(w Value) bool {
	return v.kind == w.kind && v.flag == w.flag && v.exp == w.exp && v.text == w.text &&
		slices.EqualFunc(v.elems, w.elems, Value.Equal) &&
		maps.EqualFunc(v.fields, w.fields, Value.Equal)
}

// Compare compares two values of the same type S, N or B: strings and binaries
// byte by byte, numbers by value. order is -1, 0 or 1. ok is false for other
// types.
func Compare(a, b Value) (order int, ok bool) {
	if a.kind != b.kind || (a.kind != S && a.kind != N && a.kind != B) {
		return 0, false
	}
	return compareScalars(a, b), true
}

// compareScalars compares two values of the same type S, N or B.
func compareScalars(a, b Value) int {
	if a.kind == N {
		return a.Number().Compare(b.Number())
	}
	return strings.Compare(a.text, b.text)
}

// Item is a DynamoDB item: its attributes by name.
type Item map[string]Value

// Equal reports whether i and j have equal attributes.
func (i Item) Equal(j Item) bool { return maps.EqualFunc(i, j, Value.Equal) }
