package attr

// Sizes follow "DynamoDB item sizes and formats" in the Developer Guide. For
// numbers the guide gives an approximation; see Number.size.
const (
	documentOverhead = 3 // bytes for a list or map, even if it is empty
	elementOverhead  = 1 // bytes for each element of a list or field of a map
)

// Size returns the size of the value in bytes, as DynamoDB counts it, without
// the attribute's name.
func (v Value) Size() int {
	switch v.kind {
	case S, B:
		return len(v.text)
	case N:
		return v.Number().size()
	case BOOL, NULL:
		return 1
	case SS, NS, BS:
		size := 0
		for _, m := range v.elems {
			size += m.Size()
		}
		return size
	case L:
		size := documentOverhead
		for _, e := range v.elems {
			size += elementOverhead + e.Size()
		}
		return size
	case M:
		size := documentOverhead
		for name, f := range v.fields {
			size += elementOverhead + len(name) + f.Size()
		}
		return size
	}
	return 0
}

// size returns the bytes that DynamoDB counts for a number: 1, plus 1 for every
// two significant digits before the decimal point, 1 for every two after it,
// and 1 for a minus sign. Zeros that only give the magnitude are not
// significant.
func (n Number) size() int {
	before := min(max(int(n.exp)+1, 0), len(n.digits))
	after := len(n.digits) - before
	size := 1 + (before+1)/2 + (after+1)/2
	if n.neg {
		size++
	}
	return size
}

// Size returns the size of the item in bytes, as DynamoDB counts it: the UTF-8
// lengths of the attribute names plus the sizes of the values. The limit is
// 400 KB (409,600 bytes).
func (i Item) Size() int {
	size := 0
	for name, v := range i {
		size += len(name) + v.Size()
	}
	return size
}
