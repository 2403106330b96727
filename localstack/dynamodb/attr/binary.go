package attr

import (
	"encoding/binary"
	"errors"
	"slices"
)

// Storage form. An item is the number of its attributes, followed by each name
// and value, sorted by name. A value is the byte of its type, followed by
//
//	S, B          length and bytes
//	N             the body of its key encoding
//	BOOL          0 or 1
//	NULL          nothing
//	SS, NS, BS, L number of elements, then each as a value
//	M             the same form as an item
//
// Lengths and numbers of elements are unsigned varints. Equal items have equal
// forms.

var errItem = errors.New("malformed stored item")

// AppendBinary appends the item's storage form to dst.
func (i Item) AppendBinary(dst []byte) []byte { return appendBinaryFields(dst, i) }

func appendBinaryFields(dst []byte, fields map[string]Value) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(fields)))
	for _, name := range sortedNames(make([]string, 0, usualFields), fields) {
		dst = appendText(dst, name)
		dst = fields[name].appendBinary(dst)
	}
	return dst
}

// usualFields is the number of attribute names that are sorted without an
// allocation.
const usualFields = 16

// sortedNames appends the names of fields, sorted, to the empty slice dst.
func sortedNames(dst []string, fields map[string]Value) []string {
	for name := range fields {
		dst = append(dst, name)
	}
	slices.Sort(dst)
	return dst
}

func appendText(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func (v Value) appendBinary(dst []byte) []byte {
	dst = append(dst, byte(v.kind))
	switch v.kind {
	case S, B:
		return appendText(dst, v.text)
	case N:
		return appendNumber(dst, v.Number())
	case BOOL:
		if v.flag {
			return append(dst, 1)
		}
		return append(dst, 0)
	case SS, NS, BS, L:
		dst = binary.AppendUvarint(dst, uint64(len(v.elems)))
		for _, e := range v.elems {
			dst = e.appendBinary(dst)
		}
	case M:
		dst = appendBinaryFields(dst, v.fields)
	}
	return dst
}

// DecodeItem decodes b, which must be the storage form of exactly one item. The
// item does not refer to b.
func DecodeItem(b []byte) (Item, error) {
	d := decoder{b, string(b)}
	fields, err := d.fields(MaxDepth)
	if err != nil {
		return nil, err
	}
	if len(d.rest) > 0 {
		return nil, errItem
	}
	return fields, nil
}

type decoder struct {
	rest []byte
	// whole is a copy of the input. All texts are parts of it, so they cost one
	// allocation together.
	whole string
}

// count reads a length or a number of elements. Every element has at least one
// byte, so a count is at most the number of bytes left. Damaged input cannot
// cause a larger allocation.
func (d *decoder) count() (int, error) {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 || n > uint64(len(d.rest)-size) {
		return 0, errItem
	}
	d.rest = d.rest[size:]
	return int(n), nil
}

func (d *decoder) byte() (byte, error) {
	if len(d.rest) == 0 {
		return 0, errItem
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b, nil
}

func (d *decoder) text() (string, error) {
	at, err := d.bytes()
	if err != nil {
		return "", err
	}
	end := len(d.whole) - len(d.rest)
	return d.whole[end-len(at) : end], nil
}

// bytes reads a text. The result is a part of the input, not a copy.
func (d *decoder) bytes() ([]byte, error) {
	n, err := d.count()
	if err != nil {
		return nil, err
	}
	text := d.rest[:n]
	d.rest = d.rest[n:]
	return text, nil
}

func (d *decoder) fields(depth int) (map[string]Value, error) {
	n, err := d.count()
	if err != nil {
		return nil, err
	}
	fields := make(map[string]Value, n)
	for range n {
		name, err := d.text()
		if err != nil {
			return nil, err
		}
		if fields[name], err = d.value(depth); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

func (d *decoder) value(depth int) (Value, error) {
	if depth == 0 {
		return Value{}, errItem
	}
	b, err := d.byte()
	if err != nil {
		return Value{}, err
	}
	switch kind := Kind(b); kind {
	case S, B:
		text, err := d.text()
		return Value{kind: kind, text: text}, err
	case N:
		n, rest, err := decodeNumber(d.rest)
		d.rest = rest
		return Num(n), err
	case BOOL:
		b, err := d.byte()
		if b > 1 {
			return Value{}, errItem
		}
		return Bool(b == 1), err
	case NULL:
		return Null(), nil
	case SS, NS, BS:
		elems, err := d.elements(depth - 1)
		if err == nil && !isSorted(elems, kind.member()) {
			err = errItem
		}
		return Value{kind: kind, elems: elems}, err
	case L:
		elems, err := d.elements(depth - 1)
		return List(elems...), err
	case M:
		fields, err := d.fields(depth - 1)
		return Value{kind: M, fields: fields}, err
	}
	return Value{}, errItem
}

func (d *decoder) elements(depth int) ([]Value, error) {
	n, err := d.count()
	if err != nil || n == 0 {
		return nil, err
	}
	elems := make([]Value, n)
	for i := range elems {
		if elems[i], err = d.value(depth); err != nil {
			return nil, err
		}
	}
	return elems, nil
}

// isSorted reports whether elems are valid members of a set: not empty, all of
// the same kind, in ascending order and without duplicates.
func isSorted(elems []Value, kind Kind) bool {
	for i, e := range elems {
		if e.kind != kind || i > 0 && compareScalars(elems[i-1], e) >= 0 {
			return false
		}
	}
	return len(elems) > 0
}
