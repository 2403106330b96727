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

// Names are the ExpressionAttributeNames of a request. Keys begin with '#'.
type Names map[string]string

// Values are the ExpressionAttributeValues of a request. Keys begin with ':'.
type Values map[string]attr.Value

// Limits of placeholders, in bytes (DynamoDB quotas, "Expression parameters").
const (
	maxPlaceholder   = 255   // a key of Names or Values
	maxAttributeName = 65535 // a value of Names
)

// UnmarshalJSON parses DynamoDB JSON, with the errors of
// [attr.Item.UnmarshalJSON]. The older text for an invalid value has its key.
func (v *Values) UnmarshalJSON(data []byte) error {
	err := (*attr.Item)(v).UnmarshalJSON(data)
	if _, ok := errors.AsType[*attr.ValidationError](err); !ok {
		return err
	}
	var members map[string]jsontext.Value
	if json.Unmarshal(data, &members) != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		var one attr.Value
		if invalid, ok := errors.AsType[*attr.ValidationError](one.UnmarshalJSON(members[key])); ok {
			return wrapInvalid(invalid, key)
		}
	}
	return err
}

// wrapInvalid returns the error for an invalid value of a placeholder. The
// renewed checks do not name the placeholder.
func wrapInvalid(e *attr.ValidationError, key string) error {
	older := e.Older
	if older == "" {
		older = e.Message
	}
	out := *e
	out.Older = "ExpressionAttributeValues contains invalid value: " + older + " for key " + key
	if e.Structural {
		out.Message = out.Older
	}
	return &out
}

// Context holds the placeholders that the expressions of one request share, and
// records which ones they use. It must not be used concurrently; the
// expressions that it parses may be.
type Context struct {
	names  Names
	values Values

	usedNames  map[string]bool
	usedValues map[string]bool
	parsed     bool // at least one expression was parsed
}

// NewContext returns the context of a request. A nil map means an absent
// parameter. NewContext refuses empty maps and malformed keys.
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

// CheckUnused returns an error if no expression that was parsed so far uses one
// of the names or values.
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
