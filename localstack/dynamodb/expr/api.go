package expr

import "github.com/sotto-chat/sotto/localstack/dynamodb/attr"

// Path is a document path: an attribute and the way into it, such as
// a.b[2].c.
type Path []Step

// Step is one part of a [Path]: a name, or an index into a list.
type Step struct {
	Name  string
	Index int // of a list, if Name is empty... see IsIndex
	// IsIndex tells which of the two it is.
	IsIndex bool
}

// Attribute returns the top-level attribute that the path begins at.
func (p Path) Attribute() string { return p[0].Name }

// Condition is a parsed ConditionExpression or FilterExpression.
type Condition struct{}

// Eval reports whether the item meets the condition. A missing item is nil.
func (c *Condition) Eval(item attr.Item) (bool, error) { return false, nil }

// Paths returns the document paths that the condition reads.
func (c *Condition) Paths() []Path { return nil }

// Projection is a parsed ProjectionExpression.
type Projection struct{ paths []Path }

// Paths returns the projected document paths.
func (p *Projection) Paths() []Path { return p.paths }

// Apply returns what the projection leaves of the item.
func (p *Projection) Apply(item attr.Item) attr.Item { return nil }

// Update is a parsed UpdateExpression.
type Update struct{}

// Apply returns the updated item. It never changes old, which is nil, or holds
// the key only, if there was no item.
func (u *Update) Apply(old attr.Item) (attr.Item, error) { return nil, nil }

// UpdatedOld returns what ReturnValues UPDATED_OLD shows, given the item before
// the update.
func (u *Update) UpdatedOld(old attr.Item) attr.Item { return nil }

// UpdatedNew returns what ReturnValues UPDATED_NEW shows, given the item after
// the update.
func (u *Update) UpdatedNew(updated attr.Item) attr.Item { return nil }

// Attributes returns the top-level attributes that the update writes, so that
// the engine can refuse a change of the key.
func (u *Update) Attributes() []string { return nil }

// KeyOp is the operator of a key condition.
type KeyOp uint8

// The operators that a key condition may use.
const (
	Eq KeyOp = iota + 1
	LT
	LE
	GT
	GE
	Between    // two arguments, both inclusive
	BeginsWith // S and B only
)

// KeyTerm is one comparison of a key condition, the attribute on the left.
type KeyTerm struct {
	Attribute string
	Op        KeyOp
	Args      []attr.Value
}

// KeyCondition is a parsed KeyConditionExpression: one or two terms joined by
// AND, each about another attribute. The engine binds them to the key schema.
type KeyCondition []KeyTerm
