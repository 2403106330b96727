package attr

// Sizes follow "DynamoDB item sizes and formats" in the Developer Guide.
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
		// One byte for every two significant digits and one more.
		return (len(v.text)+1)/2 + 1
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
