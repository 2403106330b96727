package partiql

import (
	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
)

// Kind is what a statement does.
type Kind uint8

// The kinds of statements. Exists is a condition that a transaction checks.
const (
	Select Kind = iota + 1
	Insert
	Update
	Delete
	Exists
)

// Statement is a parsed statement, its parameters filled in.
type Statement struct {
	Kind  Kind
	Table string
	Index string // of a Select; empty for the table itself

	Columns []expr.Path // of a Select; nil for all
	Where   Condition   // nil for none
	Order   *Order      // of a Select; nil for none

	Item attr.Item // of an Insert
	Sets []Set     // of an Update

	// Returning is what a write returns: ALL_OLD, UPDATED_OLD, ALL_NEW,
	// UPDATED_NEW, or empty for nothing.
	Returning string
}

// Order is an ORDER BY clause; Path is a key attribute.
type Order struct {
	Path       expr.Path
	Descending bool
}

// Reads says whether the statement changes nothing.
func (s *Statement) Reads() bool { return s.Kind == Select }

// Set is one assignment or removal of an Update. Action is the section of an
// update expression that does it: SET, REMOVE, ADD or DELETE.
type Set struct {
	Action string
	Path   expr.Path
	Value  source // nil for REMOVE
}

// Condition is a WHERE clause, or a part of one.
type Condition interface {
	// write appends the condition as a condition expression.
	write(w *Writer)
	// level is how tightly the outermost operator binds; higher is tighter.
	level() int
}

const (
	levelOr = iota + 1
	levelAnd
	levelNot
	levelTest
)

type (
	// And holds if both parts do.
	And struct{ Left, Right Condition }
	// Or holds if a part does.
	Or struct{ Left, Right Condition }
	// Not holds if its part does not.
	Not struct{ Of Condition }
	// Compare relates two operands by = <> < <= > or >=.
	Compare struct {
		Op          string
		Left, Right Operand
	}
	// Between holds for operands from Low to High, both inclusive.
	Between struct{ Of, Low, High Operand }
	// In holds for operands that equal one of the list.
	In struct {
		Of   Operand
		List []Operand
	}
	// Call is begins_with, contains or attribute_type, or attribute_exists and
	// attribute_not_exists, which IS MISSING stands for.
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
	// Path is a document path.
	Path struct{ expr.Path }
	// Value is a literal or a parameter.
	Value struct{ attr.Value }
	// Size is the size of what is at a path.
	Size struct{ Of Path }
)

// source is what an Update assigns.
type source interface{ writeSource(w *Writer) }

type (
	sum struct {
		op          string // + or -
		left, right Operand
	}
	listAppend struct{ left, right Operand }
)

// Conjuncts returns the parts of a condition that must all hold.
func Conjuncts(c Condition) []Condition {
	switch c := c.(type) {
	case nil:
		return nil
	case And:
		return append(Conjuncts(c.Left), Conjuncts(c.Right)...)
	}
	return []Condition{c}
}
