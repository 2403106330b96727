package expr

import (
	"errors"

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

// Context is what the expressions of one request share.
type Context struct {
	names  Names
	values Values
}

// NewContext checks the placeholders of a request. Nil maps stand for absent
// parameters; empty ones are refused.
func NewContext(names Names, values Values) (*Context, error) {
	return &Context{names: names, values: values}, nil
}

// ParseCondition reads a condition. The field, ConditionExpression or
// FilterExpression, is named in errors.
func (c *Context) ParseCondition(field, src string) (*Condition, error) {
	return nil, errors.ErrUnsupported
}

// ParseProjection reads a ProjectionExpression.
func (c *Context) ParseProjection(src string) (*Projection, error) {
	return nil, errors.ErrUnsupported
}

// ParseUpdate reads an UpdateExpression.
func (c *Context) ParseUpdate(src string) (*Update, error) { return nil, errors.ErrUnsupported }

// ParseKeyCondition reads a KeyConditionExpression.
func (c *Context) ParseKeyCondition(src string) (KeyCondition, error) {
	return nil, errors.ErrUnsupported
}

// CheckUnused refuses names and values that none of the expressions parsed so
// far has used.
func (c *Context) CheckUnused() error { return nil }
