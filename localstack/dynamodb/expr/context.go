package expr

import (
	"maps"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// Names are a request's ExpressionAttributeNames, keys with their '#'.
type Names map[string]string

// Values are a request's ExpressionAttributeValues, keys with their ':'.
type Values map[string]attr.Value

// UnmarshalJSON reads DynamoDB JSON, with the errors of
// [attr.Item.UnmarshalJSON].
func (v *Values) UnmarshalJSON(data []byte) error {
	return (*attr.Item)(v).UnmarshalJSON(data)
}

// Context is what the expressions of one request share. It is for one goroutine;
// what it parses is not bound to it.
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
		if names[key] == "" {
			return nil, attr.Invalidf("ExpressionAttributeNames contains invalid value: Empty attribute name for key %s", key)
		}
	}
	if err := checkKeys("ExpressionAttributeValues", values, ':'); err != nil {
		return nil, err
	}
	return &Context{
		names: names, values: values,
		usedNames: map[string]bool{}, usedValues: map[string]bool{},
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
		return attr.Invalidf("Value provided in %s unused in expressions: keys: {%s}", parameter, strings.Join(unused, ", "))
	}
	return nil
}
