package attr

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	msgEmpty    = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
	msgSeveral  = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
	msgNullTrue = invalidParameter + "Null attribute value types must have the value of true"

	msgNotStruct     = "Unexpected value type in payload"
	msgNotCollection = "Unexpected field type"
	msgNotScalar     = "Start of structure or map found where not expected"
)

// UnmarshalJSON parses DynamoDB JSON. It returns a [*ValidationError] or a
// [*SerializationError] with DynamoDB's text. It does not change v if data is
// null, which means an absent member in the JSON protocol of AWS.
func (v *Value) UnmarshalJSON(data []byte) error {
	d := newReader(data)
	if d.PeekKind() == 'n' {
		return nil
	}
	value, err := d.value(MaxDepth)
	if err != nil {
		return err
	}
	*v = value
	return nil
}

// UnmarshalJSON parses DynamoDB JSON, with the errors of [Value.UnmarshalJSON].
func (i *Item) UnmarshalJSON(data []byte) error {
	d := newReader(data)
	if d.PeekKind() == 'n' {
		return nil
	}
	fields, err := d.fields(MaxDepth)
	if err != nil {
		return err
	}
	*i = fields
	return nil
}

// UnmarshalJSONFrom reads DynamoDB JSON from d without copying it, with the
// errors of [Value.UnmarshalJSON].
func (v *Value) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == 'n' {
		return d.SkipValue()
	}
	value, err := reader{d}.value(MaxDepth)
	if err == nil {
		*v = value
	}
	return err
}

// UnmarshalJSONFrom reads DynamoDB JSON from d without copying it, with the
// errors of [Value.UnmarshalJSON].
func (i *Item) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == 'n' {
		return d.SkipValue()
	}
	fields, err := reader{d}.fields(MaxDepth)
	if err == nil {
		*i = fields
	}
	return err
}

// reader reads values from JSON tokens.
type reader struct {
	*jsontext.Decoder
}

func newReader(data []byte) reader {
	return reader{jsontext.NewDecoder(bytes.NewBuffer(data))}
}

// next reads a token. Invalid JSON is a SerializationError.
func (d reader) next() (jsontext.Token, error) {
	token, err := d.ReadToken()
	if err != nil {
		return token, &SerializationError{Message: "The request body is not valid JSON: " + err.Error()}
	}
	return token, nil
}

// open reads the delimiter that begins an object or array. Another token is a
// SerializationError with the given message.
func (d reader) open(delim jsontext.Kind, message string) error {
	token, err := d.next()
	if err != nil {
		return err
	}
	if token.Kind() != delim {
		return &SerializationError{Message: message}
	}
	return nil
}

// fields reads an object whose values have at most depth levels.
func (d reader) fields(depth int) (map[string]Value, error) {
	if err := d.open('{', msgNotCollection); err != nil {
		return nil, err
	}
	fields := map[string]Value{}
	for d.PeekKind() != '}' {
		name, err := d.next()
		if err != nil {
			return nil, err
		}
		key := name.String()
		if fields[key], err = d.value(depth); err != nil {
			return nil, err
		}
	}
	_, err := d.next()
	return fields, err
}

// elements reads an array and calls element for each of its elements.
func (d reader) elements(element func() (Value, error)) ([]Value, error) {
	if err := d.open('[', msgNotCollection); err != nil {
		return nil, err
	}
	var elems []Value
	for d.PeekKind() != ']' {
		e, err := element()
		if err != nil {
			return nil, err
		}
		elems = append(elems, e)
	}
	_, err := d.next()
	return elems, err
}

// value reads an object with one member, whose name is the type.
func (d reader) value(depth int) (Value, error) {
	if depth == 0 {
		return Value{}, tooDeep()
	}
	if err := d.open('{', msgNotStruct); err != nil {
		return Value{}, err
	}
	var (
		value   Value
		invalid error // in the content; several types are reported first
		count   int
	)
	for d.PeekKind() != '}' {
		name, err := d.next()
		if err != nil {
			return Value{}, err
		}
		kind, known := ParseKind(name.String())
		if !known || d.PeekKind() == 'n' {
			if err := d.SkipValue(); err != nil {
				return Value{}, &SerializationError{Message: "The request body is not valid JSON: " + err.Error()}
			}
			continue
		}
		count++
		value, err = d.content(kind, depth)
		if _, ok := errors.AsType[*ValidationError](err); ok && kind != L && kind != M {
			invalid = err // the content was read to its end, so reading can continue
		} else if err != nil {
			return Value{}, err
		}
	}
	if _, err := d.next(); err != nil {
		return Value{}, err
	}
	switch {
	case count == 0:
		return Value{}, structural(msgEmpty)
	case count > 1:
		return Value{}, structural(msgSeveral)
	}
	return value, invalid
}

// content reads the member's value, which must fit its type.
func (d reader) content(kind Kind, depth int) (Value, error) {
	switch kind {
	case S, N, B:
		text, err := d.str()
		if err != nil {
			return Value{}, err
		}
		return scalar(kind, text)
	case BOOL, NULL:
		b, err := d.boolean()
		if err != nil || kind == BOOL {
			return Bool(b), err
		}
		if !b {
			return Value{}, Invalidf(msgNullTrue)
		}
		return Null(), nil
	case L:
		elems, err := d.elements(func() (Value, error) { return d.value(depth - 1) })
		return List(elems...), err
	case M:
		fields, err := d.fields(depth - 1)
		return Map(fields), err
	}
	var texts []string
	_, err := d.elements(func() (Value, error) {
		text, err := d.str()
		texts = append(texts, text)
		return Value{}, err
	})
	if err != nil {
		return Value{}, err
	}
	members := make([]Value, len(texts))
	for i, text := range texts {
		if members[i], err = scalar(kind.member(), text); err != nil {
			return Value{}, err
		}
	}
	return Set(kind, members...)
}

// scalar returns the S, N or B that text represents in JSON.
func scalar(kind Kind, text string) (Value, error) {
	switch kind {
	case N:
		n, err := ParseNumber(text)
		return Num(n), err
	case B:
		return decodeBase64(text)
	}
	return String(text), nil
}

func decodeBase64(text string) (Value, error) {
	if len(text)%4 != 0 {
		return Value{}, &SerializationError{
			Message: fmt.Sprintf("Base64 encoded length is expected a multiple of 4 bytes but found: %d", len(text)),
		}
	}
	// Strict mode also refuses set bits after the last byte, so that one
	// content has one text. Go's decoder skips line breaks; DynamoDB refuses
	// them.
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	at := strings.IndexAny(text, "\r\n")
	if corrupt, ok := errors.AsType[base64.CorruptInputError](err); at < 0 && ok {
		at = int(corrupt)
	}
	if at >= 0 {
		return Value{}, &SerializationError{Message: fmt.Sprintf("Invalid Base64 character: '%c'", text[at])}
	}
	return Value{kind: B, text: string(raw)}, nil
}

func (d reader) str() (string, error) {
	token, err := d.next()
	if err != nil {
		return "", err
	}
	if token.Kind() != '"' {
		return "", mismatch(token, "String")
	}
	return token.String(), nil
}

func (d reader) boolean() (bool, error) {
	token, err := d.next()
	if err != nil {
		return false, err
	}
	switch token.Kind() {
	case 't', 'f':
		return token.Bool(), nil
	case '"':
		return false, &SerializationError{Message: "Unexpected token received from parser"}
	}
	return false, mismatch(token, "Boolean")
}

// mismatch returns the error for a token that is not the wanted String or
// Boolean.
func mismatch(token jsontext.Token, want string) error {
	var found string
	switch token.Kind() {
	case '{':
		return &SerializationError{Message: msgNotScalar}
	case '[':
		return &SerializationError{Message: "Unrecognized collection type class java.lang." + want}
	case 't':
		found = "TRUE_VALUE"
	case 'f':
		found = "FALSE_VALUE"
	case 'n':
		found = "NULL_VALUE"
	default:
		found = "NUMBER_VALUE"
		if bytes.ContainsAny([]byte(token.String()), ".eE") {
			found = "DECIMAL_VALUE"
		}
	}
	return &SerializationError{Message: found + " cannot be converted to " + want}
}
