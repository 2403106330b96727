package attr

// AppendStoredJSON appends the item with the storage form stored to dst as
// DynamoDB JSON and returns the item's size too. It does the work of
// [DecodeItem], [Item.AppendJSON] and [Item.Size] without building the item,
// because names have the same order in both forms.
func AppendStoredJSON(dst, stored []byte) (appended []byte, size int, err error) {
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

// appendJSON appends the next value as DynamoDB JSON. It copies a string, the
// most common type, directly from the input and decodes other values first.
func (d *decoder) appendJSON(dst []byte) (appended []byte, size int, err error) {
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
	case N, BOOL, NULL: // no texts, so d.whole is not needed
	default:
		d.whole = string(d.rest)
	}
	v, err := d.value(MaxDepth)
	if err != nil {
		return nil, 0, err
	}
	return v.AppendJSON(dst), v.Size(), nil
}
