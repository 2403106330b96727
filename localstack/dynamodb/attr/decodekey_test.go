package attr

import (
	"bytes"
	"strings"
)

// decodeKey decodes the key at the start of b and returns the bytes after it.
// Only the tests need it: the store reads values from items, never from keys.
func decodeKey(b []byte) (v Value, rest []byte, err error) {
	if len(b) == 0 {
		return Value{}, nil, errKey
	}
	switch b[0] {
	case keyS, keyB:
		text, rest, err := decodeText(b[1:])
		if err != nil {
			return Value{}, nil, err
		}
		if b[0] == keyS {
			return String(text), rest, nil
		}
		return Value{kind: B, text: text}, rest, nil
	case keyN:
		n, rest, err := decodeNumber(b[1:])
		return Num(n), rest, err
	}
	return Value{}, nil, errKey
}

func decodeText(b []byte) (string, []byte, error) {
	var text strings.Builder
	for {
		i := bytes.IndexByte(b, escape)
		if i < 0 || i+1 == len(b) {
			return "", nil, errKey
		}
		text.Write(b[:i])
		mark := b[i+1]
		b = b[i+2:]
		switch mark {
		case terminator:
			return text.String(), b, nil
		case escapedNul:
			text.WriteByte(escape)
		default:
			return "", nil, errKey
		}
	}
}
