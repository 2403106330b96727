package expr

import (
	"fmt"
	"slices"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// KeyOp is the operator of a key condition.
type KeyOp uint8

// The operators of key conditions.
const (
	Eq         KeyOp = iota + 1 // =
	LT                          // <
	LE                          // <=
	GT                          // >
	GE                          // >=
	Between                     // both bounds are inclusive
	BeginsWith                  // S and B only
)

var keyOpNames = [...]string{"", "=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"}

// String returns the operator as DynamoDB writes it in messages.
func (op KeyOp) String() string {
	if int(op) < len(keyOpNames) {
		return keyOpNames[op]
	}
	return fmt.Sprintf("KeyOp(%d)", uint8(op))
}

// KeyTerm is one comparison of a key condition. The attribute is on the left:
// ":v < a" becomes a > :v.
type KeyTerm struct {
	Attribute string
	Op        KeyOp
	Args      []attr.Value // two for Between, one for the others
}

// KeyCondition is a parsed KeyConditionExpression: terms that are joined by
// AND, each for a different top-level attribute. The engine checks them against
// the key schema: how many there are, which attributes they name and which
// types their values have.
type KeyCondition []KeyTerm

// ParseKeyCondition parses a KeyConditionExpression.
func (c *Context) ParseKeyCondition(src string) (KeyCondition, error) {
	_, root, err := c.parseCondition("KeyConditionExpression", src)
	if err != nil {
		return nil, err
	}
	var terms KeyCondition
	if err := terms.add(root); err != nil {
		return nil, err
	}
	return terms, nil
}

// add appends the terms of a condition.
func (k *KeyCondition) add(root cond) error {
	switch c := root.(type) {
	case andCond:
		if err := k.add(c.left); err != nil {
			return err
		}
		return k.add(c.right)
	case betweenCond:
		return k.addTerm(Between, c.of, c.low, c.high)
	case beginsCond:
		return k.addTerm(BeginsWith, c.of, c.prefix)
	case compareCond:
		i := slices.Index(keyOpNames[:], c.op)
		if i < 0 { // <>
			break
		}
		op := KeyOp(i)
		if _, isPath := c.right.(pathOperand); isPath {
			if _, isValue := c.left.(valueOperand); isValue {
				return k.addTerm(mirror(op), c.right, c.left)
			}
		}
		return k.addTerm(op, c.left, c.right)
	}
	return attr.Invalidf("Invalid operator used in KeyConditionExpression: %s", root.operator())
}

// mirror returns the operator for exchanged operands.
func mirror(op KeyOp) KeyOp {
	switch op {
	case LT:
		return GT
	case LE:
		return GE
	case GT:
		return LT
	case GE:
		return LE
	}
	return op
}

// addTerm appends one term. Exactly one operand must be an attribute; for
// BETWEEN and begins_with it must be the first.
func (k *KeyCondition) addTerm(op KeyOp, operands ...operand) error {
	term := KeyTerm{Op: op}
	if _, isPath := operands[0].(pathOperand); !isPath && (op == Between || op == BeginsWith) {
		return attr.Invalidf("Invalid condition in KeyConditionExpression: %s operator must have the key attribute as its first operand", op)
	}
	for _, o := range operands {
		switch o := o.(type) {
		case sizeOperand:
			return attr.Invalidf("KeyConditionExpressions cannot contain nested operations")
		case valueOperand:
			term.Args = append(term.Args, o.value)
		case pathOperand:
			if term.Attribute != "" {
				return attr.Invalidf("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
			}
			if len(o.path) > 1 {
				return attr.Invalidf("KeyConditionExpressions cannot have conditions on nested attributes")
			}
			term.Attribute = o.path.Attribute()
		}
	}
	if term.Attribute == "" {
		return attr.Invalidf("Invalid condition in KeyConditionExpression: No key attribute specified")
	}
	for _, other := range *k {
		if other.Attribute == term.Attribute {
			return attr.Invalidf("Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key")
		}
	}
	*k = append(*k, term)
	return nil
}
