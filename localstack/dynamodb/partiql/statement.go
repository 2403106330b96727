package partiql

import (
	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
)

// Kind is the kind of a statement.
type Kind uint8

// The kinds of statements. Exists is a condition of a transaction.
const (
	Select Kind = iota + 1
	Insert
	Update
	Delete
	Exists
)

// Statement is a parsed statement with the values of its parameters.
type Statement struct {
	Kind  Kind
	Table string
	Index string // Select: "" for the table itself

	Columns []expr.Path // Select: nil for all columns
	Where   Condition   // nil if there is none
	Order   *Order      // Select: nil if there is none

	Item attr.Item // Insert
	Sets []Set     // Update

	// Returning says what a write returns: ALL_OLD, UPDATED_OLD, ALL_NEW,
	// UPDATED_NEW, or "" for nothing.
	Returning string
}

// Order is an ORDER BY clause.
type Order struct {
	Path       expr.Path // a key attribute
	Descending bool
}

// Reads reports whether the statement returns items and changes nothing.
func (s *Statement) Reads() bool { return s.Kind == Select }

// Set is one assignment or removal of an Update.
type Set struct {
	Action string // the section of the update expression: SET, REMOVE, ADD or DELETE
	Path   expr.Path
	Value  source // nil for REMOVE
}

// Condition is a WHERE clause or a part of one.
type Condition interface {
	// write writes the condition as a condition expression.
	write(w *Writer)
	// level returns the precedence of the outermost operator.
	level() int
}

// Levels of precedence, from the lowest to the highest.
const (
	levelOr = iota + 1
	levelAnd
	levelNot
	levelTest
)

type (
	// And is true if both conditions are true.
	And struct{ Left, Right Condition }
	// Or is true if one of the conditions is true.
	Or struct{ Left, Right Condition }
	// Not is true if the condition is false.
	Not struct{ Of Condition }
	// Compare compares two operands with = <> < <= > or >=.
	Compare struct {
		Op          string
		Left, Right Operand
	}
	// Between is true if Of is between Low and High, both inclusive.
	Between struct{ Of, Low, High Operand }
	// In is true if Of equals an operand of the list.
	In struct {
		Of   Operand
		List []Operand
	}
	// Call is a call of begins_with, contains, attribute_type, attribute_exists
	// or attribute_not_exists. IS MISSING becomes one of the last two.
	Call struct {
		Name string
		Args []Operand
	}
)

func (And) level() int     { return levelAnd }
func (Or) level() int      { return levelOr }
func (Not) level() int     { return levelNot }
func (Compare) level() int { return levelTest }
func (Between) level() int { return levelTest }
func (In) level() int      { return levelTest }
func (Call) level() int    { return levelTest }

// Operand is a [Path], a [Value] or a [Size].
type Operand interface{ writeOperand(w *Writer) }

type (
	// Path is the value at a document path.
	Path struct{ expr.Path }
	// Value is a literal or a parameter.
	Value struct{ attr.Value }
	// Size is the size of the value at a path.
	Size struct{ Of Path }
)

// source is the right side of an assignment.
type source interface{ writeSource(w *Writer) }

type (
	sum struct {
		op          string // + or -
		left, right Operand
	}
	listAppend struct{ left, right Operand }
)

// Conjuncts returns the conditions that c joins with AND.
func Conjuncts(c Condition) []Condition {
	switch c := c.(type) {
	case nil:
		return nil
	case And:
		return append(Conjuncts(c.Left), Conjuncts(c.Right)...)
	}
	return []Condition{c}
}
