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

// The ten data types, under the names that DynamoDB JSON gives them. The zero
// Kind belongs to the zero Value, which is no value at all.
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

// ParseKind returns the type with the given DynamoDB JSON name.
func ParseKind(name string) (Kind, bool) {
	i := slices.Index(kindNames[1:], name)
	return Kind(i + 1), i >= 0
}

// IsSet reports whether k is SS, NS or BS.
func (k Kind) IsSet() bool { return k == SS || k == NS || k == BS }

// member is the type of a set's members.
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

// Value is one attribute value. It is immutable and may be shared freely
// between goroutines. The zero Value is absent: [Value.IsZero] reports it, and
// it never appears inside another value.
//
// Accessors of another type than the value's return that type's zero.
type Value struct {
	kind Kind
	// flag is the boolean of a BOOL, the sign of an N.
	flag bool
	// exp is the exponent of an N.
	exp int16
	// text is the content of an S, the bytes of a B, the digits of an N.
	text string
	// elems are the elements of an L, or the members of a set in ascending
	// order without duplicates.
	elems []Value
	// fields are the members of an M.
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

// List returns a value of type L. It keeps elems: the caller must not change
// the slice afterwards.
func List(elems ...Value) Value { return Value{kind: L, elems: elems} }

// Map returns a value of type M. It keeps fields: the caller must not change
// the map afterwards.
func Map(fields map[string]Value) Value { return Value{kind: M, fields: fields} }

// Set returns a value of type SS, NS or BS with the given members, in any
// order. The error is a [*ValidationError] if there are none, if two are equal
// or if one has another type than the set's.
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

// StringSet returns a value of type SS; see [Set].
func StringSet(members ...string) (Value, error) {
	values := make([]Value, len(members))
	for i, m := range members {
		values[i] = String(m)
	}
	return Set(SS, values...)
}

// Kind returns the value's type, or zero for the zero Value.
func (v Value) Kind() Kind { return v.kind }

// IsZero reports whether v is the zero Value, which stands for absence.
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

// Len returns the number of elements of an L, of members of a set or of
// fields of an M.
func (v Value) Len() int {
	if v.kind == M {
		return len(v.fields)
	}
	return len(v.elems)
}

// Index returns element i of an L. It is false outside the list.
func (v Value) Index(i int) (Value, bool) {
	if v.kind != L || i < 0 || i >= len(v.elems) {
		return Value{}, false
	}
	return v.elems[i], true
}

// Field returns the field of an M. It is false if there is none of that name.
func (v Value) Field(name string) (Value, bool) {
	f, ok := v.fields[name]
	return f, ok
}

// Elements ranges over the elements of an L in order, or over the members of a
// set in ascending order; the members of an SS come as values of type S.
func (v Value) Elements() iter.Seq[Value] { return slices.Values(v.elems) }

// Fields ranges over the fields of an M in no particular order.
func (v Value) Fields() iter.Seq2[string, Value] { return maps.All(v.fields) }

// Contains reports whether the set v has the member m.
func (v Value) Contains(m Value) bool {
	if !v.kind.IsSet() || m.kind != v.kind.member() {
		return false
	}
	_, found := slices.BinarySearchFunc(v.elems, m, compareScalars)
	return found
}

// Union returns the set of the members of a, b or both. Both must be sets of
// one type, else ok is false.
func Union(a, b Value) (union Value, ok bool) {
	if !a.kind.IsSet() || a.kind != b.kind {
		return Value{}, false
	}
	members := slices.Concat(a.elems, b.elems)
	slices.SortFunc(members, compareScalars)
	return Value{kind: a.kind, elems: slices.CompactFunc(members, Value.Equal)}, true
}

// Difference returns the set of the members of a that are not in b, or the
// zero Value if none is left, since DynamoDB has no empty sets. Both must be
// sets of one type, else ok is false.
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

// Equal reports whether a and b have the same type and content. Numbers are
// equal by value, sets whatever the order of their members.
func (v Value) Equal(w Value) bool {
	return v.kind == w.kind && v.flag == w.flag && v.exp == w.exp && v.text == w.text &&
		slices.EqualFunc(v.elems, w.elems, Value.Equal) &&
		maps.EqualFunc(v.fields, w.fields, Value.Equal)
}

// Compare orders two values of the same type S, N or B: strings and binaries
// byte by byte, numbers by value. For any other two, ok is false.
func Compare(a, b Value) (order int, ok bool) {
	if a.kind != b.kind || (a.kind != S && a.kind != N && a.kind != B) {
		return 0, false
	}
	return compareScalars(a, b), true
}

// compareScalars orders two values of one type S, N or B.
func compareScalars(a, b Value) int {
	if a.kind == N {
		return a.Number().Compare(b.Number())
	}
	return strings.Compare(a.text, b.text)
}

// Item is a DynamoDB item: its attributes by name.
type Item map[string]Value

// Equal reports whether both items have the same attributes.
func (i Item) Equal(j Item) bool { return maps.EqualFunc(i, j, Value.Equal) }
