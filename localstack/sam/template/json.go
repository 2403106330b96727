package template

import (
	"encoding/json"
	"strconv"
	"strings"
)

// JSON renders a resolved value. The order of keys is kept, as CloudFormation
// keeps it.
func (v *Value) JSON() []byte {
	switch v.Kind {
	case Object:
		b := []byte{'{'}
		for i, f := range v.Fields {
			b = append(append(comma(b, i), jsonText(f.Key)...), ':')
			b = append(b, f.Value.JSON()...)
		}
		return append(b, '}')
	case List:
		b := []byte{'['}
		for i, item := range v.Items {
			b = append(comma(b, i), item.JSON()...)
		}
		return append(b, ']')
	case Bool:
		return strconv.AppendBool(nil, strings.EqualFold(v.Text, "true"))
	case Number:
		return v.jsonNumber()
	case Text:
		return jsonText(v.Text)
	}
	return []byte("null")
}

// comma appends the separator before the entry with that index.
func comma(b []byte, i int) []byte {
	if i == 0 {
		return b
	}
	return append(b, ',')
}

// jsonNumber renders a number of YAML, such as 0x10, which JSON may not have.
func (v *Value) jsonNumber() []byte {
	if json.Valid([]byte(v.Text)) {
		return []byte(v.Text)
	}
	if n, ok := v.Float(); ok {
		return strconv.AppendFloat(nil, n, 'g', -1, 64)
	}
	return jsonText(v.Text)
}

func jsonText(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil { // cannot happen: every string has a JSON form
		return []byte(`""`)
	}
	return b
}
