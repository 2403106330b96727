package attr

// Sizes follow "DynamoDB item sizes and formats" in the Developer Guide, but
// for numbers, where the guide only approximates what the service counts.
const (
	documentOverhead = 3 // bytes for a list or map, whatever it holds
	elementOverhead  = 1 // bytes for each element of a list or field of a map
)

// Size returns the bytes that DynamoDB counts for the value, without its
// attribute's name.
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

// size is a byte, one for every two significant digits before the decimal
// point, one for every two after it, and one for a minus sign. Zeros that only
// give the magnitude are not significant.
func (n Number) size() int {
	before := min(max(int(n.exp)+1, 0), len(n.digits))
	after := len(n.digits) - before
	size := 1 + (before+1)/2 + (after+1)/2
	if n.neg {
		size++
	}
	return size
}

// Size returns the bytes that DynamoDB counts for the item: the UTF-8 lengths
// of its attributes' names and the sizes of their values. An item may have
// 400 KB (409,600 bytes).
func (i Item) Size() int {
	size := 0
	for name, v := range i {
		size += len(name) + v.Size()
	}
	return size
}
