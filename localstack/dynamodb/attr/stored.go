package attr

// AppendStoredJSON appends, as DynamoDB JSON, the item whose storage form is
// stored, and returns the item's size as well. It is what [DecodeItem],
// [Item.AppendJSON] and [Item.Size] do, without the item: names are in the same
// order in both forms.
func AppendStoredJSON(dst, stored []byte) (json []byte, size int, err error) {
	d := decoder{rest: stored}
	n, err := d.count()
	if err != nil {
		return nil, 0, err
	}
	dst = append(dst, '{')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		name, err := d.bytes()
		if err != nil {
			return nil, 0, err
		}
		dst = append(appendQuoted(dst, name), ':')
		var valueSize int
		if dst, valueSize, err = d.appendJSON(dst); err != nil {
			return nil, 0, err
		}
		size += len(name) + valueSize
	}
	if len(d.rest) > 0 {
		return nil, 0, errItem
	}
	return append(dst, '}'), size, nil
}

// appendJSON appends the next value as DynamoDB JSON: a text, of which items
// mostly consist, from where it is, others by way of a [Value].
func (d *decoder) appendJSON(dst []byte) (json []byte, size int, err error) {
	if len(d.rest) == 0 {
		return nil, 0, errItem
	}
	switch Kind(d.rest[0]) {
	case S:
		d.rest = d.rest[1:]
		text, err := d.bytes()
		if err != nil {
			return nil, 0, err
		}
		dst = appendQuoted(append(dst, `{"S":`...), text)
		return append(dst, '}'), len(text), nil
	case N, BOOL, NULL: // without texts
	default:
		d.whole = string(d.rest)
	}
	v, err := d.value(MaxDepth)
	if err != nil {
		return nil, 0, err
	}
	return v.AppendJSON(dst), v.Size(), nil
}
