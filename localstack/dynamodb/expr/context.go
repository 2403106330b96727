package expr

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// Names are a request's ExpressionAttributeNames, keys with their '#'.
type Names map[string]string

// Values are a request's ExpressionAttributeValues, keys with their ':'.
type Values map[string]attr.Value

// maxPlaceholder is the longest key of a placeholder, in bytes, and
// maxAttributeName what it may stand for ("Quotas", expression parameters).
const (
	maxPlaceholder   = 255
	maxAttributeName = 65535
)

// UnmarshalJSON reads DynamoDB JSON, with the errors of
// [attr.Item.UnmarshalJSON], which say whose value is invalid.
func (v *Values) UnmarshalJSON(data []byte) error {
	err := (*attr.Item)(v).UnmarshalJSON(data)
	var invalid *attr.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	var members map[string]jsontext.Value
	if json.Unmarshal(data, &members) != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		var one attr.Value
		if errors.As(one.UnmarshalJSON(members[key]), &invalid) {
			return attr.Invalidf("ExpressionAttributeValues contains invalid value: %s for key %s",
				invalid.Message, key)
		}
	}
	return err
}

// Context is what the expressions of one request share. It is for one
// goroutine; what it parses is not bound to it.
type Context struct {
	names  Names
	values Values

	usedNames  map[string]bool
	usedValues map[string]bool
	parsed     bool // any expression at all
}

// NewContext checks the placeholders of a request. Nil maps stand for absent
// parameters; empty ones are refused, and so are malformed keys.
func NewContext(names Names, values Values) (*Context, error) {
	if err := checkKeys("ExpressionAttributeNames", names, '#'); err != nil {
		return nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(names)) {
		switch n := len(names[key]); {
		case n == 0:
			return nil, attr.Invalidf("ExpressionAttributeNames contains invalid value: Empty attribute name for key %s", key)
		case n > maxAttributeName:
			return nil, attr.Invalidf("ExpressionAttributeNames contains invalid value: The attribute name of %d bytes is longer than %d for key %s", n, maxAttributeName, key)
		}
	}
	if err := checkKeys("ExpressionAttributeValues", values, ':'); err != nil {
		return nil, err
	}
	return &Context{
		names:      names,
		values:     values,
		usedNames:  map[string]bool{},
		usedValues: map[string]bool{},
	}, nil
}

func checkKeys[V any](parameter string, placeholders map[string]V, first byte) error {
	if placeholders == nil {
		return nil
	}
	if len(placeholders) == 0 {
		return attr.Invalidf("%s must not be empty", parameter)
	}
	for _, key := range slices.Sorted(maps.Keys(placeholders)) {
		if !isPlaceholder(key, first) {
			return attr.Invalidf("%s contains invalid key: Syntax error; key: %q", parameter, key)
		}
		if len(key) > maxPlaceholder {
			return attr.Invalidf("%s contains invalid key: A key has at most %d bytes; key: %q", parameter,
				maxPlaceholder, key)
		}
	}
	return nil
}

// CheckUnused refuses names and values that none of the expressions parsed so
// far has used.
func (c *Context) CheckUnused() error {
	if err := checkUnused("ExpressionAttributeNames", c.names, c.usedNames, c.parsed); err != nil {
		return err
	}
	return checkUnused("ExpressionAttributeValues", c.values, c.usedValues, c.parsed)
}

func checkUnused[V any](parameter string, placeholders map[string]V, used map[string]bool, parsed bool) error {
	if len(placeholders) > 0 && !parsed {
		return attr.Invalidf("%s can only be specified when using expressions", parameter)
	}
	var unused []string
	for _, key := range slices.Sorted(maps.Keys(placeholders)) {
		if !used[key] {
			unused = append(unused, key)
		}
	}
	if len(unused) > 0 {
		return attr.Invalidf("Value provided in %s unused in expressions: keys: {%s}", parameter,
			strings.Join(unused, ", "))
	}
	return nil
}
