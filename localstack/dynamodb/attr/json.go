package attr

import (
	"encoding/base64"

	"github.com/go-json-experiment/json/jsontext"
)

// MarshalJSON returns the value as DynamoDB JSON, such as {"N":"12.5"}.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// String returns the value as DynamoDB JSON.
func (v Value) String() string { return string(v.AppendJSON(nil)) }

// MarshalJSON returns the item as DynamoDB JSON, with the attributes sorted by
// name.
func (i Item) MarshalJSON() ([]byte, error) { return appendFields(nil, i), nil }

// AppendJSON appends the item as DynamoDB JSON to dst.
func (i Item) AppendJSON(dst []byte) []byte { return appendFields(dst, i) }

// String returns the item as DynamoDB JSON.
func (i Item) String() string { return string(appendFields(nil, i)) }

// AppendJSON appends the value as DynamoDB JSON to dst. It appends null for the
// zero Value.
func (v Value) AppendJSON(dst []byte) []byte {
	if v.kind == 0 {
		return append(dst, "null"...)
	}
	dst = append(dst, '{', '"')
	dst = append(dst, v.kind.String()...)
	dst = append(dst, '"', ':')
	switch v.kind {
	case S, N, B:
		dst = v.appendScalar(dst)
	case BOOL:
		if v.flag {
			dst = append(dst, "true"...)
		} else {
			dst = append(dst, "false"...)
		}
	case NULL:
		dst = append(dst, "true"...)
	case L:
		dst = appendArray(dst, v.elems, Value.AppendJSON)
	case M:
		dst = appendFields(dst, v.fields)
	default:
		dst = appendArray(dst, v.elems, Value.appendScalar)
	}
	return append(dst, '}')
}

// appendScalar appends the JSON string of an S, N or B.
func (v Value) appendScalar(dst []byte) []byte {
	switch v.kind {
	case N:
		dst = append(dst, '"')
		dst = append(dst, v.Number().String()...)
		return append(dst, '"')
	case B:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, []byte(v.text))
		return append(dst, '"')
	}
	return appendQuoted(dst, v.text)
}

// appendQuoted appends s as a JSON string. Invalid UTF-8 becomes U+FFFD, but
// the JSON reader refuses it, so stored strings are valid.
func appendQuoted[Text string | []byte](dst []byte, s Text) []byte {
	if isPlain(s) {
		dst = append(dst, '"')
		dst = append(dst, s...)
		return append(dst, '"')
	}
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

// isPlain reports whether s needs no escapes in JSON.
func isPlain[Text string | []byte](s Text) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func appendArray(dst []byte, elems []Value, element func(Value, []byte) []byte) []byte {
	dst = append(dst, '[')
	for i, e := range elems {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = element(e, dst)
	}
	return append(dst, ']')
}

func appendFields(dst []byte, fields map[string]Value) []byte {
	dst = append(dst, '{')
	for i, name := range sortedNames(make([]string, 0, usualFields), fields) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, name)
		dst = append(dst, ':')
		dst = fields[name].AppendJSON(dst)
	}
	return append(dst, '}')
}
